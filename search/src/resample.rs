//! Resampling: independent programs and no feedback. The baseline that every other method must beat at equal cost.
//!
//! Source: the `resample` variant of CodeTree (Li et al. 2025, section 4.1) and the "Base(n)" rows of RethinkMCTS.
//! Unlike CodeTree's, it draws a fixed number by default, so that the whole pool is there to choose from.

use serde::{Deserialize, Serialize};

use crate::checked;
use crate::grow::grow;
use crate::policy::{Decision, Operator, ProgramStyle, SearchPolicy, StopReason, Trial, TrialResult};
use crate::tree::{NodeId, Tree};

#[cfg(test)]
mod tests;

/// Settings of [`Resample`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResampleConfig {
    /// Programs to draw, at least 1. Default 10.
    #[serde(deserialize_with = "checked::count")]
    pub programs: usize,
    /// Programs drawn from one request, at least 1. Default 1, which every server can do and which gives every
    /// program its own seed; more pays the prompt once for all of them.
    #[serde(deserialize_with = "checked::count")]
    pub per_request: usize,
    /// Draws one program at a time and stops at the first that passes all visible tests. Default false.
    pub stop_at_first: bool,
    /// How programs are asked for. Default direct.
    pub style: ProgramStyle,
    /// Sampling temperature, in `[0, 2]`. Default 0.8; CodeTree uses 1.0.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Longest answer in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for ResampleConfig {
    fn default() -> Self {
        Self {
            programs: 10,
            per_request: 1,
            stop_at_first: false,
            style: ProgramStyle::Direct,
            temperature: 0.8,
            max_output_tokens: 2048,
        }
    }
}

/// The resampling policy. Without `stop_at_first` no decision waits for a result, so everything can run at once.
#[derive(Debug, Clone)]
pub struct Resample {
    config: ResampleConfig,
    asked: usize,
    in_flight: usize,
    passed: bool,
}

impl Resample {
    /// A policy that has drawn nothing yet.
    #[must_use]
    pub const fn new(config: ResampleConfig) -> Self {
        Self { config, asked: 0, in_flight: 0, passed: false }
    }

    fn next_request(&self) -> Option<usize> {
        let left = self.config.programs.saturating_sub(self.asked);
        let held_back = self.config.stop_at_first && (self.in_flight > 0 || self.passed);
        let most = if self.config.stop_at_first { 1 } else { self.config.per_request.max(1) };
        (left > 0 && !held_back).then(|| most.min(left))
    }
}

impl SearchPolicy for Resample {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        let mut decisions = Vec::new();
        while decisions.len() < slots
            && let Some(count) = self.next_request()
        {
            self.asked += count;
            self.in_flight += 1;
            decisions.push(Decision {
                node: NodeId::ROOT,
                operator: Operator::Resample { count, style: self.config.style },
                temperature: self.config.temperature,
                max_output_tokens: self.config.max_output_tokens,
            });
        }
        decisions
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let nodes = grow(tree, trial, result);
        let passes = |node: &NodeId| tree.attempt(*node).is_some_and(crate::Attempt::passes_all);
        self.passed |= nodes.iter().any(passes);
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if self.config.stop_at_first && self.passed {
            return Some(StopReason::Accepted);
        }
        (self.asked >= self.config.programs && self.in_flight == 0).then_some(StopReason::Exhausted)
    }
}
