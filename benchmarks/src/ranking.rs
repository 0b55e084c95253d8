//! What rankings are worth: pass@k where the k samples are drawn in a ranking's order, beside drawing at random.

use std::collections::BTreeSet;

use codeagent::search::choose::evidence::{Class, draws};

/// The probability that one of `k` samples, drawn at random without replacement, is right.
///
/// Source: Chen et al. 2021, *Evaluating Large Language Models Trained on Code*, section 2.1. With fewer than `k` samples
/// all are drawn.
#[must_use]
pub fn random_pass_at(right: &[bool], k: usize) -> f64 {
    let all = Class { samples: (0..right.len()).collect(), score: 0.0 };
    ranked_pass_at(&[all], right, k)
}

/// The probability that one of `k` samples is right that are drawn in the order of `ranking`: one of every class, the best
/// class first, then a second one of every class, until there are `k`, as [`draws`] has it. Within a class samples are
/// drawn at random, since the ranking does not tell them apart.
///
/// Source: Chen et al. 2023, *CodeT*, section 2.2 ("Consensus Set Selection"). With fewer than `k` samples all are drawn.
#[must_use]
pub fn ranked_pass_at(ranking: &[Class], right: &[bool], k: usize) -> f64 {
    let mut all_wrong = 1.0;
    for (class, drawn) in ranking.iter().zip(shares(ranking, k)) {
        let is_right = |index: &&usize| right.get(**index) == Some(&true);
        let wrong = class.samples.len() - class.samples.iter().filter(is_right).count();
        all_wrong *= all_of(wrong, class.samples.len(), drawn);
    }
    1.0 - all_wrong
}

/// How many samples of each class are among the first `k`.
fn shares(ranking: &[Class], k: usize) -> Vec<usize> {
    let first: BTreeSet<usize> = draws(ranking).into_iter().take(k).collect();
    let drawn = |class: &Class| class.samples.iter().filter(|sample| first.contains(sample)).count();
    ranking.iter().map(drawn).collect()
}

/// The probability that `drawn` of `all`, without replacement, are all among `some` of them.
#[expect(clippy::cast_precision_loss, reason = "numbers of samples")]
fn all_of(some: usize, all: usize, drawn: usize) -> f64 {
    (0..drawn).map(|before| some.saturating_sub(before) as f64 / (all - before) as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(samples: &[usize]) -> Class {
        Class { samples: samples.to_vec(), score: 0.0 }
    }

    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }

    #[test]
    fn random_draws_are_the_unbiased_estimator() {
        let right = [true, false, false, true];
        check(random_pass_at(&right, 1), 0.5);
        // 1 - (2/4)(1/3).
        check(random_pass_at(&right, 2), 5.0 / 6.0);
        check(random_pass_at(&right, 3), 1.0);
        check(random_pass_at(&[false], 10), 0.0);
        check(random_pass_at(&[], 1), 0.0);
    }

    /// By hand: first one of {0, 1, 2}, of which one is right, then one of {3, 4}, of which one is, then a second one
    /// of the first class.
    #[test]
    fn classes_take_turns() {
        let ranking = [class(&[0, 1, 2]), class(&[3, 4])];
        let right = [true, false, false, false, true];
        check(ranked_pass_at(&ranking, &right, 0), 0.0);
        check(ranked_pass_at(&ranking, &right, 1), 1.0 / 3.0);
        check(ranked_pass_at(&ranking, &right, 2), 1.0 - (2.0 / 3.0) * 0.5);
        check(ranked_pass_at(&ranking, &right, 3), 1.0 - (1.0 / 3.0) * 0.5);
        check(ranked_pass_at(&ranking, &right, 9), 1.0);
    }
}
