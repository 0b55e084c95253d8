//! What becomes of answers that repeat themselves, as a value: answers depend on it.

use serde::Serialize;

use super::guard::GuardConfig;
use super::penalty::HARD_STOP_COPIES;

/// What becomes of answers that repeat themselves over and over; part of the identity of whatever rests on them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RepetitionRule {
    /// Nothing.
    Off,
    /// They are cut behind the first of so many copies.
    Cut {
        /// Copies of equal contents.
        copies: usize,
    },
    /// The same, and the model is asked once to go on from there.
    Continue {
        /// Copies of equal contents.
        copies: usize,
    },
    /// They are drawn under a guard.
    Guard(GuardConfig),
}

impl Default for RepetitionRule {
    /// Cut, as servers' answers are unless their configuration says otherwise.
    fn default() -> Self {
        Self::cut()
    }
}

impl RepetitionRule {
    /// Cut as the detector on streams does it.
    #[must_use]
    pub const fn cut() -> Self {
        Self::Cut { copies: HARD_STOP_COPIES }
    }

    /// Cut and continued as the detector on streams and [`crate::continued`] do it.
    #[must_use]
    pub const fn continued() -> Self {
        Self::Continue { copies: HARD_STOP_COPIES }
    }

    /// Whether an answer that was cut is asked to go on.
    #[must_use]
    pub const fn continues(self) -> bool {
        matches!(self, Self::Continue { .. })
    }
}
