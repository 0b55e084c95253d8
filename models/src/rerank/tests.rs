use candle_core::{Device, Tensor, Var};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::metrics::RankFigures;
use super::pairs::{Mining, Pair, mine};
use super::*;
use crate::encoder::Tokens;
use crate::train::tests::{Ear, TINY, done};
use crate::train::{Example, Outcome, stream};

fn example(problem: usize, program: String, passes: bool, shape: u64) -> Example {
    let outcome = if passes { Outcome::Passed } else { Outcome::FailedTest };
    let problem_id = format!("p{problem:03}");
    Example {
        problem: "task".to_owned(),
        problem_id,
        program,
        outcome,
        pass_rate: f64::from(u8::from(passes)),
        shape,
    }
}

#[test]
fn the_slope_of_the_loss_is_that_of_finite_differences() {
    for difference in [-30.0_f32, -2.0, -0.1, 0.0, 0.3, 5.0, 40.0] {
        let var = Var::new(&[difference, 1.0], &Device::Cpu).unwrap();
        let gradients = bradley_terry(&var).unwrap().backward().unwrap();
        let slope = f64::from(gradients.get(&var).unwrap().to_vec1::<f32>().unwrap()[0]);
        // In f64 by hand, the mean over two pairs: the library's f32 is too coarse for differences.
        let loss = |it: f64| ((-it).exp().ln_1p() + (-1_f64).exp().ln_1p()) / 2.0;
        let by_hand = (loss(f64::from(difference) + 1e-6) - loss(f64::from(difference) - 1e-6)) / 2e-6;
        assert!((slope - by_hand).abs() < 1e-6, "{difference}: {slope} and {by_hand}");
        let value = f64::from(bradley_terry(&var).unwrap().to_scalar::<f32>().unwrap());
        assert!((value - loss(f64::from(difference))).abs() < 1e-5 * value.max(1.0), "{difference}");
    }
}

/// The whole way from a weight of the encoder to the loss.
#[test]
fn the_slope_of_a_weight_is_that_of_finite_differences() {
    let weights = crate::train::weights::Weights::draw(&slots(&TINY), 3).unwrap();
    let rows = [TINY.encode("p", "x = 1"), TINY.encode("p", "y = 23")];
    let loss = || {
        let encoder = Encoder::new(TINY, weights.clone()).unwrap();
        let head = Head { weights: weights.clone() };
        let batch = crate::encoder::Batch::of(&rows.iter().collect::<Vec<_>>()).unwrap();
        let scores = head.scores(&encoder.states(&batch).unwrap(), &batch.mask).unwrap();
        bradley_terry(&(scores.narrow(0, 0, 1).unwrap() - scores.narrow(0, 1, 1).unwrap()).unwrap()).unwrap()
    };
    let gradients = loss().backward().unwrap();
    for name in ["head", "layer.0.attention.in", "layer.0.forward.down", "segments"] {
        let var = weights.var(name).unwrap();
        let slope = gradients.get(var).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let at = (0..slope.len()).max_by(|a, b| slope[*a].abs().total_cmp(&slope[*b].abs())).unwrap();
        let kept = var.as_tensor().copy().unwrap();
        let moved = |by: f32| {
            let mut values = kept.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            values[at] += by;
            var.set(&Tensor::from_vec(values, kept.shape(), &Device::Cpu).unwrap()).unwrap();
            loss().to_scalar::<f32>().unwrap()
        };
        let by_hand = (moved(1e-3) - moved(-1e-3)) / 2e-3;
        var.set(&kept).unwrap();
        assert!(
            (by_hand - slope[at]).abs() < 0.02 * slope[at].abs() + 1e-4,
            "{name}: {by_hand} {}",
            slope[at]
        );
    }
}

#[test]
fn the_choice_does_not_depend_on_the_order() {
    let scores = [0.5, 2.0, 2.0, 1.0];
    let ids = [40, 30, 10, 20];
    let chosen = |places: &[usize]| {
        let scores: Vec<f64> = places.iter().map(|at| scores[*at]).collect();
        let ids: Vec<u64> = places.iter().map(|at| ids[*at]).collect();
        order(&scores, &ids).into_iter().map(|at| ids[at]).collect::<Vec<_>>()
    };
    for places in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        assert_eq!(chosen(&places), [10, 30, 20, 40]);
    }
}

#[test]
fn pairs_hold_at_most_half_for_being_hard_and_no_near_duplicates() {
    // One passing, a copy of it, six failing of which two are copies.
    let shapes =
        [(true, 1), (true, 1), (false, 2), (false, 3), (false, 4), (false, 5), (false, 6), (false, 6)];
    let examples: Vec<Example> = shapes
        .iter()
        .enumerate()
        .map(|(at, (passes, shape))| example(0, format!("{at}"), *passes, *shape))
        .collect();
    let all: Vec<usize> = (0..examples.len()).collect();
    let first = mine(&examples, &all, &Mining { scores: &[], margin: 0.5, seed: 1, round: 0 });
    assert_eq!(first.len(), 4);
    assert!(first.iter().all(|pair| pair.chosen == 0 && pair.rejected < 7 && !pair.hard));
    // Three near the passing one, the last of them hardest.
    let scores = [1.0, 9.0, -3.0, 0.6, 0.4, 0.9, 2.0, 9.0];
    let mining = Mining { scores: &scores, margin: 0.5, seed: 1, round: 1 };
    let pairs = mine(&examples, &all, &mining);
    let hard: Vec<usize> = pairs.iter().filter(|pair| pair.hard).map(|pair| pair.rejected).collect();
    assert_eq!((pairs.len(), hard), (4, vec![6, 5]));
    assert_eq!(pairs, mine(&examples, &all, &mining));
    let mut rejected: Vec<usize> = pairs.iter().map(|pair| pair.rejected).collect();
    rejected.dedup();
    assert_eq!(rejected.len(), 4);
    // A lone failing one is drawn, whatever its score.
    let lone = mine(&examples, &[0, 6], &mining);
    assert_eq!(lone, [Pair { chosen: 0, rejected: 6, hard: false }]);
}

const ENCODER: EncoderConfig = EncoderConfig {
    tokens: Tokens::Lexemes { buckets: 256 },
    width: 32,
    layers: 1,
    heads: 2,
    inner: 64,
    problem_tokens: 4,
    program_tokens: 16,
};

/// A program in which one of many words settles whether it passes, and a decoy may stand, which is easy to see.
fn text(luck: &mut ChaCha8Rng, passes: bool, decoy: bool) -> String {
    let mut word = |kind: &str, of: u64| format!("{kind}{} ", luck.next_u64() % of);
    let (front, back) = (word("w", 40), word("w", 40));
    let deciding = word(if passes { "right" } else { "wrong" }, 12);
    format!("{front}{}{deciding}{back}", if decoy { "decoy decoy " } else { "" })
}

/// Problems with two programs that pass and six that fail. Where the decoy tells, only what passes has it.
fn pool(from: usize, count: usize, decoy_tells: bool, seed: u64) -> Vec<Example> {
    let luck = &mut stream(seed, "pool", 0);
    let mut pool = Vec::new();
    for problem in from..from + count {
        for index in 0..8_u64 {
            let passes = index < 2;
            let decoy = if decoy_tells { passes } else { luck.next_u64().is_multiple_of(2) };
            let shape = (problem as u64) << 32 | index << 1 | u64::from(decoy_tells);
            pool.push(example(problem, text(luck, passes, decoy), passes, shape));
        }
    }
    pool
}

/// Round 1 sees a pool in which a decoy tells what passes; the searches that follow its word bring programs with the
/// decoy that fail, and round 2 unlearns it.
#[test]
fn a_second_round_with_hard_negatives_unlearns_a_decoy() {
    let (first, second) = (pool(0, 50, true, 1), pool(0, 50, false, 2));
    let test = pool(100, 60, false, 3);
    let config = RerankConfig {
        encoder: ENCODER,
        rounds: 1,
        epochs: 3,
        batch: 16,
        learning_rate: 4e-3,
        ..RerankConfig::default()
    };
    let top_1 = |pools: &[&[Example]]| {
        let reranker = done(train(&config, pools, None, &mut Ear::default()).unwrap());
        RankFigures::measure(&reranker, &test).unwrap()
    };
    let (one, two) = (top_1(&[&first]), top_1(&[&first, &second]));
    assert!(two.top_1 >= one.top_1 + 0.1, "{} and {}", one.top_1, two.top_1);
}

/// Length goes with passing, but is not why: without it the score must not lean on it.
#[test]
fn length_is_taken_out_of_the_score() {
    let luck = &mut stream(5, "lengths", 0);
    let mut pool = |problems: std::ops::Range<usize>, short_in_ten: [u64; 2]| {
        let mut pool = Vec::new();
        for (problem, index) in problems.flat_map(|problem| (0..6_u64).map(move |index| (problem, index))) {
            let passes = index < 3;
            let short = luck.next_u64() % 10 < short_in_ten[usize::from(passes)];
            let padding = if short { "" } else { "pad pad pad pad pad" };
            let text = text(luck, passes, false) + padding;
            pool.push(example(problem, text, passes, problem as u64 * 8 + index));
        }
        pool
    };
    let (all, test) = (pool(0..50, [2, 8]), pool(100..150, [5, 5]));
    let train = |without_length: bool| {
        let config = RerankConfig {
            encoder: ENCODER,
            rounds: 1,
            epochs: 1,
            batch: 16,
            learning_rate: 3e-3,
            without_length,
            ..RerankConfig::default()
        };
        let reranker = done(train(&config, &[&all], None, &mut Ear::default()).unwrap());
        RankFigures::measure(&reranker, &test).unwrap().length_correlation.unwrap()
    };
    let (with, without) = (train(false), train(true));
    assert!(without.abs() < with.abs() - 0.1, "{with} {without}");
}

#[test]
fn identical_programs_score_the_same_to_the_bit() {
    let pool = pool(0, 12, true, 4);
    let config = RerankConfig { encoder: TINY, rounds: 1, epochs: 1, ..RerankConfig::default() };
    let reranker = done(train(&config, &[&pool], None, &mut Ear::default()).unwrap());
    let scores = reranker.score("task", &["a = 1", "b = 2", "a = 1"]).unwrap();
    assert_eq!(scores[0].to_bits(), scores[2].to_bits());
    assert_eq!(reranker.score("task", &["b = 2"]).unwrap()[0].to_bits(), scores[1].to_bits());
}
