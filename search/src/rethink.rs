//! RethinkMCTS: tree search over thoughts, where a thought whose program failed is rewritten before the tree grows.
//!
//! Source: Li et al. 2025, *RethinkMCTS: Refining Erroneous Thoughts in Monte Carlo Tree Search for Code
//! Generation*, section 3 and algorithm 1, with the constants of the published code. Where it differs, on purpose:
//!
//! - the prior counts from the first visit on ([`PuctFormula::PriorAware`](crate::PuctFormula));
//! - it stops at a return of `accept_at`, unless `exhaust`;
//! - a rewritten thought weighs 1 against its siblings' priors and all are normalised again, and its returns stay;
//! - the better of the two attempts is backed up, and a rewrite that made things worse is taken back;
//! - the last rollout grows no further thoughts, which nobody would follow;
//! - a thought without a usable program is worth 0 and is tried again when it is chosen again; without any thoughts
//!   a program is asked for from the statement alone, so that the pool never stays empty;
//! - without visible tests the pass fraction is unknown: every program that parses is judged by its self-evaluation
//!   alone, as if it had passed.
//!
//! The last thought of a chain is rewritten, as published: its ancestors had their chance. With
//! [`RethinkTarget::Blame`] the model is asked first which thought of the chain is at fault, as in a routine that the
//! published code contains and never calls. What was learnt below a rewritten ancestor is dropped, unless the rewrite is
//! taken back.

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::grow::{evaluate, grow, proportions, record};
use crate::policy::{
    Decision, Operator, SearchPolicy, StopReason, ThoughtStyle, Trial, TrialResult, VerifyStyle,
};
use crate::puct::Puct;
use crate::tree::{Change, Evaluator, NodeId, NodeKind, Tree};
use crate::turn::one_at_a_time;
use crate::{backup, checked};

#[cfg(test)]
mod tests;

/// Settings of [`RethinkMcts`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RethinkConfig {
    /// Rollouts at most, at least 1. Default 16.
    #[serde(deserialize_with = "checked::count")]
    pub rollouts: usize,
    /// Thoughts proposed per node, at least 1. Default 3.
    #[serde(deserialize_with = "checked::count")]
    pub thoughts: usize,
    /// Constants of the selection formula.
    pub puct: Puct,
    /// Discount of a return per level, in `[0, 1]`. Default 0.9.
    #[serde(deserialize_with = "checked::share")]
    pub gamma: f64,
    /// Weight of the visible tests in the return of a program that passes them, in `[0, 1]`. Default 0.8.
    #[serde(deserialize_with = "checked::share")]
    pub visible_weight: f64,
    /// Weight of the self-evaluation there, in `[0, 1]`. Default 0.2. Returns above 1 count as 1.
    #[serde(deserialize_with = "checked::share")]
    pub self_eval_weight: f64,
    /// Whether thoughts are rewritten. Default true; false is the paper's ablation.
    pub rethink: bool,
    /// Which thought is rewritten. Default the last.
    pub rethink_target: RethinkTarget,
    /// A passing program with at least this return ends the search, in `[0, 1]`. Default 0.95.
    #[serde(deserialize_with = "checked::share")]
    pub accept_at: f64,
    /// Does all rollouts whatever is found, as published. Default false.
    pub exhaust: bool,
    /// Sampling temperature of every question, in `[0, 2]`. Default 0.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Longest answer in tokens. Default 1024.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for RethinkConfig {
    fn default() -> Self {
        Self {
            rollouts: 16,
            thoughts: 3,
            puct: Puct::default(),
            gamma: 0.9,
            visible_weight: 0.8,
            self_eval_weight: 0.2,
            rethink: true,
            rethink_target: RethinkTarget::Last,
            accept_at: 0.95,
            exhaust: false,
            temperature: 0.0,
            max_output_tokens: 1024,
        }
    }
}

/// Which thought of a chain is rewritten when its program fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RethinkTarget {
    /// The last one, from which the program was written.
    #[default]
    Last,
    /// The one that the model blames; the last one if it blames none, or one that was rewritten before.
    Blame,
}

/// The RethinkMCTS policy. Rollouts follow one another, so one trial is in flight at a time.
#[derive(Debug, Clone)]
pub struct RethinkMcts {
    config: RethinkConfig,
    step: Step,
    waiting: bool,
    rollouts: usize,
}

#[derive(Debug, Clone)]
enum Step {
    /// Ask for thoughts below `thought`, from which `after` was written.
    Expand {
        thought: NodeId,
        after: NodeId,
    },
    /// Ask for the first thoughts.
    Propose,
    Implement(Rollout),
    Verify {
        rollout: Rollout,
        program: NodeId,
    },
    /// Ask which thought is at fault for a failed program of the leaf.
    Blame {
        leaf: NodeId,
        first: Tried,
        program: NodeId,
    },
    Rethink {
        leaf: NodeId,
        thought: NodeId,
        first: Tried,
        program: NodeId,
    },
    Stop(StopReason),
}

/// One rollout: the leaf, and what it came to before a thought was rewritten.
#[derive(Debug, Clone)]
struct Rollout {
    leaf: NodeId,
    before: Option<Before>,
}

#[derive(Debug, Clone)]
struct Before {
    tried: Tried,
    /// The thought that was rewritten: the leaf or one above it.
    thought: NodeId,
    /// Priors of it and its siblings.
    priors: Vec<(NodeId, f64)>,
}

/// A program and its return. `program` is `None` where nothing usable was written.
#[derive(Debug, Clone, Copy)]
struct Tried {
    program: Option<NodeId>,
    reward: f64,
    /// Whether no visible test speaks against it.
    stands: bool,
}

impl RethinkMcts {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub const fn new(config: RethinkConfig) -> Self {
        Self { config, step: Step::Propose, waiting: false, rollouts: 0 }
    }

    fn decide(&self) -> Option<Decision> {
        let count = self.config.thoughts.max(1);
        let (node, operator) = match &self.step {
            Step::Propose => (NodeId::ROOT, Operator::Propose { count, style: ThoughtStyle::Rated }),
            Step::Expand { thought, after } => (*thought, Operator::Extend { count, after: *after }),
            Step::Implement(rollout) => (rollout.leaf, Operator::Implement),
            Step::Verify { program, .. } => (*program, Operator::Verify { style: VerifyStyle::Confidence }),
            Step::Blame { program, .. } => (*program, Operator::Blame),
            Step::Rethink { thought, program, .. } => (*thought, Operator::Rethink { after: *program }),
            Step::Stop(_) => return None,
        };
        let temperature = self.config.temperature;
        Some(Decision { node, operator, temperature, max_output_tokens: self.config.max_output_tokens })
    }

    fn start_rollout(&self, tree: &Tree) -> Step {
        Step::Implement(Rollout { leaf: self.config.puct.select_leaf(tree), before: None })
    }

    fn implemented(&mut self, tree: &mut Tree, rollout: Rollout, made: Option<NodeId>) -> Step {
        let found = made.and_then(|node| Some((node, tree.attempt(node)?)));
        let Some((program, attempt)) = found else {
            return self.judged(tree, rollout, Tried { program: None, reward: 0.0, stands: false });
        };
        if attempt.outcome() == Outcome::Failed {
            let reward = attempt.pass_fraction();
            return self.judged(tree, rollout, Tried { program: Some(program), reward, stands: false });
        }
        // A program that was judged before is not judged again, as in the published code.
        match known_reward(tree, attempt.fingerprint) {
            Some(reward) => {
                self.judged(tree, rollout, Tried { program: Some(program), reward, stands: true })
            }
            None => Step::Verify { rollout, program },
        }
    }

    /// Takes a self-evaluation. One that is missing says neither yes nor no.
    fn verified(&mut self, tree: &mut Tree, rollout: Rollout, program: NodeId, result: &TrialResult) -> Step {
        let confidence = match result {
            TrialResult::Verified { confidence } => confidence.filter(|confidence| !confidence.is_nan()),
            _ => None,
        };
        let confidence = confidence.map(|confidence| confidence.clamp(-1.0, 1.0));
        if let Some(confidence) = confidence {
            evaluate(tree, program, Evaluator::SelfEval, confidence);
        }
        let weighed = self.config.visible_weight + self.config.self_eval_weight * confidence.unwrap_or(0.0);
        let reward = weighed.clamp(0.0, 1.0);
        self.judged(tree, rollout, Tried { program: Some(program), reward, stands: true })
    }

    fn judged(&mut self, tree: &mut Tree, rollout: Rollout, tried: Tried) -> Step {
        if let Some(program) = tried.program {
            evaluate(tree, program, Evaluator::Reward, tried.reward);
        }
        let Rollout { leaf, before } = rollout;
        let kept = match (before, tried.program) {
            (Some(before), _) => better_of(tree, before, tried),
            (None, Some(program)) if self.may_rethink(tree, leaf, tried) => {
                return self.rethink(tree, leaf, tried, program);
            }
            (None, _) => tried,
        };
        self.conclude(tree, leaf, kept)
    }

    fn may_rethink(&self, tree: &Tree, leaf: NodeId, tried: Tried) -> bool {
        let fresh = |node: &crate::tree::Node| node.kind == NodeKind::Thought && node.rethinks == 0;
        self.config.rethink && !tried.stands && tree.node(leaf).is_some_and(fresh)
    }

    /// Has the leaf's thought rewritten, or asks first whose fault it is where there is a choice.
    fn rethink(&self, tree: &Tree, leaf: NodeId, first: Tried, program: NodeId) -> Step {
        let alone = chain(tree, leaf).len() < 2;
        if alone || self.config.rethink_target == RethinkTarget::Last {
            return Step::Rethink { leaf, thought: leaf, first, program };
        }
        Step::Blame { leaf, first, program }
    }

    fn rethought(
        &mut self,
        tree: &mut Tree,
        leaf: NodeId,
        thought: NodeId,
        first: Tried,
        result: &TrialResult,
    ) -> Step {
        if !matches!(result, TrialResult::Replaced) {
            return self.conclude(tree, leaf, first);
        }
        record(tree, Change::Rethought { node: thought });
        let priors = sibling_priors(tree, thought);
        favour(tree, thought, &priors);
        Step::Implement(Rollout { leaf, before: Some(Before { tried: first, thought, priors }) })
    }

    /// Ends a rollout: backs the return up and says how to go on.
    fn conclude(&mut self, tree: &mut Tree, leaf: NodeId, kept: Tried) -> Step {
        self.rollouts += 1;
        backup::discounted(tree, leaf, kept.reward, self.config.gamma.clamp(0.0, 1.0));
        if kept.stands && kept.reward >= self.config.accept_at && !self.config.exhaust {
            return Step::Stop(StopReason::Accepted);
        }
        if self.rollouts >= self.config.rollouts {
            return Step::Stop(StopReason::Exhausted);
        }
        match kept.program {
            _ if leaf == NodeId::ROOT => Step::Propose,
            Some(after) => Step::Expand { thought: leaf, after },
            None => self.start_rollout(tree),
        }
    }
}

impl SearchPolicy for RethinkMcts {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        let decision = self.decide();
        one_at_a_time(&mut self.waiting, slots, decision)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.waiting = false;
        let nodes = grow(tree, trial, result);
        self.step = match self.step.clone() {
            Step::Propose | Step::Expand { .. } => self.start_rollout(tree),
            Step::Implement(rollout) => self.implemented(tree, rollout, nodes.first().copied()),
            Step::Verify { rollout, program } => self.verified(tree, rollout, program, result),
            Step::Blame { leaf, first, program } => {
                Step::Rethink { leaf, thought: blamed(tree, leaf, result), first, program }
            }
            Step::Rethink { leaf, thought, first, .. } => self.rethought(tree, leaf, thought, first, result),
            stop @ Step::Stop(_) => stop,
        };
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if let Step::Stop(reason) = self.step { Some(reason) } else { None }
    }
}

/// The better of the attempts before and after a rewrite; takes the rewrite back if that is the one before. An
/// attempt that no test speaks against is never worse than one that failed, whatever the model thinks of it.
fn better_of(tree: &mut Tree, before: Before, after: Tried) -> Tried {
    let improved = after.stands || (after.program.is_some() && after.reward >= before.tried.reward);
    if improved {
        forget_below(tree, before.thought);
        return Tried { reward: after.reward.max(before.tried.reward), ..after };
    }
    record(tree, Change::Reverted { node: before.thought });
    for (node, prior) in before.priors {
        record(tree, Change::PriorSet { node, prior });
    }
    before.tried
}

/// The thoughts from the root down to `leaf`.
fn chain(tree: &Tree, leaf: NodeId) -> Vec<NodeId> {
    let thoughts = tree.lineage(leaf).filter(|node| node.kind == NodeKind::Thought);
    let mut chain: Vec<NodeId> = thoughts.map(|node| node.id).collect();
    chain.reverse();
    chain
}

/// The thought that is blamed, if it was never rewritten; else the leaf.
fn blamed(tree: &Tree, leaf: NodeId, result: &TrialResult) -> NodeId {
    let TrialResult::Blamed { place: Some(place) } = result else { return leaf };
    let fresh = |node: &NodeId| tree.node(*node).is_some_and(|node| node.rethinks == 0);
    chain(tree, leaf).get(*place).copied().filter(fresh).unwrap_or(leaf)
}

/// Drops the returns of a rewritten thought that has thoughts below it, and theirs: they came of another chain. Those of
/// a leaf are none or its own.
fn forget_below(tree: &mut Tree, thought: NodeId) {
    let mut below: Vec<NodeId> = thoughts_below(tree, thought);
    if below.is_empty() {
        return;
    }
    below.push(thought);
    while let Some(node) = below.pop() {
        if tree.node(node).is_some_and(|node| node.stats.visits > 0) {
            record(tree, Change::Forgotten { node });
        }
        if node != thought {
            below.extend(thoughts_below(tree, node));
        }
    }
}

fn thoughts_below(tree: &Tree, thought: NodeId) -> Vec<NodeId> {
    let thoughts = tree.children(thought).filter(|node| node.kind == NodeKind::Thought);
    thoughts.map(|node| node.id).collect()
}

/// The return of a program that was judged before and that no test speaks against.
fn known_reward(tree: &Tree, fingerprint: u64) -> Option<f64> {
    let same =
        |attempt: &crate::Attempt| attempt.fingerprint == fingerprint && attempt.outcome() != Outcome::Failed;
    let mut copies = tree.nodes().filter(|node| node.attempt.as_ref().is_some_and(same));
    copies.find_map(|node| node.score(Evaluator::Reward))
}

fn sibling_priors(tree: &Tree, thought: NodeId) -> Vec<(NodeId, f64)> {
    let parent = tree.node(thought).and_then(|node| node.parent);
    let siblings = parent.into_iter().flat_map(|parent| tree.children(parent));
    siblings.filter(|node| node.kind == NodeKind::Thought).map(|node| (node.id, node.prior)).collect()
}

/// Gives a rewritten thought the weight 1 beside its siblings' priors, and normalises.
fn favour(tree: &mut Tree, thought: NodeId, priors: &[(NodeId, f64)]) {
    let weight = |(node, prior): &(NodeId, f64)| if *node == thought { 1.0 } else { *prior };
    let weights: Vec<f64> = priors.iter().map(weight).collect();
    for ((node, _), prior) in priors.iter().zip(proportions(&weights)) {
        record(tree, Change::PriorSet { node: *node, prior });
    }
}
