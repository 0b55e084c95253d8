//! MapCoder: similar problems are recalled, each leads to a plan, and the plans are written and mended one after the other,
//! the surest first.
//!
//! Source: Islam et al. 2024, *MapCoder: Multi-Agent Code Generation for Competitive Problem Solving*, section 3, with the
//! constants of the published code (k = 3 plans, t = 5 fixes each). Where it differs, on purpose:
//!
//! - the program of the last fix is tested, too, and the program that is submitted is the best of all (the original
//!   submits the last, and never tests the last fix of a plan);
//! - an answer that can't be read costs its step and not the problem: without recalled problems a plan is asked for from
//!   the statement alone, without any plan a program is; a confidence that can't be read counts as 50;
//! - fixes are told what the program answered, not only which tests it failed;
//! - plans do not wait for one another: all are made before the first is rated;
//! - a program that the visible tests cannot judge ends the search, for there is no failure to mend.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::attempt::{Attempt, Outcome};
use crate::batch::Batch;
use crate::checked;
use crate::grow::{evaluate, grow};
use crate::policy::{Decision, Operator, SearchPolicy, StopReason, Trial, TrialResult};
use crate::tree::{Evaluator, NodeId, NodeKind, Tree};

#[cfg(test)]
mod tests;

/// What a confidence that can't be read counts as.
const NEUTRAL_CONFIDENCE: f64 = 0.5;

/// Settings of [`MapCoder`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MapCoderConfig {
    /// Similar problems recalled, and so plans made (k); at least 1. Default 3.
    #[serde(deserialize_with = "checked::count")]
    pub plans: usize,
    /// Fixes of a plan's program at most (t). Default 5; 0 is planning alone.
    pub fixes: usize,
    /// Sampling temperature of every question, in `[0, 2]`. Default 0.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Longest answer in tokens. Default 4096.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for MapCoderConfig {
    fn default() -> Self {
        Self { plans: 3, fixes: 5, temperature: 0.0, max_output_tokens: 4096 }
    }
}

/// The MapCoder policy. Plans can be made, and rated, side by side; programs follow one another.
#[derive(Debug, Clone)]
pub struct MapCoder {
    config: MapCoderConfig,
    stage: Stage,
    /// What the stage asks for.
    batch: Batch,
    /// Nodes that the stage made.
    made: Vec<NodeId>,
    /// Plans to be written, the surest first; the root stands for none.
    plans: VecDeque<NodeId>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Recall,
    Plan,
    Rate,
    /// Programs that were asked for from the plan, and the last one that came.
    Write {
        plan: NodeId,
        asked: usize,
        program: Option<NodeId>,
    },
    Stop(StopReason),
}

impl MapCoder {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub fn new(config: MapCoderConfig) -> Self {
        let recall = (NodeId::ROOT, Operator::Recall { count: config.plans.max(1) });
        let mut policy = Self {
            config,
            stage: Stage::Recall,
            batch: Batch::default(),
            made: Vec::new(),
            plans: VecDeque::new(),
        };
        policy.begin([recall]);
        policy
    }

    fn begin(&mut self, trials: impl IntoIterator<Item = (NodeId, Operator)>) {
        let MapCoderConfig { temperature, max_output_tokens, .. } = self.config;
        let decision = |(node, operator)| Decision { node, operator, temperature, max_output_tokens };
        self.batch = Batch::new(trials.into_iter().map(decision));
    }

    /// Goes on to the next stage once all that a stage asked for has come.
    fn advance(&mut self, tree: &Tree) {
        let made = std::mem::take(&mut self.made);
        match self.stage {
            Stage::Recall => {
                let sources = if made.is_empty() { vec![NodeId::ROOT] } else { made };
                self.begin(sources.into_iter().map(|source| (source, Operator::Plan)));
                self.stage = Stage::Plan;
            }
            Stage::Plan if made.is_empty() => {
                self.plans = VecDeque::from([NodeId::ROOT]);
                self.next_plan();
            }
            Stage::Plan => {
                self.begin(made.into_iter().map(|plan| (plan, Operator::RatePlan)));
                self.stage = Stage::Rate;
            }
            Stage::Rate => {
                self.plans = by_confidence(tree).into();
                self.next_plan();
            }
            Stage::Write { plan, asked, program } => {
                self.written(tree, plan, asked, made.first().copied().or(program));
            }
            Stage::Stop(_) => {}
        }
    }

    fn next_plan(&mut self) {
        match self.plans.pop_front() {
            Some(plan) => self.write(plan, 0, None),
            None => self.stage = Stage::Stop(StopReason::Exhausted),
        }
    }

    /// Asks for the plan's program, or for a fix of the last one.
    fn write(&mut self, plan: NodeId, asked: usize, program: Option<NodeId>) {
        let ask = program.map_or((plan, Operator::Implement), |failed| (failed, Operator::RefineWithPlan));
        self.begin([ask]);
        self.stage = Stage::Write { plan, asked: asked + 1, program };
    }

    /// A program that can't be read counts like one that fails.
    fn written(&mut self, tree: &Tree, plan: NodeId, asked: usize, program: Option<NodeId>) {
        match program.and_then(|node| tree.attempt(node)).map(Attempt::outcome) {
            Some(Outcome::Passed) => self.stage = Stage::Stop(StopReason::Accepted),
            Some(Outcome::Untested) => self.stage = Stage::Stop(StopReason::Exhausted),
            _ if asked > self.config.fixes => self.next_plan(),
            _ => self.write(plan, asked, program),
        }
    }
}

impl SearchPolicy for MapCoder {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        self.batch.ask(slots)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        let nodes = grow(tree, trial, result);
        let holds_program = |node: &NodeId| tree.attempt(*node).is_some();
        let usable =
            nodes.iter().filter(|node| !matches!(self.stage, Stage::Write { .. }) || holds_program(node));
        self.made.extend(usable);
        if let (Operator::RatePlan, Some(grade)) = (&trial.operator, result.grade()) {
            evaluate(tree, trial.node, Evaluator::PlanConfidence, grade);
        }
        self.batch.tell();
        if self.batch.is_done() {
            self.advance(tree);
        }
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if let Stage::Stop(reason) = self.stage { Some(reason) } else { None }
    }
}

/// All plans, the surest first; of equals the first made.
fn by_confidence(tree: &Tree) -> Vec<NodeId> {
    let plans = tree.nodes().filter(|node| node.kind == NodeKind::Plan);
    let confidence = |node: &crate::Node| node.score(Evaluator::PlanConfidence).unwrap_or(NEUTRAL_CONFIDENCE);
    let mut rated: Vec<(NodeId, f64)> = plans.map(|node| (node.id, confidence(node))).collect();
    rated.sort_by(|one, other| other.1.total_cmp(&one.1));
    rated.into_iter().map(|(plan, _)| plan).collect()
}
