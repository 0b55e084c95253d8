//! Worked examples, properties of the fit, and the law that the method rests on.

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::evidence::Sample;
use super::weibull::Weibull;
use super::*;

/// A sample that answers `answer`, whose text is `text` and was drawn with probability `probability`.
fn sample(answer: u64, text: u64, probability: f64) -> Sample {
    let log_prob = Some(probability.ln());
    Sample { fingerprint: text, answers: vec![Some(answer)], log_prob, ..Sample::default() }
}

fn evidence(samples: Vec<Sample>) -> Evidence {
    Evidence { samples, tests: Vec::new() }
}

/// By hand: A has texts of 0.5 (twice the same) and 0.2, B one of 0.6: A 0.7 / 1.3 = 0.5385.
#[test]
fn a_text_counts_once_however_often_it_was_drawn() {
    let samples = vec![sample(1, 1, 0.5), sample(1, 1, 0.5), sample(1, 2, 0.2), sample(2, 3, 0.6)];
    let (found, mode) = rank(&evidence(samples));
    assert_eq!((found[0].samples.as_slice(), mode), (&[0, 1, 2][..], Mode::Perplexity));
    assert!((found[0].score - 0.7 / 1.3).abs() < 1e-12 && (found[1].score - 0.6 / 1.3).abs() < 1e-12);
}

#[test]
fn the_posterior_of_a_known_mixture() {
    let high = Weibull { shape: 8.0, scale: 0.8 };
    let mixture = Mixture { weight: 0.5, high, low: Weibull { shape: 3.0, scale: 0.3 } };
    for (value, expected) in [(0.2, 0.000_185), (0.5, 0.573_139), (0.8, 1.0)] {
        let found = mixture.posterior_high(value);
        assert!((found - expected).abs() < 1e-6, "{value}: {found}");
    }
}

/// Ten half-hearted texts for one answer, six sure ones for another: pruning takes all of the first class.
#[test]
fn half_hearted_texts_are_pruned() {
    let half_hearted = (0..10_u32).map(|index| sample(1, index.into(), 0.10 + 0.004 * f64::from(index)));
    let sure = (0..6_u32).map(|index| sample(2, (100 + index).into(), 0.80 + 0.01 * f64::from(index)));
    let (found, _) = rank(&evidence(half_hearted.chain(sure).collect()));
    assert_eq!((found[0].samples.len(), found[0].score, found[1].score), (6, 1.0, 0.0));
}

#[test]
fn without_log_probabilities_distinct_texts_vote() {
    let mut samples = vec![sample(1, 1, 0.9), sample(2, 2, 0.1), sample(2, 3, 0.1), sample(1, 1, 0.9)];
    samples[0].log_prob = None;
    let (found, mode) = rank(&evidence(samples));
    assert_eq!((found[0].samples.as_slice(), mode), (&[1, 2][..], Mode::SelfConsistency));
    assert!((found[0].score - 2.0 / 3.0).abs() < 1e-12);
}

#[test]
fn equal_probabilities_are_votes_of_distinct_texts() {
    let samples = (0..12).map(|text| sample(u64::from(text > 4), text, 0.5)).collect();
    let (found, _) = rank(&evidence(samples));
    assert!((found[0].score - 7.0 / 12.0).abs() < 1e-12, "{found:?}");
}

#[test]
fn samples_that_say_nothing_do_no_harm() {
    assert_eq!(rank(&Evidence::default()).0, []);
    let silent = Sample { log_prob: Some(-1.0), ..Sample::default() };
    assert_eq!(rank(&evidence(vec![silent])).0[0].score, 0.0);
    let odd = [f64::NAN, f64::INFINITY, 3.0, f64::NEG_INFINITY]
        .map(|log_prob| Sample { log_prob: Some(log_prob), ..sample(1, 1, 0.5) });
    assert_eq!(rank(&evidence(odd.to_vec())).1, Mode::SelfConsistency);
}

/// Answers drawn from a known distribution, each with one text of that probability: the mean squared error of the
/// confidence in the first answer is smaller than that of its share of the votes. A false alarm would take an error
/// more than twice the one that is seen here, at 2,000 trials far beyond one in a million.
#[test]
fn perplexity_tells_more_than_counting() {
    const LAW: [f64; 4] = [0.5, 0.3, 0.15, 0.05];
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for count in [4, 8, 16] {
        let (mut by_perplexity, mut by_votes) = (0.0, 0.0);
        for trial in 0..2_000 {
            let drawn: Vec<u64> =
                (0..count).map(|_| draw(&LAW, f64::from(random.next_u32()) / 4_294_967_296.0)).collect();
            let samples = drawn.iter().map(|answer| {
                let probability = LAW[usize::try_from(*answer).unwrap()];
                sample(*answer, *answer, probability)
            });
            // Unnormalised, as the theory has it: what was not drawn has no part.
            let seen = if drawn.contains(&0) { LAW[0] } else { 0.0 };
            let votes =
                f64::from(u32::try_from(drawn.iter().filter(|answer| **answer == 0).count()).unwrap());
            by_perplexity += (seen - LAW[0]).powi(2);
            by_votes += (votes / f64::from(count) - LAW[0]).powi(2);
            if trial % 100 == 0 {
                let (found, _) = rank(&evidence(samples.collect()));
                let best = drawn.iter().min().copied();
                assert_eq!(found.first().map(|class| drawn[class.samples[0]]), best, "the likeliest drawn");
            }
        }
        assert!(by_perplexity < by_votes, "{count}: {by_perplexity} {by_votes}");
    }
}

fn draw(law: &[f64], mut at: f64) -> u64 {
    let found = law.iter().position(|share| {
        at -= share;
        at < 0.0
    });
    u64::try_from(found.unwrap_or(law.len() - 1)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_likelihood_never_falls(values in proptest::collection::vec(0.02_f64..1.0, 8..60)) {
        let likelihoods: Vec<f64> = Mixture::fits(&values).map(|fit| fit.ln_likelihood(&values)).collect();
        for pair in likelihoods.windows(2) {
            // A scale at its bound is the one step that is not the best one.
            prop_assert!(pair[1] >= pair[0] - 1e-6 * pair[0].abs().max(1.0), "{pair:?}");
        }
    }

    /// The order of samples changes no score.
    #[test]
    fn the_order_of_samples_does_not_matter(
        drawn in proptest::collection::vec((0_u64..4, 0_u64..6, 0.01_f64..1.0), 1..30),
        turn in 0_usize..30,
    ) {
        // One text has one probability and one answer.
        let samples: Vec<Sample> = drawn
            .iter()
            .map(|(answer, text, _)| {
                let (_, _, probability) = drawn.iter().find(|(_, other, _)| other == text).unwrap();
                sample(*answer, answer * 10 + text, *probability)
            })
            .collect();
        let mut shuffled = samples.clone();
        shuffled.rotate_left(turn % samples.len());
        shuffled.reverse();
        let scores = |samples: Vec<Sample>| {
            let evidence = evidence(samples);
            let mut scores: Vec<(u64, f64)> = rank(&evidence).0.iter()
                .map(|class| (evidence.samples[class.samples[0]].answers[0].unwrap(), class.score))
                .collect();
            scores.sort_by_key(|(answer, _)| *answer);
            scores
        };
        let (one, other) = (scores(samples), scores(shuffled));
        prop_assert_eq!(one.len(), other.len());
        for (one, other) in one.iter().zip(&other) {
            prop_assert!(one.0 == other.0 && (one.1 - other.1).abs() < 1e-6);
        }
    }
}
