//! What can be said of a run: the verdict taxonomy. Decided by the machinery (traps, wait statuses, counters,
//! clocks), never by text that the program prints.

use serde::{Deserialize, Serialize};

/// The outcome class of one run or one test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// Ended by itself with status 0 and, for a test, every claim equal to what was expected.
    Passed,
    /// Ended by itself, but wrongly.
    Failed {
        /// How.
        failure: Failure,
    },
    /// The host's clock ran out.
    Timeout {
        /// Which clock.
        clock: Clock,
    },
    /// The memory limit was hit and the run ended because of it.
    Memory,
    /// The interpreter died.
    Crashed {
        /// The signal or trap, as a word.
        cause: String,
    },
    /// The run ended by an uncaught error that a refusal of ours caused.
    Denied {
        /// What was refused.
        what: String,
    },
    /// The program wrote more than its output limit.
    OutputLimit,
}

/// Which clock ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// Wall-clock time.
    Wall,
    /// CPU time.
    Cpu,
}

/// How a program that ended by itself failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Failure {
    /// It does not compile.
    Syntax {
        /// The compiler's message.
        message: String,
        /// Line of the program, from 1, where known.
        line: Option<u32>,
    },
    /// An uncaught exception.
    Exception {
        /// Class name of the exception.
        class: String,
        /// Its text, cut to 2,000 characters.
        message: String,
        /// Line of the program, from 1, where known.
        line: Option<u32>,
    },
    /// A wrong value, output or assertion.
    Wrong {
        /// What was expected, as source text.
        expected: String,
        /// What came, as source text.
        actual: String,
    },
    /// It ended without giving the answer that it was asked for.
    NoAnswer,
    /// It gave an answer that is not plain data.
    NotPlainData {
        /// Class name of the offending value, or which encoding limit it broke.
        what: String,
    },
    /// It ended with a non-zero status.
    Exit {
        /// The status.
        code: i32,
    },
}

impl Verdict {
    /// Whether this is [`Verdict::Passed`].
    #[must_use]
    pub const fn is_passed(&self) -> bool {
        matches!(self, Self::Passed)
    }

    /// Line of the program that the verdict blames, from 1, where known.
    #[must_use]
    pub const fn line(&self) -> Option<u32> {
        match self {
            Self::Failed { failure: Failure::Syntax { line, .. } | Failure::Exception { line, .. } } => *line,
            _ => None,
        }
    }

    /// The class in one word, as in the verdict table: `passed`, `failed`, `timeout`, `memory`, `crashed`, `denied`,
    /// `output-limit`.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::Timeout { .. } => "timeout",
            Self::Memory => "memory",
            Self::Crashed { .. } => "crashed",
            Self::Denied { .. } => "denied",
            Self::OutputLimit => "output-limit",
        }
    }
}
