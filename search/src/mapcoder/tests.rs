//! Tests of MapCoder: its stages played by hand, the order of plans, and what unreadable answers do.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, names, obliging, play, program, run, thoughts};
use crate::{Draft, Search};

fn mapcoder(plans: usize, fixes: usize) -> MapCoder {
    MapCoder::new(MapCoderConfig { plans, fixes, ..MapCoderConfig::default() })
}

fn plan() -> TrialResult {
    made([Draft { kind: NodeKind::Plan, prior: None, attempt: None }])
}

const fn rated(grade: f64) -> TrialResult {
    TrialResult::Graded { grade: Some(grade) }
}

/// Three recalled problems (nodes 1 to 3) and their plans (nodes 4 to 6), rated so.
fn planned(ratings: [TrialResult; 3]) -> Vec<(&'static str, TrialResult)> {
    let mut script =
        vec![("recall", thoughts(&[1.0; 3])), ("plan", plan()), ("plan", plan()), ("plan", plan())];
    script.extend(ratings.map(|rating| ("rate_plan", rating)));
    script
}

fn next(search: &mut Search) -> (u32, Operator) {
    let trials = search.ask(4);
    let [trial] = trials.as_slice() else { panic!("one trial follows, not {trials:?}") };
    (trial.node.0, trial.operator.clone())
}

#[test]
fn the_surest_plan_is_written_first_and_mended_t_times() {
    let mut script = planned([rated(0.6), rated(0.9), rated(0.9)]);
    for fingerprint in 0..3 {
        let operator = if fingerprint == 0 { "implement" } else { "refine_with_plan" };
        let mut search = play(mapcoder(3, 2), script.clone());
        let expected = if fingerprint == 0 { Operator::Implement } else { Operator::RefineWithPlan };
        let node = if fingerprint == 0 { 5 } else { 6 + fingerprint as u32 };
        assert_eq!(next(&mut search), (node, expected));
        script.push((operator, made([program(fingerprint, 1, 4)])));
    }
    let mut search = play(mapcoder(3, 2), script);
    assert_eq!(next(&mut search), (6, Operator::Implement), "of equal plans the first, then the other");
}

#[test]
fn the_first_program_that_passes_ends_the_search() {
    let mut script = planned([rated(0.6), rated(0.2), rated(0.1)]);
    script.push(("implement", made([program(1, 1, 4)])));
    script.push(("refine_with_plan", made([program(2, 4, 4)])));
    let search = play(mapcoder(3, 5), script);
    assert_eq!((search.stop_reason(), search.best()), (Some(StopReason::Accepted), Some(NodeId(8))));
}

#[test]
fn calls_are_the_papers() {
    let count = |passed: u32| {
        let answer = |trial: &Trial| match trial.operator {
            Operator::RatePlan => rated(0.5),
            _ => obliging(trial, passed),
        };
        let (search, log) = run(mapcoder(3, 5), 1, 1, answer);
        (log.len(), search.stop_reason().unwrap())
    };
    assert_eq!(count(4), (1 + 2 * 3 + 1, StopReason::Accepted));
    assert_eq!(count(1), (1 + 2 * 3 + 3 * 6, StopReason::Exhausted));
}

#[test]
fn plans_are_made_side_by_side() {
    let mut search = Search::new(Box::new(mapcoder(3, 5)), 1);
    let recall = search.ask(8).remove(0);
    search.tell(recall.id, thoughts(&[1.0; 3]));
    let plans = search.ask(8);
    assert_eq!(names(&plans), ["plan"; 3]);
    search.tell(plans[0].id, plan());
    assert!(search.ask(8).is_empty(), "no plan is rated before all are made");
}

#[test]
fn a_confidence_that_cannot_be_read_counts_as_the_middle() {
    let check = |ratings, first: u32| {
        let mut search = play(mapcoder(3, 5), planned(ratings));
        assert_eq!(next(&mut search), (first, Operator::Implement));
    };
    check([rated(0.4), TrialResult::Graded { grade: None }, rated(0.6)], 6);
    check([rated(0.4), Unusable, rated(f64::NAN)], 5);
}

#[test]
fn without_recalled_problems_the_statement_must_do_and_without_plans_too() {
    let mut search = play(mapcoder(3, 5), vec![("recall", Unusable)]);
    assert_eq!(next(&mut search), (0, Operator::Plan));
    let mut search = play(mapcoder(3, 5), vec![("recall", Unusable), ("plan", Unusable)]);
    assert_eq!(next(&mut search), (0, Operator::Implement));
    let script = vec![
        ("recall", thoughts(&[1.0; 2])),
        ("plan", Unusable),
        ("plan", plan()),
        ("rate_plan", rated(0.0)),
    ];
    let mut search = play(mapcoder(3, 5), script);
    assert_eq!(next(&mut search), (3, Operator::Implement), "one plan of two");
}

#[test]
fn an_unusable_program_counts_as_one_that_fails() {
    let mut script = vec![("recall", Unusable), ("plan", Unusable), ("implement", Unusable)];
    let mut search = play(mapcoder(1, 2), script.clone());
    assert_eq!(next(&mut search), (0, Operator::Implement), "there is nothing to mend");
    script.extend([("implement", made([program(1, 1, 4)])), ("refine_with_plan", Unusable)]);
    let search = play(mapcoder(1, 2), script);
    assert_eq!((search.stop_reason(), search.best()), (Some(StopReason::Exhausted), Some(NodeId(1))));
}

#[test]
fn the_best_program_is_submitted_and_not_the_last() {
    let script = vec![
        ("recall", Unusable),
        ("plan", Unusable),
        ("implement", made([program(1, 3, 4)])),
        ("refine_with_plan", made([program(2, 1, 4)])),
    ];
    let search = play(mapcoder(1, 1), script);
    assert_eq!((search.stop_reason(), search.best()), (Some(StopReason::Exhausted), Some(NodeId(1))));
}

#[test]
fn without_tests_the_first_program_is_the_last() {
    let script = vec![("recall", Unusable), ("plan", Unusable), ("implement", made([program(1, 0, 0)]))];
    assert_eq!(play(mapcoder(1, 1), script).stop_reason(), Some(StopReason::Exhausted));
}
