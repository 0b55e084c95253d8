//! Training a critic: cross-entropy over epochs, the weights of the best epoch, a temperature.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CLASSES, Critic, Head, Pooling, calibration, logits, loss};
use crate::encoder::tokens::Encoded;
use crate::encoder::{Batch, Encoder, EncoderConfig};
use crate::scorer::{ScorerError, ScorerKind};
use crate::train::checkpoint::{Manifest, ScorerFile, State};
use crate::train::session::{Plan, rate};
use crate::train::{
    Example, Flow, Measured, Outcome, TrainError, Trained, Watch, alone, batches, split, stream,
};
use crate::trunk::Trunk;

/// Held-out examples without which the temperature stays 1.
const CALIBRATION_MIN: usize = 20;

/// Settings of a critic's training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CriticConfig {
    /// Shape of the encoder.
    pub encoder: EncoderConfig,
    /// How tokens become a program.
    pub pooling: Pooling,
    /// Weight of the tokens' own loss beside the program's, at least 0. Default 1; CodeRL has none.
    pub token_weight: f64,
    /// Epochs. Default 10.
    pub epochs: u64,
    /// Most steps. Default: as many as the epochs have.
    pub steps: Option<u64>,
    /// Programs per step. Default 16.
    pub batch: usize,
    /// Largest learning rate. Default 0.002, for an encoder that starts from nothing.
    pub learning_rate: f64,
    /// Weight decay. Default 0.01.
    pub decay: f64,
    /// Share of the problems that are held out, in `[0, 1)`. Default 0.2.
    pub held_out: f64,
    /// Seed of weights, orders and the choice of what is held out. Default 0.
    pub seed: u64,
}

impl Default for CriticConfig {
    fn default() -> Self {
        Self {
            encoder: EncoderConfig::default(),
            pooling: Pooling::default(),
            token_weight: 1.0,
            epochs: 10,
            steps: None,
            batch: 16,
            learning_rate: 2e-3,
            decay: 0.01,
            held_out: 0.2,
            seed: 0,
        }
    }
}

/// How a critic does on examples that it was not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Number of examples.
    pub examples: usize,
    /// Share of them whose outcome is the likeliest, in `[0, 1]`.
    pub accuracy: f64,
    /// Mean negative log-likelihood of the outcomes, in nats.
    pub nll: f64,
    /// Chance that a passing program scores above a failing one, over all problems; `None` unless there are both.
    pub auc: Option<f64>,
    /// Expected calibration error of the probability of passing, in `[0, 1]`.
    pub calibration_error: f64,
    /// The same without the temperature.
    pub calibration_error_before: f64,
    /// Brier score of the probability of passing, in `[0, 1]`.
    pub brier: f64,
}

/// Trains a critic. With `from` a training goes on that was stopped; the same settings and examples must be given.
///
/// # Errors
/// [`TrainError`].
pub fn train(
    config: &CriticConfig,
    examples: &[Example],
    from: Option<State>,
    watch: &mut dyn Watch,
) -> Result<Trained<Critic>, TrainError> {
    alone(|| train_here(config, examples, from, watch))
}

fn train_here(
    config: &CriticConfig,
    examples: &[Example],
    from: Option<State>,
    watch: &mut dyn Watch,
) -> Result<Trained<Critic>, TrainError> {
    check(config, examples)?;
    let plan = Plan {
        kind: ScorerKind::Critic,
        encoder: config.encoder,
        settings: config,
        pools: &[examples],
        seed: config.seed,
        decay: config.decay,
    };
    let mut state = State::begin(&plan, from)?;
    let (train, held) = split(examples, config.held_out, config.seed);
    let train = Encodings::of(config, examples, &train);
    let held = by_problem(examples, &held);
    let encoder = Encoder::new(config.encoder, state.weights.clone())?;
    let head = Head { weights: state.weights.clone() };
    let of = config.epochs * train.rows.len().div_ceil(config.batch) as u64;
    let of = config.steps.map_or(of, |steps| steps.min(of));
    // An epoch that was stopped behind its last step is still to be measured.
    while state.about.epoch < config.epochs && (state.about.steps < of || state.about.batch > 0) {
        let order = train.batches(config, state.about.epoch);
        let begun = usize::try_from(state.about.batch).unwrap_or(usize::MAX);
        for batch in order.iter().skip(begun) {
            if state.about.steps == of {
                break;
            }
            let loss = train.loss(config, batch, &encoder, &head)?;
            let rate = rate(config.learning_rate, state.about.steps, Some(of));
            if state.step(&loss, rate, Some(of), watch)? == Flow::Stop {
                return Ok(Trained::Stopped);
            }
        }
        let rows = measure(config.pooling, &encoder, &head, examples, &held)?;
        let nll = (!rows.is_empty()).then(|| calibration::nll(&rows, 1.0));
        state.end_epoch(nll.map(|nll| -nll))?;
        let number = state.about.epoch;
        if let Some(value) = nll {
            watch.measured(&Measured { number, figure: "held-out nll", value });
        }
        watch.keep(&state)?;
    }
    finish(config, examples, &held, state).map(Trained::Done)
}

fn check(config: &CriticConfig, examples: &[Example]) -> Result<(), TrainError> {
    let is_sound = config.learning_rate > 0.0
        && config.learning_rate.is_finite()
        && config.token_weight >= 0.0
        && config.token_weight.is_finite()
        && (0.0..1.0).contains(&config.decay)
        && (0.0..1.0).contains(&config.held_out);
    if !is_sound || config.batch == 0 || config.epochs == 0 || config.steps == Some(0) {
        return Err(TrainError::Settings { what: "a number is out of the range that its description names" });
    }
    let passes = |example: &&Example| example.outcome == Outcome::Passed;
    let passed = examples.iter().filter(passes).count();
    if passed == 0 || passed == examples.len() {
        return Err(TrainError::Examples {
            what: "there must be programs that pass and programs that fail; add samples of more problems",
        });
    }
    Ok(())
}

/// The examples that are trained on, as tokens.
struct Encodings {
    rows: Vec<(Encoded, u32)>,
    lengths: Vec<usize>,
}

impl Encodings {
    fn of(config: &CriticConfig, examples: &[Example], indices: &[usize]) -> Self {
        let chosen = indices.iter().filter_map(|index| examples.get(*index));
        let encode = |it: &Example| (config.encoder.encode(&it.problem, &it.program), it.outcome.label());
        let rows: Vec<(Encoded, u32)> = chosen.map(encode).collect();
        let lengths = rows.iter().map(|(row, _)| row.before.len() + row.program.len()).collect();
        Self { rows, lengths }
    }

    fn batches(&self, config: &CriticConfig, epoch: u64) -> Vec<Vec<usize>> {
        batches(&self.lengths, config.batch, &mut stream(config.seed, "order", epoch))
    }

    fn loss(
        &self,
        config: &CriticConfig,
        batch: &[usize],
        encoder: &Encoder,
        head: &Head,
    ) -> Result<Tensor, ScorerError> {
        let chosen = batch.iter().filter_map(|index| self.rows.get(*index));
        let (rows, labels): (Vec<&Encoded>, Vec<u32>) = chosen.map(|(row, label)| (row, *label)).unzip();
        let batch = Batch::of(&rows)?;
        let labels = Tensor::new(labels, &Device::Cpu)?;
        loss(head, config.pooling, (&encoder.states(&batch)?, &batch.mask), &labels, config.token_weight)
    }
}

/// Examples by problem, as the trunk reads a problem once.
fn by_problem(examples: &[Example], indices: &[usize]) -> BTreeMap<String, Vec<usize>> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for index in indices {
        if let Some(example) = examples.get(*index) {
            groups.entry(example.problem.clone()).or_default().push(*index);
        }
    }
    groups
}

/// Logits and label of each held-out example.
fn measure(
    pooling: Pooling,
    trunk: &dyn Trunk,
    head: &Head,
    examples: &[Example],
    held: &BTreeMap<String, Vec<usize>>,
) -> Result<Vec<([f32; CLASSES], usize)>, ScorerError> {
    let mut rows = Vec::new();
    for (problem, indices) in held {
        let chosen: Vec<&Example> = indices.iter().filter_map(|index| examples.get(*index)).collect();
        let programs: Vec<&str> = chosen.iter().map(|example| example.program.as_str()).collect();
        for (reading, example) in trunk.read(problem, &programs)?.iter().zip(chosen) {
            let (_, pooled) = logits(head, pooling, reading)?;
            rows.push((pooled, example.outcome.label() as usize));
        }
    }
    Ok(rows)
}

/// The critic of the best epoch, with a temperature.
fn finish(
    config: &CriticConfig,
    examples: &[Example],
    held: &BTreeMap<String, Vec<usize>>,
    state: State,
) -> Result<Critic, TrainError> {
    let (epochs, steps) = (state.about.epoch, state.about.steps);
    let weights = state.into_best();
    let encoder = Encoder::new(config.encoder, weights.clone())?;
    let rows = measure(config.pooling, &encoder, &Head { weights: weights.clone() }, examples, held)?;
    let temperature = if rows.len() < CALIBRATION_MIN { 1.0 } else { calibration::temperature(&rows) };
    let figures = (!rows.is_empty()).then(|| Figures::of(&rows, temperature));
    let training = json!({
        "settings": config, "examples": examples.len(), "epochs": epochs, "steps": steps, "held_out": figures,
    });
    let manifest = Manifest {
        kind: ScorerKind::Critic,
        encoder: config.encoder,
        pooling: config.pooling,
        temperature,
        training,
    };
    Ok(Critic::from_file(ScorerFile::new(manifest, weights)?)?)
}

impl Critic {
    /// How it does on examples; to mean something they must be none of those that it was trained on.
    ///
    /// # Errors
    /// [`ScorerError`] where the arithmetic gave no number.
    pub fn figures(&self, examples: &[Example]) -> Result<Figures, ScorerError> {
        let all: Vec<usize> = (0..examples.len()).collect();
        let Manifest { pooling, temperature, .. } = self.file.manifest;
        let rows = measure(pooling, self.trunk.as_ref(), &self.head, examples, &by_problem(examples, &all))?;
        Ok(Figures::of(&rows, temperature))
    }
}

impl Figures {
    #[expect(clippy::cast_precision_loss, reason = "a number of examples")]
    fn of(rows: &[([f32; CLASSES], usize)], temperature: f64) -> Self {
        let label = Outcome::Passed.label() as usize;
        let binary = |temperature: f64| -> Vec<(f64, bool)> {
            let row = |(logits, is): &([f32; CLASSES], usize)| {
                let [.., passes] = calibration::softmax(logits, temperature);
                (passes, *is == label)
            };
            rows.iter().map(row).collect()
        };
        let likeliest = |logits: &[f32; CLASSES]| {
            logits.iter().enumerate().max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(at, _)| at)
        };
        let right = rows.iter().filter(|(logits, label)| likeliest(logits) == Some(*label)).count();
        let (before, after) = (binary(1.0), binary(temperature));
        Self {
            examples: rows.len(),
            accuracy: right as f64 / rows.len().max(1) as f64,
            nll: calibration::nll(rows, temperature),
            auc: calibration::auc(&after),
            calibration_error: calibration::calibration_error(&after),
            calibration_error_before: calibration::calibration_error(&before),
            brier: calibration::brier(&after),
        }
    }
}
