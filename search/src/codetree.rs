//! CodeTree: a tree of strategies, programs and reflections, grown depth first under the eyes of a critic.
//!
//! A program is worth `s + grade/15`, with `s` the share of visible tests passed and a critic's grade 0..5 of its
//! outputs; one that passes them all and is rejected by the critic is worth `1 + 5/15`. A program worth less than the
//! one that it was made from is not followed, nor is one worth the same that lies deeper than its grade.
//!
//! Source: Li et al. 2025, *CodeTree: Agent-guided Tree Search for Code Generation with Large Language Models*,
//! section 3, with the rules and constants of the published code. Where it differs, on purpose:
//!
//! - the program that is submitted is the best of all, where the published code falls back to the last that failed;
//! - what the critic says with its grade is shown to the reflection on the program (the original throws it away);
//! - a grade that can't be read counts as 2, a verdict that can't be read as no, after one more try each;
//! - without a usable reflection the program is revised from its test results alone, and without strategies a program
//!   is asked for from the statement alone, so that an unreadable answer ends no branch;
//! - a rejected program at the largest depth, and the last program, is not reflected on, since no revision of it would
//!   be written;
//! - without visible tests every program that parses goes to the critic, as if it had passed.
//!
//! Its controls without a critic, breadth first and depth first, are [`UnguidedTree`].

use serde::{Deserialize, Serialize};

pub use self::unguided::{Order, UnguidedTree, UnguidedTreeConfig};
use crate::attempt::{Attempt, Outcome};
use crate::checked;
use crate::grow::{evaluate, grow};
use crate::policy::{
    Decision, Operator, ReflectionStyle, SearchPolicy, StopReason, ThoughtStyle, Trial, TrialResult,
    VerifyStyle,
};
use crate::tree::{Evaluator, NodeId, Tree};
use crate::turn::one_at_a_time;

#[cfg(test)]
mod tests;
mod unguided;

/// Largest grade of a critic.
const GRADE_MAX: f64 = 5.0;
/// What a grade that can't be read counts as, as a share of the largest.
const NEUTRAL_GRADE: f64 = 2.0 / GRADE_MAX;
/// What the largest grade adds to a share of tests passed: 5/15.
const GRADE_WEIGHT: f64 = 1.0 / 3.0;
/// Value of a program that passes all visible tests, the largest there is.
const VALUE_MAX: f64 = 1.0 + GRADE_WEIGHT;

/// Settings of [`CodeTree`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CodeTreeConfig {
    /// Programs asked for at most, at least 1. Default 20; the paper's table of costs uses 30.
    #[serde(deserialize_with = "checked::count")]
    pub generations: usize,
    /// Strategies, and reflections on one program, at most; at least 1. Default 10.
    #[serde(deserialize_with = "checked::count")]
    pub width: usize,
    /// Programs in a line of revisions, the first one included; at least 1. Default 3.
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

impl Default for CodeTreeConfig {
    fn default() -> Self {
        Self {
            generations: 20,
            width: 10,
            max_depth: 3,
            temperature: 0.0,
            program_tokens: 4096,
            text_tokens: 2048,
        }
    }
}

/// The CodeTree policy. Every step needs the result of the one before, so one trial is in flight at a time.
#[derive(Debug, Clone)]
pub struct CodeTree {
    config: CodeTreeConfig,
    step: Step,
    waiting: bool,
    programs: usize,
    /// Programs to be written, the next one last.
    stack: Vec<Open>,
}

/// A node of the paper's tree before its program is written.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Open {
    origin: Origin,
    /// 1 for a program that follows a strategy.
    depth: usize,
    /// What the program is worth that this one is made from; 0 if there is none.
    parent_value: f64,
    /// Whether no visible test speaks against the program that this one is made from.
    parent_passed: bool,
}

/// What a program is written from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Origin {
    /// A strategy; the root where the model gave none.
    Strategy(NodeId),
    /// Another program, and a reflection on it if there is one.
    Program { program: NodeId, reflection: Option<NodeId> },
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Propose,
    Write(Open),
    Grade { open: Open, program: NodeId, share: f64 },
    Verify { open: Open, program: NodeId },
    Reflect { program: NodeId, depth: usize, value: f64, passed: bool },
    Stop(StopReason),
}

impl CodeTree {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub const fn new(config: CodeTreeConfig) -> Self {
        Self { config, step: Step::Propose, waiting: false, programs: 0, stack: Vec::new() }
    }

    fn decide(&self) -> Option<Decision> {
        let (count, text) = (self.config.width.max(1), self.config.text_tokens);
        let (node, operator, max_output_tokens) = match self.step {
            Step::Propose => (NodeId::ROOT, Operator::Propose { count, style: ThoughtStyle::Open }, text),
            Step::Write(open) => {
                let (node, operator) = open.origin.asked();
                (node, operator, self.config.program_tokens)
            }
            Step::Grade { program, .. } => (program, Operator::Grade, text),
            Step::Verify { program, .. } => (program, Operator::Verify { style: VerifyStyle::Verdict }, text),
            Step::Reflect { program, .. } => {
                (program, Operator::Reflect { count, style: ReflectionStyle::Open }, text)
            }
            Step::Stop(_) => return None,
        };
        Some(Decision { node, operator, temperature: self.config.temperature, max_output_tokens })
    }

    /// Pushes one program to be written per origin, so that the first is written first, and goes on with the stack.
    fn branch(&mut self, origins: Vec<Origin>, depth: usize, parent_value: f64, parent_passed: bool) -> Step {
        let open = |origin| Open { origin, depth, parent_value, parent_passed };
        self.stack.extend(origins.into_iter().rev().map(open));
        self.next()
    }

    fn next(&mut self) -> Step {
        if self.programs >= self.config.generations.max(1) {
            return Step::Stop(StopReason::Exhausted);
        }
        self.stack.pop().map_or(Step::Stop(StopReason::Exhausted), Step::Write)
    }

    fn written(&mut self, tree: &mut Tree, open: Open, made: Option<NodeId>) -> Step {
        self.programs += 1;
        let Some((program, attempt)) = made.and_then(|node| Some((node, tree.attempt(node)?))) else {
            return self.next();
        };
        if attempt.outcome() != Outcome::Failed {
            return Step::Verify { open, program };
        }
        let share = attempt.pass_fraction();
        if open.depth >= self.config.max_depth {
            return self.next();
        }
        Step::Grade { open, program, share }
    }

    fn graded(
        &mut self,
        tree: &mut Tree,
        open: Open,
        program: NodeId,
        share: f64,
        grade: Option<f64>,
    ) -> Step {
        if let Some(grade) = grade {
            evaluate(tree, program, Evaluator::OutputGrade, grade);
        }
        let grade = grade.unwrap_or(NEUTRAL_GRADE);
        let value = share + GRADE_WEIGHT * grade;
        evaluate(tree, program, Evaluator::Reward, reward(value));
        if is_pruned(value, open.parent_value, open.depth, grade) {
            return self.next();
        }
        self.follow(open, program, value, false)
    }

    fn judged(&mut self, tree: &mut Tree, open: Open, program: NodeId, accepted: Option<bool>) -> Step {
        evaluate(tree, program, Evaluator::Reward, reward(VALUE_MAX));
        if let Some(accepted) = accepted {
            evaluate(tree, program, Evaluator::VerifyGeneral, f64::from(u8::from(accepted)));
        }
        let overruled = accepted != Some(true) && open.parent_passed && open.depth >= self.config.max_depth;
        if overruled {
            // Two programs in a line pass everything, and there is no room for a third.
            evaluate(tree, program, Evaluator::VerifyGeneral, 1.0);
        }
        if overruled || accepted == Some(true) {
            return Step::Stop(StopReason::Accepted);
        }
        self.follow(open, program, VALUE_MAX, true)
    }

    /// Has a program reflected on, if there may be another one.
    fn follow(&mut self, open: Open, program: NodeId, value: f64, passed: bool) -> Step {
        if open.depth >= self.config.max_depth || self.programs >= self.config.generations {
            return self.next();
        }
        Step::Reflect { program, depth: open.depth, value, passed }
    }
}

impl SearchPolicy for CodeTree {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        let decision = self.decide();
        one_at_a_time(&mut self.waiting, slots, decision)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.waiting = false;
        let nodes = grow(tree, trial, result);
        self.step = match self.step {
            Step::Propose => self.branch(strategies(&nodes), 1, 0.0, false),
            Step::Write(open) => self.written(tree, open, nodes.first().copied()),
            Step::Grade { open, program, share } => self.graded(tree, open, program, share, result.grade()),
            Step::Verify { open, program } => self.judged(tree, open, program, result.verdict()),
            Step::Reflect { program, depth, value, passed } => {
                self.branch(revisions(program, &nodes), depth + 1, value, passed)
            }
            stop @ Step::Stop(_) => stop,
        };
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if let Step::Stop(reason) = self.step { Some(reason) } else { None }
    }
}

impl Origin {
    /// The node and the operator that write the program.
    pub(super) const fn asked(self) -> (NodeId, Operator) {
        match self {
            Self::Strategy(thought) => (thought, Operator::Implement),
            Self::Program { program, reflection } => (program, Operator::Refine { reflection, count: 1 }),
        }
    }
}

/// One program per strategy, or one from the statement alone.
pub(super) fn strategies(thoughts: &[NodeId]) -> Vec<Origin> {
    if thoughts.is_empty() {
        return vec![Origin::Strategy(NodeId::ROOT)];
    }
    thoughts.iter().map(|thought| Origin::Strategy(*thought)).collect()
}

/// One revision per reflection, or one from what the tests said alone.
pub(super) fn revisions(program: NodeId, reflections: &[NodeId]) -> Vec<Origin> {
    if reflections.is_empty() {
        return vec![Origin::Program { program, reflection: None }];
    }
    let revision = |reflection: &NodeId| Origin::Program { program, reflection: Some(*reflection) };
    reflections.iter().map(revision).collect()
}

/// Whether a failed program is not worth following. `grade` is a share of the largest grade.
fn is_pruned(value: f64, parent_value: f64, depth: usize, grade: f64) -> bool {
    // 1/3 of the tests with the best grade and 2/3 with the worst are worth the same; floats differ in the last digit.
    let same = (value - parent_value).abs() < 1e-9;
    let deep = depth as f64 > (grade * GRADE_MAX).round();
    if same { deep } else { value < parent_value }
}

/// A value as a share of the largest one, which is how the tree keeps it.
fn reward(value: f64) -> f64 {
    (value / VALUE_MAX).clamp(0.0, 1.0)
}

/// Share of visible tests that a failed program passes; 0 where there is none.
pub(super) fn share(tree: &Tree, program: NodeId) -> f64 {
    tree.attempt(program).map_or(0.0, Attempt::pass_fraction)
}
