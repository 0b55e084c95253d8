use candle_core::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::*;
use crate::encoder::Tokens;
use crate::train::tests::{Ear, done};
use crate::train::{Example, stream};

/// Two layers of 64 over bytes.
const ENCODER: EncoderConfig = EncoderConfig {
    tokens: Tokens::Bytes,
    width: 64,
    layers: 2,
    heads: 4,
    inner: 128,
    problem_tokens: 4,
    program_tokens: 32,
};

fn pick<'t, T: ?Sized>(luck: &mut ChaCha8Rng, from: &[&'t T]) -> &'t T {
    from[usize::try_from(luck.next_u64() % from.len() as u64).unwrap()]
}

/// A toy problem, the beginning of a program for it, and the one number that is right behind it: each sign has its own.
fn toy(luck: &mut ChaCha8Rng) -> (&'static str, String, &'static str) {
    let (sign, number) = [("+", "3"), ("-", "5"), ("*", "7")][usize::try_from(luck.next_u64() % 3).unwrap()];
    let name = pick(luck, &["x", "y", "n"]);
    let head = pick(luck, &["def f({}):return ", "f=lambda {}:"]).replace("{}", name);
    (sign, format!("{head}{name}{sign}"), number)
}

/// A toy program with its outcome, and the bytes up to which it is right.
fn program(luck: &mut ChaCha8Rng, index: usize, outcome: Outcome) -> (Example, usize) {
    let (problem, before, number) = toy(luck);
    let right = format!("{before}{number}");
    let (program, good) = match outcome {
        Outcome::Passed => (right.clone(), right.len()),
        Outcome::FailedTest => {
            let wrong: Vec<&str> =
                ["1", "2", "3", "4", "5", "6", "7", "8"].into_iter().filter(|it| *it != number).collect();
            (format!("{before}{}", pick(luck, &wrong)), before.len())
        }
        Outcome::RuntimeError => (format!("{before}{number}/0"), right.len()),
        Outcome::CompileError => {
            let good = usize::try_from(luck.next_u64() % right.len() as u64).unwrap();
            let garbage: String = (0..4).map(|_| pick(luck, &["?", "$", ")", "!"])).collect();
            (format!("{}{garbage}", &right[..good]), good)
        }
    };
    let example = Example {
        problem_id: format!("toy/{index}"),
        problem: problem.to_owned(),
        program,
        outcome,
        pass_rate: f64::from(u8::from(outcome == Outcome::Passed)),
        shape: index as u64,
    };
    (example, good)
}

fn programs(count: usize, seed: u64) -> Vec<(Example, usize)> {
    let luck = &mut stream(seed, "toys", 0);
    (0..count).map(|index| program(luck, index, Outcome::ALL[index % 4])).collect()
}

#[test]
fn pooling_ignores_padding_to_the_bit() {
    let luck = &mut stream(1, "logits", 0);
    let mut draw = || (luck.next_u32() >> 8) as f32 / 1e6 - 8.0;
    let values: Vec<f32> = (0..2 * 7 * CLASSES).map(|_| draw()).collect();
    let logits = Tensor::from_vec(values, (2, 7, CLASSES), &Device::Cpu).unwrap();
    let pads = Tensor::full(9e4_f32, (2, 5, CLASSES), &Device::Cpu).unwrap();
    let padded = Tensor::cat(&[&logits, &pads], 1).unwrap();
    let mask = Tensor::ones((2, 7), candle_core::DType::F32, &Device::Cpu).unwrap();
    let padded_mask = Tensor::cat(&[&mask, &mask.narrow(1, 0, 5).unwrap().zeros_like().unwrap()], 1).unwrap();
    for pooling in [Pooling::Max, Pooling::LogMeanExp] {
        let pool = |logits, mask| pooling.pool(logits, mask).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(pool(&logits, &mask), pool(&padded, &padded_mask), "{pooling:?}");
    }
}

#[test]
fn the_mean_of_exponentials_lies_between_the_mean_and_the_largest() {
    let logits = Tensor::new(&[[[0_f32, 1.0, 2.0, 3.0], [0.0, 3.0, 2.0, 3.0]]], &Device::Cpu).unwrap();
    let mask = Tensor::new(&[[1_f32, 1.0]], &Device::Cpu).unwrap();
    let pool = |pooling: Pooling| pooling.pool(&logits, &mask).unwrap().to_vec2::<f32>().unwrap()[0].clone();
    assert_eq!(pool(Pooling::Max), [0.0, 3.0, 2.0, 3.0]);
    let middle = ((1_f32.exp() + 3_f32.exp()) / 2.0).ln();
    for (one, other) in pool(Pooling::LogMeanExp).into_iter().zip([0.0, middle, 2.0, 3.0]) {
        assert!((one - other).abs() < 1e-5, "{one} and {other}");
    }
}

#[test]
fn the_cut_is_behind_the_last_promising_token() {
    assert_eq!(cut("abcd", &[0.4, 0.7, 0.36, 0.2, 0.9], &[1, 2, 3, 4, 4]), 3);
    // Read in part, so that the last token is the program's own.
    assert_eq!(cut("abcdef", &[0.1, 0.2], &[1, 2]), 2);
    assert_eq!(cut("é", &[0.9, 0.1, 0.1], &[1, 2, 2]), 0);
    assert_eq!(cut("", &[0.9], &[0]), 0);
    assert_eq!(cut("x", &[0.2, 0.9], &[1, 1]), 1);
}

/// The floor that the specification sets, and the prefix cut, with one small critic.
#[test]
fn a_critic_learns_toy_programs_and_where_they_go_wrong() {
    let all: Vec<Example> = programs(2_000, 1).into_iter().map(|(example, _)| example).collect();
    let config = CriticConfig {
        encoder: ENCODER,
        epochs: 3,
        batch: 32,
        learning_rate: 4e-3,
        held_out: 0.1,
        ..CriticConfig::default()
    };
    let mut ear = Ear::default();
    let critic = done(train(&config, &all, None, &mut ear).unwrap());
    let (mut right, mut near, mut broken) = (0, 0, 0);
    let fresh = programs(400, 2);
    for (example, good) in &fresh {
        let critique = critic.score(&example.problem, &[&example.program]).unwrap().remove(0);
        let sum: f64 = critique.outcomes.iter().sum();
        assert!((sum - 1.0).abs() < 1e-9);
        let likeliest =
            (0..CLASSES).max_by(|one, other| critique.outcomes[*one].total_cmp(&critique.outcomes[*other]));
        right += usize::from(likeliest == Some(example.outcome.label() as usize));
        if example.outcome == Outcome::CompileError {
            broken += 1;
            near += usize::from(critique.cut.abs_diff(*good) <= 2);
        }
    }
    assert!(right * 10 >= fresh.len() * 9, "{right} of {}", fresh.len());
    assert!(near * 10 >= broken * 8, "{near} of {broken}");
}
