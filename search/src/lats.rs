//! LATS: Monte Carlo tree search over revisions, where each revision is written from everything that was tried on the
//! way to it.
//!
//! Source: Zhou et al. 2024, *Language Agent Tree Search Unifies Reasoning, Acting, and Planning in Language Models*,
//! section 4 and appendix (programming), with the constants of the published code. Where it differs, on purpose:
//!
//! - hidden tests are never consulted. The published code asks them whenever the model's own tests pass, goes on
//!   searching if they fail, and judges every program of the last iteration by them;
//! - the visible tests judge beside those that the model wrote, and a program that fails one is not accepted;
//! - a program is reflected on once, when it is chosen to be revised. The published code reflects on all siblings again
//!   after each new one (15 reflections for 5 programs), and nobody reads those of programs that are not chosen;
//! - the revisions of a program come from one request;
//! - the best program of the whole tree is submitted, not the first revision with the largest sum of returns;
//! - a chosen program whose revision gives nothing gets a return of 0, so that another one is chosen next;
//! - where no test says anything, there is no return to search by, and the search ends with the first program.
//!
//! All tests that the model wrote are shown to it, as published, whether they can be trusted or not.

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::batch::Batch;
use crate::grow::{evaluate, grow};
use crate::policy::{
    Decision, Operator, PastAttempt, ReflectionStyle, SearchPolicy, Shown, StopReason, Trial, TrialResult,
};
use crate::tree::{Evaluator, NodeId, NodeKind, Tree};
use crate::uct::Uct;
use crate::{backup, checked, suite};

#[cfg(test)]
mod tests;

/// Settings of [`Lats`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatsConfig {
    /// Programs chosen to be revised at most, at least 1. Default 8.
    #[serde(deserialize_with = "checked::count")]
    pub iterations: usize,
    /// Revisions of each of them, at least 1. Default 5.
    #[serde(deserialize_with = "checked::count")]
    pub revisions: usize,
    /// Tests that the model is asked to write at a time, at least 1. Default 4.
    #[serde(deserialize_with = "checked::count")]
    pub tests: usize,
    /// Whether new tests are written in every iteration. Default true; false keeps the first ones.
    pub fresh_tests: bool,
    /// The selection formula.
    pub uct: Uct,
    /// Temperature of programs and tests, in `[0, 2]`. Default 0.8.
    #[serde(deserialize_with = "checked::temperature")]
    pub program_temperature: f64,
    /// Temperature of reflections, in `[0, 2]`. Default 0.2.
    #[serde(deserialize_with = "checked::temperature")]
    pub reflection_temperature: f64,
    /// Longest answer in tokens. Default 1024.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for LatsConfig {
    fn default() -> Self {
        Self {
            iterations: 8,
            revisions: 5,
            tests: 4,
            fresh_tests: true,
            uct: Uct::default(),
            program_temperature: 0.8,
            reflection_temperature: 0.2,
            max_output_tokens: 1024,
        }
    }
}

/// The LATS policy. The revisions of one program are run together; iterations follow one another.
#[derive(Debug, Clone)]
pub struct Lats {
    config: LatsConfig,
    stage: Stage,
    batch: Batch,
    iteration: usize,
    /// The program at the root of the published tree.
    first: Option<NodeId>,
    /// The newest tests that the model wrote.
    suite: Option<NodeId>,
    /// Revisions of this iteration.
    revisions: Vec<NodeId>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// The first tests and the first program.
    Begin,
    /// What the first program comes to.
    Try {
        first: NodeId,
    },
    /// A reflection on the chosen program, and new tests.
    Prepare {
        chosen: NodeId,
    },
    /// Its revisions.
    Expand {
        chosen: NodeId,
    },
    /// What the revisions come to.
    Simulate,
    Stop(StopReason),
}

impl Lats {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub fn new(config: LatsConfig) -> Self {
        let mut policy = Self {
            config,
            stage: Stage::Begin,
            batch: Batch::default(),
            iteration: 0,
            first: None,
            suite: None,
            revisions: Vec::new(),
        };
        policy.batch = Batch::new([policy.write_tests(), policy.implement()]);
        policy
    }

    fn write_tests(&self) -> Decision {
        let operator = Operator::GenerateTests { tests: self.config.tests.max(1), suites: 1 };
        self.decision(NodeId::ROOT, operator)
    }

    fn implement(&self) -> Decision {
        self.decision(NodeId::ROOT, Operator::Implement)
    }

    const fn decision(&self, node: NodeId, operator: Operator) -> Decision {
        let temperature = match operator {
            Operator::Reflect { .. } => self.config.reflection_temperature,
            _ => self.config.program_temperature,
        };
        Decision { node, operator, temperature, max_output_tokens: self.config.max_output_tokens }
    }

    /// Runs programs on the newest tests.
    fn run(&self, programs: &[NodeId]) -> Batch {
        let suites: Vec<NodeId> = self.suite.into_iter().collect();
        let run = |program: &NodeId| {
            self.decision(*program, Operator::RunTests { suites: suites.clone(), shown: Shown::All })
        };
        Batch::new(programs.iter().filter(|_| !suites.is_empty()).map(run))
    }

    /// Takes what a trial made for what it is.
    fn keep(&mut self, tree: &Tree, trial: &Trial, nodes: &[NodeId]) {
        let programs = || nodes.iter().copied().filter(|node| tree.attempt(*node).is_some());
        match trial.operator {
            Operator::GenerateTests { .. } => self.suite = nodes.first().copied().or(self.suite),
            Operator::Implement => self.first = programs().next(),
            Operator::RefineWithHistory { .. } => self.revisions = programs().collect(),
            _ => {}
        }
    }

    /// Goes on to the next stage that has something to ask for.
    fn go_on(&mut self, tree: &mut Tree) {
        while self.batch.is_done() && !matches!(self.stage, Stage::Stop(_)) {
            self.stage = match self.stage {
                Stage::Begin => self.begun(),
                Stage::Try { first } => match self.outcome(tree, first) {
                    Outcome::Passed => Stage::Stop(StopReason::Accepted),
                    Outcome::Untested => Stage::Stop(StopReason::Exhausted),
                    Outcome::Failed => self.start_iteration(tree, first),
                },
                Stage::Prepare { chosen } => {
                    let operator = Operator::RefineWithHistory {
                        path: path(tree, chosen),
                        count: self.config.revisions.max(1),
                    };
                    self.revisions.clear();
                    self.batch = Batch::new([self.decision(chosen, operator)]);
                    Stage::Expand { chosen }
                }
                Stage::Expand { chosen } => {
                    if self.revisions.is_empty() {
                        backup::discounted(tree, chosen, 0.0, 1.0);
                    }
                    self.batch = self.run(&self.revisions);
                    Stage::Simulate
                }
                Stage::Simulate => self.simulated(tree),
                stop @ Stage::Stop(_) => stop,
            };
        }
    }

    /// A first program that is missing costs an iteration, and is asked for again.
    fn begun(&mut self) -> Stage {
        if let Some(first) = self.first {
            self.batch = self.run(&[first]);
            return Stage::Try { first };
        }
        self.iteration += 1;
        if self.iteration >= self.config.iterations {
            return Stage::Stop(StopReason::Exhausted);
        }
        self.batch = Batch::new([self.implement()]);
        Stage::Begin
    }

    fn start_iteration(&mut self, tree: &Tree, first: NodeId) -> Stage {
        if self.iteration >= self.config.iterations.max(1) {
            return Stage::Stop(StopReason::Exhausted);
        }
        self.iteration += 1;
        let chosen = self.config.uct.select_leaf(tree, first);
        let reflect = reflection(tree, chosen).is_none().then(|| {
            self.decision(chosen, Operator::Reflect { count: 1, style: ReflectionStyle::Diagnosis })
        });
        let tests = self.config.fresh_tests.then(|| self.write_tests());
        self.batch = Batch::new(reflect.into_iter().chain(tests));
        Stage::Prepare { chosen }
    }

    /// Backs the returns of this iteration's revisions up.
    fn simulated(&mut self, tree: &mut Tree) -> Stage {
        let mut solved = false;
        for program in std::mem::take(&mut self.revisions) {
            let reward = tree.node(program).map_or(0.0, |node| suite::pass_fraction(node, self.suite));
            evaluate(tree, program, Evaluator::Reward, reward);
            backup::discounted(tree, program, reward, 1.0);
            solved |= self.outcome(tree, program) == Outcome::Passed;
        }
        match self.first {
            Some(first) if !solved => self.start_iteration(tree, first),
            _ => Stage::Stop(StopReason::Accepted),
        }
    }

    fn outcome(&self, tree: &Tree, program: NodeId) -> Outcome {
        tree.node(program).map_or(Outcome::Failed, |node| suite::outcome(node, self.suite))
    }
}

impl SearchPolicy for Lats {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        self.batch.ask(slots)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.batch.tell();
        let nodes = grow(tree, trial, result);
        self.keep(tree, trial, &nodes);
        self.go_on(tree);
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if let Stage::Stop(reason) = self.stage { Some(reason) } else { None }
    }
}

/// The programs from the first one down to `node`, each with the reflection on it.
fn path(tree: &Tree, node: NodeId) -> Vec<PastAttempt> {
    let programs = tree.lineage(node).filter(|node| node.attempt.is_some());
    let mut path: Vec<PastAttempt> = programs
        .map(|node| PastAttempt { program: node.id, reflection: reflection(tree, node.id) })
        .collect();
    path.reverse();
    path
}

fn reflection(tree: &Tree, program: NodeId) -> Option<NodeId> {
    tree.children(program).find(|child| child.kind == NodeKind::Reflection).map(|child| child.id)
}
