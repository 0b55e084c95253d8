//! Reflexion: a chain of program, diagnosis in words, revised program, until the tests pass.
//!
//! Source: Shinn et al. 2023, *Reflexion*, section 4.3 and the published code. Deliberate differences:
//!
//! - programs are tested on the problem's visible tests and not on tests that the model wrote (the paper counts 16 %
//!   false positives of those on MBPP), unless [`TestSource::Generated`] asks for both; then all of them are shown, as
//!   published, whether they can be trusted or not;
//! - not the last program is submitted but the best one, as in every method here;
//! - the questions come without the worked examples that the original shows;
//! - a program that no test can judge ends the chain, for there is no failure to reflect on.

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::checked;
use crate::grow::grow;
use crate::policy::{
    Decision, Operator, ReflectionStyle, SearchPolicy, Shown, StopReason, Trial, TrialResult,
};
use crate::suite;
use crate::tree::{NodeId, Tree};
use crate::turn::one_at_a_time;

#[cfg(test)]
mod tests;

/// Settings of [`Reflexion`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReflexionConfig {
    /// Programs asked for at most, the first one included; at least 1. Default 10.
    #[serde(deserialize_with = "checked::count")]
    pub max_iterations: usize,
    /// Which tests judge. Default the visible ones alone.
    pub tests: TestSource,
    /// Tests that the model is asked to write with [`TestSource::Generated`], at least 1. Default 6, as in the paper;
    /// the published code keeps one of them.
    #[serde(deserialize_with = "checked::count")]
    pub generated_tests: usize,
    /// Temperature of programs and of tests, in `[0, 2]`. Default 0.
    #[serde(deserialize_with = "checked::temperature")]
    pub program_temperature: f64,
    /// Temperature of reflections, in `[0, 2]`. Default 0.2.
    #[serde(deserialize_with = "checked::temperature")]
    pub reflection_temperature: f64,
    /// Longest answer in tokens. Default 1024.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

/// Which tests judge the programs of [`Reflexion`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestSource {
    /// The visible tests.
    #[default]
    Visible,
    /// Tests that the model wrote before the first program, as published, and the visible tests, of which none may
    /// fail.
    Generated,
}

impl Default for ReflexionConfig {
    fn default() -> Self {
        Self {
            max_iterations: 10,
            tests: TestSource::Visible,
            generated_tests: 6,
            program_temperature: 0.0,
            reflection_temperature: 0.2,
            max_output_tokens: 1024,
        }
    }
}

/// The Reflexion policy. Every step needs the result of the one before, so one trial is in flight at a time.
#[derive(Debug, Clone)]
pub struct Reflexion {
    config: ReflexionConfig,
    step: Step,
    waiting: bool,
    programs: usize,
    suite: Option<NodeId>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Generate,
    Implement,
    /// Run `program` on the suite; where it passes everything, the chain ends.
    Run {
        program: NodeId,
    },
    Reflect {
        failed: NodeId,
    },
    Refine {
        failed: NodeId,
        reflection: Option<NodeId>,
    },
    Stop(StopReason),
}

impl Reflexion {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub const fn new(config: ReflexionConfig) -> Self {
        let step = match config.tests {
            TestSource::Visible => Step::Implement,
            TestSource::Generated => Step::Generate,
        };
        Self { config, step, waiting: false, programs: 0, suite: None }
    }

    fn decide(&self) -> Option<Decision> {
        let (programs, reflections) = (self.config.program_temperature, self.config.reflection_temperature);
        let (node, operator, temperature) = match self.step {
            Step::Generate => {
                let tests = self.config.generated_tests.max(1);
                (NodeId::ROOT, Operator::GenerateTests { tests, suites: 1 }, programs)
            }
            Step::Implement => (NodeId::ROOT, Operator::Implement, programs),
            Step::Run { program } => {
                let suites = self.suite.into_iter().collect();
                (program, Operator::RunTests { suites, shown: Shown::All }, programs)
            }
            Step::Reflect { failed } => {
                (failed, Operator::Reflect { count: 1, style: ReflectionStyle::Diagnosis }, reflections)
            }
            Step::Refine { failed, reflection } => {
                (failed, Operator::Refine { reflection, count: 1 }, programs)
            }
            Step::Stop(_) => return None,
        };
        Some(Decision { node, operator, temperature, max_output_tokens: self.config.max_output_tokens })
    }

    /// The step after a program was asked for. A missing one counts, and the same question is put once more.
    fn after_program(&self, tree: &Tree, made: Option<NodeId>) -> Step {
        match made.filter(|node| tree.attempt(*node).is_some()) {
            Some(program) if self.suite.is_some() => Step::Run { program },
            Some(program) => self.judged(tree, program),
            None if self.is_over() => Step::Stop(StopReason::Exhausted),
            None => self.step,
        }
    }

    fn judged(&self, tree: &Tree, program: NodeId) -> Step {
        match tree.node(program).map(|node| suite::outcome(node, self.suite)) {
            Some(Outcome::Passed) => Step::Stop(StopReason::Accepted),
            Some(Outcome::Untested) => Step::Stop(StopReason::Exhausted),
            _ if self.is_over() => Step::Stop(StopReason::Exhausted),
            _ => Step::Reflect { failed: program },
        }
    }

    fn is_over(&self) -> bool {
        self.programs >= self.config.max_iterations.max(1)
    }
}

impl SearchPolicy for Reflexion {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        let decision = self.decide();
        one_at_a_time(&mut self.waiting, slots, decision)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.waiting = false;
        let nodes = grow(tree, trial, result);
        let made = nodes.first().copied();
        self.step = match self.step {
            Step::Generate => {
                // Without usable tests the visible ones must do.
                self.suite = made;
                Step::Implement
            }
            Step::Run { program } => self.judged(tree, program),
            // Without a usable diagnosis the test results alone must do.
            Step::Reflect { failed } => Step::Refine { failed, reflection: made },
            Step::Implement | Step::Refine { .. } => {
                self.programs += 1;
                self.after_program(tree, made)
            }
            stop @ Step::Stop(_) => stop,
        };
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if let Step::Stop(reason) = self.step { Some(reason) } else { None }
    }
}
