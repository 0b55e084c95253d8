//! What every strategy keeps to, against a simulated model. A new strategy is checked by being in the table.
//!
//! That hidden tests stay hidden and that events repeat is tested with the real binary: see `leak.rs`, `determinism.rs`,
//! `resume.rs` and `replay.rs`. What strategies do with malformed texts is tested in the driver.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;

use codeagent::strategy::{NAMES, Strategy};
use codeagent_search::adaptive::{Adaptive, AdaptiveConfig, Experience};
use codeagent_search::policy::{Operator, StopReason};
use codeagent_search::{Attempt, BudgetLimits, NodeId, Search, SearchPolicy, Tree, Trial};
use codeagent_tests::simulate::{Model, Play, Skill, Telling};
use serde_json::{Value, json};

/// A fresh policy of a strategy, with settings as JSON.
fn policy(name: &str, settings: &Value) -> Box<dyn SearchPolicy> {
    Strategy::by_name(name, settings).unwrap().policy()
}

fn model(name: &str, skill: Skill, problem: u64) -> Model {
    Model::new(skill, problem).told(Strategy::by_name(name, &Value::Null).unwrap().feedback())
}

/// Every strategy with a few problems for a weak and a strong model.
fn each(mut check: impl FnMut(&str, Skill, u64)) {
    for name in NAMES {
        for skill in [Skill::WEAK, Skill::STRONG] {
            (0..6).for_each(|problem| check(name, skill, problem));
        }
    }
}

fn attempts(tree: &Tree) -> impl Iterator<Item = &Attempt> {
    tree.nodes().filter_map(|node| node.attempt.as_ref())
}

#[test]
fn budgets_are_exact_whatever_is_in_flight() {
    each(|name, skill, problem| {
        for (calls, generations, slots) in [(3, 2, 1), (7, 20, 8), (60, 5, 4), (20, 20, 8)] {
            let limits = BudgetLimits {
                calls: Some(calls),
                generations: Some(generations),
                ..BudgetLimits::default()
            };
            let play = Play { limits, slots, ..Play::at_equal_budget(problem) };
            let played = play.run(policy(name, &Value::Null), &mut model(name, skill, problem));
            let cost = played.cost;
            assert!(cost.calls <= calls && cost.generations <= generations, "{name}: {cost:?}");
            let made = attempts(&played.tree).count() as u64;
            assert!(made <= cost.generations, "{name}: {made} programs of {cost:?}");
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_search_whatever_is_in_flight_and_in_whatever_order_it_is_told() {
    each(|name, skill, problem| {
        let one = Play { limits: BudgetLimits::default(), ..Play::at_equal_budget(problem) };
        let expected = one.run(policy(name, &Value::Null), &mut model(name, skill, problem));
        for (slots, telling) in
            [(1, Telling::InOrder), (8, Telling::InOrder), (8, Telling::Shuffled(problem))]
        {
            let play = Play { slots, telling, ..one };
            let played = play.run(policy(name, &Value::Null), &mut model(name, skill, problem));
            assert_eq!(played.log, expected.log, "{name} with {slots} in flight");
            assert_eq!(played.tree, expected.tree, "{name} with {slots} in flight");
            assert_eq!((played.best, played.stop), (expected.best, expected.stop), "{name}");
        }
    });
}

#[test]
fn a_program_that_passes_is_kept_and_the_best_so_far_never_gets_worse() {
    each(|name, skill, problem| {
        let quality = |search: &Search| {
            let attempt = search.best().and_then(|node| search.tree().attempt(node));
            attempt.map_or((false, -1.0), |attempt| (attempt.passes_all(), attempt.pass_fraction()))
        };
        let mut before = (false, -1.0);
        let watch = |search: &Search, _: &[Trial]| {
            let now = quality(search);
            assert!(now >= before, "{name}: {now:?} after {before:?}");
            before = now;
        };
        let play = Play { slots: 4, ..Play::at_equal_budget(problem) };
        let played = play.watch(policy(name, &Value::Null), &mut model(name, skill, problem), watch);
        let best = played.best.and_then(|node| played.tree.attempt(node));
        let any_passes = attempts(&played.tree).any(Attempt::passes_all);
        assert_eq!(best.is_some_and(Attempt::passes_all), any_passes, "{name}");
        assert!(played.stop != StopReason::Accepted || any_passes, "{name} accepts what fails");
    });
}

#[test]
fn useless_answers_end_every_search() {
    for name in NAMES {
        let unlimited = Play { limits: BudgetLimits::default(), slots: 4, ..Play::at_equal_budget(1) };
        let played = unlimited.run(policy(name, &Value::Null), &mut Model::useless(1));
        assert_eq!((played.best, played.stop), (None, StopReason::Exhausted), "{name}");
        assert!(played.log.len() <= 500, "{name} asked {} times", played.log.len());
    }
}

#[test]
fn no_two_questions_in_flight_are_the_same() {
    each(|name, skill, problem| {
        let watch = |_: &Search, flying: &[Trial]| {
            // Independent samples of one question differ by their seeds, and that is what they are for.
            let varied = flying.iter().filter(|trial| trial.temperature > 0.0 && is_sampling(trial));
            let fixed: Vec<String> = flying
                .iter()
                .filter(|trial| !is_sampling(trial))
                .map(|trial| format!("{:?} {:?}", trial.node, trial.operator))
                .collect();
            let distinct: BTreeSet<&String> = fixed.iter().collect();
            assert_eq!(distinct.len(), fixed.len(), "{name}: {flying:?}");
            let seeds: BTreeSet<u64> = varied.clone().map(|trial| trial.seed).collect();
            assert_eq!(seeds.len(), varied.count(), "{name}: {flying:?}");
        };
        let play = Play { slots: 8, ..Play::at_equal_budget(problem) };
        play.watch(policy(name, &Value::Null), &mut model(name, skill, problem), watch);
    });
}

/// Whether a trial draws from a question that others in flight may draw from, too.
fn is_sampling(trial: &Trial) -> bool {
    ["resample", "revise_with_modules", "generate_tests"].contains(&trial.operator.name())
        || (trial.operator.name() == "implement" && trial.temperature > 0.0)
        || (matches!(trial.operator, Operator::Refine { reflection: None, .. }) && trial.temperature > 0.0)
}

#[test]
fn every_strategy_speaks_the_same_language() {
    let words = [
        "analyse",
        "blame",
        "blame_hole",
        "choose_solution",
        "combine",
        "compare",
        "compose",
        "decide",
        "decompose",
        "extend",
        "generate_tests",
        "grade",
        "implement",
        "mutate",
        "plan",
        "probe",
        "propose",
        "propose_plans",
        "propose_solutions",
        "rate_plan",
        "recall",
        "refine",
        "refine_from_prefix",
        "refine_with_plan",
        "reflect",
        "resample",
        "rethink",
        "revise_with_modules",
        "run_tests",
        "verify",
        "write_inputs",
    ];
    each(|name, skill, problem| {
        let played =
            Play::at_equal_budget(problem).run(policy(name, &Value::Null), &mut model(name, skill, problem));
        for trial in &played.log {
            assert!(words.contains(&trial.operator.name()), "{name}: {}", trial.operator.name());
        }
        let made = played.tree.nodes().skip(1).map(|node| node.operator.as_str());
        let asked: BTreeSet<&str> = played.log.iter().map(|trial| trial.operator.name()).collect();
        assert!(made.into_iter().all(|operator| asked.contains(operator)), "{name}");
    });
}

/// Programs that one adaptive search with a model whose revisions never help asks for after its `first` requests: those
/// that are written afresh, and all; and what the search taught.
fn late_programs(config: AdaptiveConfig, problem: u64, first: usize) -> ((u64, u64), Experience) {
    let config = AdaptiveConfig { stop_below: 0.0, ..config };
    let played = Play::at_equal_budget(problem)
        .run(Box::new(Adaptive::new(config)), &mut model("adaptive", Skill::STUBBORN, problem));
    let (mut fresh, mut all) = (0, 0);
    for trial in played.log.iter().filter(|trial| trial.operator.generations() > 0).skip(first) {
        let generations = trial.operator.generations();
        all += generations;
        fresh += if ["resample", "implement"].contains(&trial.operator.name()) { generations } else { 0 };
    }
    ((fresh, all), Experience::of(&played.tree))
}

#[test]
fn adaptive_comes_down_to_resampling_where_revisions_never_help() {
    let (mut fresh, mut all) = (0, 0);
    for problem in 0..200 {
        // In requests for two: with large ones all programs are asked for before ten requests have taught anything.
        let config = AdaptiveConfig { per_request: 1, revisions: 1, ..AdaptiveConfig::default() };
        let (late, _) = late_programs(config, problem, 10);
        (fresh, all) = (fresh + late.0, all + late.1);
    }
    assert!(all > 200 && 10 * fresh >= 7 * all, "{fresh} of {all} late programs are fresh");
}

#[test]
fn adaptive_comes_down_to_resampling_in_large_requests_once_earlier_problems_have_taught_it() {
    let mut experience = Experience::default();
    let (mut fresh, mut all) = (0, 0);
    for problem in 0..200 {
        let config = AdaptiveConfig { experience: experience.clone(), ..AdaptiveConfig::default() };
        // The first request of every search is for programs from the statement, whatever is known.
        let (late, taught) = late_programs(config, problem, 1);
        experience.carry(&taught);
        (fresh, all) = (fresh + late.0, all + late.1);
    }
    assert!(all > 200 && 10 * fresh >= 7 * all, "{fresh} of {all} programs are fresh");
}

/// Mean depth of the programs of all trees.
fn depth(batch: usize) -> f64 {
    let depths: Vec<u32> = (0..120)
        .flat_map(|problem| {
            let settings = json!({"batch": batch, "stop_below": 0.0});
            let played = Play::at_equal_budget(problem)
                .run(policy("adaptive", &settings), &mut model("adaptive", Skill::WEAK, problem));
            let programs =
                played.tree.nodes().filter(|node| node.attempt.is_some() && node.id != NodeId::ROOT);
            programs.map(|node| node.depth).collect::<Vec<_>>()
        })
        .collect();
    f64::from(depths.iter().sum::<u32>()) / depths.len() as f64
}

#[test]
fn eight_in_flight_keep_the_depth_of_one() {
    let (one, eight) = (depth(1), depth(8));
    assert!((eight / one - 1.0).abs() < 0.2, "mean depth {one} one by one, {eight} with 8 in flight");
}
