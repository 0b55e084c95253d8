//! Thompson sampling: what is believed of an arm's scores, and draws from that belief. The arm with the largest draw is
//! pulled, so an arm is tried as often as it is likely to be the best.
//!
//! Beliefs rest on running sums ([`Moments`]), so an observation costs the same whatever came before.
//!
//! Source: Thompson 1933; the two posteriors and their constants as in Inoue et al. 2025, *Wider or Deeper? Scaling
//! LLM Inference-Time Compute with Adaptive Branching Tree Search* (AB-MCTS), section 3.3 and appendix, and the
//! published code.

use serde::{Deserialize, Serialize};

pub(crate) use self::arms::Arms;
pub(crate) use self::dice::Dice;

mod arms;
mod dice;
#[cfg(test)]
mod tests;

/// Weight, mean and sum of squared deviations of observations, kept as they come.
///
/// Source: Welford 1962, and West 1979 for weights.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Moments {
    /// Sum of the weights; the number of observations where each weighs 1.
    pub weight: f64,
    /// Weighted mean; 0 before the first.
    pub mean: f64,
    /// Weighted sum of squared deviations from the mean.
    pub squares: f64,
}

impl Moments {
    /// Takes an observation that counts in full.
    pub fn add(&mut self, value: f64) {
        self.add_weighted(value, 1.0);
    }

    /// Takes an observation of a weight above 0.
    pub fn add_weighted(&mut self, value: f64, weight: f64) {
        self.weight += weight;
        let before = value - self.mean;
        self.mean += before * weight / self.weight;
        self.squares += weight * before * (value - self.mean);
    }

    /// These observations and those together.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let weight = self.weight + other.weight;
        if weight <= 0.0 {
            return *self;
        }
        let apart = other.mean - self.mean;
        Self {
            weight,
            mean: self.mean + apart * other.weight / weight,
            squares: self.squares + other.squares + apart * apart * self.weight * other.weight / weight,
        }
    }

    /// The same observations, each counting `share` times as much.
    #[must_use]
    pub fn scaled(&self, share: f64) -> Self {
        Self { weight: self.weight * share, squares: self.squares * share, ..*self }
    }
}

/// What is believed of the mean score of an arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Belief {
    /// Scores are normal with unknown mean and variance.
    Gaussian(NormalInverseChiSquare),
    /// Scores are shares of successes.
    Beta(Beta),
}

impl Belief {
    /// The belief after observations.
    #[must_use]
    pub fn after(&self, seen: &Moments) -> Self {
        match self {
            Self::Gaussian(prior) => Self::Gaussian(prior.after(seen)),
            Self::Beta(prior) => Self::Beta(prior.after(seen)),
        }
    }

    /// The expected mean score.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::Gaussian(belief) => belief.mean,
            Self::Beta(belief) => belief.mean(),
        }
    }

    /// One mean score drawn from the belief.
    pub(crate) fn draw(&self, dice: &mut Dice) -> f64 {
        match self {
            Self::Gaussian(belief) => belief.draw(dice),
            Self::Beta(belief) => belief.draw(dice),
        }
    }
}

/// The normal-inverse-chi-square belief: `σ² ~ Inv-χ²(ν, τ²)` and `μ | σ² ~ Normal(m, σ² / κ)`.
///
/// Source: Gelman et al., *Bayesian Data Analysis*, section 3.3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalInverseChiSquare {
    /// `m`, the expected mean.
    pub mean: f64,
    /// `κ`, how many observations the mean is worth.
    pub kappa: f64,
    /// `ν`, how many observations the variance is worth.
    pub nu: f64,
    /// `τ²`, the scale of the variance.
    pub tau2: f64,
}

impl Default for NormalInverseChiSquare {
    /// The prior of AB-MCTS-A: `m = 0, κ = 1, ν = 1, τ² = 0.1`.
    fn default() -> Self {
        Self { mean: 0.0, kappa: 1.0, nu: 1.0, tau2: 0.1 }
    }
}

impl NormalInverseChiSquare {
    /// The belief after `n` observations of mean `a` with `S` squared deviations:
    /// `κ' = κ + n; ν' = ν + n; m' = (κ m + n a) / κ'; τ'² = (ν τ² + S + n κ (m - a)² / κ') / ν'`.
    #[must_use]
    pub fn after(&self, seen: &Moments) -> Self {
        let (n, a) = (seen.weight, seen.mean);
        let (kappa, nu) = (self.kappa + n, self.nu + n);
        let shift = n * self.kappa * (self.mean - a).powi(2) / kappa;
        Self {
            mean: (self.kappa * self.mean + n * a) / kappa,
            kappa,
            nu,
            tau2: (self.nu * self.tau2 + seen.squares + shift) / nu,
        }
    }

    /// Draws `σ²` from the inverse gamma `(ν/2, ντ²/2)`, then the mean from `Normal(m, σ²/κ)`.
    pub(crate) fn draw(&self, dice: &mut Dice) -> f64 {
        let variance = 0.5 * self.nu * self.tau2 / dice.gamma(0.5 * self.nu).max(f64::MIN_POSITIVE);
        self.mean + (variance / self.kappa).sqrt() * dice.normal()
    }
}

/// The Beta belief: a score `x` in `[0, 1]` is `x` of a success and `1 - x` of a failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beta {
    /// Successes, above 0.
    pub a: f64,
    /// Failures, above 0.
    pub b: f64,
}

impl Default for Beta {
    /// The prior of AB-MCTS-A with Beta, `a = b = 0.5`.
    fn default() -> Self {
        Self { a: 0.5, b: 0.5 }
    }
}

impl Beta {
    /// The belief of a mean that is worth `weight` observations.
    #[must_use]
    pub fn around(mean: f64, weight: f64) -> Self {
        let mean = mean.clamp(0.01, 0.99);
        Self { a: mean * weight, b: (1.0 - mean) * weight }
    }

    /// The belief after observations, each in `[0, 1]`.
    #[must_use]
    pub fn after(&self, seen: &Moments) -> Self {
        Self { a: self.a + seen.weight * seen.mean, b: self.b + seen.weight * (1.0 - seen.mean) }
    }

    /// The expected mean score.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.a / (self.a + self.b)
    }

    /// The standard deviation of the mean score.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        let sum = self.a + self.b;
        (self.a * self.b / (sum * sum * (sum + 1.0))).sqrt()
    }

    /// A Beta variate, from two gamma variates.
    pub(crate) fn draw(&self, dice: &mut Dice) -> f64 {
        let (successes, failures) = (dice.gamma(self.a), dice.gamma(self.b));
        let sum = successes + failures;
        if sum > 0.0 { successes / sum } else { self.mean() }
    }
}
