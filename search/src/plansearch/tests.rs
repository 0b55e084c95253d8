//! Tests of PlanSearch on searches worked out by hand.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, obliging, program, run, thoughts};

/// What was asked for, in short: `combine` by its observations and what is wanted, `implement` by its plan.
fn shown(log: &[Trial]) -> Vec<String> {
    let list = |nodes: &[NodeId]| nodes.iter().map(|node| node.0.to_string()).collect::<Vec<_>>().join("+");
    let show = |trial: &Trial| match &trial.operator {
        Operator::Combine { observations, wanted: Combined::Observations, count } => {
            format!("observe({}) x{count}", list(observations))
        }
        Operator::Combine { observations, wanted: Combined::Plan, .. } => {
            format!("plan({})", list(observations))
        }
        Operator::Combine { wanted: Combined::OtherPlan(plan), .. } => format!("other({})", plan.0),
        _ => format!("code({})", trial.node.0),
    };
    log.iter().map(show).collect()
}

#[test]
fn sets_use_all_observations_evenly() {
    let ids = |numbers: &[u32]| numbers.iter().copied().map(NodeId).collect::<Vec<_>>();
    let check = |count: u32, expected: &[&[u32]]| {
        let expected: Vec<_> = expected.iter().map(|set| ids(set)).collect();
        assert_eq!(sets(&ids(&(1..=count).collect::<Vec<_>>())), expected);
    };
    check(0, &[&[]]);
    check(1, &[&[], &[1]]);
    check(2, &[&[], &[1], &[1, 2], &[2]]);
    check(4, &[&[], &[1], &[1, 2], &[2], &[2, 3], &[3], &[3, 4], &[4], &[1, 3], &[2, 4], &[1, 4]]);
    assert_eq!(sets(&ids(&(1..=10).collect::<Vec<_>>())).len(), 56, "as the paper counts them");
}

#[test]
fn a_set_gives_two_layers_of_two_plans_each() {
    let config = PlanSearchConfig { observations: 1, ..PlanSearchConfig::default() };
    let (search, log) = run(PlanSearch::new(config), 1, 1, |trial| obliging(trial, 2));
    let expected = [
        "observe() x1",  // node 1
        "plan()",        // 2
        "plan(1)",       // 3
        "observe(1) x2", // 4, 5
        "code(2)",       // 6
        "other(2)",      // 7
        "code(3)",       // 8
        "other(3)",      // 9
        "plan(1+4+5)",   // 10
        "code(7)",
        "code(9)",
        "code(10)",  // 13
        "other(10)", // 14
        "code(14)",
    ];
    assert_eq!(shown(&log), expected);
    let parent = |node: u32| search.tree().node(NodeId(node)).and_then(|node| node.parent);
    assert_eq!(
        (parent(2), parent(3), parent(4), parent(10)),
        (Some(NodeId::ROOT), Some(NodeId(1)), Some(NodeId(1)), Some(NodeId(5)))
    );
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
}

#[test]
fn the_cap_counts_programs_and_nothing_is_planned_in_vain() {
    for programs in 1..=12 {
        let config = PlanSearchConfig { programs, ..PlanSearchConfig::default() };
        let (search, log) = run(PlanSearch::new(config), 1, 4, |trial| obliging(trial, 4));
        let code = log.iter().filter(|trial| trial.operator == Operator::Implement).count();
        assert_eq!(code, programs);
        assert!(log.len() <= 1 + 3 * programs + 2, "{programs}: {:?}", shown(&log));
        assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    }
}

#[test]
fn unusable_plans_make_room_for_further_sets() {
    let config = PlanSearchConfig {
        observations: 3,
        programs: 2,
        second_layer: false,
        other_plans: false,
        ..PlanSearchConfig::default()
    };
    let (_, log) = run(PlanSearch::new(config), 1, 4, |trial| match &trial.operator {
        Operator::Combine { wanted: Combined::Plan, observations, .. } if observations.len() < 2 => Unusable,
        Operator::Combine { count, .. } => thoughts(&vec![1.0; *count]),
        _ => made([program(trial.id.0, 4, 4)]),
    });
    let expected =
        ["observe() x3", "plan()", "plan(1)", "plan(1+2)", "plan(2)", "code(4)", "plan(2+3)", "code(6)"];
    assert_eq!(shown(&log), expected);
}

#[test]
fn without_observations_one_plan_is_made_of_the_problem_alone() {
    let (_, log) = run(PlanSearch::new(PlanSearchConfig::default()), 1, 4, |trial| match &trial.operator {
        Operator::Combine { wanted: Combined::Observations, .. } => Unusable,
        _ => obliging(trial, 1),
    });
    assert_eq!(shown(&log), ["observe() x10", "plan()", "code(1)", "other(1)", "code(3)"]);
}
