//! Tests of critical sampling: what the second stage works from.

use super::*;
use crate::TrialResult::Unusable;
use crate::choose::ranking;
use crate::testing::{made, names, obliging, play, program, run};

fn config() -> CriticalSamplingConfig {
    CriticalSamplingConfig { programs: 3, ..CriticalSamplingConfig::default() }
}

/// What is asked for after a first stage whose three programs passed so many of 4 tests.
fn second_stage(passed: [Option<u32>; 3]) -> Vec<(NodeId, Operator)> {
    let results = passed.iter().enumerate().map(|(index, passed)| {
        let result = passed.map_or(Unusable, |passed| made([program(index as u64, passed, 4)]));
        ("resample", result)
    });
    let mut search = play(CriticalSampling::new(config()), results.collect());
    search.ask(8).into_iter().map(|trial| (trial.node, trial.operator)).collect()
}

fn refine(node: u32, count: usize) -> (NodeId, Operator) {
    (NodeId(node), Operator::RefineFromPrefix { count })
}

fn repair(node: u32) -> (NodeId, Operator) {
    (NodeId(node), Operator::Refine { reflection: None, count: 1 })
}

#[test]
fn passing_programs_are_refined_in_equal_shares() {
    assert_eq!(second_stage([Some(4), Some(1), Some(0)]), [refine(1, 3)]);
    assert_eq!(second_stage([Some(4), Some(1), Some(4)]), [refine(1, 2), refine(3, 1)]);
    assert_eq!(second_stage([Some(4), Some(4), Some(4)]), [refine(1, 1), refine(2, 1), refine(3, 1)]);
}

#[test]
fn where_none_passes_the_best_is_repaired() {
    assert_eq!(second_stage([Some(1), Some(3), Some(0)]), [repair(2), repair(2), repair(2)]);
    assert_eq!(second_stage([None, Some(0), None]), [repair(1), repair(1), repair(1)]);
}

#[test]
fn where_there_is_nothing_programs_are_drawn_afresh() {
    let fresh = (NodeId::ROOT, Operator::Resample { count: 1, style: ProgramStyle::Direct, drawn: None });
    assert_eq!(second_stage([None, None, None]), [fresh.clone(), fresh.clone(), fresh]);
}

#[test]
fn several_can_be_repaired() {
    let config = CriticalSamplingConfig { repaired: 2, ..config() };
    let results = [1, 3, 2].iter().map(|passed| ("resample", made([program(*passed, *passed as u32, 4)])));
    let mut search = play(CriticalSampling::new(config), results.collect());
    let asked: Vec<_> = search.ask(8).into_iter().map(|trial| (trial.node, trial.operator)).collect();
    assert_eq!(asked, [repair(2), repair(2), repair(3)]);
}

#[test]
fn without_tests_what_parses_is_refined() {
    let mut broken = program(2, 0, 0);
    broken.attempt.as_mut().unwrap().parses = false;
    let results = [program(1, 0, 0), broken, program(1, 0, 0)].map(|draft| ("resample", made([draft])));
    let mut search = play(CriticalSampling::new(config()), results.into());
    let trials = search.ask(8);
    assert_eq!((trials.len(), trials[0].node, &trials[0].operator), (1, NodeId(1), &refine(1, 3).1));
}

#[test]
fn one_more_iteration_and_no_further() {
    let (search, log) = run(CriticalSampling::new(config()), 1, 3, |trial| obliging(trial, 2));
    assert_eq!(names(&log), [["resample"; 3], ["refine"; 3]].concat());
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    let more = CriticalSamplingConfig { iterations: 0, ..config() };
    let (search, log) = run(CriticalSampling::new(more), 1, 3, |trial| obliging(trial, 4));
    assert_eq!((log.len(), search.stop_reason()), (3, Some(StopReason::Accepted)));
}

#[test]
fn requests_of_a_stage_are_all_in_flight_and_never_ask_for_more_than_the_stage_has() {
    let config = CriticalSamplingConfig { programs: 7, per_request: 3, ..config() };
    let mut search = crate::Search::new(Box::new(CriticalSampling::new(config)), 1);
    let counts: Vec<u64> = search.ask(9).iter().map(|trial| trial.operator.generations()).collect();
    assert_eq!(counts, [3, 3, 1]);
    assert!(search.ask(9).is_empty());
}

/// The n programs of n@k: those that pass the examples first, the others by how many they pass.
#[test]
fn programs_are_ranked_for_submission() {
    let passed = [1, 4, 3];
    let results = passed.iter().map(|passed| ("resample", made([program(*passed, *passed as u32, 4)])));
    let mut script: Vec<_> = results.collect();
    script.push(("refine_from_prefix", made([program(10, 4, 4), program(11, 0, 4), program(4, 4, 4)])));
    let search = play(CriticalSampling::new(config()), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    assert_eq!(ranking(search.tree()), [2, 4, 3, 1, 5].map(NodeId));
    assert_eq!(search.tree().node(NodeId(4)).unwrap().parent, Some(NodeId(2)));
}
