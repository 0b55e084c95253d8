//! Tests of resampling.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, obliging, play, program, run};

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
