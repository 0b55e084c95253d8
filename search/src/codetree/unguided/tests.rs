//! Tests of CodeTree's controls: the order in which programs are taken up, and where they end.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, obliging, play, program, reflections, run, thoughts};
use crate::{NodeKind, Search};

fn tree(order: Order) -> UnguidedTree {
    UnguidedTree::new(UnguidedTreeConfig::default(), order)
}

/// Three strategies, whose programs (nodes 4, 5, 6) pass 1, 2 and 2 of 4 tests.
fn begun() -> Vec<(&'static str, TrialResult)> {
    vec![
        ("propose", thoughts(&[0.4, 0.3, 0.3])),
        ("implement", made([program(4, 1, 4)])),
        ("implement", made([program(5, 2, 4)])),
        ("implement", made([program(6, 2, 4)])),
    ]
}

/// Two revisions (nodes 9, 10 with their reflections 7, 8) of node 5, which pass 0 and 3 tests.
fn revised() -> Vec<(&'static str, TrialResult)> {
    let mut script = begun();
    script.extend([
        ("reflect", reflections(2)),
        ("refine", made([program(9, 0, 4)])),
        ("refine", made([program(10, 3, 4)])),
    ]);
    script
}

fn next(search: &mut Search) -> NodeId {
    let trials = search.ask(4);
    let [trial] = trials.as_slice() else { panic!("one trial follows, not {trials:?}") };
    trial.node
}

#[test]
fn the_best_program_is_taken_up_first_and_of_equals_the_first() {
    for order in [Order::BreadthFirst, Order::DepthFirst] {
        assert_eq!(next(&mut play(tree(order), begun())), NodeId(5));
    }
}

#[test]
fn breadth_first_revisions_wait_behind_what_is_open() {
    let mut search = play(tree(Order::BreadthFirst), revised());
    assert_eq!(next(&mut search), NodeId(6));
    let mut script = revised();
    script.extend([
        ("reflect", reflections(1)), // of node 6
        ("refine", Unusable),
        ("reflect", reflections(1)), // of node 4
        ("refine", Unusable),
    ]);
    assert_eq!(next(&mut play(tree(Order::BreadthFirst), script)), NodeId(10), "the better revision first");
}

#[test]
fn depth_first_the_best_of_the_newest_comes_next() {
    let mut search = play(tree(Order::DepthFirst), revised());
    assert_eq!(next(&mut search), NodeId(10));
    let mut script = revised();
    script.extend([("reflect", reflections(1)), ("refine", Unusable)]);
    assert_eq!(next(&mut play(tree(Order::DepthFirst), script.clone())), NodeId(9));
    script.extend([("reflect", reflections(1)), ("refine", Unusable)]);
    assert_eq!(next(&mut play(tree(Order::DepthFirst), script)), NodeId(6));
}

#[test]
fn the_first_program_that_passes_ends_the_search() {
    let mut script = begun();
    script.truncate(2);
    script.push(("implement", made([program(5, 4, 4)])));
    let search = play(tree(Order::BreadthFirst), script);
    assert_eq!((search.stop_reason(), search.best()), (Some(StopReason::Accepted), Some(NodeId(5))));
}

#[test]
fn lines_have_three_revisions() {
    let config = UnguidedTreeConfig { width: 1, ..UnguidedTreeConfig::default() };
    let (search, log) = run(UnguidedTree::new(config, Order::DepthFirst), 1, 1, |trial| obliging(trial, 1));
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    let revisions = search.tree().nodes().filter(|node| node.kind == NodeKind::Revision).count();
    assert_eq!((revisions, log.len()), (3, 1 + 1 + 3 * 2));
}

#[test]
fn programs_are_counted_within_a_batch() {
    for order in [Order::BreadthFirst, Order::DepthFirst] {
        let config = UnguidedTreeConfig { generations: 5, ..UnguidedTreeConfig::default() };
        let (_, log) = run(UnguidedTree::new(config, order), 1, 1, |trial| obliging(trial, 1));
        assert_eq!(log.iter().map(|trial| trial.operator.generations()).sum::<u64>(), 5, "{order:?}");
    }
}

#[test]
fn without_tests_the_first_program_is_the_last() {
    let search =
        play(tree(Order::DepthFirst), vec![("propose", Unusable), ("implement", made([program(1, 0, 0)]))]);
    assert_eq!((search.stop_reason(), search.best()), (Some(StopReason::Exhausted), Some(NodeId(1))));
}
