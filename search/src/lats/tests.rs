//! Tests of LATS: small trees played by hand.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, names, obliging, passes, play, program, ran, reflection, run, suite};
use crate::{Draft, Search};

fn lats(iterations: usize, revisions: usize) -> Lats {
    Lats::new(LatsConfig { iterations, revisions, ..LatsConfig::default() })
}

/// A suite, and a first program that passes 1 of 4 visible tests and 1 of 4 others.
fn beginning() -> Vec<(&'static str, TrialResult)> {
    vec![
        ("generate_tests", made([suite()])),
        ("implement", made([program(1, 1, 4)])),
        ("run_tests", ran([passes(1, 4)])),
    ]
}

/// An iteration whose revisions pass so many of 4 visible tests and of 4 others.
fn iteration(first: u64, passed: &[(u32, u32)]) -> Vec<(&'static str, TrialResult)> {
    let drafts: Vec<Draft> =
        (first..).zip(passed).map(|(number, (visible, _))| program(number, *visible, 4)).collect();
    let mut script =
        vec![("reflect", reflection()), ("generate_tests", made([suite()])), ("refine", made(drafts))];
    script.extend(passed.iter().map(|(_, written)| ("run_tests", ran([passes(*written, 4)]))));
    script
}

/// Visits and sums of returns of all programs, by node.
fn statistics(search: &Search) -> Vec<(u32, u32, f64)> {
    let programs = search.tree().nodes().filter(|node| node.attempt.is_some());
    programs.map(|node| (node.id.0, node.stats.visits, node.stats.sum)).collect()
}

#[test]
fn a_program_that_passes_its_tests_ends_the_search() {
    let script = vec![
        ("generate_tests", made([suite()])),
        ("implement", made([program(1, 4, 4)])),
        ("run_tests", ran([passes(4, 4)])),
    ];
    assert_eq!(play(lats(8, 5), script).stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn returns_are_backed_up_as_means_and_uct_chooses() {
    // Nodes: 1 suite, 2 first program, 3 reflection, 4 suite, 5 and 6 revisions with the returns 3/8 and 6/8.
    let script = [beginning(), iteration(2, &[(2, 1), (4, 2)])].concat();
    let mut search = play(lats(8, 2), script);
    assert_eq!(statistics(&search), [(2, 2, 1.125), (5, 1, 0.375), (6, 1, 0.75)]);
    // Equal visits, so the larger return is chosen, and reflected on once.
    let trials = search.ask(8);
    assert_eq!(names(&trials), ["reflect", "generate_tests"]);
    assert_eq!(trials[0].node, NodeId(6));
    search.tell(trials[0].id, reflection());
    search.tell(trials[1].id, made([suite()]));
    // Node 7 is the reflection, 8 the suite; the path leads from the first program to the chosen one.
    let trials = search.ask(8);
    let past =
        |program, reflection| PastAttempt { program: NodeId(program), reflection: Some(NodeId(reflection)) };
    let path = vec![past(2, 3), past(6, 7)];
    assert_eq!(trials[0].operator, Operator::RefineWithHistory { path, count: 2 });
    search.tell(trials[0].id, made([program(4, 0, 4), program(5, 0, 4)]));
    for trial in search.ask(8) {
        assert_eq!(trial.operator, Operator::RunTests { suites: vec![NodeId(8)], shown: Shown::All });
        search.tell(trial.id, ran([passes(0, 4)]));
    }
    // N = 4 at the first program: node 5 is 0.375 + sqrt(ln 4 / 1) = 1.552, node 6 is 0.25 + sqrt(ln 4 / 3) = 0.930.
    assert_eq!(statistics(&search), [(2, 4, 1.125), (5, 1, 0.375), (6, 3, 0.75), (9, 1, 0.0), (10, 1, 0.0)]);
    assert_eq!(search.ask(1)[0].node, NodeId(5));
}

#[test]
fn passing_the_models_tests_is_not_enough() {
    let script = [beginning(), iteration(2, &[(3, 4)])].concat();
    assert_eq!(play(lats(8, 1), script).stop_reason(), None);
    let script = [beginning(), iteration(2, &[(3, 4), (4, 4)])].concat();
    assert_eq!(play(lats(8, 2), script).stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn an_expansion_that_gives_nothing_returns_zero() {
    let nothing = vec![("reflect", Unusable), ("generate_tests", Unusable), ("refine", Unusable)];
    let search = play(lats(1, 5), [beginning(), nothing].concat());
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(statistics(&search), [(2, 1, 0.0)]);
}

#[test]
fn a_missing_first_program_is_asked_for_again() {
    let script =
        vec![("generate_tests", Unusable), ("implement", Unusable), ("implement", made([program(1, 4, 4)]))];
    assert_eq!(play(lats(8, 5), script).stop_reason(), Some(StopReason::Accepted));
    let (search, log) = run(lats(3, 5), 1, 1, |_| Unusable);
    assert_eq!((search.stop_reason(), log.len()), (Some(StopReason::Exhausted), 4));
}

#[test]
fn without_any_test_there_is_nothing_to_search_by() {
    let script = vec![("generate_tests", Unusable), ("implement", made([program(1, 0, 0)]))];
    assert_eq!(play(lats(8, 5), script).stop_reason(), Some(StopReason::Exhausted));
}

#[test]
fn the_first_tests_can_be_kept() {
    let config = LatsConfig { iterations: 2, revisions: 1, fresh_tests: false, ..LatsConfig::default() };
    let (_, log) = run(Lats::new(config), 1, 4, |trial| obliging(trial, 1));
    let expected = [
        "generate_tests",
        "implement",
        "run_tests",
        "reflect",
        "refine",
        "run_tests",
        "reflect",
        "refine",
        "run_tests",
    ];
    assert_eq!(names(&log), expected);
}
