//! Tests of the adaptive policy: searches played by hand, and how it shifts with what it sees.

use super::*;
use crate::testing::{
    made, names, obliging, passes, play, probed, program, ran, run, suite, thoughts, verdict,
};
use crate::{NodeKind, Search, TrialResult};

fn one_by_one() -> AdaptiveConfig {
    AdaptiveConfig { batch: 1, ..AdaptiveConfig::default() }
}

#[test]
fn an_easy_problem_ends_with_the_direct_probe() {
    let script = vec![
        ("resample", made([program(1, 4, 4), program(2, 4, 4)])),
        ("probe", probed([Some(5), Some(5)])),
        ("verify", verdict(true)),
    ];
    let mut search = play(Adaptive::new(AdaptiveConfig::default()), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    assert!(search.ask(9).is_empty());
}

#[test]
fn programs_that_pass_and_differ_are_not_believed_at_once() {
    let script = vec![
        ("resample", made([program(1, 4, 4), program(2, 4, 4)])),
        ("probe", probed([Some(5), Some(6)])),
        ("verify", verdict(true)),
    ];
    assert_eq!(play(Adaptive::new(AdaptiveConfig::default()), script).stop_reason(), None);
}

#[test]
fn where_few_programs_pass_two_verdicts_are_needed() {
    // One program in three passes; all that pass behave alike and are accepted.
    let rare = |trial: &Trial| match (&trial.operator, trial.operator.makes()) {
        (Operator::Verify { .. }, _) => verdict(true),
        (_, Some((NodeKind::Solution | NodeKind::Revision, count))) => made((0..count as u64).map(|index| {
            let passed = if (trial.id.0 + index) % 3 == 1 { 4 } else { 1 };
            program(trial.seed ^ index, passed, 4)
        })),
        _ => obliging(trial, 1),
    };
    // It does not end for want of hope.
    let config = AdaptiveConfig { stop_below: 0.0, ..one_by_one() };
    for seed in 0..10 {
        let (search, log) = run(Adaptive::new(config.clone()), seed, 1, rare);
        let verdicts = log.iter().filter(|trial| trial.operator.name() == "verify").count();
        let standing = search
            .tree()
            .nodes()
            .filter(|node| node.attempt.as_ref().is_some_and(crate::Attempt::passes_all));
        let programs = search.tree().nodes().filter(|node| node.attempt.is_some()).count();
        let needed = if 2 * standing.count() >= programs { 1 } else { 2 };
        assert_eq!(search.stop_reason(), Some(StopReason::Accepted), "{:?}", names(&log));
        assert!(verdicts >= needed, "{:?}", names(&log));
    }
}

#[test]
fn a_rejected_program_can_be_revised() {
    // The first two programs pass and are rejected, the others fail.
    let rejecting = |trial: &Trial| match trial.operator {
        Operator::Verify { .. } => verdict(false),
        _ => obliging(trial, if trial.id.0 == 0 { 4 } else { 0 }),
    };
    let config = AdaptiveConfig { stop_below: 0.0, ..one_by_one() };
    let hardened = (0..20).any(|seed| {
        let (search, log) = run(Adaptive::new(config.clone()), seed, 1, rejecting);
        let passes =
            |trial: &Trial| search.tree().attempt(trial.node).is_some_and(crate::Attempt::passes_all);
        log.iter().any(|trial| trial.operator.name() == "refine" && passes(trial))
    });
    assert!(hardened);
}

#[test]
fn programs_that_behave_differently_are_compared_at_the_end() {
    let all_differ = |trial: &Trial| match &trial.operator {
        Operator::Probe { programs, .. } => probed((0..).zip(programs).map(|(behaviour, _)| Some(behaviour))),
        Operator::Verify { .. } => verdict(false),
        _ => obliging(trial, 4),
    };
    let (search, log) = run(Adaptive::new(one_by_one()), 1, 1, all_differ);
    assert!(names(&log).ends_with(&["compare"]), "{:?}", names(&log));
    assert!(search.best().is_some());
}

#[test]
fn a_rewritten_thought_is_followed_by_its_program_and_taken_back_if_that_is_worse() {
    let worse = |trial: &Trial| match &trial.operator {
        Operator::Propose { .. } => thoughts(&[0.6, 0.4]),
        // The first program of a thought passes 3 of 4, the others nothing.
        Operator::Implement => made([program(trial.seed, if trial.temperature < 0.5 { 3 } else { 0 }, 4)]),
        _ => obliging(trial, 1),
    };
    let mut taken_back = 0;
    for seed in 0..60 {
        let (search, log) = run(Adaptive::new(one_by_one()), seed, 1, worse);
        for (at, trial) in log.iter().enumerate().filter(|(_, trial)| trial.operator.name() == "rethink") {
            let Some(next) = log.get(at + 1) else { continue };
            assert_eq!((next.node, &next.operator), (trial.node, &Operator::Implement));
            let wrote =
                |earlier: &&Trial| earlier.node == trial.node && earlier.operator == Operator::Implement;
            let was_good = log[..at].iter().filter(wrote).count() == 1;
            let thought = search.tree().node(trial.node).unwrap();
            assert_eq!((thought.rethinks, thought.payloads.len()), (1, if was_good { 1 } else { 2 }));
            taken_back += usize::from(was_good);
        }
    }
    assert!(taken_back > 0);
}

/// Generations of programs that are revised, and of all, after the tenth program.
fn late(config: &AdaptiveConfig, seed: u64, answer: impl Fn(&Trial) -> TrialResult) -> (u64, u64) {
    let (_, log) = run(Adaptive::new(config.clone()), seed, 1, answer);
    let (mut programs, mut revised, mut all) = (0, 0, 0);
    for trial in &log {
        let made = trial.operator.generations();
        programs += made;
        if programs > 10 {
            all += made;
            revised += if trial.operator.name() == "refine" { made } else { 0 };
        }
    }
    (revised, all)
}

#[test]
fn where_revisions_never_help_it_comes_down_to_fresh_programs() {
    // Fresh programs pass most tests, revisions none.
    let stubborn = |trial: &Trial| match trial.operator {
        Operator::Refine { .. } => made([program(trial.seed, 0, 4)]),
        _ => obliging(trial, 3),
    };
    let config = AdaptiveConfig { stop_below: 0.0, ..AdaptiveConfig::default() };
    let sums = (0..40).map(|seed| late(&config, seed, stubborn));
    let (revised, all) = sums.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(10 * revised <= 3 * all, "{revised} of {all} late programs are revisions");
}

#[test]
fn what_earlier_problems_taught_shifts_a_search_from_the_start() {
    // A model that mends what it is shown, and never gets it right at once.
    let mender = |trial: &Trial| match trial.operator {
        Operator::Refine { .. } => made([program(trial.seed, 4, 4)]),
        Operator::Verify { .. } => verdict(true),
        _ => obliging(trial, 2),
    };
    let taught = (0..10).fold(Experience::default(), |mut experience, seed| {
        let (search, _) = run(Adaptive::new(one_by_one()), seed, 1, mender);
        experience.carry(&Experience::of(search.tree()));
        experience
    });
    let second = |experience: &Experience| {
        let config = AdaptiveConfig { experience: experience.clone(), ..one_by_one() };
        let asked = (0..40).map(|seed| names(&run(Adaptive::new(config.clone()), seed, 1, mender).1)[1]);
        asked.filter(|name| *name == "refine").count()
    };
    let (before, after) = (second(&Experience::default()), second(&taught));
    assert!(after > 36 && after > before, "{before} of 40 revise first without experience, {after} with");
}

#[test]
fn experience_is_what_the_tree_says_and_can_be_written_down() {
    let mut policy = Adaptive::new(one_by_one());
    let mut tree = Tree::new();
    for id in 0..30 {
        for decision in policy.ask(&tree, 1) {
            let Decision { node, operator, temperature, max_output_tokens } = decision;
            let trial =
                Trial { id: crate::TrialId(id), node, operator, temperature, max_output_tokens, seed: id };
            policy.tell(&mut tree, &trial, &obliging(&trial, (id % 4) as u32));
        }
    }
    let experience = Experience::of(&tree);
    let written = serde_json::to_string(&experience).unwrap();
    assert_eq!(serde_json::from_str::<Experience>(&written).unwrap(), experience);
    assert!(
        (policy.experience().weight() - experience.weight()).abs() < 1e-9,
        "each program teaches as much"
    );
    let mut carried = Experience::default();
    (0..100).for_each(|_| carried.carry(&experience));
    assert!(carried.weight() <= 20.0 * carried.len() as f64 + 1e-9, "earlier problems weigh little");
}

#[test]
fn no_two_trials_of_a_batch_are_the_same() {
    let config = AdaptiveConfig { batch: 8, stop_below: 0.0, ..AdaptiveConfig::default() };
    for seed in 0..20 {
        let mut search = Search::new(Box::new(Adaptive::new(config.clone())), seed);
        while search.stop_reason().is_none() {
            let batch = search.ask(99);
            let mut kinds: Vec<_> = batch.iter().map(|trial| (trial.node, trial.operator.name())).collect();
            kinds.sort_unstable();
            kinds.dedup();
            assert_eq!(kinds.len(), batch.len(), "{batch:?}");
            for trial in batch {
                search.tell(trial.id, obliging(&trial, (trial.seed % 4) as u32));
            }
        }
    }
}

#[test]
fn problems_without_tests_are_probed_on_inputs_of_the_models_own() {
    let untested = |trial: &Trial| match (&trial.operator, trial.operator.makes()) {
        (Operator::Verify { .. }, _) => verdict(true),
        (Operator::Probe { programs, inputs }, _) if inputs.is_empty() => {
            TrialResult::Probed { behaviours: vec![None; programs.len()], inputs: 0 }
        }
        (_, Some((NodeKind::Solution, count))) => {
            made((0..count as u64).map(|index| program(trial.seed ^ index, 0, 0)))
        }
        _ => obliging(trial, 0),
    };
    let (search, log) = run(Adaptive::new(AdaptiveConfig::default()), 1, 1, untested);
    assert_eq!(names(&log), ["resample", "probe", "write_inputs", "probe", "verify"]);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn problems_without_tests_or_inputs_end_with_a_verdict() {
    let untested = |trial: &Trial| match (&trial.operator, trial.operator.makes()) {
        (Operator::Verify { .. }, _) => verdict(true),
        (Operator::Probe { programs, .. }, _) => {
            TrialResult::Probed { behaviours: vec![None; programs.len()], inputs: 0 }
        }
        (Operator::WriteInputs { .. }, _) => TrialResult::Unusable,
        (_, Some((NodeKind::Solution | NodeKind::Revision, count))) => {
            made((0..count as u64).map(|index| program((trial.seed ^ index) % 3, 0, 0)))
        }
        _ => obliging(trial, 0),
    };
    let (search, log) = run(Adaptive::new(AdaptiveConfig::default()), 1, 1, untested);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    assert!(names(&log).contains(&"verify") && log.len() < 20, "{:?}", names(&log));
}

#[test]
fn experience_that_is_none_is_refused() {
    let read = |moments: &str| {
        let situation = r#"{"act": "refine", "depth": 1, "class": "passes_some"}"#;
        let config = format!(r#"{{"experience": [[{situation}, {moments}]]}}"#);
        serde_json::from_str::<AdaptiveConfig>(&config).map_err(|error| error.to_string())
    };
    assert!(read(r#"{"weight": 2.0, "mean": 0.3, "squares": 0.1}"#).is_ok());
    for moments in [
        r#"{"weight": -2.0, "mean": 0.3, "squares": 0.0}"#,
        r#"{"weight": 1e300, "mean": 0.3, "squares": 0.0}"#,
        r#"{"weight": 1.0, "mean": 1.5, "squares": 0.0}"#,
        r#"{"weight": 1.0, "mean": 0.5, "squares": -1.0}"#,
    ] {
        let error = read(moments).unwrap_err();
        assert!(error.contains("lie in [0, 1000000]"), "{moments}: {error}");
    }
}

/// Three programs without a visible test, of which the first two behave alike.
fn untested_and_divided() -> Vec<(&'static str, TrialResult)> {
    vec![
        ("resample", made([program(1, 0, 0), program(2, 0, 0), program(3, 0, 0)])),
        ("probe", probed([Some(5), Some(5), Some(6)])),
    ]
}

#[test]
fn without_visible_tests_those_of_the_model_speak_where_programs_differ() {
    // CodeT's score: √2 · 1/4 for the two, 1 · 4/4 for the one.
    let mut script = untested_and_divided();
    script.extend([
        ("generate_tests", made([suite()])),
        ("run_tests", ran([passes(1, 4)])),
        ("run_tests", ran([passes(1, 4)])),
        ("run_tests", ran([passes(4, 4)])),
    ]);
    let mut search = play(Adaptive::new(one_by_one()), script);
    let asked = search.ask(1);
    assert_eq!((asked[0].operator.name(), asked[0].node), ("verify", NodeId(3)), "it is checked first");
    assert_eq!(search.best(), Some(NodeId(3)));
}

#[test]
fn tests_of_the_model_that_do_not_decide_leave_it_to_the_many() {
    let mut script = untested_and_divided();
    script.extend([
        ("generate_tests", made([suite()])),
        ("run_tests", ran([passes(3, 4)])),
        ("run_tests", ran([passes(3, 4)])),
        // It could not be run, so it passes none.
        ("run_tests", TrialResult::Unusable),
    ]);
    let mut search = play(Adaptive::new(one_by_one()), script);
    assert_eq!(search.ask(1)[0].node, NodeId(1));
}

#[test]
fn a_model_that_writes_no_tests_is_asked_once() {
    let mut script = untested_and_divided();
    script.push(("generate_tests", TrialResult::Unusable));
    let mut search = play(Adaptive::new(one_by_one()), script);
    let asked = search.ask(1);
    assert_eq!((asked[0].operator.name(), asked[0].node), ("verify", NodeId(1)));
}
