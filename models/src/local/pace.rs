//! Whether guessing pays on this machine and this text: the time that a token takes with guesses and without, as measured.

use std::time::Duration;

/// Plain steps that are timed before the first guesses.
const PLAIN: u32 = 16;
/// Steps with guesses that are timed before they are judged.
const TRIAL: u32 = 8;
/// Steps with guesses between two judgements, while they pay.
const PAYING: u32 = 64;
/// Judgements after which plain steps are timed again.
const FRESH: u32 = 8;
/// Plain steps after guesses did not pay; twice as many each further time.
const REST: u32 = 512;
/// Times that the rest is doubled at most.
const DOUBLINGS: u32 = 6;
/// What guesses must take of the time of plain steps to be kept.
const WORTHWHILE: f64 = 0.9;

/// Decides step by step whether to guess. Changes how long answers take, never what they say.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    phase: Phase,
    /// Steps left in the phase, and what those took that it has seen.
    left: u32,
    spent: Vec<Duration>,
    tokens: u32,
    /// Seconds a token without guesses.
    plain: f64,
    lost: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Timing,
    Guessing { judgements: u32 },
    Resting,
}

impl Pace {
    pub(crate) const fn new() -> Self {
        Self {
            phase: Phase::Timing,
            left: PLAIN,
            spent: Vec::new(),
            tokens: 0,
            plain: f64::INFINITY,
            lost: 0,
        }
    }

    /// Whether the next step is to guess.
    pub(crate) const fn guesses(&self) -> bool {
        matches!(self.phase, Phase::Guessing { .. })
    }

    /// Learns what a step took that drew so many tokens.
    pub(crate) fn record(&mut self, spent: Duration, tokens: u32) {
        if self.phase != Phase::Resting {
            self.spent.push(spent);
            self.tokens += tokens;
        }
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            return;
        }
        let measured = self.seconds_a_token();
        let (phase, left) = match self.phase {
            Phase::Timing => {
                self.plain = measured;
                (Phase::Guessing { judgements: 0 }, TRIAL)
            }
            Phase::Guessing { judgements } if measured < self.plain * WORTHWHILE => {
                if judgements > 0 {
                    // A few steps may have been lucky.
                    self.lost = 0;
                }
                if judgements >= FRESH {
                    (Phase::Timing, PLAIN)
                } else {
                    (Phase::Guessing { judgements: judgements + 1 }, PAYING)
                }
            }
            Phase::Guessing { .. } => {
                let rest = REST << self.lost.min(DOUBLINGS);
                self.lost += 1;
                (Phase::Resting, rest)
            }
            Phase::Resting => (Phase::Timing, PLAIN),
        };
        *self = Self { phase, left, spent: Vec::new(), tokens: 0, plain: self.plain, lost: self.lost };
    }

    /// By the median step: the first ones fill caches, and any may wait for its core.
    fn seconds_a_token(&mut self) -> f64 {
        self.spent.sort_unstable();
        let median = self.spent.get(self.spent.len() / 2).map_or(0.0, Duration::as_secs_f64);
        #[expect(clippy::cast_precision_loss, reason = "a few hundred steps")]
        let steps = self.spent.len() as f64;
        median * steps / f64::from(self.tokens.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a number of steps guess, where a step takes a millisecond, one with guesses `cost` and draws `drawn`.
    fn guessing(pace: &mut Pace, steps: usize, cost: u64, drawn: u32) -> usize {
        let mut step = || {
            let guesses = pace.guesses();
            let (time, tokens) = if guesses { (cost, drawn) } else { (1, 1) };
            pace.record(Duration::from_millis(time), tokens);
            guesses
        };
        (0..steps).filter(|_| step()).count()
    }

    #[test]
    fn guesses_that_pay_go_on() {
        let mut pace = Pace::new();
        assert_eq!(guessing(&mut pace, 16, 2, 3), 0);
        assert!(guessing(&mut pace, 1000, 2, 3) > 950);
    }

    #[test]
    fn guesses_that_do_not_pay_are_given_up_for_longer_and_longer() {
        let mut pace = Pace::new();
        let tried = guessing(&mut pace, 100_000, 4, 2);
        assert!((16..=80).contains(&tried), "{tried}");
    }

    #[test]
    fn steps_that_had_to_wait_do_not_speak_for_guesses() {
        let mut pace = Pace::new();
        pace.record(Duration::from_secs(1), 1);
        assert!(guessing(&mut pace, 400, 3, 2) <= 16);
    }

    #[test]
    fn a_text_that_becomes_easier_to_guess_is_guessed_again() {
        let mut pace = Pace::new();
        guessing(&mut pace, 1000, 4, 2);
        assert!(guessing(&mut pace, 2000, 4, 8) > 500);
    }
}
