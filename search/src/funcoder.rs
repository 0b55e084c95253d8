//! FunCoder: a program is divided into functions from the top down and composed of them from the bottom up, and of
//! several implementations of a function the one is kept that most others agree with.
//!
//! Source: Chen et al. 2024, *Divide-and-Conquer Meets Consensus* (FunCoder), section 2 and algorithm 1, with the
//! numbers of the published code. In the tree, functions (the root stands for the entry point) and their
//! implementations alternate: the draft of a division carries the stubs of the functions that it calls. Where it
//! differs, on purpose:
//!
//! - sampling stops early once the first candidates agree on every input, or once the leader can't be overtaken;
//! - a function at the depth limit is written without a division, where the original gives the problem up; so is one
//!   whose division is unusable `divide_attempts` times;
//! - ties go to the earliest candidate, which is the draft of the division;
//! - `plan_on_failure` divides only what a program asked for directly does not solve (*PaT: Planning-after-Trial*).
//!
//! A leaf is a function that brings no new helper.

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::checked;
use crate::choose::consensus::{self, Outputs};
use crate::grow::{candidates, division, evaluate, grow};
use crate::policy::{Decision, Operator, Pieces, SearchPolicy, StopReason, Trial, TrialResult};
use crate::tree::{Evaluator, NodeId, NodeKind, Tree};
use crate::turn::one_at_a_time;

#[cfg(test)]
mod tests;

/// Settings of [`FunCoder`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FunCoderConfig {
    /// Levels of functions that are divided, the entry point's included. Default 6; 0 divides nothing.
    pub depth: usize,
    /// New functions that one division may bring, at least 1. Default 8.
    #[serde(deserialize_with = "checked::count")]
    pub helpers: usize,
    /// Functions at most, the entry point not counted; at least 1. Default 24; the published code has no such limit.
    #[serde(deserialize_with = "checked::count")]
    pub functions: usize,
    /// How often a division is asked for before its function is written without one; at least 1. Default 3.
    #[serde(deserialize_with = "checked::count")]
    pub divide_attempts: usize,
    /// Implementations of a function besides the division's, at least 1. Default 10.
    #[serde(deserialize_with = "checked::count")]
    pub samples: usize,
    /// Implementations drawn from each later request, at least 1. Default 2: after each it is seen whether it is enough.
    #[serde(deserialize_with = "checked::count")]
    pub per_request: usize,
    /// Usable implementations below which up to twice `samples` are asked for. Default 5.
    pub usable: usize,
    /// Implementations drawn from the first request, after which complete agreement ends the sampling; at least 1.
    /// Default 3.
    #[serde(deserialize_with = "checked::count")]
    pub agree_after: usize,
    /// Inputs that candidates are compared on, at least 1. Default 8.
    #[serde(deserialize_with = "checked::count")]
    pub inputs: usize,
    /// Asks for a program directly first, and divides only if it does not pass. Default false.
    pub plan_on_failure: bool,
    /// Temperature of divisions, in `[0, 2]`. Default 0.2. Inputs are asked for at 0.2, too.
    #[serde(deserialize_with = "checked::temperature")]
    pub divide_temperature: f64,
    /// Temperature of implementations, in `[0, 2]`. Default 0.8.
    #[serde(deserialize_with = "checked::temperature")]
    pub compose_temperature: f64,
    /// Longest answer in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for FunCoderConfig {
    fn default() -> Self {
        Self {
            depth: 6,
            helpers: 8,
            functions: 24,
            divide_attempts: 3,
            samples: 10,
            per_request: 2,
            usable: 5,
            agree_after: 3,
            inputs: 8,
            plan_on_failure: false,
            divide_temperature: 0.2,
            compose_temperature: 0.8,
            max_output_tokens: 2048,
        }
    }
}

/// The FunCoder policy. Every step needs the result of the one before, so one trial is in flight at a time.
#[derive(Debug, Clone)]
pub struct FunCoder {
    config: FunCoderConfig,
    /// Functions under way, the entry point first: each is a helper of the one before it.
    open: Vec<Function>,
    /// The implementations that were chosen, in the order of finishing.
    finished: Vec<NodeId>,
    /// Functions other than the entry point that there are.
    functions: usize,
    direct: bool,
    waiting: bool,
    stopped: Option<StopReason>,
}

/// One function under way.
#[derive(Debug, Clone)]
struct Function {
    node: NodeId,
    phase: Phase,
    /// Helpers that are still to be done, the next one last.
    helpers: Vec<NodeId>,
    draft: Option<NodeId>,
    asked: usize,
    candidates: Vec<NodeId>,
    behaviours: Vec<Outputs>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Divide { attempt: usize },
    Compose,
}

impl FunCoder {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub fn new(config: FunCoderConfig) -> Self {
        let direct = config.plan_on_failure;
        let entry = Function::new(NodeId::ROOT, 0, &config);
        Self {
            config,
            open: vec![entry],
            finished: Vec::new(),
            functions: 0,
            direct,
            waiting: false,
            stopped: None,
        }
    }

    fn decide(&self) -> Option<Decision> {
        let function = self.open.last().filter(|_| self.stopped.is_none())?;
        let (operator, temperature) = match function.phase {
            _ if self.direct => (Operator::Implement, self.config.divide_temperature),
            Phase::Divide { .. } => {
                let helpers = self.config.helpers.max(1);
                let known = self.finished.clone();
                (Operator::Decompose { helpers, known }, self.config.divide_temperature)
            }
            Phase::Compose => {
                let count = self.next_samples(function);
                (Operator::Compose { count, pieces: self.pieces(function) }, self.config.compose_temperature)
            }
        };
        let max_output_tokens = self.config.max_output_tokens;
        Some(Decision { node: function.node, operator, temperature, max_output_tokens })
    }

    fn pieces(&self, function: &Function) -> Pieces {
        Pieces {
            draft: function.draft.filter(|_| function.asked == 0),
            parts: self.finished.clone(),
            earlier: function.candidates.clone(),
            after: None,
            inputs: self.config.inputs.max(1),
        }
    }

    /// At first as many as may agree, then a few at a time.
    fn next_samples(&self, function: &Function) -> usize {
        let first = function.asked == 0;
        let most = if first { self.config.agree_after } else { self.config.per_request }.max(1);
        match self.config.samples.max(1).saturating_sub(function.asked) {
            0 => most,
            left => most.min(left),
        }
    }

    /// Takes a division: its draft, and a function to do for each stub.
    fn divided(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        let room = self.config.functions.saturating_sub(self.functions).min(self.config.helpers);
        let nodes = division(tree, trial, result, room);
        let Some(function) = self.open.last_mut() else { return nodes };
        if let Some((draft, stubs)) = nodes.split_first() {
            self.functions += stubs.len();
            function.draft = Some(*draft);
            function.helpers = stubs.iter().rev().copied().collect();
            function.phase = Phase::Compose;
        } else if let Phase::Divide { attempt } = function.phase {
            let last = attempt + 1 >= self.config.divide_attempts;
            function.phase = if last { Phase::Compose } else { Phase::Divide { attempt: attempt + 1 } };
        }
        nodes
    }

    /// Takes implementations, and chooses one once there are enough.
    fn composed(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        let Some(function) = self.open.last_mut() else { return Vec::new() };
        let Operator::Compose { count, .. } = &trial.operator else { return Vec::new() };
        function.asked += count;
        let kind = if trial.node == NodeId::ROOT { NodeKind::Solution } else { NodeKind::Module };
        let (nodes, behaviours) = candidates(tree, trial, result, kind);
        function.candidates.extend(&nodes);
        function.behaviours.extend(behaviours);
        if function.is_done(&self.config) {
            self.choose(tree);
        }
        nodes
    }

    fn choose(&mut self, tree: &mut Tree) {
        let Some(function) = self.open.pop() else { return };
        for (index, node) in function.candidates.iter().enumerate() {
            let agreement = consensus::agreement(&function.behaviours, index);
            evaluate(tree, *node, Evaluator::Consensus, agreement);
        }
        let chosen = consensus::leader(&function.behaviours);
        self.finished.extend(chosen.and_then(|index| function.candidates.get(index)));
        if self.open.is_empty() {
            let passes = |node: &NodeId| tree.attempt(*node).is_some_and(crate::Attempt::passes_all);
            let accepted = function.candidates.iter().any(passes);
            self.stopped = Some(StopReason::done(accepted));
        }
    }

    /// Goes down to the next helper that is to be done, if there is one.
    fn descend(&mut self) {
        let depth = self.open.len();
        let next = self.open.last_mut().filter(|function| function.phase == Phase::Compose);
        if let Some(helper) = next.and_then(|function| function.helpers.pop()) {
            self.open.push(Function::new(helper, depth, &self.config));
        }
    }

    fn tried_directly(&mut self, tree: &Tree, made: &[NodeId]) {
        self.direct = false;
        let passes = |node: &NodeId| tree.attempt(*node).is_some_and(|it| it.outcome() == Outcome::Passed);
        if made.iter().any(passes) {
            self.stopped = Some(StopReason::Accepted);
        }
    }
}

impl SearchPolicy for FunCoder {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        let decision = self.decide();
        one_at_a_time(&mut self.waiting, slots, decision)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.waiting = false;
        let nodes = match &trial.operator {
            Operator::Decompose { .. } => self.divided(tree, trial, result),
            Operator::Compose { .. } => self.composed(tree, trial, result),
            _ => {
                let nodes = grow(tree, trial, result);
                self.tried_directly(tree, &nodes);
                nodes
            }
        };
        self.descend();
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        self.stopped
    }
}

impl Function {
    fn new(node: NodeId, depth: usize, config: &FunCoderConfig) -> Self {
        let phase = if depth < config.depth { Phase::Divide { attempt: 0 } } else { Phase::Compose };
        Self {
            node,
            phase,
            helpers: Vec::new(),
            draft: None,
            asked: 0,
            candidates: Vec::new(),
            behaviours: Vec::new(),
        }
    }

    fn is_done(&self, config: &FunCoderConfig) -> bool {
        let samples = config.samples.max(1);
        let agreed = self.asked >= config.agree_after && consensus::is_unanimous(&self.behaviours);
        let settled = !self.candidates.is_empty()
            && self.asked >= config.agree_after
            && consensus::is_settled(&self.behaviours, samples.saturating_sub(self.asked));
        let enough = self.candidates.len() >= config.usable || self.asked >= 2 * samples;
        agreed || (settled && self.asked < samples) || (self.asked >= samples && enough)
    }
}
