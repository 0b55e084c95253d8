//! Tests of AgentCoder: rounds played by hand.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, names, obliging, passes, play, program, ran, run, suite};

fn agentcoder(revision: Revision) -> AgentCoder {
    AgentCoder::new(AgentCoderConfig { programs: 2, suites: 4, rounds: 2, revision, ..Default::default() })
}

/// A run that passes so many of four suites.
fn suites(passed: usize) -> TrialResult {
    ran((0..4).map(|index| passes(if index < passed { 3 } else { 2 }, 3)))
}

#[test]
fn three_suites_passed_as_a_whole_are_enough() {
    let script = vec![
        ("resample", made([program(1, 4, 4), program(2, 4, 4)])),
        ("generate_tests", made(vec![suite(); 4])),
        ("run_tests", suites(2)),
        ("run_tests", suites(3)),
    ];
    let search = play(agentcoder(Revision::Scratch), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn a_round_that_fails_is_forgotten() {
    let round = || {
        vec![
            ("resample", made([program(1, 4, 4), program(2, 4, 4)])),
            ("generate_tests", made(vec![suite(); 4])),
            ("run_tests", suites(2)),
            ("run_tests", suites(0)),
        ]
    };
    let search = play(agentcoder(Revision::Scratch), [round(), round()].concat());
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
}

#[test]
fn a_program_that_fails_a_visible_test_is_not_accepted() {
    let script = vec![
        ("resample", made([program(1, 3, 4)])),
        ("generate_tests", made(vec![suite(); 4])),
        ("run_tests", suites(4)),
        ("resample", made([program(2, 0, 0)])),
        ("generate_tests", made(vec![suite(); 4])),
        ("run_tests", suites(4)),
    ];
    assert_eq!(play(agentcoder(Revision::Scratch), script).stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn copies_run_once_and_missing_parts_end_the_round() {
    let script = vec![
        ("resample", made([program(1, 4, 4), program(1, 4, 4)])),
        ("generate_tests", made(vec![suite(); 4])),
        ("run_tests", suites(0)),
        ("resample", Unusable),
        ("generate_tests", made([suite()])),
    ];
    assert_eq!(play(agentcoder(Revision::Scratch), script).stop_reason(), Some(StopReason::Exhausted));
}

#[test]
fn without_suites_the_visible_tests_accept() {
    let script = |passed| vec![("resample", made([program(1, passed, 4)])), ("generate_tests", Unusable)];
    let search = play(agentcoder(Revision::Scratch), script(4));
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    assert_eq!(play(agentcoder(Revision::Scratch), script(3)).stop_reason(), None);
}

#[test]
fn fewer_suites_must_all_pass() {
    let script = |passed| {
        vec![
            ("resample", made([program(1, 4, 4)])),
            ("generate_tests", made(vec![suite(); 2])),
            ("run_tests", ran([passes(3, 3), passes(passed, 3)])),
        ]
    };
    assert_eq!(play(agentcoder(Revision::Scratch), script(3)).stop_reason(), Some(StopReason::Accepted));
    assert_eq!(play(agentcoder(Revision::Scratch), script(2)).stop_reason(), None);
}

#[test]
fn with_feedback_the_best_program_is_revised_on_the_same_suites() {
    let script = vec![
        ("resample", made([program(1, 4, 4), program(2, 4, 4)])),
        ("generate_tests", made(vec![suite(); 4])),
        ("run_tests", suites(1)),
        ("run_tests", suites(2)),
    ];
    let mut search = play(agentcoder(Revision::Feedback), script);
    let trials = search.ask(4);
    let [revision] = trials.as_slice() else { panic!("one revision: {trials:?}") };
    assert_eq!(
        (revision.node, &revision.operator),
        (NodeId(2), &Operator::Refine { reflection: None, count: 1 })
    );
    search.tell(revision.id, made([program(3, 4, 4)]));
    let trials = search.ask(4);
    let [run] = trials.as_slice() else { panic!("one run: {trials:?}") };
    let suites_of_round_one: Vec<NodeId> = (3..7).map(NodeId).collect();
    assert_eq!(run.operator, Operator::RunTests { suites: suites_of_round_one, shown: Shown::All });
    search.tell(run.id, suites(3));
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn a_round_is_asked_for_at_once() {
    let (_, log) =
        run(AgentCoder::new(AgentCoderConfig { rounds: 1, ..Default::default() }), 1, 8, |trial| {
            obliging(trial, 4)
        });
    let mut expected = vec!["resample", "generate_tests"];
    expected.extend(["run_tests"; 5]);
    assert_eq!(names(&log), expected);
    assert!(log.iter().all(|trial| (trial.temperature - 1.0).abs() < f64::EPSILON));
}
