//! pass@k: the probability that one of k samples of a problem is right.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{self, Mean};

/// The samples of one problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// How many there are.
    pub samples: u64,
    /// How many of them pass.
    pub passed: u64,
}

impl Tally {
    /// Share of the samples that pass, in `[0, 1]`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of samples")]
    pub fn rate(self) -> f64 {
        if self.samples == 0 { 0.0 } else { self.passed as f64 / self.samples as f64 }
    }

    /// The unbiased estimate of pass@k, in `[0, 1]`; `None` with fewer than k samples, which can't say.
    ///
    /// Source: Chen et al. 2021, *Evaluating Large Language Models Trained on Code*, section 2.1: one minus the share of
    /// sets of k samples without a right one, as the product over i from n - c + 1 to n of 1 - k / i.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of samples")]
    pub fn pass_at(self, k: u64) -> Option<f64> {
        let wrong = self.samples.checked_sub(self.passed)?;
        if k == 0 || self.samples < k {
            return None;
        }
        if wrong < k {
            return Some(1.0);
        }
        Some(1.0 - (wrong + 1..=self.samples).map(|i| 1.0 - k as f64 / i as f64).product::<f64>())
    }
}

/// pass@k over problems.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PassAtK {
    /// The mean over the problems, with its interval.
    #[serde(flatten)]
    pub mean: Mean,
    /// Problems with k samples or more.
    pub problems: usize,
    /// Problems with fewer, which are left out.
    pub left_out: usize,
}

/// pass@k over the problems that have k samples; `None` if there is none.
#[must_use]
pub fn pass_at_k(tallies: &[Tally], k: u64) -> Option<PassAtK> {
    let values: Vec<f64> = tallies.iter().filter_map(|tally| tally.pass_at(k)).collect();
    let (problems, left_out) = (values.len(), tallies.len() - values.len());
    bootstrap::mean(&values).map(|mean| PassAtK { mean, problems, left_out })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(samples: u64, passed: u64, k: u64, expected: Option<f64>) {
        match (Tally { samples, passed }.pass_at(k), expected) {
            (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12, "{found} {expected}"),
            (found, expected) => assert_eq!(found, expected),
        }
    }

    #[test]
    fn the_estimate_is_the_share_of_sets_with_a_right_one() {
        check(5, 2, 1, Some(0.4));
        // Of 10 pairs 3 hold no right one.
        check(5, 2, 2, Some(0.7));
        check(5, 2, 4, Some(1.0));
        check(5, 0, 5, Some(0.0));
        check(5, 5, 1, Some(1.0));
        check(4, 1, 5, None);
        check(4, 1, 0, None);
        check(0, 0, 1, None);
    }

    #[test]
    fn problems_with_too_few_samples_are_counted_apart() {
        let tallies = [(1, 1), (2, 1), (2, 0)].map(|(samples, passed)| Tally { samples, passed });
        let two = pass_at_k(&tallies, 2).unwrap();
        assert_eq!((two.mean.value, two.problems, two.left_out), (0.5, 2, 1));
        assert_eq!(pass_at_k(&tallies, 3), None);
    }

    proptest! {
        /// By its definition, over all sets of k of up to 10 samples.
        #[test]
        fn the_product_counts_sets(samples in 1_u64..10, passed in 0_u64..10, k in 1_u64..10) {
            prop_assume!(passed <= samples && k <= samples);
            let sets = (0_u32..1 << samples).filter(|set| u64::from(set.count_ones()) == k);
            let (mut all, mut some) = (0.0, 0.0);
            for set in sets {
                all += 1.0;
                some += f64::from(u8::from(set & ((1 << passed) - 1) != 0));
            }
            let found = Tally { samples, passed }.pass_at(k).unwrap();
            prop_assert!((found - some / all).abs() < 1e-9);
        }
    }
}
