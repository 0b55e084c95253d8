//! Tests of S\* on searches worked out by hand.

use super::*;
use crate::Draft;
use crate::TrialResult::Unusable;
use crate::policy::Preference;
use crate::testing::{inputs, made, names, play, probed, program, run};

const fn compared(preference: Preference) -> TrialResult {
    TrialResult::Compared { preference }
}

fn config(samples: usize) -> SStarConfig {
    SStarConfig { samples, ..SStarConfig::default() }
}

#[test]
fn a_chain_ends_with_a_pass_after_three_programs_or_on_rubbish() {
    let (_, log) = run(SStar::new(config(4)), 1, 8, |trial| match trial.id.0 {
        0 => made([program(1, 4, 4)]),
        1 => Unusable,
        id => made([program(id, 3, 4)]),
    });
    // The first passes, the second is lost, the third and the fourth are revised twice.
    assert_eq!(
        names(&log),
        ["resample", "resample", "resample", "resample", "refine", "refine", "refine", "refine"]
    );
    let parents: Vec<u32> = log.iter().skip(4).map(|trial| trial.node.0).collect();
    assert_eq!(parents, [2, 3, 4, 5], "each revision starts from the one before");
}

#[test]
fn survivors_of_different_behaviour_are_compared_and_points_decide() {
    let mut script: Vec<(&str, TrialResult)> =
        (1..=4).map(|id| ("resample", made([program(id, 4, 4)]))).collect();
    script.push(("write_inputs", inputs()));
    script.push(("probe", probed([Some(1), Some(1), Some(2), Some(3)])));
    // One and three, one and four, three and four.
    script.push(("compare", compared(Preference::Other)));
    script.push(("compare", compared(Preference::Tie)));
    script.push(("compare", compared(Preference::Inconsistent)));
    let search = play(SStar::new(config(4)), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    assert_eq!(search.best(), Some(NodeId(3)), "one point against a half and a half");
}

#[test]
fn the_probe_takes_all_survivors_and_the_written_inputs() {
    let (_, log) = run(SStar::new(config(3)), 1, 1, |trial| match &trial.operator {
        Operator::Resample { .. } => made([program(trial.id.0, if trial.id.0 == 1 { 3 } else { 4 }, 4)]),
        Operator::Refine { .. } => made([program(7, 4, 4)]),
        Operator::WriteInputs { .. } => inputs(),
        Operator::Probe { .. } => probed([Some(1), Some(1), Some(1)]),
        _ => Unusable,
    });
    assert_eq!(names(&log), ["resample", "resample", "resample", "refine", "write_inputs", "probe"]);
    let expected =
        Operator::Probe { programs: vec![NodeId(1), NodeId(3), NodeId(4)], inputs: vec![NodeId(5)] };
    assert_eq!(log.last().map(|trial| &trial.operator), Some(&expected));
}

#[test]
fn without_a_pass_the_best_share_survives() {
    let share = |trial: &Trial| program(trial.id.0, u32::from(trial.id.0 > 0), 4);
    let (search, log) =
        run(SStar::new(SStarConfig { rounds: 1, ..config(3) }), 1, 1, |trial| match &trial.operator {
            Operator::Resample { .. } => made([share(trial)]),
            Operator::Probe { programs, .. } => {
                assert_eq!(programs, &[NodeId(2), NodeId(3)]);
                probed([Some(1), Some(2)])
            }
            Operator::Compare { .. } => compared(Preference::Other),
            _ => Unusable,
        });
    assert_eq!(names(&log), ["resample", "resample", "resample", "write_inputs", "probe", "compare"]);
    assert_eq!((search.stop_reason(), search.best()), (Some(StopReason::Exhausted), Some(NodeId(3))));
}

#[test]
fn one_survivor_or_one_cluster_needs_no_judge() {
    let passing = |trial: &Trial| made([program(trial.id.0 / 2, 4, 4)]);
    let (_, log) = run(SStar::new(config(2)), 1, 1, passing);
    assert_eq!(names(&log), ["resample", "resample"], "both are one program");
    let ladder_only = SStarConfig { clusters: 1, ..config(4) };
    assert_eq!(run(SStar::new(ladder_only), 1, 1, passing).1.len(), 4);
    let unprobed = |trial: &Trial| match &trial.operator {
        Operator::Resample { .. } => made([program(trial.id.0, 4, 4)]),
        _ => probed([None, None]),
    };
    let no_inputs = SStarConfig { written_inputs: 0, ..config(2) };
    assert_eq!(names(&run(SStar::new(no_inputs), 1, 1, unprobed).1), ["resample", "resample", "probe"]);
}

#[test]
fn programs_that_no_test_can_judge_are_not_revised() {
    let (search, log) = run(SStar::new(config(2)), 1, 4, |trial| match &trial.operator {
        Operator::Resample { .. } => made([program(trial.id.0, 0, 0)]),
        Operator::WriteInputs { .. } => made([Draft { kind: NodeKind::Inputs, prior: None, attempt: None }]),
        Operator::Probe { .. } => probed([Some(1), Some(2)]),
        _ => compared(Preference::Other),
    });
    assert_eq!(names(&log), ["resample", "resample", "write_inputs", "probe", "compare"]);
    assert_eq!((search.best(), search.stop_reason()), (Some(NodeId(2)), Some(StopReason::Exhausted)));
}
