//! Comparing strategies over the same problems: shares, means, and intervals of paired differences.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Played;

/// Resamplings of the problems for an interval.
const RESAMPLINGS: usize = 2_000;

/// What a strategy did on every problem: means over seeds.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Share of seeds with which the submitted program was right, by problem.
    pub solved: Vec<f64>,
    /// Model calls, by problem.
    pub calls: Vec<f64>,
    /// Tokens in and out, by problem.
    pub tokens: Vec<f64>,
    /// Complete programs, by problem.
    pub generations: Vec<f64>,
}

/// A difference with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The difference of the means.
    pub difference: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Row {
    /// A row without problems.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Adds a problem: one search per seed.
    pub fn add(&mut self, searches: &[Played]) {
        let mean = |of: &dyn Fn(&Played) -> f64| searches.iter().map(of).sum::<f64>() / searches.len() as f64;
        self.solved.push(mean(&|played| f64::from(u8::from(played.solved))));
        self.calls.push(mean(&|played| played.cost.calls as f64));
        self.tokens.push(mean(&|played| (played.cost.input_tokens + played.cost.output_tokens) as f64));
        self.generations.push(mean(&|played| played.cost.generations as f64));
    }
}

/// `one` minus `other`, problem by problem, with a 95 % percentile bootstrap interval over problems.
#[must_use]
pub fn compare(one: &[f64], other: &[f64]) -> Interval {
    let differences: Vec<f64> = one.iter().zip(other).map(|(one, other)| one - other).collect();
    let count = differences.len().max(1);
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let mut resampled = || {
        let drawn =
            (0..count).map(|_| differences.get(dice.random_range(0..count)).copied().unwrap_or_default());
        drawn.sum::<f64>() / count as f64
    };
    let mut means: Vec<f64> = (0..RESAMPLINGS).map(|_| resampled()).collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means.get((share * RESAMPLINGS as f64) as usize).copied().unwrap_or_default();
    Interval { difference: mean(&differences), low: at(0.025), high: at(0.975) }
}

/// The mean; 0 of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
