//! A mixture of two Weibull distributions, fitted by expectation maximisation.

/// Most rounds of expectation maximisation.
const ROUNDS: usize = 50;

/// A round that changes the weight by less is the last.
const SETTLED: f64 = 1e-9;

/// Bounds of the mixture's weight, so that neither component vanishes.
const WEIGHTS: (f64, f64) = (0.2, 0.8);

/// Bounds of a shape. Between them the likelihood has one maximum.
const SHAPES: (f64, f64) = (0.01, 1_000.0);

/// Smallest scale.
const SCALE_MIN: f64 = 0.01;

/// Smallest value that is told from 0, whose logarithm is not finite.
const VALUE_MIN: f64 = 1e-12;

/// A Weibull distribution: density `(k/λ)(x/λ)^(k-1) exp(-(x/λ)^k)` for `x > 0`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weibull {
    /// Shape `k`.
    pub shape: f64,
    /// Scale `λ`.
    pub scale: f64,
}

/// Two Weibull distributions, `weight · high + (1 - weight) · low`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixture {
    /// Share of `high`.
    pub weight: f64,
    /// The component with the larger mean.
    pub high: Weibull,
    /// The other.
    pub low: Weibull,
}

impl Weibull {
    /// `ln` of the density; values at or below 0 count as the smallest that is told from it.
    #[must_use]
    pub fn ln_density(&self, value: f64) -> f64 {
        let ratio = value.max(VALUE_MIN).ln() - self.scale.ln();
        self.shape.ln() - self.scale.ln() + (self.shape - 1.0) * ratio - (self.shape * ratio).exp()
    }

    /// `λ Γ(1 + 1/k)`.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.scale * ln_gamma(1.0 + 1.0 / self.shape).exp()
    }

    /// The most likely one for weighted values; `None` where their weight is none.
    fn most_likely(values: &[f64], weights: &[f64]) -> Option<Self> {
        let total: f64 = weights.iter().sum();
        let logs: Vec<f64> = values.iter().map(|value| value.max(VALUE_MIN).ln()).collect();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if total <= f64::MIN_POSITIVE || !largest.is_finite() {
            return None;
        }
        let mean_log = logs.iter().zip(weights).map(|(log, weight)| log * weight).sum::<f64>() / total;
        // Sums of w·x^k and w·x^k·ln x, scaled by the largest value so that no power overflows.
        let sums = |shape: f64| {
            logs.iter().zip(weights).fold((0.0, 0.0), |(powers, products), (log, weight)| {
                let power = weight * (shape * (log - largest)).exp();
                (powers + power, products + power * log)
            })
        };
        let slope = |shape: f64| {
            let (powers, products) = sums(shape);
            products / powers - 1.0 / shape - mean_log
        };
        let shape = root(slope, SHAPES);
        let scale = ((sums(shape).0 / total).ln() / shape + largest).exp();
        let fitted = Self { shape, scale: scale.max(SCALE_MIN) };
        (fitted.shape.is_finite() && fitted.scale.is_finite()).then_some(fitted)
    }
}

/// The root of an increasing function by bisection, or the bound that is nearest to it.
fn root(function: impl Fn(f64) -> f64, (mut low, mut high): (f64, f64)) -> f64 {
    // Shapes differ by orders of magnitude: the middle is a geometric one.
    for _ in 0..48 {
        let middle = (low * high).sqrt();
        if function(middle) < 0.0 { low = middle } else { high = middle }
    }
    (low * high).sqrt()
}

impl Mixture {
    /// Fits the mixture to values above 0, starting with the halves below and above the median. `None` where the fit
    /// is not finite.
    #[must_use]
    pub fn fit(values: &[f64]) -> Option<Self> {
        Self::fits(values).last().filter(|mixture| mixture.ln_likelihood(values).is_finite())
    }

    /// The start, and the mixture after each round.
    pub(super) fn fits(values: &[f64]) -> impl Iterator<Item = Self> {
        std::iter::successors(Self::halves(values), |mixture| mixture.improved(values))
            .take(ROUNDS + 1)
            .map(Self::ordered)
    }

    fn halves(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = sorted.split_at(sorted.len() / 2);
        let fitted = |half: &[f64]| Weibull::most_likely(half, &vec![1.0; half.len()]);
        Some(Self { weight: 0.5, high: fitted(high)?, low: fitted(low)? })
    }

    fn improved(&self, values: &[f64]) -> Option<Self> {
        let to_high: Vec<f64> = values.iter().map(|value| self.posterior_high(*value)).collect();
        let to_low: Vec<f64> = to_high.iter().map(|share| 1.0 - share).collect();
        let (sum_high, sum_low): (f64, f64) = (to_high.iter().sum(), to_low.iter().sum());
        let weight = (sum_high / (sum_high + sum_low)).clamp(WEIGHTS.0, WEIGHTS.1);
        let high = Weibull::most_likely(values, &to_high)?;
        let low = Weibull::most_likely(values, &to_low)?;
        let moved = (weight - self.weight).abs() + (high.scale - self.high.scale).abs();
        (moved > SETTLED).then_some(Self { weight, high, low })
    }

    fn ordered(self) -> Self {
        if self.high.mean() >= self.low.mean() {
            return self;
        }
        Self { weight: 1.0 - self.weight, high: self.low, low: self.high }
    }

    /// The probability that a value comes from `high`.
    #[must_use]
    pub fn posterior_high(&self, value: f64) -> f64 {
        let (high, low) = self.ln_parts(value);
        1.0 / (1.0 + (low - high).exp())
    }

    /// `ln` of the likelihood of all values.
    #[must_use]
    pub fn ln_likelihood(&self, values: &[f64]) -> f64 {
        let ln_sum = |(high, low): (f64, f64)| {
            let larger = high.max(low);
            larger + ((high - larger).exp() + (low - larger).exp()).ln()
        };
        values.iter().map(|value| ln_sum(self.ln_parts(*value))).sum()
    }

    fn ln_parts(&self, value: f64) -> (f64, f64) {
        let high = self.weight.ln() + self.high.ln_density(value);
        (high, (1.0 - self.weight).ln() + self.low.ln_density(value))
    }
}

/// `ln Γ(x)` for `x ≥ 1`, to some 1e-10: Stirling's series above 10, reached by `Γ(x) = Γ(x + 1) / x`.
fn ln_gamma(mut value: f64) -> f64 {
    let mut shift = 0.0;
    while value < 10.0 {
        shift -= value.ln();
        value += 1.0;
    }
    let inverse = 1.0 / value;
    let series = inverse / 12.0 - inverse.powi(3) / 360.0 + inverse.powi(5) / 1260.0;
    (value - 0.5) * value.ln() - value + 0.5 * std::f64::consts::TAU.ln() + series + shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gamma_function_is_right() {
        for (value, expected) in [(1.0, 1.0), (1.5, 0.886_226_925_452_758), (5.0, 24.0), (12.0, 39_916_800.0)]
        {
            assert!((ln_gamma(value).exp() / expected - 1.0).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn the_most_likely_shape_and_scale_are_found() {
        // Quantiles of the distribution with shape 3 and scale 0.5.
        let quantile = |at: f64| 0.5 * (-(1.0 - at).ln()).powf(1.0 / 3.0);
        let values: Vec<f64> = (0..2_000).map(|index| quantile((f64::from(index) + 0.5) / 2_000.0)).collect();
        let found = Weibull::most_likely(&values, &vec![1.0; values.len()]).unwrap();
        assert!((found.shape - 3.0).abs() < 0.02 && (found.scale - 0.5).abs() < 0.002, "{found:?}");
    }

    #[test]
    fn nothing_is_fitted_to_nothing() {
        assert_eq!(Mixture::fit(&[]), None);
        assert_eq!(Weibull::most_likely(&[0.5], &[0.0]), None);
    }
}
