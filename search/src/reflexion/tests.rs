//! Tests of Reflexion: chains played by hand.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, obliging, passes, play, program, ran, reflection, run, suite};

fn reflexion(max_iterations: usize) -> Reflexion {
    Reflexion::new(ReflexionConfig { max_iterations, ..ReflexionConfig::default() })
}

#[test]
fn a_program_that_passes_ends_the_chain() {
    let search = play(reflexion(10), vec![("implement", made([program(1, 4, 4)]))]);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn a_failure_is_reflected_on_and_refined() {
    let script = vec![
        ("implement", made([program(1, 1, 4)])),
        ("reflect", reflection()),
        ("refine", made([program(2, 2, 4)])),
        ("reflect", reflection()),
    ];
    let mut search = play(reflexion(10), script);
    let [trial] = &search.ask(4)[..] else { panic!("a refinement follows") };
    assert_eq!(
        (trial.node, &trial.operator),
        (NodeId(3), &Operator::Refine { reflection: Some(NodeId(4)), count: 1 })
    );
    let parents: Vec<_> = search.tree().nodes().filter_map(|node| node.parent).collect();
    assert_eq!(parents, [NodeId(0), NodeId(1), NodeId(1), NodeId(3)]);
}

#[test]
fn temperatures_are_the_papers() {
    let (_, log) = run(reflexion(2), 1, 1, |trial| obliging(trial, 1));
    let temperatures: Vec<f64> = log.iter().map(|trial| trial.temperature).collect();
    assert_eq!(temperatures, [0.0, 0.2, 0.0]);
}

#[test]
fn the_best_program_is_submitted_and_not_the_last() {
    let script = vec![
        ("implement", made([program(1, 3, 4)])),
        ("reflect", reflection()),
        ("refine", made([program(2, 1, 4)])),
    ];
    let search = play(reflexion(2), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(search.best(), Some(NodeId(1)));
}

#[test]
fn without_a_reflection_the_test_results_must_do() {
    let mut search =
        play(reflexion(10), vec![("implement", made([program(1, 1, 4)])), ("reflect", Unusable)]);
    assert_eq!(search.ask(1)[0].operator, Operator::Refine { reflection: None, count: 1 });
}

#[test]
fn an_unusable_program_counts_and_is_asked_for_again() {
    let script = vec![
        ("implement", Unusable),
        ("implement", made([program(1, 1, 4)])),
        ("reflect", reflection()),
        ("refine", made([])),
        ("refine", Unusable),
    ];
    assert_eq!(play(reflexion(4), script).stop_reason(), Some(StopReason::Exhausted));
}

#[test]
fn without_visible_tests_there_is_nothing_to_reflect_on() {
    let search = play(reflexion(10), vec![("implement", made([program(1, 0, 0)]))]);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(search.best(), Some(NodeId(1)));
}

#[test]
fn a_program_that_does_not_parse_is_a_failure_even_without_tests() {
    let mut broken = program(1, 0, 0);
    broken.attempt.as_mut().unwrap().parses = false;
    let mut search = play(reflexion(10), vec![("implement", made([broken]))]);
    assert_eq!(search.ask(1)[0].operator, Operator::Reflect { count: 1, style: ReflectionStyle::Diagnosis });
}

fn generated(max_iterations: usize) -> Reflexion {
    let tests = TestSource::Generated;
    Reflexion::new(ReflexionConfig { max_iterations, tests, ..ReflexionConfig::default() })
}

#[test]
fn tests_of_the_model_judge_beside_the_visible_ones() {
    let script = vec![
        ("generate_tests", made([suite()])),
        ("implement", made([program(1, 4, 4)])),
        ("run_tests", ran([passes(2, 6)])),
        ("reflect", reflection()),
        ("refine", made([program(2, 3, 4)])),
        ("run_tests", ran([passes(6, 6)])),
        ("reflect", reflection()),
        ("refine", made([program(3, 4, 4)])),
        ("run_tests", ran([passes(6, 6)])),
    ];
    let search = play(generated(10), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    assert_eq!(search.best(), Some(NodeId(6)), "{:#?}", search.tree());
}

#[test]
fn all_tests_of_the_model_are_shown_as_published() {
    let mut search = play(
        generated(10),
        vec![("generate_tests", made([suite()])), ("implement", made([program(1, 4, 4)]))],
    );
    let [trial] = &search.ask(4)[..] else { panic!("a run follows") };
    let expected = Operator::RunTests { suites: vec![NodeId(1)], shown: Shown::All };
    assert_eq!((trial.node, &trial.operator), (NodeId(2), &expected));
}

#[test]
fn without_usable_tests_the_visible_ones_do() {
    let script = vec![("generate_tests", Unusable), ("implement", made([program(1, 4, 4)]))];
    assert_eq!(play(generated(10), script).stop_reason(), Some(StopReason::Accepted));
    let script = vec![
        ("generate_tests", made([suite()])),
        ("implement", made([program(1, 0, 0)])),
        ("run_tests", Unusable),
    ];
    assert_eq!(play(generated(10), script).stop_reason(), Some(StopReason::Exhausted), "nothing judges it");
}
