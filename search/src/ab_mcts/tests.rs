//! Tests of AB-MCTS: how scores are booked, and which way the tree grows.

use super::*;
use crate::testing::{made, program, run};
use crate::{NodeKind, TrialResult};

const VARIANTS: [AbMctsVariant; 3] = [AbMctsVariant::Gaussian, AbMctsVariant::Beta, AbMctsVariant::Mixed];

fn config(variant: AbMctsVariant, generations: usize) -> AbMctsConfig {
    AbMctsConfig { variant, generations, ..AbMctsConfig::default() }
}

/// A program that passes so many of 100 tests.
fn scoring(trial: &Trial, passed: u32) -> TrialResult {
    made([program(trial.seed, passed, 100)])
}

fn assert_moments(found: Moments, weight: f64, mean: f64) {
    assert!((found.weight - weight).abs() < 1e-9 && (found.mean - mean).abs() < 1e-9, "{found:?}");
}

#[test]
fn a_score_counts_for_the_choices_that_led_to_it() {
    let mut policy = AbMcts::new(config(AbMctsVariant::Mixed, 9));
    // Root ─ 1 (0.2) ─ 2 (0.4) ─ 3 (0.6), and 4 (0.8) below the root.
    policy.add(NodeId(0), NodeId(1), 0.2, true);
    policy.add(NodeId(1), NodeId(2), 0.4, true);
    policy.add(NodeId(2), NodeId(3), 0.6, true);
    policy.add(NodeId(0), NodeId(4), 0.8, true);
    let [root, one, two, three, four] = &policy.states[..] else { panic!("five nodes") };
    assert_moments(root.generated, 2.0, 0.5);
    assert_moments(root.continued, 2.0, 0.5);
    assert_moments(one.subtree, 3.0, 0.4);
    assert_moments(one.generated, 1.0, 0.4);
    assert_moments(one.continued, 1.0, 0.6);
    assert_moments(two.subtree, 2.0, 0.5);
    assert_moments(two.generated, 1.0, 0.6);
    assert_moments(two.continued, 0.0, 0.0);
    assert_moments(three.subtree, 1.0, 0.6);
    assert_moments(four.subtree, 1.0, 0.8);
}

#[test]
fn the_first_program_is_written_and_others_refine_or_are_written() {
    for variant in VARIANTS {
        let (search, log) = run(AbMcts::new(config(variant, 60)), 3, 1, |trial| scoring(trial, 30));
        assert_eq!((log.len(), search.stop_reason()), (60, Some(StopReason::Exhausted)));
        for trial in &log {
            let root = trial.node == NodeId::ROOT;
            assert_eq!(trial.operator.name(), if root { "resample" } else { "refine" }, "{trial:?}");
        }
        let depth = search.tree().nodes().map(|node| node.depth).max();
        let width = search.tree().children(NodeId::ROOT).count();
        assert!(depth >= Some(2) && width >= 2, "{variant:?}: {depth:?} deep, {width} wide");
    }
}

/// How many of 60 programs refine another one.
fn refinements(variant: AbMctsVariant, score: impl Fn(&Trial) -> u32) -> usize {
    let rounds = (0..5).map(|seed| {
        let (search, _) =
            run(AbMcts::new(config(variant, 60)), seed, 1, |trial| scoring(trial, score(trial)));
        search.tree().nodes().filter(|node| node.kind == NodeKind::Revision).count()
    });
    rounds.sum::<usize>() / 5
}

#[test]
fn it_goes_deep_where_refining_pays_and_wide_where_it_does_not() {
    // In variant M one draw for a new child stands against one for each that is there, so it goes deep anyway.
    for variant in [AbMctsVariant::Gaussian, AbMctsVariant::Beta] {
        let luck = |trial: &Trial| (trial.seed % 15) as u32;
        let is_new = |trial: &Trial| trial.node == NodeId::ROOT;
        let helps = refinements(variant, |trial| luck(trial) + if is_new(trial) { 5 } else { 80 });
        let harms = refinements(variant, |trial| luck(trial) + if is_new(trial) { 80 } else { 5 });
        assert!(
            helps > harms + 5,
            "{variant:?}: {helps} refinements where they help, {harms} where they harm"
        );
    }
}

#[test]
fn it_goes_on_with_the_child_whose_subtree_scores_higher() {
    for variant in VARIANTS {
        let mut policy = AbMcts::new(config(variant, 9));
        policy.add(NodeId(0), NodeId(1), 0.8, true);
        policy.add(NodeId(0), NodeId(2), 0.2, true);
        for (node, parent, score) in [(3, 1, 0.75), (4, 1, 0.85), (5, 2, 0.15), (6, 2, 0.25)] {
            policy.add(NodeId(parent), NodeId(node), score, true);
        }
        let mut dice = Dice::new(1);
        let mut below = [0; 3];
        (0..300)
            .filter_map(|_| policy.descend(NodeId::ROOT, &mut dice))
            .for_each(|child| below[child.0 as usize] += 1);
        assert!(below[1] > 2 * below[2] && below[2] > 0, "{variant:?}: {below:?}");
    }
}

#[test]
fn a_program_that_passes_ends_the_search_or_is_left_alone() {
    for variant in VARIANTS {
        let second = |trial: &Trial| scoring(trial, if trial.id.0 == 1 { 100 } else { 20 });
        let (search, log) = run(AbMcts::new(config(variant, 30)), 1, 1, second);
        assert_eq!((log.len(), search.stop_reason()), (2, Some(StopReason::Accepted)));
        let exhaust = AbMctsConfig { exhaust: true, ..config(variant, 30) };
        let (search, log) = run(AbMcts::new(exhaust), 1, 1, second);
        assert_eq!((log.len(), search.stop_reason()), (30, Some(StopReason::Exhausted)));
        let passed = search.best().unwrap();
        assert!(search.tree().attempt(passed).unwrap().passes_all());
        assert_eq!(search.tree().children(passed).count(), 0, "there is no failure to refine");
    }
}

#[test]
fn a_batch_is_chosen_from_one_state_whatever_is_in_flight() {
    let batch = AbMctsConfig { batch: 4, ..config(AbMctsVariant::Gaussian, 10) };
    let mut search = crate::Search::new(Box::new(AbMcts::new(batch.clone())), 1);
    assert_eq!(search.ask(9).len(), 4);
    assert!(search.ask(9).is_empty());
    let passing = |trial: &Trial| scoring(trial, if trial.id.0 == 5 { 100 } else { 20 });
    let (one, log) = run(AbMcts::new(batch.clone()), 1, 1, passing);
    let (four, _) = run(AbMcts::new(batch), 1, 4, passing);
    assert_eq!((log.len(), one.tree()), (8, four.tree()), "the batch of the passing program is finished");
}

#[test]
fn answers_without_a_program_and_programs_without_tests_end_too() {
    for variant in VARIANTS {
        let (_, log) = run(AbMcts::new(config(variant, 20)), 1, 1, |_| TrialResult::Unusable);
        assert_eq!(log.len(), 20);
        let (search, log) =
            run(AbMcts::new(config(variant, 20)), 1, 1, |trial| made([program(trial.seed, 0, 0)]));
        assert_eq!(log.len(), 20);
        assert!(search.tree().nodes().all(|node| node.depth < 2), "what no test judges is not refined");
    }
}

/// The depth of a tree and the width of its root stay within what a step may cost.
#[test]
fn steps_do_not_get_slower_with_the_tree() {
    let luck = |trial: &Trial| scoring(trial, (trial.seed % 90) as u32);
    for variant in VARIANTS {
        let (search, _) = run(AbMcts::new(config(variant, 2_000)), 1, 1, luck);
        let depth = search.tree().nodes().map(|node| node.depth).max().unwrap();
        assert!(depth < 200, "{variant:?}: {depth} deep");
    }
}
