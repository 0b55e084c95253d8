//! What a search knows of one complete program: counts and hashes, never its text.

use serde::{Deserialize, Serialize};

/// The facts about one complete program that decisions may rest on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Attempt {
    /// Hash of the normalised syntax tree; equal programs are one candidate.
    pub fingerprint: u64,
    /// Visible tests passed.
    pub passed: u32,
    /// Visible tests run; 0 where the problem has none.
    pub total: u32,
    /// Whether the program parses.
    pub parses: bool,
    /// Hash of the outcomes on the visible tests, where they ran.
    pub behaviour: Option<u64>,
    /// Length in characters.
    pub length: u32,
    /// Tests that ended within a fifth of their time limit.
    pub slow: u32,
    /// What a trained scorer gives it, in `[0, 1]`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<f64>,
    /// Mean log-probability of its answer's tokens under the model that wrote it, in nats, where the model tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_logprob: Option<f64>,
}

/// What the visible tests say of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every visible test passed, and there was at least one.
    Passed,
    /// A visible test failed, or the program does not parse.
    Failed,
    /// It parses, and there was no test to say more.
    Untested,
}

impl Attempt {
    /// Share of visible tests passed, in `[0, 1]`; 0 where there are none.
    #[must_use]
    pub fn pass_fraction(&self) -> f64 {
        if self.total == 0 { 0.0 } else { f64::from(self.passed) / f64::from(self.total) }
    }

    /// What it is worth to who looks for the most promising one, in `[0, 1]`: the share of visible tests passed, or, where
    /// no test can say, what a trained scorer gives it.
    #[must_use]
    pub fn value(&self) -> f64 {
        match self.learned {
            Some(learned) if self.total == 0 && self.parses && !learned.is_nan() => learned.clamp(0.0, 1.0),
            _ => self.pass_fraction(),
        }
    }

    /// Whether every visible test passed (and there was at least one).
    #[must_use]
    pub const fn passes_all(&self) -> bool {
        self.total > 0 && self.passed == self.total
    }

    /// What the visible tests say. A program without tests neither passes nor fails.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        if self.passes_all() {
            Outcome::Passed
        } else if self.total > 0 || !self.parses {
            Outcome::Failed
        } else {
            Outcome::Untested
        }
    }
}
