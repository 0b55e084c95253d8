//! Perplexity consistency with reasoning pruning: behaviour classes weighted by how likely the model found their texts,
//! without the texts that it wrote half-heartedly.

pub mod weibull;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::evidence::{Class, Evidence, ranked};
use weibull::Mixture;

/// What the ranking rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Log-probabilities of all samples.
    Perplexity,
    /// Nothing but counts, since a log-probability is missing: self-consistency over distinct texts.
    SelfConsistency,
}

/// Ranks behaviour classes by their share of the probability of the distinct programs that are left after pruning.
///
/// With `π` a sample's length-normalised probability, a mixture of two Weibull distributions is fitted to all `π`; a
/// sample is pruned if it more likely belongs to the component with the smaller mean and lies below the mean of all.
/// The confidence in a class is the sum of `π` over its distinct texts that are kept, normalised over the classes.
///
/// Source: Zhou et al. 2025, *A Theoretical Study on Bridging Internal Probability and Self-Consistency for LLM
/// Reasoning*, section 3. Unlike its code we fit by expectation maximisation with a fixed start, and prune nothing where
/// there is nothing to fit: fewer than 8 samples, all alike, or a fit that is not finite. Classes are behaviours, and
/// texts are equal if the programs are up to the names of local variables. Programs that answer nothing have
/// confidence 0.
#[must_use]
pub fn rank(evidence: &Evidence) -> (Vec<Class>, Mode) {
    let known: Option<Vec<f64>> =
        evidence.samples.iter().map(|sample| probability(sample.log_prob)).collect();
    let mode = if known.is_some() { Mode::Perplexity } else { Mode::SelfConsistency };
    let probabilities = known.unwrap_or_else(|| vec![1.0; evidence.samples.len()]);
    let kept = kept(&probabilities);
    let sum = |samples: &[usize]| {
        let mut seen = BTreeSet::new();
        let weight = |index: &usize| {
            let sample = evidence.samples.get(*index)?;
            let answers = sample.answers.iter().any(Option::is_some);
            let counts = answers && kept.get(*index) == Some(&true) && seen.insert(sample.fingerprint);
            probabilities.get(*index).copied().filter(|_| counts)
        };
        samples.iter().filter_map(weight).sum::<f64>()
    };
    let classes: Vec<(Vec<usize>, f64)> = evidence
        .classes(|sample| &sample.answers)
        .into_iter()
        .map(|samples| {
            let sum = sum(&samples);
            (samples, sum)
        })
        .collect();
    let total: f64 = classes.iter().map(|(_, sum)| sum).sum();
    let share = |sum: f64| if total > 0.0 { sum / total } else { 0.0 };
    (ranked(classes.into_iter().map(|(samples, sum)| Class { samples, score: share(sum) }).collect()), mode)
}

/// `exp` of a mean log-probability; `None` of what is none.
fn probability(log_prob: Option<f64>) -> Option<f64> {
    log_prob.filter(|value| *value <= 0.0 && value.is_finite()).map(f64::exp)
}

/// Which samples are kept: at least one, since the largest is not below the mean.
#[expect(clippy::cast_precision_loss, reason = "a number of samples")]
fn kept(probabilities: &[f64]) -> Vec<bool> {
    const SAMPLES_MIN: usize = 8;
    const VARIANCE_MIN: f64 = 1e-6;
    let count = probabilities.len() as f64;
    let mean = probabilities.iter().sum::<f64>() / count;
    let variance = probabilities.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let worth_fitting = probabilities.len() >= SAMPLES_MIN && variance >= VARIANCE_MIN;
    let Some(mixture) = Mixture::fit(probabilities).filter(|_| worth_fitting) else {
        return vec![true; probabilities.len()];
    };
    probabilities.iter().map(|value| mixture.posterior_high(*value) >= 0.5 || *value >= mean).collect()
}
