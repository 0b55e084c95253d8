//! Evolution of programs: islands of elites that are changed by the model, one cell for each kind of program, with
//! migration between islands.
//!
//! Source: the published code of *OpenEvolve*, after Novikov et al. 2025, *AlphaEvolve*, section 2, with the cells of
//! MAP-Elites (Mouret and Clune 2015). Where it differs, on purpose:
//!
//! - the score is the share of visible tests passed, and the method ends with a generation in which a program passes
//!   them all, unless `exhaust`;
//! - a cell is a class of length and a behaviour on the visible tests, where the original scales complexity and edit
//!   distance into bins: behaviour is what diversity is for here;
//! - a program is new if its normalised syntax is, where the original compares embeddings;
//! - every island is sown with a program of its own (the original starts from one program, on one island);
//! - the archive and the time between migrations are a tenth of theirs, as populations are here.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use self::islands::{Islands, fittest_first};
use crate::checked;
use crate::grow::grow;
use crate::policy::{Decision, Operator, ProgramStyle, SearchPolicy, StopReason, Trial, TrialResult};
use crate::thompson::Dice;
use crate::tree::{NodeId, Tree};

mod islands;
#[cfg(test)]
mod tests;

/// Settings of [`Evolve`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvolveConfig {
    /// Programs asked for at most, at least 1. Default 40.
    #[serde(deserialize_with = "checked::count")]
    pub programs: usize,
    /// Islands, at least 1. Default 5, as published.
    #[serde(deserialize_with = "checked::count")]
    pub islands: usize,
    /// Programs of all islands in the archive, at least 1. Default 10.
    #[serde(deserialize_with = "checked::count")]
    pub archive: usize,
    /// Share of parents drawn from the island at random, in `[0, 1]`. Default 0.2, as published.
    #[serde(deserialize_with = "checked::share")]
    pub explore: f64,
    /// Share of parents drawn from the archive, the island's own first, in `[0, 1]`; the rest is drawn from all islands.
    /// Default 0.7, as published.
    #[serde(deserialize_with = "checked::share")]
    pub exploit: f64,
    /// Best programs of the island shown besides the parent. Default 3, as published.
    pub top: usize,
    /// Programs of other behaviour shown besides. Default 2, as published.
    pub diverse: usize,
    /// Generations between migrations, at least 1. Default 5.
    #[serde(deserialize_with = "checked::count")]
    pub migrate_every: usize,
    /// Share of an island's elites that migrate to both neighbours, in `[0, 1]`, at least one. Default 0.1, as published.
    #[serde(deserialize_with = "checked::share")]
    pub migrants: f64,
    /// Spends all programs even if some pass. Default false.
    pub exhaust: bool,
    /// Sampling temperature, in `[0, 2]`. Default 0.7, as published.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Longest answer in tokens. Default 4096, as published.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for EvolveConfig {
    fn default() -> Self {
        Self {
            programs: 40,
            islands: 5,
            archive: 10,
            explore: 0.2,
            exploit: 0.7,
            top: 3,
            diverse: 2,
            migrate_every: 5,
            migrants: 0.1,
            exhaust: false,
            temperature: 0.7,
            max_output_tokens: 4096,
        }
    }
}

/// The evolution policy. A generation is one program per island, all in flight at once; the next waits for it.
#[derive(Debug, Clone)]
pub struct Evolve {
    config: EvolveConfig,
    islands: Islands,
    /// Syntax of every program so far.
    known: BTreeSet<u64>,
    queue: VecDeque<Decision>,
    /// Islands of the trials that are not told yet, in the order of asking.
    due: VecDeque<usize>,
    asked: usize,
    generation: usize,
    /// Sum of the seeds told, which seeds the choices of the next generation.
    seeds: u64,
    passed: bool,
}

impl Evolve {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub fn new(config: EvolveConfig) -> Self {
        let islands = Islands::new(config.islands.max(1));
        let mut policy = Self {
            config,
            islands,
            known: BTreeSet::new(),
            queue: VecDeque::new(),
            due: VecDeque::new(),
            asked: 0,
            generation: 0,
            seeds: 0,
            passed: false,
        };
        policy.start_generation(&Tree::new());
        policy
    }

    /// One program for each island, as far as programs are left.
    fn start_generation(&mut self, tree: &Tree) {
        let mut dice = Dice::new(self.seeds);
        for island in 0..self.islands.len() {
            if self.asked >= self.config.programs.max(1) {
                return;
            }
            self.asked += 1;
            self.due.push_back(island);
            let (node, operator) = match self.parent(tree, island, &mut dice) {
                Some(parent) => {
                    let inspirations = self.inspirations(tree, island, parent, &mut dice);
                    (parent, Operator::Mutate { inspirations })
                }
                None => {
                    (NodeId::ROOT, Operator::Resample { count: 1, style: ProgramStyle::Direct, drawn: None })
                }
            };
            let EvolveConfig { temperature, max_output_tokens, .. } = self.config;
            self.queue.push_back(Decision { node, operator, temperature, max_output_tokens });
        }
    }

    /// The program to change; `None` where the island still has to be sown.
    fn parent(&self, tree: &Tree, island: usize, dice: &mut Dice) -> Option<NodeId> {
        let own = self.islands.elites(island);
        if own.is_empty() {
            return None;
        }
        let all = self.islands.all();
        let draw = dice.uniform();
        if draw < self.config.explore {
            return dice.pick(&own);
        }
        if draw >= self.config.explore + self.config.exploit {
            return dice.pick(&all);
        }
        let mut archive = fittest_first(tree, all);
        archive.truncate(self.config.archive.max(1));
        let ours: Vec<NodeId> = archive.iter().copied().filter(|node| own.contains(node)).collect();
        dice.pick(if ours.is_empty() { &archive } else { &ours })
    }

    /// The island's best, and some of other behaviour than the parent's; neither the parent nor one twice.
    fn inspirations(&self, tree: &Tree, island: usize, parent: NodeId, dice: &mut Dice) -> Vec<NodeId> {
        let mut others = fittest_first(tree, self.islands.elites(island));
        others.retain(|node| *node != parent);
        let mut rest = others.split_off(self.config.top.min(others.len()));
        let behaviour = |node: NodeId| tree.attempt(node).and_then(|attempt| attempt.behaviour);
        rest.retain(|node| behaviour(*node) != behaviour(parent));
        while others.len() < self.config.top + self.config.diverse
            && let Some(node) = dice.pick(&rest)
        {
            rest.retain(|other| *other != node);
            others.push(node);
        }
        others
    }

    /// Gives new programs their place on the island.
    fn settle(&mut self, tree: &Tree, island: usize, made: &[NodeId]) {
        for node in made {
            let Some(attempt) = tree.attempt(*node) else { continue };
            self.passed |= attempt.passes_all();
            if self.known.insert(attempt.fingerprint) {
                self.islands.place(tree, island, *node);
            }
        }
    }

    fn end_generation(&mut self, tree: &Tree) {
        self.generation += 1;
        if self.passed && !self.config.exhaust {
            return;
        }
        if self.generation.is_multiple_of(self.config.migrate_every.max(1)) {
            self.islands.migrate(tree, self.config.migrants);
        }
        self.start_generation(tree);
    }
}

impl SearchPolicy for Evolve {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        self.queue.drain(..slots.min(self.queue.len())).collect()
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        let made = grow(tree, trial, result);
        self.seeds = self.seeds.wrapping_add(trial.seed);
        if let Some(island) = self.due.pop_front() {
            self.settle(tree, island, &made);
            if self.due.is_empty() {
                self.end_generation(tree);
            }
        }
        made
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        match self.due.is_empty() {
            true if self.passed => Some(StopReason::Accepted),
            true => Some(StopReason::Exhausted),
            false => None,
        }
    }
}
