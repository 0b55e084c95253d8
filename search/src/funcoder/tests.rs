//! Tests of FunCoder: trees of functions played by hand.

use proptest::prelude::*;

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{composed, made, modules, names, play, program, run};

fn config() -> FunCoderConfig {
    FunCoderConfig { samples: 4, per_request: 2, usable: 2, agree_after: 2, ..FunCoderConfig::default() }
}

fn funcoder(config: FunCoderConfig) -> FunCoder {
    FunCoder::new(config)
}

/// A division into a draft and so many stubs.
fn divided(stubs: usize) -> TrialResult {
    made(modules(stubs + 1))
}

/// As many implementations as there are numbers, each with that output on one input.
fn outputs(outputs: &[u32]) -> TrialResult {
    let rows: Vec<Vec<Option<u32>>> = outputs.iter().map(|output| vec![Some(*output)]).collect();
    composed(modules(outputs.len()), &rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Whole programs that pass so many of 4 tests and agree with each other.
fn programs(passed: &[u32]) -> TrialResult {
    let drafts =
        passed.iter().enumerate().map(|(index, passed)| program(50 + index as u64, *passed, 4)).collect();
    let behaviours =
        passed.iter().map(|passed| Outputs { outputs: vec![Some(0)], fails: *passed < 4 }).collect();
    TrialResult::Composed { drafts, behaviours }
}

#[test]
fn functions_are_divided_from_the_top_and_composed_from_the_bottom() {
    // root -> draft 1 with stubs 2 and 3; 2 -> draft 4 with stub 5; 5 -> draft 6.
    let script = vec![
        ("decompose", divided(2)),
        ("decompose", divided(1)),
        ("decompose", divided(0)),
        ("compose", outputs(&[0, 0, 0])), // 7, 8, 9 for function 5
        ("compose", outputs(&[0, 1, 1])), // 10, 11, 12 for function 2: two requests, as they disagree
        ("compose", outputs(&[1, 0])),    // 13, 14
        ("decompose", divided(0)),        // 15 for function 3
        ("compose", outputs(&[0, 0, 0])), // 16, 17, 18
    ];
    let mut search = play(funcoder(config()), script);
    let trials = search.ask(8);
    let [trial] = trials.as_slice() else { panic!("the entry point is composed last: {trials:?}") };
    let Operator::Compose { pieces, count: 2 } = &trial.operator else { panic!("{trial:?}") };
    assert_eq!(trial.node, NodeId::ROOT);
    assert_eq!(pieces.draft, Some(NodeId(1)));
    // Of outputs 0, 1, 1, 1, 0 candidate 11 has three of a kind and is the first of them.
    assert_eq!(pieces.parts, [NodeId(7), NodeId(11), NodeId(16)]);
    // The draft fails a test. Its rivals agree, and two more could not outvote them.
    search.tell(trial.id, programs(&[3, 4, 4]));
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    assert_eq!(search.best(), Some(NodeId(20)));
    let parents: Vec<u32> = search.tree().nodes().filter_map(|node| Some(node.parent?.0)).collect();
    assert_eq!(parents, [0, 1, 1, 2, 4, 5, 5, 5, 5, 2, 2, 2, 2, 2, 3, 3, 3, 3, 0, 0, 0]);
}

#[test]
fn agreement_is_written_down() {
    let script = vec![
        ("decompose", divided(1)),
        ("decompose", divided(0)),
        ("compose", outputs(&[0, 0, 1])),
        ("compose", outputs(&[0, 0])),
    ];
    let search = play(funcoder(config()), script);
    let consensus = |node: u32| search.tree().node(NodeId(node)).unwrap().score(Evaluator::Consensus);
    assert_eq!([4, 5, 6, 7, 8].map(consensus), [Some(0.75), Some(0.75), Some(0.0), Some(0.75), Some(0.75)]);
}

#[test]
fn agreement_of_the_first_candidates_ends_the_sampling() {
    let script = vec![("decompose", divided(0)), ("compose", programs(&[4, 4, 4]))];
    assert_eq!(play(funcoder(config()), script).stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn a_leader_that_cannot_be_overtaken_ends_the_sampling() {
    let config = FunCoderConfig { samples: 6, agree_after: 4, ..config() };
    let script = vec![
        ("decompose", divided(1)),
        ("decompose", divided(0)),
        // Four against one, and two to come.
        ("compose", outputs(&[0, 0, 0, 1, 0])),
    ];
    let mut search = play(funcoder(config), script);
    assert_eq!(search.ask(1)[0].node, NodeId::ROOT);
}

#[test]
fn known_functions_are_passed_on() {
    let script = vec![("decompose", divided(2)), ("decompose", divided(0)), ("compose", outputs(&[0, 0, 0]))];
    let mut search = play(funcoder(config()), script);
    let trials = search.ask(1);
    assert_eq!(trials[0].node, NodeId(3));
    assert_eq!(trials[0].operator, Operator::Decompose { helpers: 8, known: vec![NodeId(5)] });
}

#[test]
fn an_unusable_division_is_asked_for_again_and_then_done_without() {
    let script = vec![
        ("decompose", Unusable),
        ("decompose", made([])),
        ("decompose", Unusable),
        ("compose", programs(&[1, 2])),
        ("compose", programs(&[2, 2])),
    ];
    let search = play(funcoder(config()), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(search.best(), Some(NodeId(2)));
}

#[test]
fn nothing_usable_at_all_ends_after_twice_the_samples() {
    let (search, log) = run(funcoder(config()), 1, 4, |_| Unusable);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(names(&log), [["decompose"; 3].as_slice(), &["compose"; 4]].concat());
}

#[test]
fn depth_and_number_of_functions_are_limited() {
    let endless = |trial: &Trial| match &trial.operator {
        Operator::Decompose { .. } => divided(3),
        _ if trial.node == NodeId::ROOT => programs(&[0, 0, 0]),
        _ => outputs(&[0, 0, 0]),
    };
    let shallow = FunCoderConfig { depth: 2, ..config() };
    let (search, log) = run(funcoder(shallow), 1, 1, endless);
    // Entry point and its 3 helpers are divided, their 9 helpers are only composed.
    assert_eq!(names(&log).iter().filter(|name| **name == "decompose").count(), 4);
    assert!(search.stop_reason().is_some());
    let narrow = FunCoderConfig { functions: 5, depth: 100, ..config() };
    let (_, log) = run(funcoder(narrow), 1, 1, endless);
    assert_eq!(names(&log).iter().filter(|name| **name == "decompose").count(), 6);
}

#[test]
fn planning_after_trial_divides_only_on_failure() {
    let config = FunCoderConfig { plan_on_failure: true, ..config() };
    let search = play(funcoder(config.clone()), vec![("implement", made([program(1, 4, 4)]))]);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    for first in [made([program(1, 3, 4)]), made([program(1, 0, 0)]), Unusable] {
        let mut search = play(funcoder(config.clone()), vec![("implement", first)]);
        assert_eq!(search.ask(1)[0].operator.name(), "decompose");
    }
}

proptest! {
    /// Whatever comes back, the search ends, and the same answers give the same tree.
    #[test]
    fn it_ends(dice in proptest::collection::vec(0u8..8, 40)) {
        let answer = |trial: &Trial| {
            let die = dice[trial.id.0 as usize % dice.len()];
            match (&trial.operator, die) {
                (_, 0) => Unusable,
                (Operator::Decompose { .. }, _) => divided(die as usize % 4),
                (_, 1) => outputs(&[]),
                (_, 2) if trial.node == NodeId::ROOT => TrialResult::Composed { drafts: vec![program(9, 1, 4)], behaviours: vec![] },
                _ if trial.node == NodeId::ROOT => programs(&[u32::from(die) % 5]),
                _ => outputs(&[u32::from(die), 0, 1, 2, 3, 4, 5, 6]),
            }
        };
        let (one, log) = run(funcoder(config()), 1, 1, answer);
        let (other, again) = run(funcoder(config()), 1, 8, answer);
        prop_assert_eq!(one.tree(), other.tree());
        prop_assert_eq!(log, again);
    }
}
