//! Strategies at equal budget, against a simulated model: every one in the table, at several skills.
//!
//! The short test runs always and holds the claims that the default strategy makes; the table is printed by hand:
//! `cargo test --workspace --locked --test comparison -- --ignored --nocapture`.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use codeagent::strategy::{NAMES, Strategy};
use codeagent_search::{BudgetLimits, SearchPolicy};
use codeagent_tests::simulate::{Model, Play, Row, Skill, compare, mean};
use serde_json::{Value, json};

const SEEDS: u64 = 5;
/// Number of the first problem. The constants of the adaptive strategy were tuned on those below 300 and
/// from 2,000 on.
const FIRST: u64 = 1_000;
const SKILLS: [(&str, Skill); 4] = [
    ("weak", Skill::WEAK),
    ("middle", Skill::MIDDLE),
    ("strong", Skill::STRONG),
    ("stubborn", Skill::STUBBORN),
];

/// Settings that lift a method's own bounds to those of the budget.
fn settings(name: &str) -> Value {
    match name {
        "resample" => json!({"programs": 20}),
        "reflexion" => json!({"max_iterations": 20}),
        "rethink-mcts" => json!({"rollouts": 20}),
        _ => Value::Null,
    }
}

fn policy(name: &str) -> Box<dyn SearchPolicy> {
    Strategy::by_name(name, &settings(name)).unwrap().policy()
}

/// One strategy on many problems with several seeds each.
fn row(name: &str, skill: Skill, problems: u64, limits: impl Fn(BudgetLimits) -> BudgetLimits) -> Row {
    let mut row = Row::new(name);
    for problem in FIRST..FIRST + problems {
        let search = |seed| {
            let play = Play::at_equal_budget(seed);
            let play = Play { limits: limits(play.limits), ..play };
            play.run(
                policy(name),
                &mut Model::new(skill, problem)
                    .told(Strategy::by_name(name, &Value::Null).unwrap().feedback()),
            )
        };
        row.add(&(0..SEEDS).map(search).collect::<Vec<_>>());
    }
    row
}

fn calls(most: u64) -> impl Fn(BudgetLimits) -> BudgetLimits {
    move |limits| BudgetLimits { calls: Some(most), ..limits }
}

#[test]
#[ignore = "prints a table; run it by hand: cargo test --workspace --locked --test comparison -- --ignored --nocapture"]
#[expect(clippy::print_stdout, reason = "it is there to say what it measured")]
fn strategies_at_equal_budget() {
    let problems = 300;
    for (skill_name, skill) in SKILLS {
        println!("\n{skill_name}: {problems} problems, {SEEDS} seeds, at most 20 programs and 60 calls\n");
        println!("| strategy | solved | adaptive less it | calls | programs | tokens |");
        println!("|---|---|---|---|---|---|");
        let rows: Vec<Row> = NAMES.iter().map(|name| row(name, skill, problems, |limits| limits)).collect();
        for row in &rows {
            let apart = compare(&rows[0].solved, &row.solved);
            println!(
                "| `{}` | {:.1} % | {:+.1} [{:+.1}, {:+.1}] | {:.1} | {:.1} | {:.0} |",
                row.name,
                100.0 * mean(&row.solved),
                100.0 * apart.difference,
                100.0 * apart.low,
                100.0 * apart.high,
                mean(&row.calls),
                mean(&row.generations),
                mean(&row.tokens),
            );
        }
        for row in rows.iter().filter(|row| ["codetree", "rethink-mcts"].contains(&row.name.as_str())) {
            match calls_to_match(row, skill, problems) {
                Some(needed) => println!(
                    "\n`{}` solves {:.1} % with {:.1} calls; `adaptive` solves as many with {needed:.1}, {:.2} of that.",
                    row.name,
                    100.0 * mean(&row.solved),
                    mean(&row.calls),
                    needed / mean(&row.calls),
                ),
                None => println!("\n`adaptive` does not solve as many as `{}`.", row.name),
            }
        }
    }
}

/// The calls that the adaptive strategy spends at the least budget with which it solves as many as another, found by
/// halving: more calls solve more, but for luck.
fn calls_to_match(other: &Row, skill: Skill, problems: u64) -> Option<f64> {
    let (mut low, mut high, mut found) = (1_u64, 60_u64, None);
    while low < high {
        let middle = (low + high) / 2;
        let row = row("adaptive", skill, problems, calls(middle));
        if mean(&row.solved) >= mean(&other.solved) {
            (high, found) = (middle, Some(mean(&row.calls)));
        } else {
            low = middle + 1;
        }
    }
    found
}

#[test]
fn adaptive_is_not_below_any_other_beyond_the_interval() {
    for (skill_name, skill) in SKILLS {
        let adaptive = row("adaptive", skill, 60, |limits| limits);
        for name in NAMES.into_iter().filter(|name| *name != "adaptive") {
            let other = row(name, skill, 60, |limits| limits);
            let apart = compare(&adaptive.solved, &other.solved);
            assert!(apart.high >= 0.0, "{name} at skill {skill_name}: {apart:?}");
        }
    }
}
