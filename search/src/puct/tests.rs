//! Tests of P-UCB against numbers worked out by hand.

use super::*;
use crate::backup;

const PUBLISHED: Puct = Puct { c_base: 10.0, c: 4.0, formula: PuctFormula::Published };
const PRIOR_AWARE: Puct = Puct { c_base: 10.0, c: 4.0, formula: PuctFormula::PriorAware };

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 5e-4, "{found} instead of {expected}");
}

#[test]
fn the_worked_example() {
    // 0.4 + (ln(21/10) + 4) * 0.5 * sqrt(ln 10) / 4
    close(PUBLISHED.score(0.4, 0.5, 10, 3), 1.299);
    // The same with ln 11.
    close(PRIOR_AWARE.score(0.4, 0.5, 10, 3), 1.318);
}

#[test]
fn at_the_first_visit_the_published_prior_is_mute_and_ours_is_not() {
    close(PUBLISHED.score(0.0, 0.9, 1, 0), 0.0);
    close(PUBLISHED.score(0.0, 0.1, 1, 0), 0.0);
    // (ln(12/10) + 4) * p * sqrt(ln 2)
    close(PRIOR_AWARE.score(0.0, 0.9, 1, 0), 3.134);
    close(PRIOR_AWARE.score(0.0, 0.1, 1, 0), 0.348);
}

/// A root with thoughts of the given priors.
fn tree(priors: &[f64]) -> Tree {
    let mut tree = Tree::new();
    for prior in priors {
        tree.add(NodeId::ROOT, NodeKind::Thought, "propose", *prior, None).unwrap();
    }
    tree
}

#[test]
fn the_first_choice_follows_the_prior_or_as_published_the_order() {
    let tree = tree(&[0.2, 0.5, 0.3]);
    assert_eq!(PRIOR_AWARE.select_leaf(&tree), NodeId(2));
    assert_eq!(PUBLISHED.select_leaf(&tree), NodeId(1));
}

#[test]
fn ties_go_to_the_thought_that_was_proposed_first() {
    assert_eq!(PRIOR_AWARE.select_leaf(&tree(&[0.5, 0.5])), NodeId(1));
    assert_eq!(PRIOR_AWARE.select_leaf(&tree(&[0.0, 0.0])), NodeId(1));
}

#[test]
fn without_thoughts_the_root_is_the_leaf() {
    let mut tree = Tree::new();
    assert_eq!(PRIOR_AWARE.select_leaf(&tree), NodeId::ROOT);
    tree.add(NodeId::ROOT, NodeKind::Solution, "implement", 1.0, None).unwrap();
    assert_eq!(PRIOR_AWARE.select_leaf(&tree), NodeId::ROOT, "programs are not followed");
}

#[test]
fn returns_shrink_on_their_way_up_and_steer_the_next_choice() {
    let mut tree = tree(&[0.5, 0.5]);
    let (one, other) = (NodeId(1), NodeId(2));
    let deep = tree.add(one, NodeKind::Thought, "extend", 1.0, None).unwrap();
    backup::discounted(&mut tree, deep, 1.0, 0.9);
    let largest = |node| tree.node(node).unwrap().stats.max;
    close(largest(deep), 1.0);
    close(largest(one), 0.9);
    close(largest(NodeId::ROOT), 0.81);
    close(largest(other), 0.0);

    // N = 2: the seen one scores 0.9 + b/4, the new one b/2, with b = (ln 1.3 + 4) * sqrt(ln 3) = 4.467.
    close(PRIOR_AWARE.score(0.9, 0.5, 2, 1), 2.017);
    close(PRIOR_AWARE.score(0.0, 0.5, 2, 0), 2.234);
    assert_eq!(PRIOR_AWARE.select_leaf(&tree), other);

    // With N = 3 and one return each, 0.9 beats 0.5.
    backup::discounted(&mut tree, other, 0.5, 0.9);
    assert_eq!(PRIOR_AWARE.select_leaf(&tree), deep);
}

#[test]
fn the_largest_return_counts_and_not_the_mean() {
    let mut tree = tree(&[0.5, 0.5]);
    for (node, value) in [(1, 1.0), (1, 0.0), (2, 0.6), (2, 0.6)] {
        tree.back_up(NodeId(node), value).unwrap();
    }
    assert_eq!(PRIOR_AWARE.select_child(&tree, NodeId::ROOT), Some(NodeId(1)));
}
