//! Resampling: independent programs and no feedback. The baseline that every other method must beat at equal cost.
//!
//! Source: the `resample` variant of CodeTree (Li et al. 2025, section 4.1) and the "Base(n)" rows of RethinkMCTS.
//! Unlike CodeTree's, it draws a fixed number by default, so that the whole pool is there to choose from.
//!
//! With `verdicts`, part of the same budget goes to verification: fewer programs, each judged several times by the model
//! before the choice (Singhi et al. 2025, *When To Solve, When To Verify*, section 3: `C = S · (1 + λ V)`). Programs that a
//! visible test speaks against are not judged.

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::checked;
use crate::grow::{distinct, evaluate, grow};
use crate::policy::{
    Decision, Operator, ProgramStyle, SearchPolicy, StopReason, Trial, TrialResult, VerifyStyle,
};
use crate::tree::{Evaluator, NodeId, Tree};

#[cfg(test)]
mod tests;

/// Settings of [`Resample`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResampleConfig {
    /// Programs to draw, at least 1. With `verdicts`, what programs and verdicts may cost together, in programs. Default
    /// 10.
    #[serde(deserialize_with = "checked::count")]
    pub programs: usize,
    /// Programs drawn from one request, at least 1. Default 1, which every server can do and which gives every
    /// program its own seed; more pays the prompt once for all of them.
    #[serde(deserialize_with = "checked::count")]
    pub per_request: usize,
    /// Whether programs are all different, where the model can draw without replacement, as local ones can. Default false:
    /// independent draws, which is what pass@k is about.
    pub distinct: bool,
    /// Draws one program at a time and stops at the first that passes all visible tests. Default false.
    pub stop_at_first: bool,
    /// How programs are asked for. Default direct.
    pub style: ProgramStyle,
    /// Sampling temperature, in `[0, 2]`. Default 0.8; CodeTree uses 1.0.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// `V`, verdicts of the model on each distinct program, at most 100. Default 0: programs vote by what they do, nothing else.
    #[serde(deserialize_with = "checked::votes")]
    pub verdicts: u32,
    /// `λ`, what a verdict costs, in programs, from 0 up. Default 1, a model that reasons before it judges.
    #[serde(deserialize_with = "checked::not_negative")]
    pub verdict_cost: f64,
    /// Longest answer in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for ResampleConfig {
    fn default() -> Self {
        Self {
            programs: 10,
            per_request: 1,
            distinct: false,
            stop_at_first: false,
            style: ProgramStyle::Direct,
            temperature: 0.8,
            verdicts: 0,
            verdict_cost: 1.0,
            max_output_tokens: 2048,
        }
    }
}

impl ResampleConfig {
    /// `S`, the programs that are drawn: `programs / (1 + λ V)`, at least 1.
    #[must_use]
    pub fn drawn(&self) -> usize {
        let each = 1.0 + self.verdict_cost.max(0.0) * f64::from(self.verdicts);
        // A float is saturated when cast.
        ((self.programs as f64 / each) as usize).max(1)
    }
}

/// Temperature of verdicts, as published.
const VERDICT_TEMPERATURE: f64 = 0.7;

/// The resampling policy. Without `stop_at_first` no program waits for a result, so everything can run at once; verdicts
/// wait for all programs.
#[derive(Debug, Clone)]
pub struct Resample {
    config: ResampleConfig,
    asked: usize,
    in_flight: usize,
    passed: bool,
    /// Programs that wait for their verdicts, the next one last; `None` until all programs are there.
    unjudged: Option<Vec<NodeId>>,
}

impl Resample {
    /// A policy that has drawn nothing yet.
    #[must_use]
    pub const fn new(config: ResampleConfig) -> Self {
        Self { config, asked: 0, in_flight: 0, passed: false, unjudged: None }
    }

    fn next_request(&self) -> Option<usize> {
        let left = self.config.drawn().saturating_sub(self.asked);
        let held_back = self.config.stop_at_first && (self.in_flight > 0 || self.passed);
        let most = if self.config.stop_at_first { 1 } else { self.config.per_request.max(1) };
        (left > 0 && !held_back).then(|| most.min(left))
    }

    const fn decision(&self, node: NodeId, operator: Operator, temperature: f64) -> Decision {
        Decision { node, operator, temperature, max_output_tokens: self.config.max_output_tokens }
    }

    fn is_drawn(&self) -> bool {
        self.asked >= self.config.drawn() && self.in_flight == 0
    }

    /// The distinct programs that a verdict can say something new about, the first one last.
    fn to_judge(&self, tree: &Tree) -> Vec<NodeId> {
        if self.config.verdicts == 0 || (self.config.stop_at_first && self.passed) {
            return Vec::new();
        }
        let stands = |node: &NodeId| tree.attempt(*node).is_some_and(|it| it.outcome() != Outcome::Failed);
        let mut programs = distinct(tree, tree.nodes().map(|node| node.id).filter(stands));
        programs.reverse();
        programs
    }
}

impl SearchPolicy for Resample {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        let mut decisions = Vec::new();
        while decisions.len() < slots
            && let Some(count) = self.next_request()
        {
            let drawn = self.config.distinct.then_some(self.asked);
            self.asked += count;
            self.in_flight += 1;
            let operator = Operator::Resample { count, style: self.config.style, drawn };
            decisions.push(self.decision(NodeId::ROOT, operator, self.config.temperature));
        }
        while decisions.len() < slots
            && let Some(program) = self.unjudged.as_mut().and_then(Vec::pop)
        {
            self.in_flight += 1;
            let style = VerifyStyle::Verdicts { count: self.config.verdicts };
            decisions.push(self.decision(program, Operator::Verify { style }, VERDICT_TEMPERATURE));
        }
        decisions
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let nodes = grow(tree, trial, result);
        let passes = |node: &NodeId| tree.attempt(*node).is_some_and(crate::Attempt::passes_all);
        self.passed |= nodes.iter().any(passes);
        if let TrialResult::Verified { confidence: Some(confidence) } = result
            && confidence.is_finite()
        {
            evaluate(tree, trial.node, Evaluator::SelfEval, confidence.clamp(-1.0, 1.0));
        }
        if self.unjudged.is_none() && self.is_drawn() {
            self.unjudged = Some(self.to_judge(tree));
        }
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if self.config.stop_at_first && self.passed {
            return Some(StopReason::Accepted);
        }
        let is_judged = self.unjudged.as_ref().is_some_and(Vec::is_empty);
        (self.is_drawn() && is_judged).then_some(StopReason::Exhausted)
    }
}
