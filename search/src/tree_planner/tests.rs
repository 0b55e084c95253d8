//! Tests of Tree-Planner: tries and walks played by hand.

use proptest::prelude::*;

use super::*;
use crate::TrialResult::Unusable;
use crate::policy::PlannedStep;
use crate::testing::{composed, made, modules, names, play, program, run};
use crate::trie::merge;

fn planner() -> TreePlanner {
    TreePlanner::new(TreePlannerConfig::default())
}

fn planned(plans: &[&[u64]]) -> TrialResult {
    TrialResult::Planned { steps: merge(&plans.iter().map(|plan| plan.to_vec()).collect::<Vec<_>>()) }
}

fn chosen(votes: &[u32]) -> TrialResult {
    TrialResult::Chosen { votes: votes.to_vec() }
}

/// A step that returns a value on `good` of 4 inputs.
fn written(good: usize) -> TrialResult {
    let outputs: Vec<Option<u32>> = (0..4).map(|input| (input < good).then_some(0)).collect();
    composed(modules(1), &[&outputs])
}

/// The entry point, in a program that passes so many of 4 tests.
fn whole(passed: u32) -> TrialResult {
    composed(vec![program(u64::from(passed), passed, 4)], &[&[]])
}

fn step(parent: Option<usize>, plans: u32, plan: usize, place: usize) -> PlannedStep {
    PlannedStep { parent, plans, plan, place }
}

#[test]
fn plans_are_merged_by_their_beginnings() {
    let plans = [vec![1, 2, 9], vec![1, 3, 9], vec![], vec![1, 2, 9], vec![2, 9]];
    let expected = [
        step(None, 3, 0, 0),
        step(Some(0), 2, 0, 1),
        step(Some(1), 2, 0, 2),
        step(Some(0), 1, 1, 1),
        step(Some(3), 1, 1, 2),
        step(None, 1, 4, 0),
        step(Some(5), 1, 4, 1),
    ];
    assert_eq!(merge(&plans), expected);
}

#[test]
fn a_single_way_is_walked_without_a_decision() {
    let script = vec![
        ("propose_plans", planned(&[&[1, 2, 9], &[1, 2, 9]])),
        ("compose", written(4)),
        ("compose", written(2)),
        ("compose", whole(4)),
    ];
    let search = play(planner(), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn the_model_decides_only_where_plans_part_and_steps_build_on_each_other() {
    let script = vec![
        ("propose_plans", planned(&[&[1, 2, 9], &[1, 3, 9]])), // 1 -> 2 -> 3, 1 -> 4 -> 5
        ("compose", written(4)),                               // 6
        ("decide", chosen(&[3, 17])),
        ("compose", written(4)), // 7
    ];
    let mut search = play(planner(), script);
    let trials = search.ask(3);
    let Operator::Compose { count: 1, pieces } = &trials[0].operator else { panic!("{trials:?}") };
    assert_eq!((trials[0].node, pieces.parts.as_slice()), (NodeId(5), &[NodeId(6), NodeId(7)][..]));
}

#[test]
fn a_failed_step_is_decided_anew_and_a_dead_end_is_left_upwards() {
    let script = vec![
        ("propose_plans", planned(&[&[1, 2, 9], &[1, 3, 9], &[4, 9], &[5, 9]])), // 1(2(3),4(5)), 6(7), 8(9)
        ("decide", chosen(&[2, 1, 0])),
        ("compose", written(4)), // 10: step 1
        ("decide", chosen(&[5, 0])),
        ("compose", written(1)),     // 11: step 2 crashes too often
        ("compose", written(4)),     // 12: step 4, the only one left
        ("compose", whole(3)),       // 13: step 5 fails a test
        ("decide", chosen(&[0, 1])), // back at the root
    ];
    let mut search = play(planner(), script);
    let decisions: Vec<_> = search
        .tree()
        .nodes()
        .filter(|node| node.kind == NodeKind::Module)
        .map(|node| node.parent.unwrap().0)
        .collect();
    assert_eq!(decisions, [1, 2, 4, 5]);
    assert_eq!(search.ask(1)[0].node, NodeId(8), "the second of the steps that are left");
}

#[test]
fn a_decision_sees_what_failed_and_only_valid_steps() {
    let script = vec![
        ("propose_plans", planned(&[&[1, 9], &[2, 9], &[3, 9]])), // 1(2), 3(4), 5(6)
        ("decide", chosen(&[0, 1, 0])),
        ("compose", written(0)), // 7
    ];
    let mut search = play(planner(), script);
    let expected =
        Operator::Decide { options: vec![NodeId(1), NodeId(5)], after: Some(NodeId(7)), votes: 20 };
    assert_eq!(search.ask(1)[0].operator, expected);
}

#[test]
fn without_votes_the_step_of_most_plans_is_taken() {
    for votes in [Unusable, chosen(&[]), chosen(&[0, 0])] {
        let plans = planned(&[&[1, 9], &[2, 9], &[2, 8]]);
        let mut search = play(planner(), vec![("propose_plans", plans), ("decide", votes)]);
        assert_eq!(search.ask(1)[0].node, NodeId(3));
    }
}

#[test]
fn there_may_be_more_than_26_options() {
    let plans: Vec<Vec<u64>> = (0..40).map(|first| vec![first, 99]).collect();
    let mut votes = vec![0; 40];
    votes[33] = 9;
    let script =
        vec![("propose_plans", TrialResult::Planned { steps: merge(&plans) }), ("decide", chosen(&votes))];
    assert_eq!(play(planner(), script).ask(1)[0].node, NodeId(2 * 33 + 1));
}

#[test]
fn corrections_are_limited_and_the_best_is_kept() {
    let plans: Vec<Vec<u64>> = (0..20).map(|first| vec![first]).collect();
    let (search, log) = run(planner(), 1, 1, |trial| match &trial.operator {
        Operator::ProposePlans { .. } => TrialResult::Planned { steps: merge(&plans) },
        Operator::Decide { .. } => chosen(&[1]),
        _ => whole(u32::from(trial.node == NodeId(3))),
    });
    assert_eq!(names(&log).iter().filter(|name| **name == "compose").count(), 10);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    let best = search.best().and_then(|node| search.tree().node(node)).unwrap();
    assert_eq!(best.parent, Some(NodeId(3)));
}

#[test]
fn when_all_plans_failed_others_are_sampled() {
    let script = vec![
        ("propose_plans", planned(&[&[1, 9]])),
        ("compose", written(0)),
        ("propose_plans", planned(&[&[1, 9]])),
    ];
    let mut search = play(planner(), script);
    assert_eq!(search.ask(1)[0].node, NodeId(4), "the step of the new plan");
}

#[test]
fn without_any_program_one_is_asked_for_directly() {
    let (search, log) = run(planner(), 1, 1, |trial| match trial.operator {
        Operator::Implement => made([program(1, 2, 4)]),
        _ => Unusable,
    });
    assert_eq!(names(&log), [["propose_plans"; 10].as_slice(), &["implement"]].concat());
    assert_eq!((search.stop_reason(), search.best()), (Some(StopReason::Exhausted), Some(NodeId(1))));
}

proptest! {
    #[test]
    fn merged_plans_are_the_plans(plans in proptest::collection::vec(proptest::collection::vec(0u64..4, 0..5), 0..12)) {
        let steps = merge(&plans);
        let text = |index: usize| {
            let mut path = Vec::new();
            let mut at = Some(index);
            while let Some(step) = at.map(|index| steps[index]) {
                path.push(plans[step.plan][step.place]);
                at = step.parent;
            }
            path.reverse();
            path
        };
        for (index, step) in steps.iter().enumerate() {
            prop_assert!(step.parent.is_none_or(|parent| parent < index));
            let through = plans.iter().filter(|plan| plan.starts_with(&text(index))).count();
            prop_assert_eq!(through, step.plans as usize);
        }
        let paths: BTreeSet<Vec<u64>> = (0..steps.len()).map(text).collect();
        prop_assert_eq!(paths.len(), steps.len(), "no step stands twice");
        prop_assert!(plans.iter().filter(|plan| !plan.is_empty()).all(|plan| paths.contains(plan)));
    }

    #[test]
    fn it_ends(dice in proptest::collection::vec(0u32..6, 30)) {
        let answer = |trial: &Trial| {
            let die = dice[trial.id.0 as usize % dice.len()];
            match &trial.operator {
                _ if die == 0 => Unusable,
                Operator::ProposePlans { .. } => planned(&[&[1, 2, 9], &[1, 9], &[u64::from(die), 7, 9]]),
                Operator::Decide { .. } => chosen(&[die, 3]),
                Operator::Implement => made([program(1, 1, 4)]),
                _ if die == 1 => whole(2),
                _ => written(die as usize),
            }
        };
        let (one, _) = run(planner(), 1, 1, answer);
        let (other, _) = run(planner(), 1, 8, answer);
        prop_assert_eq!(one.tree(), other.tree());
    }
}
