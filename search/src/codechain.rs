//! CodeChain: rounds of modular programs; each round is shown representative sub-modules of the best of the last.
//!
//! Source: Le et al. 2024, *CodeChain*, section 3 and the published code: a round of 20 samples, then five rounds of
//! revision with 5, 4, 3, 2 and 1 representatives. Where it differs, on purpose:
//!
//! - if no program ever passed, modules of the best partial programs are offered (the original gives up); if not
//!   even one test was passed, the round is drawn afresh, for there is nothing worth reusing;
//! - without visible tests every program of a round that parses is a source, so that clusters act as a vote;
//! - it stops after a round in which every program passes all visible tests, unless `exhaust`: the paper has no
//!   early stop, and sees later rounds over-fit to the examples.

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::checked;
use crate::grow::{distinct, grow, with_outcome};
use crate::policy::{
    Decision, ModuleChoice, Operator, ProgramStyle, SearchPolicy, StopReason, Trial, TrialResult,
};
use crate::tree::{NodeId, Tree};

#[cfg(test)]
mod tests;

/// Settings of [`CodeChain`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CodeChainConfig {
    /// Programs per round, at least 1. Default 20.
    #[serde(deserialize_with = "checked::count")]
    pub samples: usize,
    /// Programs drawn from one request, at least 1. Default 5.
    #[serde(deserialize_with = "checked::count")]
    pub per_request: usize,
    /// Rounds of revision after the first round. Default 5; 0 is modular generation alone.
    pub rounds: usize,
    /// Representatives shown in each round of revision; the last number holds for all further ones.
    /// Default 5, 4, 3, 2, 1.
    #[serde(deserialize_with = "checked::counts")]
    pub clusters: Vec<usize>,
    /// Which module stands for its cluster. Default centroid.
    pub module_choice: ModuleChoice,
    /// Does all rounds whatever is found, as published. Default false.
    pub exhaust: bool,
    /// Sampling temperature, in `[0, 2]`. Default 1.0.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Longest answer in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for CodeChainConfig {
    fn default() -> Self {
        Self {
            samples: 20,
            per_request: 5,
            rounds: 5,
            clusters: vec![5, 4, 3, 2, 1],
            module_choice: ModuleChoice::Centroid,
            exhaust: false,
            temperature: 1.0,
            max_output_tokens: 2048,
        }
    }
}

/// The CodeChain policy. The requests of a round can all be in flight; a round waits for the one before.
#[derive(Debug, Clone)]
pub struct CodeChain {
    config: CodeChainConfig,
    /// The round under way; 0 is the modular one before any revision.
    round: usize,
    /// What the round's programs are revised from; empty for a round that is drawn afresh.
    sources: Vec<NodeId>,
    asked: usize,
    in_flight: usize,
    made: Vec<NodeId>,
    last_passing: Vec<NodeId>,
    stopped: Option<StopReason>,
}

impl CodeChain {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub const fn new(config: CodeChainConfig) -> Self {
        Self {
            config,
            round: 0,
            sources: Vec::new(),
            asked: 0,
            in_flight: 0,
            made: Vec::new(),
            last_passing: Vec::new(),
            stopped: None,
        }
    }

    fn samples_left(&self) -> usize {
        self.config.samples.max(1).saturating_sub(self.asked)
    }

    fn operator(&self, count: usize) -> Operator {
        if self.sources.is_empty() {
            return Operator::Resample { count, style: ProgramStyle::Modular, drawn: None };
        }
        let schedule = &self.config.clusters;
        let clusters = schedule.get(self.round.saturating_sub(1)).or(schedule.last()).copied().unwrap_or(1);
        Operator::ReviseWithModules {
            sources: self.sources.clone(),
            clusters,
            count,
            choice: self.config.module_choice,
            opens_round: self.asked == 0,
        }
    }

    fn end_round(&mut self, tree: &Tree) {
        let made = std::mem::take(&mut self.made);
        let passing = with_outcome(tree, made.iter().copied(), Outcome::Passed);
        let settled = !made.is_empty() && passing.len() == made.len();
        if !passing.is_empty() {
            self.last_passing = distinct(tree, passing);
        }
        if settled && !self.config.exhaust {
            self.stopped = Some(StopReason::Accepted);
        } else if self.round >= self.config.rounds {
            self.stopped = Some(StopReason::Exhausted);
        } else {
            self.round += 1;
            self.asked = 0;
            self.sources = self.next_sources(tree, &made);
        }
    }

    /// The last round's passing programs, or those of the last round that had any; else what comes closest.
    fn next_sources(&self, tree: &Tree, made: &[NodeId]) -> Vec<NodeId> {
        if !self.last_passing.is_empty() {
            return self.last_passing.clone();
        }
        let untested = with_outcome(tree, made.iter().copied(), Outcome::Untested);
        if !untested.is_empty() {
            return distinct(tree, untested);
        }
        best_partial(tree)
    }
}

impl SearchPolicy for CodeChain {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        let mut decisions = Vec::new();
        while decisions.len() < slots && self.stopped.is_none() && self.samples_left() > 0 {
            let count = self.config.per_request.max(1).min(self.samples_left());
            let operator = self.operator(count);
            self.asked += count;
            self.in_flight += 1;
            decisions.push(Decision {
                node: NodeId::ROOT,
                operator,
                temperature: self.config.temperature,
                max_output_tokens: self.config.max_output_tokens,
            });
        }
        decisions
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        let nodes = grow(tree, trial, result);
        self.made.extend(&nodes);
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.in_flight == 0 && self.samples_left() == 0 {
            self.end_round(tree);
        }
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        self.stopped
    }
}

/// The programs of the whole tree that pass the most tests, if any passes one.
fn best_partial(tree: &Tree) -> Vec<NodeId> {
    let fraction = |node: NodeId| tree.attempt(node).map_or(0.0, crate::Attempt::pass_fraction);
    let programs = || tree.nodes().map(|node| node.id);
    let best = programs().map(fraction).fold(0.0, f64::max);
    if best <= 0.0 {
        return Vec::new();
    }
    distinct(tree, programs().filter(|node| fraction(*node) >= best))
}
