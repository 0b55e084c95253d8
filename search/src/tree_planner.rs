//! Tree-Planner: many plans sampled once and merged by their common beginnings; the model is asked only where they part,
//! and every step is carried out before the next is chosen.
//!
//! Source: Hu et al. 2023, *Tree-Planner: Efficient Close-loop Task Planning with Large Language Models*, section 3, with
//! the numbers of the published code. There a step is an action of a household robot; here it is a function to write,
//! and carrying it out is to write it with the functions of the steps before it and to call it. Where it differs, on
//! purpose:
//!
//! - a step that two plans share is written once, and stays written when the walk comes back to it;
//! - options are numbered, where letters end at 26, and told apart by node and not by their text;
//! - the last step of every plan is the program's entry point, so that its end needs no marker; the walk succeeds when
//!   the visible tests pass, where the original looks at the goal itself;
//! - without a usable vote the step that most plans take is taken;
//! - when every plan has failed and corrections are left, plans are sampled anew, where the original gives up. That
//!   costs a correction;
//! - in the end, if there is no program at all, one is asked for directly, so that the pool never stays empty.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::checked;
use crate::grow::{candidates, grow, plant};
use crate::policy::{Decision, Draft, Operator, Pieces, SearchPolicy, StopReason, Trial, TrialResult};
use crate::tree::{NodeId, NodeKind, Tree};
use crate::turn::one_at_a_time;

#[cfg(test)]
mod tests;

/// Share of the inputs on which a written step must return a value.
const RETURNED: f64 = 0.5;

/// Settings of [`TreePlanner`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TreePlannerConfig {
    /// Plans sampled, at least 1. Default 25.
    #[serde(deserialize_with = "checked::count")]
    pub plans: usize,
    /// Answers that vote where plans part, at least 1. Default 20.
    #[serde(deserialize_with = "checked::count")]
    pub votes: usize,
    /// Failed steps at most before the walk ends, at least 1. Default 10.
    #[serde(deserialize_with = "checked::count")]
    pub corrections: usize,
    /// Inputs that a written step is called on, at least 1. Default 5.
    #[serde(deserialize_with = "checked::count")]
    pub inputs: usize,
    /// Temperature of plans, in `[0, 2]`. Default 0.8.
    #[serde(deserialize_with = "checked::temperature")]
    pub plan_temperature: f64,
    /// Temperature of decisions, in `[0, 2]`. Default 0.7.
    #[serde(deserialize_with = "checked::temperature")]
    pub decide_temperature: f64,
    /// Temperature of code, in `[0, 2]`. Default 0.2.
    #[serde(deserialize_with = "checked::temperature")]
    pub code_temperature: f64,
    /// Longest answer in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for TreePlannerConfig {
    fn default() -> Self {
        Self {
            plans: 25,
            votes: 20,
            corrections: 10,
            inputs: 5,
            plan_temperature: 0.8,
            decide_temperature: 0.7,
            code_temperature: 0.2,
            max_output_tokens: 2048,
        }
    }
}

/// The Tree-Planner policy. Every step needs the result of the one before, so one trial is in flight at a time.
#[derive(Debug, Clone)]
pub struct TreePlanner {
    config: TreePlannerConfig,
    step: Step,
    waiting: bool,
    /// The last step that was carried out; the root before the first.
    at: NodeId,
    /// Steps that failed, or below which all failed.
    invalid: BTreeSet<NodeId>,
    /// What steps were written as.
    written: BTreeMap<NodeId, NodeId>,
    corrections: usize,
    last_failure: Option<NodeId>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Plan,
    Decide(Vec<NodeId>),
    Write(NodeId),
    /// Ask for a program without a plan.
    Implement,
    Stop(StopReason),
}

impl TreePlanner {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub const fn new(config: TreePlannerConfig) -> Self {
        Self {
            config,
            step: Step::Plan,
            waiting: false,
            at: NodeId::ROOT,
            invalid: BTreeSet::new(),
            written: BTreeMap::new(),
            corrections: 0,
            last_failure: None,
        }
    }

    fn decide(&self, tree: &Tree) -> Option<Decision> {
        let config = &self.config;
        let (node, operator, temperature) = match &self.step {
            Step::Plan => {
                let count = config.plans.max(1);
                (NodeId::ROOT, Operator::ProposePlans { count }, config.plan_temperature)
            }
            Step::Decide(options) => {
                let votes = u32::try_from(config.votes.max(1)).unwrap_or(u32::MAX);
                let operator = Operator::Decide { options: options.clone(), after: self.last_failure, votes };
                (self.at, operator, config.decide_temperature)
            }
            Step::Write(step) => {
                let operator = Operator::Compose { count: 1, pieces: self.pieces(tree, *step) };
                (*step, operator, config.code_temperature)
            }
            Step::Implement => (NodeId::ROOT, Operator::Implement, config.code_temperature),
            Step::Stop(_) => return None,
        };
        Some(Decision { node, operator, temperature, max_output_tokens: config.max_output_tokens })
    }

    fn pieces(&self, tree: &Tree, step: NodeId) -> Pieces {
        let mut parts: Vec<NodeId> =
            tree.lineage(step).filter_map(|node| self.written.get(&node.id)).copied().collect();
        parts.reverse();
        Pieces { parts, inputs: self.config.inputs.max(1), ..Pieces::default() }
    }

    /// Walks on from where the walk is: down what is written already, up where nothing is left.
    fn walk(&mut self, tree: &Tree) -> Step {
        loop {
            let steps = tree.children(self.at).filter(|node| node.kind == NodeKind::PlanStep);
            let valid: Vec<NodeId> =
                steps.map(|node| node.id).filter(|node| !self.invalid.contains(node)).collect();
            match valid.as_slice() {
                [] if self.at == NodeId::ROOT => return self.again(tree),
                [] => {
                    self.invalid.insert(self.at);
                    self.at = tree.node(self.at).and_then(|node| node.parent).unwrap_or(NodeId::ROOT);
                }
                [only] if self.written.contains_key(only) => self.at = *only,
                [only] => return Step::Write(*only),
                _ => return Step::Decide(valid),
            }
        }
    }

    /// Nothing is left of the plans: new ones, which counts as a correction.
    fn again(&mut self, tree: &Tree) -> Step {
        self.corrections += 1;
        if self.corrections >= self.config.corrections { Self::end(tree) } else { Step::Plan }
    }

    fn end(tree: &Tree) -> Step {
        if tree.nodes().any(|node| node.attempt.is_some()) {
            Step::Stop(StopReason::Exhausted)
        } else {
            Step::Implement
        }
    }

    fn take(&mut self, tree: &Tree, step: NodeId) -> Step {
        if self.written.contains_key(&step) {
            self.at = step;
            return self.walk(tree);
        }
        Step::Write(step)
    }

    fn planned(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = Vec::new();
        let TrialResult::Planned { steps } = result else {
            self.step = self.again(tree);
            return nodes;
        };
        for step in steps {
            let parent = match step.parent {
                None => Some(NodeId::ROOT),
                Some(index) => nodes.get(index).copied(),
            };
            let share = f64::from(step.plans) / self.config.plans.max(1) as f64;
            let draft = Draft { kind: NodeKind::PlanStep, prior: None, attempt: None };
            let added = parent.and_then(|parent| {
                plant(tree, parent, NodeKind::PlanStep, trial, &draft, share.clamp(0.0, 1.0))
            });
            let Some(node) = added else { break };
            nodes.push(node);
        }
        self.at = NodeId::ROOT;
        self.step = if nodes.is_empty() { self.again(tree) } else { self.walk(tree) };
        nodes
    }

    fn decided(&mut self, tree: &Tree, options: &[NodeId], result: &TrialResult) {
        let votes = match result {
            TrialResult::Chosen { votes } => votes.as_slice(),
            _ => &[],
        };
        let prior = |node: NodeId| tree.node(node).map_or(0.0, |node| node.prior);
        let mut best: Option<(u32, NodeId)> = None;
        for (index, option) in options.iter().enumerate() {
            let count = votes.get(index).copied().unwrap_or(0);
            let better =
                |(most, node): (u32, NodeId)| count > most || (count == most && prior(*option) > prior(node));
            if best.is_none_or(better) {
                best = Some((count, *option));
            }
        }
        self.step = match best {
            Some((_, option)) => self.take(tree, option),
            None => self.walk(tree),
        };
    }

    fn wrote(&mut self, tree: &mut Tree, trial: &Trial, step: NodeId, result: &TrialResult) -> Vec<NodeId> {
        let (nodes, behaviours) = candidates(tree, trial, result, NodeKind::Module);
        let made = nodes.first().copied();
        let outcome = made.and_then(|node| tree.attempt(node)).map(crate::Attempt::outcome);
        let returned = behaviours.first().is_some_and(|it| it.returned() >= RETURNED);
        self.step = match (made, outcome) {
            (Some(_), Some(Outcome::Passed)) => Step::Stop(StopReason::Accepted),
            (Some(_), Some(Outcome::Untested)) => Step::Stop(StopReason::Exhausted),
            (Some(module), None) if returned => {
                self.written.insert(step, module);
                self.at = step;
                self.last_failure = None;
                self.walk(tree)
            }
            (failed, _) => self.failed(tree, step, failed),
        };
        nodes
    }

    fn failed(&mut self, tree: &Tree, step: NodeId, failed: Option<NodeId>) -> Step {
        self.invalid.insert(step);
        self.last_failure = failed;
        self.corrections += 1;
        if self.corrections >= self.config.corrections { Self::end(tree) } else { self.walk(tree) }
    }
}

impl SearchPolicy for TreePlanner {
    fn ask(&mut self, tree: &Tree, slots: usize) -> Vec<Decision> {
        let decision = self.decide(tree);
        one_at_a_time(&mut self.waiting, slots, decision)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.waiting = false;
        match self.step.clone() {
            Step::Plan => self.planned(tree, trial, result),
            Step::Decide(options) => {
                self.decided(tree, &options, result);
                Vec::new()
            }
            Step::Write(step) => self.wrote(tree, trial, step, result),
            Step::Implement => {
                let nodes = grow(tree, trial, result);
                let passes = |node: &NodeId| tree.attempt(*node).is_some_and(crate::Attempt::passes_all);
                self.step = Step::Stop(StopReason::done(nodes.iter().any(passes)));
                nodes
            }
            Step::Stop(_) => grow(tree, trial, result),
        }
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if let Step::Stop(reason) = self.step { Some(reason) } else { None }
    }
}
