//! Two sets of results on the same problems: by how much one is better, and whether that could be chance.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::bootstrap::{self, Mean};
use crate::pass_at_k::Tally;

/// Permutations drawn where there are too many to go through all of them.
const PERMUTATIONS: u32 = 10_000;
/// Up to so many differing problems all permutations are gone through.
const EXACT_MAX: usize = 13;
const SEED: u64 = 0x7065_726d;

/// Results by problem.
pub type Results = BTreeMap<String, Tally>;

/// How B compares with A, over the problems that both have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Problems that both have.
    pub problems: usize,
    /// Problems that only one of them has, which are left out.
    pub unpaired: usize,
    /// Mean pass rate of A.
    pub a: f64,
    /// Mean pass rate of B.
    pub b: f64,
    /// Mean over problems of B's pass rate less A's, with its paired bootstrap interval.
    pub difference: Mean,
    /// Two-sided p-value of the paired permutation test: the chance of a difference as large if it did not matter which
    /// of the two results of a problem is whose.
    pub permutation_p: f64,
    /// Two-sided p-value of McNemar's exact test, where both have one sample per problem.
    pub mcnemar_p: Option<f64>,
    /// Problems that A solves at least once and B never.
    pub only_a: Vec<String>,
    /// Problems that B solves at least once and A never.
    pub only_b: Vec<String>,
}

/// Compares `b` with `a`; `None` if they share no problem.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "numbers of problems")]
pub fn compare(a: &Results, b: &Results) -> Option<Comparison> {
    let pairs: Vec<(&String, Tally, Tally)> =
        a.iter().filter_map(|(id, one)| Some((id, *one, *b.get(id)?))).collect();
    let differences: Vec<f64> = pairs.iter().map(|(_, one, other)| other.rate() - one.rate()).collect();
    let difference = bootstrap::mean(&differences)?;
    let only = |solves: fn(&Tally, &Tally) -> bool| {
        let found = pairs.iter().filter(|(_, one, other)| solves(one, other));
        found.map(|(id, _, _)| (*id).clone()).collect::<Vec<_>>()
    };
    let only_a = only(|one, other| one.passed > 0 && other.passed == 0);
    let only_b = only(|one, other| one.passed == 0 && other.passed > 0);
    let single = pairs.iter().all(|(_, one, other)| one.samples == 1 && other.samples == 1);
    let mean =
        |rate: fn(&(&String, Tally, Tally)) -> f64| pairs.iter().map(rate).sum::<f64>() / pairs.len() as f64;
    Some(Comparison {
        problems: pairs.len(),
        unpaired: a.len() + b.len() - 2 * pairs.len(),
        a: mean(|(_, one, _)| one.rate()),
        b: mean(|(_, _, other)| other.rate()),
        difference,
        permutation_p: permutation_p(&differences),
        mcnemar_p: single.then(|| mcnemar_p(only_a.len() as u64, only_b.len() as u64)),
        only_a,
        only_b,
    })
}

/// The share of all ways to give the differences their signs that come out at least as far from 0.
#[expect(clippy::cast_precision_loss, reason = "numbers of permutations")]
fn permutation_p(differences: &[f64]) -> f64 {
    let sizes: Vec<f64> = differences.iter().copied().filter(|it| *it != 0.0).collect();
    let observed = sizes.iter().sum::<f64>().abs() - 1e-9;
    let is_as_far = |sum: f64| sum.abs() >= observed;
    if sizes.len() <= EXACT_MAX {
        let signed = |signs: u32| {
            let signs = (0..).map(|bit| if signs >> bit & 1 == 1 { -1.0 } else { 1.0 });
            sizes.iter().zip(signs).map(|(size, sign): (&f64, f64)| size.abs() * sign).sum()
        };
        let all = 1_u32 << sizes.len();
        return (0..all).filter(|signs| is_as_far(signed(*signs))).count() as f64 / f64::from(all);
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut draw = || sizes.iter().map(|size| if random.random() { *size } else { -size }).sum::<f64>();
    let far = (0..PERMUTATIONS).filter(|_| is_as_far(draw())).count();
    // The observed one is one of them, so that no p-value is 0 (Phipson and Smyth 2010).
    (far + 1) as f64 / f64::from(PERMUTATIONS + 1)
}

/// McNemar's exact test: `one` and `other` problems came out differently, each way as likely as the other.
#[expect(clippy::cast_precision_loss, reason = "numbers of problems")]
fn mcnemar_p(one: u64, other: u64) -> f64 {
    let count = one + other;
    // By its logarithm: of thousands of problems the first terms are too small for a number.
    let mut log = count as f64 * 0.5_f64.ln();
    let mut tail = 0.0;
    for k in 0..=one.min(other) {
        tail += log.exp();
        log += ((count - k) as f64 / (k + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

/// Holm's step-down correction of p-values for their number, in their order (Holm 1979).
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "numbers of comparisons")]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = p_values.iter().copied().enumerate().collect();
    order.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut corrected = vec![0.0; p_values.len()];
    let mut least = 0.0_f64;
    for (before, (index, p)) in order.into_iter().enumerate() {
        least = least.max((p * (p_values.len() - before) as f64).min(1.0));
        if let Some(slot) = corrected.get_mut(index) {
            *slot = least;
        }
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(rows: &[(&str, u64, u64)]) -> Results {
        let tally = |(id, samples, passed): &(&str, u64, u64)| {
            ((*id).to_owned(), Tally { samples: *samples, passed: *passed })
        };
        rows.iter().map(tally).collect()
    }

    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }

    #[test]
    fn problems_are_paired_by_their_ids() {
        let a = results(&[("1", 1, 1), ("2", 1, 0), ("3", 1, 0), ("4", 1, 1)]);
        let b = results(&[("2", 1, 1), ("3", 1, 1), ("4", 1, 0), ("5", 1, 1)]);
        let found = compare(&a, &b).unwrap();
        assert_eq!((found.problems, found.unpaired), (3, 2));
        assert_eq!(
            (found.only_a, found.only_b),
            (vec!["4".to_owned()], vec!["2".to_owned(), "3".to_owned()])
        );
        check(found.difference.value, 1.0 / 3.0);
        // One against two of three: all eight signs but the two balanced... each sum is odd, so all are as far.
        check(found.permutation_p, 1.0);
        check(found.mcnemar_p.unwrap(), 1.0);
        assert_eq!(compare(&a, &results(&[("9", 1, 1)])), None);
    }

    #[test]
    fn p_values_are_those_of_the_binomial() {
        // Ten problems that one solves and the other does not: 2 / 2^10 either way.
        let a = results(&(0..10).map(|_| ("", 1, 0)).collect::<Vec<_>>());
        assert_eq!(a.len(), 1);
        check(mcnemar_p(0, 10), 2.0 / 1024.0);
        check(permutation_p(&[1.0; 10]), 2.0 / 1024.0);
        // Two-sided: 2 (1 + 8) / 2^8.
        check(mcnemar_p(1, 7), 18.0 / 256.0);
        check(mcnemar_p(3, 3), 1.0);
        check(mcnemar_p(600, 600), 1.0);
        check(mcnemar_p(0, 0), 1.0);
        check(permutation_p(&[0.0; 4]), 1.0);
        check(permutation_p(&[0.5, -0.5, 0.0]), 1.0);
    }

    #[test]
    fn many_differences_are_sampled() {
        let p = permutation_p(&[1.0; 20]);
        assert!(p < 0.001 && p > 0.0, "{p}");
        let even: Vec<f64> = (0..30).map(|it| if it % 2 == 0 { 0.5 } else { -0.5 }).collect();
        check(permutation_p(&even), 1.0);
    }

    #[test]
    fn with_several_samples_there_is_no_mcnemar() {
        let found = compare(&results(&[("1", 4, 1)]), &results(&[("1", 4, 3)])).unwrap();
        assert_eq!((found.mcnemar_p, found.difference.value), (None, 0.5));
    }

    /// The example of Holm 1979: 0.01, 0.04, 0.03 of three.
    #[test]
    fn corrected_values_grow_with_their_number_and_never_fall() {
        let corrected = holm(&[0.01, 0.04, 0.03]);
        for (found, expected) in corrected.iter().zip([0.03, 0.06, 0.06]) {
            check(*found, expected);
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
        assert_eq!(holm(&[0.8, 0.9]), [1.0, 1.0]);
    }
}
