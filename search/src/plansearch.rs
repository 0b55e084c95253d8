//! PlanSearch: search over ideas in words. Observations about the problem are combined, each combination becomes a plan,
//! and each plan a program.
//!
//! Source: Wang et al. 2024, *Planning in Natural Language Improves LLM Search for Code Generation*, section 4 and the
//! published code: up to 10 observations; for every subset of at most two of them, observations of a second layer that
//! follow from it; for every set of observations of either layer a plan, the criticism of it with another plan, and a
//! program for each of both. Where it differs, on purpose:
//!
//! - the number of programs is capped (the full tree has thousands), and the sets are taken in an order that uses all
//!   observations evenly, alone and in pairs in turn, each set with both layers;
//! - the second layer of a set is the set with the two observations that follow from it, and not every subset of more;
//! - the plan includes the pseudocode, which is a call of its own in the original, and observations are asked for as a
//!   list at once;
//! - programs run on the visible tests as everywhere, which decides only what is submitted.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::checked;
use crate::grow::{any_passes, grow};
use crate::policy::{Combined, Decision, Operator, SearchPolicy, StopReason, Trial, TrialResult};
use crate::tree::{NodeId, Tree};

#[cfg(test)]
mod tests;

/// Observations that are derived from a set.
const DERIVED: usize = 2;

/// Settings of [`PlanSearch`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanSearchConfig {
    /// First observations asked for, at least 1. Default 10, as published.
    #[serde(deserialize_with = "checked::count")]
    pub observations: usize,
    /// Programs asked for at most, at least 1. Default 20; the original has no cap.
    #[serde(deserialize_with = "checked::count")]
    pub programs: usize,
    /// Whether each set gets a second layer of observations. Default true, as published.
    pub second_layer: bool,
    /// Whether each plan is criticised and gets a counterpart. Default true, as published.
    pub other_plans: bool,
    /// Sampling temperature, in `[0, 2]`. Default 0.9, as published.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Longest answer in tokens. Default 4096, as published.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for PlanSearchConfig {
    fn default() -> Self {
        Self {
            observations: 10,
            programs: 20,
            second_layer: true,
            other_plans: true,
            temperature: 0.9,
            max_output_tokens: 4096,
        }
    }
}

/// The PlanSearch policy. No decision depends on how a program did, so all sets of a wave can be in flight at once.
#[derive(Debug, Clone)]
pub struct PlanSearch {
    config: PlanSearchConfig,
    /// Sets of first observations that are still to come.
    sets: VecDeque<Vec<NodeId>>,
    batch: Batch,
    /// Programs asked for.
    programs: usize,
}

impl PlanSearch {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub fn new(config: PlanSearchConfig) -> Self {
        let mut policy = Self { config, sets: VecDeque::new(), batch: Batch::default(), programs: 0 };
        policy.combine(&[], Combined::Observations, policy.config.observations.max(1));
        policy
    }

    fn push(&mut self, node: NodeId, operator: Operator) {
        let PlanSearchConfig { temperature, max_output_tokens, .. } = self.config;
        self.batch.push(Decision { node, operator, temperature, max_output_tokens });
    }

    /// Asks for what follows from a set; it hangs below the last observation of the set.
    fn combine(&mut self, observations: &[NodeId], wanted: Combined, count: usize) {
        let node = observations.last().copied().unwrap_or(NodeId::ROOT);
        self.push(node, Operator::Combine { observations: observations.to_vec(), wanted, count });
    }

    fn programs_left(&self) -> usize {
        self.config.programs.max(1).saturating_sub(self.programs)
    }

    /// Starts as many sets as are needed for the programs that are left, if every answer is usable.
    fn start_wave(&mut self) {
        let per_plan = 1 + usize::from(self.config.other_plans);
        let mut promised = 0;
        while promised < self.programs_left()
            && let Some(set) = self.sets.pop_front()
        {
            self.combine(&set, Combined::Plan, 1);
            promised += per_plan;
            // What follows from no observation was asked for first of all.
            if self.config.second_layer && !set.is_empty() && promised < self.programs_left() {
                self.combine(&set, Combined::Observations, DERIVED);
                promised += per_plan;
            }
        }
    }

    fn after_combine(&mut self, observations: &[NodeId], wanted: Combined, made: &[NodeId]) {
        match wanted {
            // The observations from which everything else is made.
            Combined::Observations if observations.is_empty() => self.sets = sets(made).into(),
            Combined::Observations if !made.is_empty() => {
                self.combine(&[observations, made].concat(), Combined::Plan, 1);
            }
            Combined::Observations => {}
            Combined::Plan | Combined::OtherPlan(_) => {
                let Some(plan) = made.first().copied().filter(|_| self.programs_left() > 0) else { return };
                self.programs += 1;
                self.push(plan, Operator::Implement);
                if wanted == Combined::Plan && self.config.other_plans && self.programs_left() > 0 {
                    self.combine(observations, Combined::OtherPlan(plan), 1);
                }
            }
        }
    }
}

/// The sets of at most two observations: none, then single ones and pairs in turn. Pairs of neighbours come first, then
/// those of observations further apart, so that the first few sets use as many observations as may be.
fn sets(observations: &[NodeId]) -> Vec<Vec<NodeId>> {
    let mut singles = observations.iter().map(|one| vec![*one]);
    let pairs = (1..observations.len()).flat_map(|distance| {
        let others = observations.get(distance..).unwrap_or_default();
        observations.iter().zip(others).map(|(one, other)| vec![*one, *other])
    });
    let mut sets = vec![Vec::new()];
    for pair in pairs {
        sets.extend(singles.next());
        sets.push(pair);
    }
    sets.extend(singles);
    sets
}

impl SearchPolicy for PlanSearch {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        self.batch.ask(slots)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.batch.tell();
        let made = grow(tree, trial, result);
        if let Operator::Combine { observations, wanted, .. } = &trial.operator {
            self.after_combine(observations, *wanted, &made);
        }
        if self.batch.is_done() {
            self.start_wave();
        }
        made
    }

    fn stop_reason(&self, tree: &Tree) -> Option<StopReason> {
        if !self.batch.is_done() {
            return None;
        }
        Some(StopReason::done(any_passes(tree)))
    }
}
