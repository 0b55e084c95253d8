//! CodeTree without its critic: strategies, programs and reflections of a fixed width, breadth first or depth first.
//!
//! All strategies are written first. Then a program is taken, reflected on, and all its revisions are written before
//! the next one is taken: the one that waits longest (breadth first) or the best of the newest (depth first). The first
//! program that passes all visible tests ends the search.
//!
//! Source: Li et al. 2025, *CodeTree*, section 4 ("CodeTree-BFS", "CodeTree-DFS") and the published code. Differences on
//! purpose: the budget of programs holds within a batch of revisions, too (the original's depth-first loop overruns it);
//! unreadable answers are treated as in [`CodeTree`](super::CodeTree); a program that the visible tests cannot judge ends
//! the search, for there is no failure to reflect on.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Origin, revisions, share, strategies};
use crate::attempt::{Attempt, Outcome};
use crate::checked;
use crate::grow::grow;
use crate::policy::{
    Decision, Operator, ReflectionStyle, SearchPolicy, StopReason, ThoughtStyle, Trial, TrialResult,
};
use crate::tree::{NodeId, Tree};
use crate::turn::one_at_a_time;

#[cfg(test)]
mod tests;

/// Settings of [`UnguidedTree`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnguidedTreeConfig {
    /// Programs asked for at most, at least 1. Default 20.
    #[serde(deserialize_with = "checked::count")]
    pub generations: usize,
    /// Strategies, and reflections on one program; at least 1. Default 3.
    #[serde(deserialize_with = "checked::count")]
    pub width: usize,
    /// Revisions in a line, beside the program that it starts from; at least 1. Default 3.
    #[serde(deserialize_with = "checked::count")]
    pub max_depth: usize,
    /// Sampling temperature of every question, in `[0, 2]`. Default 0.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Longest answer that holds a program, in tokens. Default 4096.
    #[serde(deserialize_with = "checked::tokens")]
    pub program_tokens: u32,
    /// Longest answer in words, in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub text_tokens: u32,
}

impl Default for UnguidedTreeConfig {
    fn default() -> Self {
        Self {
            generations: 20,
            width: 3,
            max_depth: 3,
            temperature: 0.0,
            program_tokens: 4096,
            text_tokens: 2048,
        }
    }
}

/// Which program is taken up next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The one that waits longest.
    BreadthFirst,
    /// The best of the newest.
    DepthFirst,
}

/// The policy of CodeTree's controls. One trial is in flight at a time.
#[derive(Debug, Clone)]
pub struct UnguidedTree {
    config: UnguidedTreeConfig,
    order: Order,
    step: Step,
    waiting: bool,
    programs: usize,
    /// Failed programs to be taken up, the next one first.
    open: VecDeque<Failed>,
    /// The batch under way: what is still to be written, and what came of the others.
    batch: VecDeque<Origin>,
    failed: Vec<Failed>,
}

/// A failed program, so many revisions away from the program that its line starts from.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Failed {
    program: NodeId,
    depth: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Propose,
    Write { origin: Origin, depth: usize },
    Reflect(Failed),
    Stop(StopReason),
}

impl UnguidedTree {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub const fn new(config: UnguidedTreeConfig, order: Order) -> Self {
        Self {
            config,
            order,
            step: Step::Propose,
            waiting: false,
            programs: 0,
            open: VecDeque::new(),
            batch: VecDeque::new(),
            failed: Vec::new(),
        }
    }

    fn decide(&self) -> Option<Decision> {
        let (count, text) = (self.config.width.max(1), self.config.text_tokens);
        let (node, operator, max_output_tokens) = match self.step {
            Step::Propose => (NodeId::ROOT, Operator::Propose { count, style: ThoughtStyle::Listed }, text),
            Step::Write { origin, .. } => {
                let (node, operator) = origin.asked();
                (node, operator, self.config.program_tokens)
            }
            Step::Reflect(failed) => {
                (failed.program, Operator::Reflect { count, style: ReflectionStyle::Listed }, text)
            }
            Step::Stop(_) => return None,
        };
        Some(Decision { node, operator, temperature: self.config.temperature, max_output_tokens })
    }

    /// Starts to write a batch of programs.
    fn begin(&mut self, tree: &Tree, batch: Vec<Origin>, depth: usize) -> Step {
        self.batch = batch.into();
        self.next(tree, depth)
    }

    /// The next program of the batch, or the next program to take up where the batch is done.
    fn next(&mut self, tree: &Tree, depth: usize) -> Step {
        if self.programs >= self.config.generations.max(1) {
            return Step::Stop(StopReason::Exhausted);
        }
        if let Some(origin) = self.batch.pop_front() {
            return Step::Write { origin, depth };
        }
        self.file(tree);
        let deepest = self.config.max_depth;
        let next = std::iter::from_fn(|| self.open.pop_front()).find(|failed| failed.depth < deepest);
        next.map_or(Step::Stop(StopReason::Exhausted), Step::Reflect)
    }

    /// Files the failed programs of a batch, the best first; of equals the one that was written first.
    fn file(&mut self, tree: &Tree) {
        let mut failed = std::mem::take(&mut self.failed);
        failed.sort_by(|one, other| share(tree, other.program).total_cmp(&share(tree, one.program)));
        match self.order {
            Order::BreadthFirst => self.open.extend(failed),
            Order::DepthFirst => failed.into_iter().rev().for_each(|one| self.open.push_front(one)),
        }
    }

    fn written(&mut self, tree: &Tree, depth: usize, made: Option<NodeId>) -> Step {
        self.programs += 1;
        match (made, made.and_then(|node| tree.attempt(node)).map(Attempt::outcome)) {
            (_, Some(Outcome::Passed)) => return Step::Stop(StopReason::Accepted),
            (_, Some(Outcome::Untested)) => return Step::Stop(StopReason::Exhausted),
            (Some(program), Some(Outcome::Failed)) => self.failed.push(Failed { program, depth }),
            _ => {}
        }
        self.next(tree, depth)
    }
}

impl SearchPolicy for UnguidedTree {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        let decision = self.decide();
        one_at_a_time(&mut self.waiting, slots, decision)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.waiting = false;
        let nodes = grow(tree, trial, result);
        self.step = match self.step {
            Step::Propose => self.begin(tree, strategies(&nodes), 0),
            Step::Write { depth, .. } => self.written(tree, depth, nodes.first().copied()),
            Step::Reflect(failed) => self.begin(tree, revisions(failed.program, &nodes), failed.depth + 1),
            stop @ Step::Stop(_) => stop,
        };
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if let Step::Stop(reason) = self.step { Some(reason) } else { None }
    }
}
