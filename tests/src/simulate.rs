//! Searches against a simulated model: no prompts, no programs, no sandbox, but the chances that decide whether a method
//! helps. Thousands of searches take seconds, so that strategies can be compared at equal budgets with intervals.
//!
//! A simulated problem has a chance to be solved unaided and a few misconceptions, each with its wrong program, which
//! passes some of the visible tests or (a trap) all of them. A simulated model has a [`Skill`]. What an operator gives
//! follows from both: see [`Model`].

mod model;
mod table;

use std::collections::BTreeMap;

use codeagent_search::policy::{StopReason, Trial};
use codeagent_search::{Budget, BudgetLimits, Cost, NodeId, Search, SearchPolicy, Tree};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use self::model::{Model, Skill};
pub use self::table::{Interval, Row, compare, mean};

/// How a simulated search ended.
#[derive(Debug, Clone)]
pub struct Played {
    /// Whether the submitted program is right, which visible tests need not show.
    pub solved: bool,
    /// What was spent.
    pub cost: Cost,
    /// Why it ended; a refusal of the budget is [`StopReason::Budget`].
    pub stop: StopReason,
    /// The trials, in the order of asking.
    pub log: Vec<Trial>,
    /// The tree.
    pub tree: Tree,
    /// The submitted program.
    pub best: Option<NodeId>,
}

/// In which order results are told.
#[derive(Debug, Clone, Copy)]
pub enum Telling {
    /// That of asking.
    InOrder,
    /// As luck has it, from this seed.
    Shuffled(u64),
}

/// How a search is played.
#[derive(Debug, Clone, Copy)]
pub struct Play {
    /// What it may spend.
    pub limits: BudgetLimits,
    /// Seed of the search.
    pub seed: u64,
    /// Most trials in flight.
    pub slots: usize,
    /// In which order results are told.
    pub telling: Telling,
}

impl Play {
    /// One trial after the other, within 20 programs and 60 calls: the budget at which strategies are compared.
    #[must_use]
    pub fn at_equal_budget(seed: u64) -> Self {
        let limits = BudgetLimits { generations: Some(20), calls: Some(60), ..BudgetLimits::default() };
        Self { limits, seed, slots: 1, telling: Telling::InOrder }
    }

    /// Plays a search to its end.
    #[must_use]
    pub fn run(&self, policy: Box<dyn SearchPolicy>, model: &mut Model) -> Played {
        self.watch(policy, model, |_, _| {})
    }

    /// Plays a search to its end and shows it, with the trials in flight, whenever a trial starts or was told.
    ///
    /// As the driver does, it starts a trial only when the most that it can cost is free, and waits where trials in
    /// flight hold that.
    ///
    /// # Panics
    /// If the search goes on for 10,000 trials.
    pub fn watch(
        &self,
        policy: Box<dyn SearchPolicy>,
        model: &mut Model,
        mut watch: impl FnMut(&Search, &[Trial]),
    ) -> Played {
        let (mut search, budget) = (Search::new(policy, self.seed), Budget::new(self.limits));
        let (mut log, mut flying, mut held) = (Vec::new(), Vec::<Trial>::new(), BTreeMap::new());
        let (mut stop, mut waiting, mut answers) = (None, None::<Trial>, BTreeMap::new());
        let mut luck = match self.telling {
            Telling::InOrder => None,
            Telling::Shuffled(seed) => Some(ChaCha8Rng::seed_from_u64(seed)),
        };
        loop {
            while stop.is_none() && flying.len() < self.slots {
                stop = search.stop_reason();
                let asked =
                    waiting.take().or_else(|| if stop.is_none() { search.ask(1).pop() } else { None });
                let Some(trial) = asked else { break };
                match budget.reserve(model.worst(&trial)) {
                    Ok(reservation) => {
                        held.insert(trial.id, reservation);
                        log.push(trial.clone());
                        flying.push(trial);
                        watch(&search, &flying);
                    }
                    Err(_) if flying.is_empty() => stop = Some(StopReason::Budget),
                    Err(_) => {
                        waiting = Some(trial);
                        break;
                    }
                }
            }
            if flying.is_empty() {
                break;
            }
            let next = luck.as_mut().map_or(0, |luck| luck.random_range(0..flying.len()));
            let trial = flying.remove(next);
            let answer = model.answer(search.tree(), &trial);
            if let Some(reservation) = held.remove(&trial.id) {
                budget.settle(reservation, answer.cost);
            }
            let before = search.in_flight();
            let told = search.tell_at_cost(trial.id, answer.result.clone(), answer.cost);
            let was_applied = search.in_flight() < before;
            let own = was_applied.then_some((trial.id, told.nodes));
            answers.insert(trial.id, (trial, answer));
            for (id, nodes) in own.into_iter().chain(told.released) {
                if let Some((trial, answer)) = answers.remove(&id) {
                    model.note(&trial, &nodes, answer);
                }
            }
            watch(&search, &flying);
            assert!(log.len() < 10_000, "the search does not end");
        }
        let best = search.best();
        Played {
            solved: best.is_some_and(|node| model.is_right(node)),
            cost: budget.spent(),
            stop: stop.unwrap_or(StopReason::Exhausted),
            log,
            tree: search.tree().clone(),
            best,
        }
    }
}
