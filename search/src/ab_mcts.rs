//! AB-MCTS: tree search with adaptive branching. At every node a new child competes with the children that are there,
//! by Thompson sampling, so the tree goes wide or deep as scores suggest.
//!
//! Every node is a complete program; a child of the root is written from the statement, any other child refines its
//! parent. Scores are shares of visible tests passed.
//!
//! Source: Inoue et al. 2025, *Wider or Deeper? Scaling LLM Inference-Time Compute with Adaptive Branching Tree Search*,
//! sections 3.2 to 3.4, and the published code (TreeQuest). Where it differs, on purpose:
//!
//! - variant M integrates its mixed model on a grid and draws exactly ([`mixed`]), where the original runs MCMC;
//! - it stops at the first program that passes every visible test, unless `exhaust`: its score cannot grow, and there
//!   is no failure to refine. For the same reason only programs that failed have children;
//! - an answer without a program counts as a score of 0 of the choice to make a new child;
//! - where a node has very many children, some keep the draw of an earlier step ([`crate::thompson`]).

use serde::{Deserialize, Serialize};

use self::mixed::Groups;
use crate::attempt::Outcome;
use crate::checked;
use crate::grow::grow;
use crate::policy::{Decision, Operator, ProgramStyle, SearchPolicy, StopReason, Trial, TrialResult};
use crate::thompson::{Arms, Belief, Beta, Dice, Moments, NormalInverseChiSquare};
use crate::tree::{NodeId, Tree};

mod mixed;
#[cfg(test)]
mod tests;

/// Settings of [`AbMcts`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AbMctsConfig {
    /// How scores are believed to come about. Default Gaussian.
    pub variant: AbMctsVariant,
    /// Programs at most, at least 1. Default 128, as in the paper.
    #[serde(deserialize_with = "checked::count")]
    pub generations: usize,
    /// Programs chosen from one state of the tree, at least 1. Default 1. More can be in flight at once and make the
    /// tree wider; the authors advise at most 5.
    #[serde(deserialize_with = "checked::count")]
    pub batch: usize,
    /// Writes all programs whatever is found, as published. Default false.
    pub exhaust: bool,
    /// Sampling temperature, in `[0, 2]`. Default 0.6.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Longest answer in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

/// The variants of AB-MCTS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AbMctsVariant {
    /// AB-MCTS-A with normal scores.
    #[default]
    Gaussian,
    /// AB-MCTS-A with Beta scores.
    Beta,
    /// AB-MCTS-M: one mixed model of all children of a node.
    Mixed,
}

impl Default for AbMctsConfig {
    fn default() -> Self {
        Self {
            variant: AbMctsVariant::Gaussian,
            generations: 128,
            batch: 1,
            exhaust: false,
            temperature: 0.6,
            max_output_tokens: 2048,
        }
    }
}

/// The AB-MCTS policy. The programs of a batch can be in flight together; a batch waits for the one before.
#[derive(Debug, Clone)]
pub struct AbMcts {
    config: AbMctsConfig,
    /// By node; not open for one that has no children because it did not fail.
    states: Vec<State>,
    planned: Vec<NodeId>,
    in_flight: usize,
    asked: usize,
    /// Seed of the last trial told, which the next batch is drawn with.
    seed: u64,
    passed: bool,
}

/// What is known of a node.
#[derive(Debug, Clone, Default)]
struct State {
    parent: Option<NodeId>,
    /// Its place among its parent's arms.
    place: usize,
    /// Whether it can have children.
    open: bool,
    /// Scores of the node itself and of everything below it.
    subtree: Moments,
    /// Scores of its children: what making a new one is worth.
    generated: Moments,
    /// Scores of everything below its children: what going on with one of them is worth.
    continued: Moments,
    arms: Arms,
    /// For variant M only.
    groups: Groups,
}

impl AbMcts {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub fn new(config: AbMctsConfig) -> Self {
        let root = State { open: true, ..State::default() };
        Self {
            config,
            states: vec![root],
            planned: Vec::new(),
            in_flight: 0,
            asked: 0,
            seed: 0,
            passed: false,
        }
    }

    /// Chooses the nodes that get a new child, all from the same state.
    fn plan(&mut self) {
        let mut dice = Dice::new(self.seed);
        let left = self.config.generations.max(1).saturating_sub(self.asked);
        for _ in 0..self.config.batch.clamp(1, left.max(1)) {
            let node = self.select(&mut dice);
            self.planned.push(node);
        }
        self.planned.reverse();
    }

    /// Goes down from the root until a new child wins.
    fn select(&mut self, dice: &mut Dice) -> NodeId {
        let mut node = NodeId::ROOT;
        while let Some(child) = self.descend(node, dice) {
            node = child;
        }
        node
    }

    /// The child to go on with; `None` where a new one is to be made.
    fn descend(&mut self, node: NodeId, dice: &mut Dice) -> Option<NodeId> {
        let state = self.states.get_mut(node.0 as usize)?;
        let mut arms = std::mem::take(&mut state.arms);
        let state = self.states.get(node.0 as usize)?;
        let child = match self.config.variant {
            AbMctsVariant::Mixed => mixed::descend(&self.states, state, &mut arms, dice),
            AbMctsVariant::Gaussian => {
                let prior = Belief::Gaussian(NormalInverseChiSquare::default());
                self.descend_by(prior, state, &mut arms, dice)
            }
            AbMctsVariant::Beta => self.descend_by(Belief::Beta(Beta::default()), state, &mut arms, dice),
        };
        if let Some(state) = self.states.get_mut(node.0 as usize) {
            state.arms = arms;
        }
        child
    }

    fn descend_by(&self, prior: Belief, state: &State, arms: &mut Arms, dice: &mut Dice) -> Option<NodeId> {
        let make = prior.after(&state.generated).draw(dice);
        let go_on = prior.after(&state.continued).draw(dice);
        if make > go_on {
            return None;
        }
        let draw = |child: NodeId, dice: &mut Dice| {
            let state = self.states.get(child.0 as usize).filter(|state| state.open)?;
            Some(prior.after(&state.subtree).draw(dice))
        };
        arms.best(dice, draw).map(|(child, _)| child)
    }

    /// Takes the score of a new child of `parent`.
    fn score(&mut self, parent: NodeId, score: f64) {
        if let Some(state) = self.states.get_mut(parent.0 as usize) {
            state.generated.add(score);
        }
        let mut at = parent;
        while let Some((above, place)) = self.observe(at, score) {
            if let Some(state) = self.states.get_mut(above.0 as usize) {
                state.continued.add(score);
                state.arms.changed(place);
            }
            at = above;
        }
    }

    /// Adds a score to a node's own distribution; gives its parent and its place there.
    fn observe(&mut self, node: NodeId, score: f64) -> Option<(NodeId, usize)> {
        let mixed = self.config.variant == AbMctsVariant::Mixed;
        let state = self.states.get_mut(node.0 as usize)?;
        let (parent, place) = (state.parent?, state.place);
        let before = state.subtree;
        state.subtree.add(score);
        let after = state.subtree;
        if mixed {
            state.groups.note(score);
            self.states.get_mut(parent.0 as usize)?.groups.change(before, after);
        }
        Some((parent, place))
    }

    /// Notes a new node. A node that cannot have children is no arm of its parent.
    fn add(&mut self, parent: NodeId, node: NodeId, score: f64, open: bool) {
        let mut state = State { parent: Some(parent), open, ..State::default() };
        if let Some(above) = self.states.get_mut(parent.0 as usize)
            && open
        {
            state.place = above.arms.push(node);
        }
        // A policy numbers nodes as its tree does.
        self.states.resize_with(node.0 as usize, State::default);
        self.states.push(state);
        self.observe(node, score);
        self.score(parent, score);
    }
}

impl SearchPolicy for AbMcts {
    fn ask(&mut self, tree: &Tree, slots: usize) -> Vec<Decision> {
        if slots > 0 && self.planned.is_empty() && self.in_flight == 0 && self.stop_reason(tree).is_none() {
            self.plan();
        }
        let mut decisions = Vec::new();
        while decisions.len() < slots
            && let Some(node) = self.planned.pop()
        {
            self.asked += 1;
            self.in_flight += 1;
            let operator = if node == NodeId::ROOT {
                Operator::Resample { count: 1, style: ProgramStyle::Direct, drawn: None }
            } else {
                Operator::Refine { reflection: None, count: 1 }
            };
            let Self { config: AbMctsConfig { temperature, max_output_tokens, .. }, .. } = *self;
            decisions.push(Decision { node, operator, temperature, max_output_tokens });
        }
        decisions
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.seed = trial.seed;
        let nodes = grow(tree, trial, result);
        let made = nodes.first().and_then(|node| Some((*node, tree.attempt(*node)?)));
        match made {
            Some((node, attempt)) => {
                self.passed |= attempt.passes_all();
                let (score, open) = (attempt.value(), attempt.outcome() == Outcome::Failed);
                self.add(trial.node, node, score, open);
            }
            None => self.score(trial.node, 0.0),
        }
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if self.in_flight > 0 || !self.planned.is_empty() {
            return None;
        }
        if self.passed && !self.config.exhaust {
            return Some(StopReason::Accepted);
        }
        (self.asked >= self.config.generations.max(1)).then_some(StopReason::Exhausted)
    }
}
