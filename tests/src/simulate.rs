//! Searches against a simulated model: no prompts, no programs, no sandbox, but the chances that decide whether a method
//! helps. Thousands of searches take seconds, so that strategies can be compared at equal budgets with intervals.
//!
//! A simulated problem has a chance to be solved unaided and a few misconceptions, each with its wrong program, which
//! passes some of the visible tests or (a trap) all of them. A simulated model has a [`Skill`]. What an operator gives
//! follows from both: see [`Model`].

mod model;
mod table;

use std::collections::VecDeque;

use codeagent_search::policy::{StopReason, Trial};
use codeagent_search::{Budget, BudgetLimits, Cost, NodeId, Search, SearchPolicy};

pub use self::model::{Model, Skill, Traces};
pub use self::table::{Interval, Row, compare, mean};

/// How a simulated search ended.
#[derive(Debug, Clone)]
pub struct Played {
    /// Whether the submitted program is right, which visible tests need not show.
    pub solved: bool,
    /// Whether any program that was written is right.
    pub found: bool,
    /// What was spent.
    pub cost: Cost,
    /// Why it ended; a refusal of the budget is [`StopReason::Budget`].
    pub stop: StopReason,
    /// The trials, in the order of asking.
    pub log: Vec<Trial>,
    /// The search as it ended.
    pub search: Shown,
}

/// What is left of a search to look at.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its tree.
    pub tree: codeagent_search::Tree,
    /// The best program.
    pub best: Option<NodeId>,
}

/// Plays a search to its end with up to `slots` trials in flight, told in the order of asking, within `limits`.
///
/// # Panics
/// If the policy waits for nothing, or goes on for 10,000 trials.
#[must_use]
pub fn play(
    policy: Box<dyn SearchPolicy>,
    model: &mut Model,
    limits: BudgetLimits,
    seed: u64,
    slots: usize,
) -> Played {
    let (mut search, budget) = (Search::new(policy, seed), Budget::new(limits));
    let (mut log, mut flying) = (Vec::new(), VecDeque::new());
    let mut stop = None;
    loop {
        while stop.is_none() && flying.len() < slots {
            stop = search.stop_reason();
            let asked = if stop.is_none() { search.ask(1).pop() } else { None };
            let Some(trial) = asked else { break };
            match budget.reserve(model.worst(&trial)) {
                Ok(reservation) => flying.push_back((trial, reservation)),
                // A trial that does not fit is not waited for: at the end of a budget nothing else would fit either.
                Err(_) => stop = Some(StopReason::Budget),
            }
        }
        let Some((trial, reservation)) = flying.pop_front() else { break };
        let answer = model.answer(search.tree(), &trial);
        budget.settle(reservation, answer.cost);
        let told = search.tell_at_cost(trial.id, answer.result.clone(), answer.cost);
        model.note(&trial, &told.nodes, answer);
        log.push(trial);
        assert!(log.len() < 10_000, "the search does not end");
    }
    let best = search.best();
    Played {
        solved: best.is_some_and(|node| model.is_right(node)),
        found: search.tree().nodes().any(|node| model.is_right(node.id)),
        cost: budget.spent(),
        stop: stop.unwrap_or(StopReason::Exhausted),
        log,
        search: Shown { tree: search.tree().clone(), best },
    }
}

/// The limits of the comparison: 20 programs and 60 calls.
#[must_use]
pub fn equal_budget() -> BudgetLimits {
    BudgetLimits { generations: Some(20), calls: Some(60), ..BudgetLimits::default() }
}
