//! Tests of UCT, with numbers worked out by hand.

use super::*;
use crate::backup;
use crate::testing::add_program;

fn check(sum: f64, visits: u32, parent_visits: u32, expected: f64) {
    let score = Uct::default().score(sum, visits, parent_visits);
    assert!((score - expected).abs() < 1e-4, "{score} instead of {expected}");
}

#[test]
fn scores_are_those_of_the_formula() {
    // 1.5 / 3 + sqrt(ln 10 / 3) = 0.5 + sqrt(0.767528) = 0.5 + 0.876087
    check(1.5, 3, 10, 1.376_087);
    // ln 1 = 0: only the mean is left.
    check(0.75, 1, 1, 0.75);
    // 0.2 + sqrt(ln 5) = 0.2 + sqrt(1.609438) = 0.2 + 1.268636
    check(0.2, 1, 5, 1.468_636);
    check(0.0, 0, 5, 0.0);
    check(0.5, 1, 0, 0.5);
    assert!((Uct { weight: 0.0 }.score(0.5, 2, 9) - 0.25).abs() < 1e-12);
}

fn revision(tree: &mut Tree, parent: NodeId, value: f64) -> NodeId {
    let attempt = tree.attempt(NodeId(1)).cloned();
    let node = tree.add(parent, NodeKind::Revision, "refine", 1.0, attempt).unwrap();
    backup::discounted(tree, node, value, 1.0);
    node
}

#[test]
fn the_walk_goes_to_the_largest_scores() {
    let mut tree = Tree::new();
    let first = add_program(&mut tree, 1, 0, 4);
    assert_eq!(Uct::default().select_leaf(&tree, first), first);
    let (low, high) = (revision(&mut tree, first, 0.25), revision(&mut tree, first, 0.75));
    assert_eq!(Uct::default().select_leaf(&tree, first), high);
    // Below `high`: N = 4 at `first`; `low` is 0.25 + sqrt(ln 4 / 1) = 1.427, `high` is (0.75 + 0.5 + 0) / 3 +
    // sqrt(ln 4 / 3) = 0.417 + 0.680 = 1.096.
    let (_, _) = (revision(&mut tree, high, 0.5), revision(&mut tree, high, 0.0));
    assert_eq!(Uct::default().select_leaf(&tree, first), low);
    // Without exploration the means decide: `high` is at 0.417, and below it the one that came to 0.5.
    assert_eq!(Uct { weight: 0.0 }.select_leaf(&tree, first), NodeId(4));
}

#[test]
fn ties_go_to_the_older_and_other_children_do_not_count() {
    let mut tree = Tree::new();
    let first = add_program(&mut tree, 1, 0, 4);
    tree.add(first, NodeKind::Reflection, "reflect", 1.0, None).unwrap();
    let older = revision(&mut tree, first, 0.5);
    revision(&mut tree, first, 0.5);
    assert_eq!(Uct::default().select_leaf(&tree, first), older);
}
