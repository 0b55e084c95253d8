//! Reflexion: a chain of program, diagnosis in words, revised program, until the tests pass.
//!
//! Source: Shinn et al. 2023, *Reflexion*, section 4.3 and the published code. Two deliberate differences: programs
//! are tested on the problem's visible tests and not on tests that the model wrote (the paper counts 16 % false
//! positives of those on MBPP); and not the last program is submitted but the best one, as in every method here.
//! A program that the visible tests cannot judge ends the chain, for there is no failure to reflect on.

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::checked;
use crate::grow::grow;
use crate::policy::{Decision, Operator, ReflectionStyle, SearchPolicy, StopReason, Trial, TrialResult};
use crate::tree::{NodeId, Tree};

#[cfg(test)]
mod tests;

/// Settings of [`Reflexion`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReflexionConfig {
    /// Programs asked for at most, the first one included; at least 1. Default 10.
    #[serde(deserialize_with = "checked::count")]
    pub max_iterations: usize,
    /// Temperature of programs, in `[0, 2]`. Default 0.
    #[serde(deserialize_with = "checked::temperature")]
    pub program_temperature: f64,
    /// Temperature of reflections, in `[0, 2]`. Default 0.2.
    #[serde(deserialize_with = "checked::temperature")]
    pub reflection_temperature: f64,
    /// Longest answer in tokens. Default 1024.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for ReflexionConfig {
    fn default() -> Self {
        Self {
            max_iterations: 10,
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
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Implement,
    Reflect { failed: NodeId },
    Refine { failed: NodeId, reflection: Option<NodeId> },
    Stop(StopReason),
}

impl Reflexion {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub const fn new(config: ReflexionConfig) -> Self {
        Self { config, step: Step::Implement, waiting: false, programs: 0 }
    }

    const fn decide(&self) -> Option<Decision> {
        let (node, operator, temperature) = match self.step {
            Step::Implement => (NodeId::ROOT, Operator::Implement, self.config.program_temperature),
            Step::Reflect { failed } => {
                let one = Operator::Reflect { count: 1, style: ReflectionStyle::Diagnosis };
                (failed, one, self.config.reflection_temperature)
            }
            Step::Refine { failed, reflection } => {
                (failed, Operator::Refine { reflection }, self.config.program_temperature)
            }
            Step::Stop(_) => return None,
        };
        Some(Decision { node, operator, temperature, max_output_tokens: self.config.max_output_tokens })
    }

    /// The step after a program was asked for. A missing one counts, and the same question is put once more.
    fn after_program(&self, tree: &Tree, made: Option<NodeId>) -> Step {
        let outcome = made.and_then(|node| tree.attempt(node)).map(crate::Attempt::outcome);
        match (outcome, made) {
            (Some(Outcome::Passed), _) => Step::Stop(StopReason::Accepted),
            (Some(Outcome::Untested), _) => Step::Stop(StopReason::Exhausted),
            _ if self.programs >= self.config.max_iterations.max(1) => Step::Stop(StopReason::Exhausted),
            (Some(Outcome::Failed), Some(failed)) => Step::Reflect { failed },
            _ => self.step,
        }
    }
}

impl SearchPolicy for Reflexion {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        if self.waiting || slots == 0 {
            return Vec::new();
        }
        let decision = self.decide();
        self.waiting = decision.is_some();
        decision.into_iter().collect()
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.waiting = false;
        let nodes = grow(tree, trial, result);
        let made = nodes.first().copied();
        self.step = if let Step::Reflect { failed } = self.step {
            // Without a usable diagnosis the test results alone must do.
            Step::Refine { failed, reflection: made }
        } else {
            self.programs += 1;
            self.after_program(tree, made)
        };
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if let Step::Stop(reason) = self.step { Some(reason) } else { None }
    }
}
