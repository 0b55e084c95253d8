//! Tests of CodeChain: what each round is revised from.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, obliging, play, program, run};

fn config() -> CodeChainConfig {
    CodeChainConfig { samples: 2, per_request: 1, rounds: 2, ..CodeChainConfig::default() }
}

/// The next request after rounds whose programs passed so many of 4 tests (`None` for one that came to nothing).
fn next_after(rounds: &[[Option<u32>; 2]]) -> Vec<Operator> {
    let mut search = crate::Search::new(Box::new(CodeChain::new(config())), 1);
    let mut fingerprint = 0;
    for round in rounds {
        for passed in round {
            let trials = search.ask(1);
            fingerprint += 1;
            let result = passed.map_or(Unusable, |passed| made([program(fingerprint, passed, 4)]));
            search.tell(trials[0].id, result);
        }
    }
    search.ask(1).into_iter().map(|trial| trial.operator).collect()
}

fn check(rounds: &[[Option<u32>; 2]], sources: &[u32], clusters: usize) {
    let sources = sources.iter().copied().map(NodeId).collect();
    let choice = ModuleChoice::Centroid;
    let expected = Operator::ReviseWithModules { sources, clusters, count: 1, choice, opens_round: true };
    assert_eq!(next_after(rounds), [expected]);
}

#[test]
fn the_first_request_of_each_round_opens_it() {
    let mut search = crate::Search::new(Box::new(CodeChain::new(config())), 1);
    let mut opens = Vec::new();
    for round in 0..3 {
        for trial in search.ask(2) {
            if let Operator::ReviseWithModules { opens_round, .. } = trial.operator {
                opens.push(opens_round);
            }
            search.tell(trial.id, made([program(10 * round + trial.id.0, 3, 4)]));
        }
    }
    assert_eq!(opens, [true, false, true, false]);
}

#[test]
fn passing_programs_of_the_round_are_the_sources() {
    check(&[[Some(1), Some(4)]], &[2], 5);
}

#[test]
fn later_rounds_show_fewer_modules() {
    check(&[[Some(1), Some(4)], [Some(4), Some(0)]], &[3], 4);
}

#[test]
fn a_round_without_passing_programs_uses_those_of_the_round_before() {
    check(&[[Some(1), Some(4)], [Some(3), Some(0)]], &[2], 4);
    check(&[[Some(1), Some(4)], [None, None]], &[2], 4);
}

#[test]
fn if_none_ever_passed_the_best_partial_programs_are_the_sources() {
    check(&[[Some(1), Some(3)]], &[2], 5);
    check(&[[Some(3), Some(3)]], &[1, 2], 5);
    check(&[[Some(3), None], [Some(1), Some(0)]], &[1], 4);
}

#[test]
fn if_nothing_at_all_was_passed_the_round_is_drawn_afresh() {
    let fresh = [Operator::Resample { count: 1, style: ProgramStyle::Modular, drawn: None }];
    assert_eq!(next_after(&[[Some(0), Some(0)]]), fresh);
    assert_eq!(next_after(&[[None, None]]), fresh);
}

#[test]
fn a_round_that_all_passed_ends_the_chain() {
    assert_eq!(next_after(&[[Some(4), Some(4)]]), []);
}

#[test]
fn without_tests_every_program_that_parses_is_a_source() {
    let untested = |fingerprint| made([program(fingerprint, 0, 0)]);
    let script = vec![("resample", untested(1)), ("resample", untested(2))];
    let mut search = play(CodeChain::new(config()), script);
    let trials = search.ask(1);
    let Operator::ReviseWithModules { sources, .. } = &trials[0].operator else { panic!("{trials:?}") };
    assert_eq!(*sources, [NodeId(1), NodeId(2)]);
}

#[test]
fn equal_programs_are_one_source() {
    let twin = || made([program(7, 3, 4)]);
    let mut search = play(CodeChain::new(config()), vec![("resample", twin()), ("resample", twin())]);
    let trials = search.ask(1);
    let Operator::ReviseWithModules { sources, .. } = &trials[0].operator else { panic!("{trials:?}") };
    assert_eq!(*sources, [NodeId(1)]);
}

#[test]
fn the_published_schedule() {
    let exhaust = CodeChainConfig { exhaust: true, ..CodeChainConfig::default() };
    let (search, log) = run(CodeChain::new(exhaust), 1, 3, |trial| obliging(trial, 4));
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(log.iter().map(|trial| trial.operator.generations()).sum::<u64>(), 6 * 20);
    let clusters: Vec<usize> = log
        .iter()
        .filter_map(|trial| match trial.operator {
            Operator::ReviseWithModules { clusters, .. } => Some(clusters),
            _ => None,
        })
        .collect();
    assert_eq!(clusters, [5, 4, 3, 2, 1].map(|clusters| [clusters; 4]).concat());
}

#[test]
fn a_request_never_asks_for_more_than_the_round_needs() {
    let config = CodeChainConfig { samples: 7, per_request: 5, rounds: 0, ..CodeChainConfig::default() };
    let (_, log) = run(CodeChain::new(config), 1, 8, |trial| obliging(trial, 1));
    let counts: Vec<u64> = log.iter().map(|trial| trial.operator.generations()).collect();
    assert_eq!(counts, [5, 2]);
}
