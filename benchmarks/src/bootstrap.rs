//! Intervals by resampling: what a mean over problems would have been with other problems of the same kind.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Resamples of an interval.
const RESAMPLES: usize = 10_000;
/// The same for everybody, so that the same results have the same interval.
const SEED: u64 = 0x636f_6465;

/// A mean over problems with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub lo: f64,
    /// Upper end of the 95 % interval.
    pub hi: f64,
    /// Standard error of the mean.
    pub standard_error: f64,
}

/// The mean of `values`, one per problem, with the percentile bootstrap's 95 % interval (Efron and Tibshirani 1993,
/// chapter 13; 10,000 resamples, fixed seed). `None` of no values.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "numbers of problems")]
pub(crate) fn mean(values: &[f64]) -> Option<Mean> {
    if values.is_empty() {
        return None;
    }
    let count = values.len() as f64;
    let value = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|it| (it - value) * (it - value)).sum();
    let standard_error = if values.len() > 1 { (squares / (count - 1.0) / count).sqrt() } else { 0.0 };
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn =
                values.iter().map(|_| values.get(random.random_range(0..values.len())).unwrap_or(&0.0));
            drawn.sum::<f64>() / count
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: usize| means.get(RESAMPLES * share / 1_000).copied();
    Some(Mean { value, lo: at(25)?, hi: at(975)?, standard_error })
}

#[cfg(test)]
mod tests {
    use super::mean;

    #[test]
    fn an_interval_holds_its_mean_and_shrinks_with_more_problems() {
        let few = mean(&[0.0, 1.0, 1.0, 0.0, 1.0]).unwrap();
        assert!((few.value - 0.6).abs() < 1e-12 && few.lo < 0.6 && few.hi > 0.6, "{few:?}");
        let many = mean(&[0.0, 1.0, 1.0, 0.0, 1.0].repeat(100)).unwrap();
        assert!(many.hi - many.lo < (few.hi - few.lo) / 5.0, "{many:?} {few:?}");
        // The normal approximation of a share: 1.96 standard errors to either side.
        assert!(((many.hi - many.lo) / (2.0 * 1.96 * many.standard_error) - 1.0).abs() < 0.05, "{many:?}");
        assert_eq!(mean(&[0.0, 1.0, 1.0, 0.0, 1.0]), Some(few));
    }

    #[test]
    fn what_is_always_the_same_has_no_width() {
        let same = mean(&[1.0; 7]).unwrap();
        assert_eq!((same.value, same.lo, same.hi, same.standard_error), (1.0, 1.0, 1.0, 0.0));
        assert_eq!(mean(&[]), None);
    }
}
