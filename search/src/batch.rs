//! Decisions that can be carried out together, and whose results are waited for together.

use std::collections::VecDeque;

use crate::policy::Decision;

/// The decisions of one stage of a method, or of all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    waiting: VecDeque<Decision>,
    in_flight: usize,
}

impl Batch {
    /// A batch of which nothing was asked for yet.
    pub(crate) fn new(decisions: impl IntoIterator<Item = Decision>) -> Self {
        Self { waiting: decisions.into_iter().collect(), in_flight: 0 }
    }

    /// Adds a decision.
    pub(crate) fn push(&mut self, decision: Decision) {
        self.waiting.push_back(decision);
    }

    /// The next decisions, at most `slots`.
    pub(crate) fn ask(&mut self, slots: usize) -> Vec<Decision> {
        let count = slots.min(self.waiting.len());
        self.in_flight += count;
        self.waiting.drain(..count).collect()
    }

    /// Notes that a result is in.
    pub(crate) const fn tell(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Whether every result is in.
    pub(crate) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.in_flight == 0
    }
}
