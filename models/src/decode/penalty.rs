//! By how much repetition is made less likely.

use serde::Serialize;

use super::runs::EndRun;

/// What is done to the logit of a token that would begin a further copy. `c` counts copies from the first one that is
/// one too many: `m - m_min + 1`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// Takes `min(cap, gamma · c)` nats from the token's log-probability, before renormalisation.
    Nats {
        /// Per copy, in nats.
        gamma: f32,
        /// At most, in nats.
        cap: f32,
    },
    /// Multiplies a positive logit by `lambda^c` and divides a negative one by it, so that both fall. For comparison with
    /// the paper, which multiplies both; how much that takes depends on where a model's logits happen to lie.
    LogitScale {
        /// In `(0, 1)`; 0.9 in the paper.
        lambda: f32,
    },
}

impl Default for Penalty {
    /// 0.5 nats per copy, at most 20: against one alternative that holds the rest, a token of probability 0.9 falls
    /// behind after 5 copies too many, one of 0.999 after 14.
    fn default() -> Self {
        Self::Nats { gamma: 0.5, cap: 20.0 }
    }
}

impl Penalty {
    /// A logit with the penalty for `c` copies too many.
    #[must_use]
    pub fn applied(self, logit: f32, c: usize) -> f32 {
        let copies = count(c);
        match self {
            Self::Nats { gamma, cap } => logit - cap.min(gamma * copies),
            Self::LogitScale { lambda } => {
                let scale = lambda.powf(copies);
                if logit > 0.0 { logit * scale } else { logit / scale }
            }
        }
    }
}

/// A number of copies as a factor; beyond any that matters it stays.
pub(crate) fn count(copies: usize) -> f32 {
    f32::from(u16::try_from(copies).unwrap_or(u16::MAX))
}

/// Tokens in which runs of equal contents are looked for.
pub(crate) const CONTENT_WINDOW: usize = 512;
/// Lines in which runs of equal structure are looked for.
pub(crate) const LINE_WINDOW: usize = 128;
/// Copies from which structure counts.
pub(crate) const LINE_COPIES_MIN: usize = 6;
/// Copies from which lines inside of brackets count: tables of data are legal. With 16, half of all true tokens that lose
/// in files of people (`human.rs`) were in tables.
pub(crate) const ROW_COPIES_MIN: usize = 32;
/// A hard stop takes at least so many bytes of repetition, since rules of dashes and deep indentation are runs, too.
const HARD_STOP_BYTES_MIN: usize = 256;
/// Shortest run of equal contents, in tokens.
const CONTENT_LEN_MIN: usize = 12;
/// Units so long count from their second copy.
const LONG_UNIT: usize = 16;

/// Copies from which equal contents count.
pub(crate) const fn content_copies_min(run: EndRun) -> usize {
    if run.period >= LONG_UNIT { 2 } else { 3 }
}

/// Whether a run of equal contents counts.
pub(crate) const fn is_content_run(run: EndRun) -> bool {
    run.copies() >= content_copies_min(run) && run.period * run.copies() >= CONTENT_LEN_MIN
}

/// Whether a run of equal contents, so many bytes long, ends the text.
pub(crate) const fn is_hard_stop(run: EndRun, bytes: usize, copies_max: usize) -> bool {
    is_content_run(run) && run.copies() >= copies_max && bytes >= HARD_STOP_BYTES_MIN
}

/// Copies of equal contents that end a text, by default.
pub const HARD_STOP_COPIES: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nats_are_those_of_the_specification() {
        // The number of copies too many after which a token of probability P falls behind one that holds the rest.
        let needed =
            |p: f32| (1..100).find(|c| Penalty::default().applied(p.ln(), *c) < (1.0 - p).ln()).unwrap();
        assert_eq!((needed(0.9), needed(0.99), needed(0.999)), (5, 10, 14));
        assert!((Penalty::default().applied(0.0, 1_000) + 20.0).abs() < 1e-6);
    }

    #[test]
    fn scaling_is_aware_of_the_sign() {
        let penalty = Penalty::LogitScale { lambda: 0.9 };
        assert!((penalty.applied(1.0, 2) - 0.81).abs() < 1e-6);
        assert!((penalty.applied(-0.81, 2) + 1.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn no_penalty_ever_helps(logit in -50.0_f32..50.0, c in 1_usize..100_000) {
            for penalty in [Penalty::default(), Penalty::LogitScale { lambda: 0.9 }] {
                prop_assert!(penalty.applied(logit, c) <= logit);
            }
        }
    }
}
