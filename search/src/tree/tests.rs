//! Tests of the tree: its history is the whole of it.

use proptest::prelude::*;

use super::*;

fn thought(tree: &mut Tree, parent: NodeId) -> NodeId {
    tree.add(parent, NodeKind::Thought, "propose", 0.5, None).unwrap()
}

#[test]
fn a_new_tree_is_its_root() {
    let tree = Tree::new();
    assert_eq!(tree.len(), 1);
    let root = tree.node(NodeId::ROOT).unwrap();
    assert_eq!((root.parent, root.kind, root.depth, root.stats.visits), (None, NodeKind::Root, 0, 0));
}

#[test]
fn nodes_know_their_place() {
    let mut tree = Tree::new();
    let first = thought(&mut tree, NodeId::ROOT);
    let second = thought(&mut tree, NodeId::ROOT);
    let deep = thought(&mut tree, second);
    let ids = |nodes: Vec<&Node>| nodes.into_iter().map(|node| node.id).collect::<Vec<_>>();
    assert_eq!(ids(tree.children(NodeId::ROOT).collect()), [first, second]);
    assert_eq!(ids(tree.lineage(deep).collect()), [deep, second, NodeId::ROOT]);
    assert_eq!(tree.node(deep).unwrap().depth, 2);
}

#[test]
fn returns_are_counted_summed_and_the_largest_kept() {
    let mut tree = Tree::new();
    assert_eq!(tree.node(NodeId::ROOT).unwrap().stats.mean(), None);
    for value in [0.25, 0.75, 0.5] {
        tree.back_up(NodeId::ROOT, value).unwrap();
    }
    let stats = tree.node(NodeId::ROOT).unwrap().stats;
    assert_eq!(stats, Stats { visits: 3, max: 0.75, sum: 1.5 });
    assert_eq!(stats.mean(), Some(0.5));
}

#[test]
fn a_taken_back_rethink_puts_the_version_before_in_force() {
    let mut tree = Tree::new();
    let node = thought(&mut tree, NodeId::ROOT);
    tree.rethink(node).unwrap();
    tree.rethink(node).unwrap();
    tree.revert(node).unwrap();
    assert_eq!(tree.node(node).unwrap().payloads, [0, 1]);
    tree.rethink(node).unwrap();
    assert_eq!(tree.node(node).unwrap().payloads, [0, 1, 3]);
    assert_eq!(tree.node(node).unwrap().rethinks, 3);
}

#[test]
fn the_newest_judgement_of_a_kind_counts() {
    let mut tree = Tree::new();
    tree.evaluate(NodeId::ROOT, Evaluator::SelfEval, -0.5).unwrap();
    tree.evaluate(NodeId::ROOT, Evaluator::SelfEval, 0.5).unwrap();
    let root = tree.node(NodeId::ROOT).unwrap();
    assert_eq!((root.score(Evaluator::SelfEval), root.score(Evaluator::Reward)), (Some(0.5), None));
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut tree = Tree::new();
    let node = thought(&mut tree, NodeId::ROOT);
    let before = tree.clone();
    let (ghost, id) = (NodeId(9), NodeId(2));
    let added = |node, parent, kind, prior| Change::Added {
        node,
        parent,
        kind,
        operator: "implement".to_owned(),
        prior,
        attempt: None,
    };
    let reward =
        |score| Change::Evaluated { node, evaluation: Evaluation { evaluator: Evaluator::Reward, score } };
    let refused = [
        (added(ghost, node, NodeKind::Solution, 1.0), "node 9 comes out of turn, the next is 2"),
        (added(id, ghost, NodeKind::Solution, 1.0), "no node 9"),
        (added(id, id, NodeKind::Solution, 1.0), "no node 2"),
        (added(id, node, NodeKind::Root, 1.0), "second root"),
        (added(id, node, NodeKind::Solution, 1.5), "the prior of node 2 is 1.5, outside [0, 1]"),
        (Change::PriorSet { node, prior: f64::NAN }, "the prior of node 1 is NaN"),
        (Change::BackedUp { node, value: -0.1 }, "a return of node 1 is -0.1"),
        (Change::BackedUp { node: ghost, value: 0.1 }, "no node 9"),
        (reward(-0.5), "a score of node 1 is -0.5, outside [0, 1]"),
        (Change::Rethought { node: NodeId::ROOT }, "no thought"),
        (Change::Reverted { node }, "nothing to take back"),
    ];
    for (change, expected) in refused {
        let error = tree.apply(change.clone()).unwrap_err().to_string();
        assert!(error.contains(expected), "{change:?} was refused with {error:?}");
    }
    assert_eq!(tree, before);
    assert_eq!(tree.take_changes().len(), 1, "a refused change is no part of the history");
}

/// Any change, most of which fit a tree of a few nodes.
fn change() -> impl Strategy<Value = Change> {
    let node = || (0_u32..12).prop_map(NodeId);
    let score = || prop_oneof![9 => 0.0..=1.0, 1 => -1.5..1.5];
    let evaluator =
        prop_oneof![Just(Evaluator::VisiblePassFraction), Just(Evaluator::SelfEval), Just(Evaluator::Reward)];
    let kind = prop_oneof![Just(NodeKind::Thought), Just(NodeKind::Solution), Just(NodeKind::Root)];
    let attempt = proptest::option::of((any::<u64>(), 0_u32..4).prop_map(|(fingerprint, passed)| Attempt {
        fingerprint,
        passed,
        total: 4,
        ..Attempt::default()
    }));
    prop_oneof![
        (node(), kind, score(), attempt).prop_map(|(parent, kind, prior, attempt)| Change::Added {
            // Set to the next free id before it is applied.
            node: NodeId::ROOT,
            parent,
            kind,
            operator: "extend".to_owned(),
            prior,
            attempt,
        }),
        (node(), evaluator, score()).prop_map(|(node, evaluator, score)| Change::Evaluated {
            node,
            evaluation: Evaluation { evaluator, score }
        }),
        node().prop_map(|node| Change::Rethought { node }),
        node().prop_map(|node| Change::Reverted { node }),
        (node(), score()).prop_map(|(node, prior)| Change::PriorSet { node, prior }),
        (node(), score()).prop_map(|(node, value)| Change::BackedUp { node, value }),
    ]
}

fn grown(changes: Vec<Change>) -> Tree {
    let mut tree = Tree::new();
    for mut change in changes {
        if let Change::Added { node, .. } = &mut change {
            *node = NodeId(tree.len() as u32);
        }
        let before = tree.clone();
        if tree.apply(change).is_err() {
            assert_eq!(tree, before);
        }
    }
    tree
}

proptest! {
    #[test]
    fn replaying_a_history_rebuilds_the_tree(changes in proptest::collection::vec(change(), 0..80)) {
        let mut tree = grown(changes);
        let history = tree.take_changes();
        let mut replayed = Tree::replay(history).unwrap();
        prop_assert_eq!(&replayed, &tree);
        prop_assert!(replayed.take_changes().is_empty());
    }

    #[test]
    fn a_history_survives_being_written_down(changes in proptest::collection::vec(change(), 0..40)) {
        let mut tree = grown(changes);
        let written = serde_json::to_string(&tree.take_changes()).unwrap();
        let history: Vec<Change> = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(&Tree::replay(history).unwrap(), &tree);
    }

    #[test]
    fn a_history_with_a_gap_is_refused(count in 2_u32..10, lost in 0_u32..8) {
        let mut tree = Tree::new();
        for _ in 0..count {
            thought(&mut tree, NodeId::ROOT);
        }
        let mut history = tree.take_changes();
        history.remove((lost % (count - 1)) as usize);
        let replayed = Tree::replay(history);
        prop_assert!(matches!(replayed, Err(TreeError::OutOfTurn { .. })), "{replayed:?}");
    }
}

#[test]
fn programs_run_on_suites_and_the_newest_run_counts() {
    use crate::testing::{add_program, add_suite, passes};
    let mut tree = Tree::new();
    let (suite, program) = (add_suite(&mut tree), add_program(&mut tree, 1, 4, 4));
    for (of, run) in [(suite, passes(1, 3)), (NodeId::ROOT, passes(4, 4)), (suite, passes(2, 3))] {
        tree.apply(Change::Ran { node: program, suite: of, run }).unwrap();
    }
    let node = tree.node(program).unwrap();
    assert_eq!(node.run(suite), Some(&passes(2, 3)));
    assert_eq!(node.runs.len(), 2);
    let wrong = Change::Ran { node: program, suite: program, run: passes(0, 0) };
    assert_eq!(tree.apply(wrong), Err(TreeError::NotASuite { node: program }));
}
