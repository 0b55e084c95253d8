//! AgentCoder: programs and test suites written independently of each other; what passes enough suites is accepted.
//!
//! Source: Huang et al. 2024, *AgentCoder: Multi-Agent-based Code Generation with Iterative Testing and Optimisation*,
//! section 3, and the published code, which starts every round from scratch (in the paper the failures go back to the
//! programmer: [`Revision::Feedback`]). Where it differs, on purpose:
//!
//! - hidden tests never decide what is written again. In the published code for MBPP they do, up to 5 times;
//! - a program that fails a visible test is not accepted, and where no suite could be written, the visible tests alone
//!   accept;
//! - equal programs of a round run once;
//! - the best program of all rounds is submitted, not that of the last round with the most suites.

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::batch::Batch;
use crate::checked;
use crate::grow::{distinct, grow};
use crate::policy::{Decision, Operator, ProgramStyle, SearchPolicy, Shown, StopReason, Trial, TrialResult};
use crate::tree::{NodeId, Tree};

#[cfg(test)]
mod tests;

/// Settings of [`AgentCoder`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentCoderConfig {
    /// Rounds at most, at least 1. Default 5.
    #[serde(deserialize_with = "checked::count")]
    pub rounds: usize,
    /// Programs per round, at least 1. Default 5.
    #[serde(deserialize_with = "checked::count")]
    pub programs: usize,
    /// Test suites per round, at least 1. Default 10.
    #[serde(deserialize_with = "checked::count")]
    pub suites: usize,
    /// Tests per suite at most, at least 1. Default 8.
    #[serde(deserialize_with = "checked::count")]
    pub tests: usize,
    /// Suites that a program must pass as a whole to be accepted, at least 1; all of them where there are fewer.
    /// Default 3.
    #[serde(deserialize_with = "checked::count")]
    pub accept_at: usize,
    /// What a round makes of the one before. Default [`Revision::Scratch`].
    pub revision: Revision,
    /// Sampling temperature, in `[0, 2]`. Default 1, that of the servers.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Longest answer in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

/// What a round of [`AgentCoder`] makes of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revision {
    /// Nothing: programs and suites are written anew, as in the published code.
    #[default]
    Scratch,
    /// The suites stay, and the program that passes the most of them is revised from what it fails, as in the paper.
    /// All tests that the model wrote are shown, whether they can be trusted or not.
    Feedback,
}

impl Default for AgentCoderConfig {
    fn default() -> Self {
        Self {
            rounds: 5,
            programs: 5,
            suites: 10,
            tests: 8,
            accept_at: 3,
            revision: Revision::Scratch,
            temperature: 1.0,
            max_output_tokens: 2048,
        }
    }
}

/// The AgentCoder policy. What is written in a round is asked for together, and so is what runs.
#[derive(Debug, Clone)]
pub struct AgentCoder {
    config: AgentCoderConfig,
    stage: Stage,
    batch: Batch,
    round: usize,
    /// Programs of this round.
    programs: Vec<NodeId>,
    /// Suites that they run on.
    suites: Vec<NodeId>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Write,
    Run,
    Stop(StopReason),
}

impl AgentCoder {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub fn new(config: AgentCoderConfig) -> Self {
        let (batch, programs, suites) = (Batch::default(), Vec::new(), Vec::new());
        let mut policy = Self { config, stage: Stage::Write, batch, round: 0, programs, suites };
        policy.batch = policy.write();
        policy
    }

    /// Programs and suites from the problem alone.
    fn write(&self) -> Batch {
        let programs = Operator::Resample {
            count: self.config.programs.max(1),
            style: ProgramStyle::Pseudocode,
            drawn: None,
        };
        let suites =
            Operator::GenerateTests { tests: self.config.tests.max(1), suites: self.config.suites.max(1) };
        Batch::new([programs, suites].map(|operator| self.decision(NodeId::ROOT, operator)))
    }

    const fn decision(&self, node: NodeId, operator: Operator) -> Decision {
        let (temperature, max_output_tokens) = (self.config.temperature, self.config.max_output_tokens);
        Decision { node, operator, temperature, max_output_tokens }
    }

    fn run(&self, tree: &Tree) -> Batch {
        let shown = match self.config.revision {
            Revision::Scratch => Shown::Unchanged,
            Revision::Feedback => Shown::All,
        };
        let programs = distinct(tree, self.programs.iter().copied());
        let run = |program| {
            let operator = Operator::RunTests { suites: self.suites.clone(), shown: shown.clone() };
            self.decision(program, operator)
        };
        Batch::new(programs.into_iter().filter(|_| !self.suites.is_empty()).map(run))
    }

    fn go_on(&mut self, tree: &Tree) {
        while self.batch.is_done() && !matches!(self.stage, Stage::Stop(_)) {
            self.stage = match self.stage {
                Stage::Write => {
                    self.batch = self.run(tree);
                    Stage::Run
                }
                Stage::Run => self.end_round(tree),
                stop @ Stage::Stop(_) => stop,
            };
        }
    }

    fn end_round(&mut self, tree: &Tree) -> Stage {
        self.round += 1;
        let programs = std::mem::take(&mut self.programs);
        if programs.iter().any(|program| self.accepts(tree, *program)) {
            return Stage::Stop(StopReason::Accepted);
        }
        if self.round >= self.config.rounds {
            return Stage::Stop(StopReason::Exhausted);
        }
        self.batch = self.next_round(tree, &programs);
        Stage::Write
    }

    fn next_round(&mut self, tree: &Tree, programs: &[NodeId]) -> Batch {
        let revised = match self.config.revision {
            Revision::Scratch => None,
            Revision::Feedback => self.best(tree, programs).filter(|_| !self.suites.is_empty()),
        };
        match revised {
            Some(program) => {
                Batch::new([self.decision(program, Operator::Refine { reflection: None, count: 1 })])
            }
            None => {
                self.suites.clear();
                self.write()
            }
        }
    }

    /// The program that passes the most suites as a whole, the first of equals.
    fn best(&self, tree: &Tree, programs: &[NodeId]) -> Option<NodeId> {
        let rank = |program: &NodeId| std::cmp::Reverse(self.suites_passed(tree, *program));
        programs.iter().min_by_key(|program| rank(program)).copied()
    }

    fn accepts(&self, tree: &Tree, program: NodeId) -> bool {
        let Some(outcome) = tree.attempt(program).map(crate::Attempt::outcome) else { return false };
        let enough = self.config.accept_at.max(1).min(self.suites.len());
        match outcome {
            Outcome::Failed => false,
            Outcome::Passed if self.suites.is_empty() => true,
            _ => enough > 0 && self.suites_passed(tree, program) >= enough,
        }
    }

    fn suites_passed(&self, tree: &Tree, program: NodeId) -> usize {
        let Some(node) = tree.node(program) else { return 0 };
        let passes = |suite: &&NodeId| node.run(**suite).is_some_and(crate::SuiteRun::passes_all);
        self.suites.iter().filter(passes).count()
    }
}

impl SearchPolicy for AgentCoder {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        self.batch.ask(slots)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.batch.tell();
        let nodes = grow(tree, trial, result);
        let programs = || nodes.iter().copied().filter(|node| tree.attempt(*node).is_some());
        match trial.operator {
            Operator::GenerateTests { .. } => self.suites.extend(&nodes),
            Operator::Resample { .. } => self.programs.extend(programs()),
            // A revision that is missing leaves the program before it to be revised again.
            Operator::Refine { .. } => self.programs.push(programs().next().unwrap_or(trial.node)),
            _ => {}
        }
        self.go_on(tree);
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if let Stage::Stop(reason) = self.stage { Some(reason) } else { None }
    }
}
