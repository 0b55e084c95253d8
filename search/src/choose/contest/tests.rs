//! Tests of the contest on pools worked out by hand.

use super::*;
use crate::attempt::Attempt;
use crate::choose::{best, ranking};
use crate::evidence::note;
use crate::policy::{Operator, Preference, Trial, TrialId, TrialResult};
use crate::tree::{Change, Evaluator, NodeKind};

/// A tree of programs that pass everything, by their behaviour on probes.
fn tree(behaviours: &[u64]) -> Tree {
    let mut tree = Tree::new();
    for (index, behaviour) in behaviours.iter().enumerate() {
        let attempt = Attempt {
            fingerprint: index as u64,
            passed: 4,
            total: 4,
            parses: true,
            behaviour: Some(7),
            length: 100,
            slow: 0,
            learned: None,
            mean_logprob: None,
        };
        let node = tree.add(NodeId::ROOT, NodeKind::Solution, "resample", 1.0, Some(attempt)).unwrap();
        tree.apply(Change::Probed { node, behaviour: *behaviour }).unwrap();
    }
    tree
}

fn compare(tree: &mut Tree, one: u32, other: u32, preference: Preference) {
    let trial = Trial {
        id: TrialId(0),
        node: NodeId(one),
        operator: Operator::Compare { other: NodeId(other) },
        temperature: 0.0,
        max_output_tokens: 1,
        seed: 0,
    };
    note(tree, &trial, &TrialResult::Compared { preference });
}

fn check(behaviours: &[u64], clusters: usize, expected: &[(u32, u32)]) {
    let found = pairs(&tree(behaviours), clusters);
    let expected: Vec<_> = expected.iter().map(|(one, other)| (NodeId(*one), NodeId(*other))).collect();
    assert_eq!(found, expected, "{behaviours:?}");
}

#[test]
fn one_representative_per_leading_cluster_is_compared() {
    check(&[], 3, &[]);
    check(&[1], 3, &[]);
    check(&[1, 1, 1], 3, &[]);
    // Clusters of 2 and 2, and of 3 and 1.
    check(&[1, 2, 1, 2], 3, &[(1, 2)]);
    check(&[2, 1, 1, 1], 3, &[(2, 1)]);
    // The fourth of four equal clusters is left out.
    check(&[1, 2, 3, 4], 3, &[(1, 2), (1, 3), (2, 3)]);
    check(&[1, 2, 3, 4], 2, &[(1, 2)]);
    check(&[1, 2, 3, 4], 0, &[]);
}

#[test]
fn programs_below_the_best_take_no_part() {
    let mut tree = tree(&[1, 2]);
    tree.evaluate(NodeId(1), Evaluator::SelfEval, -1.0).unwrap();
    assert_eq!(pairs(&tree, 3), []);
    let failing = Attempt { fingerprint: 9, passed: 3, total: 4, parses: true, ..Attempt::default() };
    tree.add(NodeId::ROOT, NodeKind::Solution, "resample", 1.0, Some(failing)).unwrap();
    assert_eq!(pairs(&tree, 3), []);
}

#[test]
fn points_decide_between_those_compared() {
    let mut tree = tree(&[1, 1, 1, 2, 2, 3, 3]);
    assert_eq!(best(&tree), Some(NodeId(1)));
    let pairs = pairs(&tree, 3);
    assert_eq!(pairs, [(NodeId(1), NodeId(4)), (NodeId(1), NodeId(6)), (NodeId(4), NodeId(6))]);
    compare(&mut tree, 1, 4, Preference::Node);
    compare(&mut tree, 1, 6, Preference::Other);
    assert_eq!(best(&tree), Some(NodeId(1)), "one point each: the ladder decides");
    compare(&mut tree, 4, 6, Preference::Other);
    assert_eq!(best(&tree), Some(NodeId(6)), "two points against one");
    let order: Vec<u32> = ranking(&tree).into_iter().map(|node| node.0).collect();
    assert_eq!(order, [6, 1, 2, 3, 4, 5, 7]);
}

#[test]
fn ties_and_contradictions_leave_it_to_the_ladder() {
    let mut tree = tree(&[1, 1, 1, 2, 2]);
    compare(&mut tree, 1, 4, Preference::Tie);
    assert_eq!(best(&tree), Some(NodeId(1)));
    compare(&mut tree, 1, 4, Preference::Inconsistent);
    assert_eq!(best(&tree), Some(NodeId(1)));
    let scores: Vec<f64> = tree.node(NodeId(4)).unwrap().evaluations.iter().map(|it| it.score).collect();
    assert_eq!(scores, [0.5, 0.0]);
}

#[test]
fn a_cluster_that_overtakes_uncompared_is_not_bound() {
    let mut tree = tree(&[1, 2, 3, 3]);
    compare(&mut tree, 1, 2, Preference::Other);
    assert_eq!(best(&tree), Some(NodeId(3)));
}

#[test]
fn a_win_never_lifts_a_failing_program_over_a_passing_one() {
    let mut tree = tree(&[1]);
    let failing = Attempt { fingerprint: 9, passed: 3, total: 4, parses: true, ..Attempt::default() };
    tree.add(NodeId::ROOT, NodeKind::Solution, "resample", 1.0, Some(failing)).unwrap();
    compare(&mut tree, 1, 2, Preference::Other);
    assert_eq!(best(&tree), Some(NodeId(1)));
}
