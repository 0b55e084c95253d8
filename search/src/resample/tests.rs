//! Tests of resampling.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, obliging, play, program, run, sure};

#[test]
fn it_draws_ten_programs_at_once_and_stops() {
    let mut search = crate::Search::new(Box::new(Resample::new(ResampleConfig::default())), 1);
    let trials = search.ask(99);
    assert_eq!(trials.len(), 10);
    assert!(search.ask(99).is_empty());
    for trial in &trials {
        assert_eq!(search.stop_reason(), None);
        search.tell(trial.id, obliging(trial, 4));
    }
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(search.tree().len(), 11);
}

#[test]
fn the_last_request_asks_for_what_is_left() {
    let config = ResampleConfig { per_request: 4, ..ResampleConfig::default() };
    let (_, log) = run(Resample::new(config), 1, 8, |trial| obliging(trial, 0));
    let counts: Vec<u64> = log.iter().map(|trial| trial.operator.generations()).collect();
    assert_eq!(counts, [4, 4, 2]);
}

#[test]
fn distinct_programs_are_numbered_through() {
    let drawn = |distinct| -> Vec<Option<usize>> {
        let config = ResampleConfig { per_request: 4, distinct, ..ResampleConfig::default() };
        let (_, log) = run(Resample::new(config), 1, 8, |trial| obliging(trial, 0));
        let one = |trial: &Trial| match trial.operator {
            Operator::Resample { drawn, .. } => drawn,
            _ => None,
        };
        log.iter().map(one).collect()
    };
    assert_eq!(drawn(true), [Some(0), Some(4), Some(8)]);
    assert_eq!(drawn(false), [None; 3]);
}

#[test]
fn stopping_at_the_first_asks_one_at_a_time() {
    let config = ResampleConfig { stop_at_first: true, per_request: 5, ..ResampleConfig::default() };
    let script = vec![
        ("resample", made([program(1, 3, 4)])),
        ("resample", Unusable),
        ("resample", made([program(2, 0, 0)])),
        ("resample", made([program(3, 4, 4)])),
    ];
    let mut search = play(Resample::new(config.clone()), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    assert!(search.ask(9).is_empty());
    assert_eq!(crate::Search::new(Box::new(Resample::new(config)), 1).ask(9).len(), 1);
}

#[test]
fn more_programs_than_were_asked_for_are_not_taken() {
    let config = ResampleConfig { programs: 1, ..ResampleConfig::default() };
    let search = play(Resample::new(config), vec![("resample", made([program(1, 0, 4), program(2, 4, 4)]))]);
    assert_eq!(search.tree().len(), 2);
}

#[test]
fn verdicts_are_paid_for_with_programs() {
    let drawn = |programs, verdicts, verdict_cost| {
        ResampleConfig { programs, verdicts, verdict_cost, ..ResampleConfig::default() }.drawn()
    };
    // C = S (1 + λ V): 20 buys 20 programs, 10 with one verdict each, 6 with two, 8 with five at a third of the price.
    assert_eq!([drawn(20, 0, 1.0), drawn(20, 1, 1.0), drawn(20, 2, 1.0), drawn(20, 5, 0.3)], [20, 10, 6, 8]);
    assert_eq!(drawn(1, 9, 1.0), 1);
}

#[test]
fn what_no_test_speaks_against_is_judged_when_all_programs_are_there() {
    let config = ResampleConfig {
        programs: 9,
        per_request: 9,
        verdicts: 1,
        verdict_cost: 1.0,
        ..ResampleConfig::default()
    };
    let programs = made([program(1, 4, 4), program(2, 3, 4), program(1, 4, 4), program(3, 4, 4)]);
    // The first passes and is rejected, its copy is the same program, the second fails a test.
    let script = vec![("resample", programs), ("verify", sure(-0.5)), ("verify", sure(0.5))];
    let search = play(Resample::new(config), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(search.best(), Some(NodeId(4)));
}
