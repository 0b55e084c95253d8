//! How far a critic's probabilities can be believed: temperature, calibration error, Brier score, area under the curve.

use super::CLASSES;

/// Bins of the calibration error.
const BINS: usize = 10;

/// Probabilities of logits divided by a temperature.
pub(super) fn softmax(logits: &[f32; CLASSES], temperature: f64) -> [f64; CLASSES] {
    let scaled = logits.map(|logit| f64::from(logit) / temperature);
    let largest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials = scaled.map(|logit| (logit - largest).exp());
    let sum: f64 = exponentials.iter().sum();
    exponentials.map(|it| it / sum)
}

/// Mean negative log-likelihood of the labels, in nats.
pub(super) fn nll(rows: &[([f32; CLASSES], usize)], temperature: f64) -> f64 {
    let of = |(logits, label): &([f32; CLASSES], usize)| {
        -softmax(logits, temperature).get(*label).copied().unwrap_or(0.0).max(f64::MIN_POSITIVE).ln()
    };
    mean(rows.iter().map(of))
}

/// The temperature in `[0.05, 20]` under which the labels are likeliest, by golden section in its logarithm: the
/// likelihood is concave in the inverse, so there is one top.
///
/// Source: Guo et al. 2017, *On Calibration of Modern Neural Networks*, section 4.2.
pub(super) fn temperature(rows: &[([f32; CLASSES], usize)]) -> f64 {
    let (mut low, mut high) = (0.05_f64.ln(), 20_f64.ln());
    let golden = (5_f64.sqrt() - 1.0) / 2.0;
    for _ in 0..60 {
        let (one, other) = (high - golden * (high - low), low + golden * (high - low));
        if nll(rows, one.exp()) < nll(rows, other.exp()) { high = other } else { low = one }
    }
    f64::midpoint(low, high).exp()
}

/// Expected calibration error of probabilities of passing, in `[0, 1]`: ten bins of equal width, the distance between mean
/// probability and share in each, weighed by its members. 0 of nothing.
#[must_use]
pub fn calibration_error(rows: &[(f64, bool)]) -> f64 {
    let mut bins = [(0.0, 0.0, 0.0); BINS];
    for (probability, passes) in rows {
        #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "a bin")]
        let bin = ((probability * 10.0) as usize).min(BINS - 1);
        if let Some((members, sum, passed)) = bins.get_mut(bin) {
            *members += 1.0;
            *sum += probability;
            *passed += f64::from(u8::from(*passes));
        }
    }
    let all: f64 = bins.iter().map(|(members, ..)| members).sum();
    let distances = bins.iter().map(|(_, sum, passed): &(f64, f64, f64)| (sum - passed).abs());
    distances.sum::<f64>() / all.max(1.0)
}

/// Mean square distance between probabilities of passing and what came, in `[0, 1]`.
#[must_use]
pub fn brier(rows: &[(f64, bool)]) -> f64 {
    mean(rows.iter().map(|(probability, passes)| (probability - f64::from(u8::from(*passes))).powi(2)))
}

/// Chance that a program that passes scores above one that does not, ties counting half; `None` unless there are both.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "numbers of programs")]
pub fn auc(rows: &[(f64, bool)]) -> Option<f64> {
    let mut sorted = rows.to_vec();
    sorted.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let passed = rows.iter().filter(|(_, passes)| *passes).count();
    let failed = rows.len() - passed;
    if passed == 0 || failed == 0 {
        return None;
    }
    let mut won = 0.0;
    let mut below = 0;
    for tied in sorted.chunk_by(|(one, _), (other, _)| one.total_cmp(other).is_eq()) {
        let passed = tied.iter().filter(|(_, passes)| *passes).count();
        let failed = tied.len() - passed;
        won += passed as f64 * (below as f64 + failed as f64 / 2.0);
        below += failed;
    }
    Some(won / (passed as f64 * failed as f64))
}

#[expect(clippy::cast_precision_loss, reason = "a number of programs")]
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_small_tables() {
        let rows = [(0.9, true), (0.8, false), (0.2, false), (0.1, false)];
        assert!((calibration_error(&rows) - (0.1 + 0.8 + 0.2 + 0.1) / 4.0).abs() < 1e-12);
        assert!((brier(&rows) - (0.01 + 0.64 + 0.04 + 0.01) / 4.0).abs() < 1e-12);
        assert_eq!(auc(&rows), Some(1.0));
        assert_eq!(auc(&[(0.5, true), (0.5, false)]), Some(0.5));
        assert_eq!(auc(&[(0.3, true), (0.5, false), (0.2, false)]), Some(0.5));
        assert_eq!(auc(&[(0.5, true)]), None);
        assert_eq!((calibration_error(&[]), brier(&[])), (0.0, 0.0));
    }

    #[test]
    fn a_critic_that_is_too_sure_is_cooled_down() {
        // Three of four times right where it says e^4 : 1 : 1 : 1.
        let rows = [([4.0, 0.0, 0.0, 0.0], 0), ([4.0, 0.0, 0.0, 0.0], 0), ([4.0, 0.0, 0.0, 0.0], 0)];
        let rows = [&rows[..], &[([4.0, 0.0, 0.0, 0.0], 1)]].concat();
        let temperature = temperature(&rows);
        // The likeliest is p = 3/4, that is e^(4/T) = 9.
        assert!((temperature - 4.0 / 9_f64.ln()).abs() < 1e-6, "{temperature}");
        assert!(nll(&rows, temperature) < nll(&rows, 1.0));
    }
}
