//! From the logits of one row to its next token.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::drawn::Share;
use super::rsd;

/// Of the whole probability, what counts as nothing left.
const NOTHING: f64 = 1e-9;

/// How tokens are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// What logits are divided by; 0 takes the likeliest token.
    pub temperature: f64,
    /// Share of the probability that the likeliest tokens to draw from must make up together, in `(0, 1]`.
    pub top_p: Option<f64>,
    /// Least probability of a token to draw, as a share of that of the likeliest, in `[0, 1)`.
    pub min_p: Option<f64>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.8, top_p: None, min_p: None }
    }
}

/// A drawn token, and its share of the probability of those that could be drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Drawn {
    pub(crate) token: u32,
    pub(crate) share: f64,
}

/// What a small model guessed behind a token: by drawing from a distribution without replacement, in this order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guesses<'a> {
    pub(crate) tokens: &'a [u32],
    pub(crate) shares: &'a [f64],
}

/// Draws a token. `None` where no token has a finite logit.
///
/// One number of the generator is used per token, whatever the settings but for temperature 0, and candidates are passed
/// in the order of their ids: so logits that differ in the last bits draw another token only where the number falls on the
/// edge between two.
///
/// Tokens of `used` lose that share of their probability, as long as anything is left to draw; at temperature 0 they lose
/// nothing.
///
/// With guesses it is one of them as often as the probabilities allow, and uses more numbers.
pub(crate) fn draw(
    logits: &[f32],
    sampling: &Sampling,
    random: &mut ChaCha8Rng,
    used: impl Iterator<Item = Share>,
    guesses: Option<Guesses<'_>>,
) -> Option<Drawn> {
    if sampling.temperature <= 0.0 {
        return likeliest(logits).map(|(token, _)| Drawn { token, share: 1.0 });
    }
    let weights = Weights::new(logits, sampling, used)?;
    match guesses {
        Some(guesses) => rsd::choose(weights.shares(), guesses.shares.to_vec(), guesses.tokens, random)
            .map(|token| weights.drawn(token)),
        None => weights.draw(random),
    }
}

/// The shares of the tokens that a row draws from; where it takes the likeliest, those at temperature 1. There are
/// none where no token has a finite logit.
pub(crate) fn shares(logits: &[f32], sampling: &Sampling) -> Vec<f64> {
    let temperature = if sampling.temperature <= 0.0 { 1.0 } else { sampling.temperature };
    let weights = Weights::new(logits, &Sampling { temperature, ..*sampling }, std::iter::empty());
    weights.map(|weights| weights.shares()).unwrap_or_default()
}

/// What a token is drawn by: weights in proportion to probabilities.
struct Weights {
    /// Of all tokens that the settings allow.
    all: Vec<f64>,
    whole: f64,
    /// Less what is used up.
    left: Vec<f64>,
    total: f64,
}

impl Weights {
    fn new(logits: &[f32], sampling: &Sampling, used: impl Iterator<Item = Share>) -> Option<Self> {
        let (_, max) = likeliest(logits)?;
        let scale = sampling.temperature.recip();
        let weights = logits.iter().map(|logit| ((f64::from(*logit) - f64::from(max)) * scale).exp());
        // What is not a number has no weight.
        let mut all: Vec<f64> = weights.map(|weight| if weight.is_finite() { weight } else { 0.0 }).collect();
        let least = least_weight(&all, sampling);
        all.iter_mut().filter(|weight| **weight < least).for_each(|weight| *weight = 0.0);
        let whole: f64 = all.iter().sum();
        let (mut left, mut lost) = (all.clone(), 0.0);
        for (token, used) in used {
            let place =
                usize::try_from(token).ok().and_then(|token| Some((all.get(token)?, left.get_mut(token)?)));
            if let Some((weight, left)) = place {
                *left = (weight - weight * used).max(0.0);
                lost += weight * used;
            }
        }
        let total = whole - lost;
        if total <= whole * NOTHING {
            return Some(Self { left: all.clone(), total: whole, all, whole });
        }
        Some(Self { all, whole, left, total })
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> Option<Drawn> {
        let mut rest = uniform(random) * self.total;
        let mut last = None;
        for (token, left) in (0..).zip(&self.left) {
            if *left > 0.0 {
                // Rounding may leave a little behind the last one.
                last = Some(token);
            }
            rest -= left;
            if rest < 0.0 {
                break;
            }
        }
        last.map(|token| self.drawn(token))
    }

    fn drawn(&self, token: u32) -> Drawn {
        let weight = usize::try_from(token).ok().and_then(|token| self.all.get(token));
        Drawn { token, share: weight.map_or(0.0, |weight| weight / self.whole) }
    }

    fn shares(&self) -> Vec<f64> {
        self.left.iter().map(|left| left / self.total).collect()
    }
}

/// How logits lie, at temperature 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// The logarithm of the sum of their exponentials.
    log_sum: f64,
    /// The entropy of the distribution, in nats.
    pub(crate) entropy: f64,
}

impl Spread {
    pub(crate) fn of(logits: &[f32]) -> Self {
        let Some((_, max)) = likeliest(logits) else {
            return Self { log_sum: f64::NEG_INFINITY, entropy: 0.0 };
        };
        let (mut sum, mut weighted) = (0.0, 0.0);
        for logit in logits.iter().filter(|logit| logit.is_finite()) {
            let below = f64::from(logit - max);
            let weight = below.exp();
            sum += weight;
            weighted += weight * below;
        }
        Self { log_sum: f64::from(max) + sum.ln(), entropy: sum.ln() - weighted / sum }
    }

    /// The log-probability of a token of these logits, in nats.
    pub(crate) fn log_probability(self, logits: &[f32], token: u32) -> f64 {
        let logit = usize::try_from(token).ok().and_then(|token| logits.get(token));
        logit.map_or(f64::NEG_INFINITY, |logit| f64::from(*logit) - self.log_sum)
    }
}

/// The first token with the largest finite logit, and the logit.
fn likeliest(logits: &[f32]) -> Option<(u32, f32)> {
    let finite = (0..).zip(logits.iter().copied()).filter(|(_, logit)| logit.is_finite());
    finite.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// The least weight that is drawn from; the likeliest token has weight 1.
fn least_weight(weights: &[f64], sampling: &Sampling) -> f64 {
    let by_share = sampling.min_p.unwrap_or(0.0);
    let Some(mass) = sampling.top_p.filter(|mass| *mass < 1.0) else { return by_share };
    let mut sorted: Vec<f64> = weights.iter().copied().filter(|weight| *weight > 0.0).collect();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let wanted = mass * sorted.iter().sum::<f64>();
    let mut sum = 0.0;
    let last = sorted.into_iter().find(|weight| {
        sum += weight;
        sum >= wanted
    });
    by_share.max(last.unwrap_or(0.0))
}

/// A number in `[0, 1)`, of 53 bits.
pub(crate) fn uniform(random: &mut ChaCha8Rng) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
    let bits = (random.next_u64() >> 11) as f64;
    bits / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;
    use crate::local::drawn::DrawnTree;

    const LOGITS: [f32; 4] = [1.0, 3.0, f32::NAN, 2.0];

    fn share(sampling: Sampling, token: u32) -> f64 {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let drawn = (0..4000).filter_map(|_| draw(&LOGITS, &sampling, &mut random, std::iter::empty(), None));
        drawn.filter(|drawn| drawn.token == token).count() as f64 / 4000.0
    }

    #[test]
    fn draws_follow_the_distribution() {
        let softmax = |token: u32| Spread::of(&LOGITS).log_probability(&LOGITS, token).exp();
        let plain = Sampling { temperature: 1.0, top_p: None, min_p: None };
        for token in [0, 1, 3] {
            assert!((share(plain, token) - softmax(token)).abs() < 0.03, "{token}");
        }
        assert_eq!(share(plain, 2), 0.0);
        assert!((softmax(0) + softmax(1) + softmax(3) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn unlikely_tokens_are_left_out() {
        let plain = Sampling { temperature: 1.0, top_p: None, min_p: None };
        // Probabilities 0.09, 0.665 and 0.245.
        assert_eq!(share(Sampling { top_p: Some(0.9), ..plain }, 0), 0.0);
        assert!(share(Sampling { top_p: Some(0.9), ..plain }, 3) > 0.2);
        assert_eq!(share(Sampling { top_p: Some(0.6), ..plain }, 1), 1.0);
        assert_eq!(share(Sampling { min_p: Some(0.2), ..plain }, 0), 0.0);
        assert!(share(Sampling { min_p: Some(0.2), ..plain }, 3) > 0.2);
        assert_eq!(share(Sampling { temperature: 0.0, ..plain }, 1), 1.0);
    }

    /// Pairs drawn without replacement come in the order and with the frequencies of Gumbel top-k: `p_i p_j / (1 - p_i)`.
    #[test]
    fn pairs_follow_the_law_of_sampling_without_replacement() {
        const SHARES: [f64; 4] = [0.1, 0.4, 0.3, 0.2];
        const PAIRS: u32 = 60_000;
        let logits = SHARES.map(|share| share.ln() as f32);
        let plain = Sampling { temperature: 1.0, top_p: None, min_p: None };
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let mut counts = [[0_u32; 4]; 4];
        for _ in 0..PAIRS {
            let mut tree = DrawnTree::default();
            let mut next = || {
                let drawn = draw(&logits, &plain, &mut random, tree.used(DrawnTree::ROOT), None).unwrap();
                assert!(tree.insert(&[(drawn.token, drawn.share)]));
                drawn.token as usize
            };
            let (first, second) = (next(), next());
            counts[first][second] += 1;
        }
        let expected = |i: usize, j: usize| SHARES[i] * SHARES[j] / (1.0 - SHARES[i]) * f64::from(PAIRS);
        assert!((expected(0, 1) / f64::from(PAIRS) - 0.044_444).abs() < 1e-6);
        let pairs = (0..4).flat_map(|i| (0..4).map(move |j| (i, j))).filter(|(i, j)| i != j);
        let chi2: f64 =
            pairs.map(|(i, j)| (f64::from(counts[i][j]) - expected(i, j)).powi(2) / expected(i, j)).sum();
        // 11 degrees of freedom: 31.3 is exceeded once in a thousand.
        assert!(chi2 < 31.3, "{chi2} {counts:?}");
        assert!((0..4).all(|i| counts[i][i] == 0));
    }

    #[test]
    fn nothing_finite_draws_nothing() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let logits = [f32::NEG_INFINITY, f32::NAN];
        assert_eq!(draw(&logits, &Sampling::default(), &mut random, std::iter::empty(), None), None);
    }

    #[test]
    fn what_is_used_up_is_not_drawn_again_while_anything_is_left() {
        let plain = Sampling { temperature: 1.0, top_p: None, min_p: None };
        let drawn = |used: &[Share]| -> Vec<Drawn> {
            let mut random = ChaCha8Rng::seed_from_u64(5);
            (0..2000).filter_map(|_| draw(&LOGITS, &plain, &mut random, used.iter().copied(), None)).collect()
        };
        let share = |drawn: &[Drawn], token| {
            drawn.iter().filter(|drawn| drawn.token == token).count() as f64 / drawn.len() as f64
        };
        // Probabilities 0.09, 0.665 and 0.245; with half of the second used up, 0.332 of the 0.667 that are left.
        let half = drawn(&[(1, 0.5)]);
        assert!((share(&half, 1) - 0.5).abs() < 0.03);
        assert!(half.iter().all(|drawn| drawn.token != 1 || (drawn.share - 0.665).abs() < 1e-3));
        assert_eq!(share(&drawn(&[(1, 1.0), (0, 1.0)]), 3), 1.0);
        let everything = drawn(&[(0, 1.0), (1, 1.0), (3, 1.0)]);
        assert!(share(&everything, 1) > 0.6, "then all may come again");
    }

    #[test]
    fn entropy_is_that_of_the_distribution() {
        assert!((Spread::of(&[0.0; 8]).entropy - 8_f64.ln()).abs() < 1e-9);
        assert_eq!(Spread::of(&[0.0, f32::NEG_INFINITY]).entropy, 0.0);
        let spread = Spread::of(&LOGITS);
        let of_token = |token| {
            let log = spread.log_probability(&LOGITS, token);
            -log.exp() * log
        };
        assert!((spread.entropy - (of_token(0) + of_token(1) + of_token(3))).abs() < 1e-9);
    }
}
