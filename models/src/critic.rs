//! The critic: what will come of a program, and up to where it is right, from its text.
//!
//! A head over the states of the program's tokens gives four logits each, one per [`Outcome`]; their largest over time,
//! class by class, are those of the program. One causal pass reads problem and program, so that a token's own logits say
//! what will come of the program given that it begins like this: a value for prefixes, and the place to cut.
//!
//! Source: Le et al. 2022, *CodeRL*, sections 3.2 and 3.4. Where it differs, on purpose: padding takes no part in the
//! largest over time; one causal model instead of an encoder and a decoder; and tokens are trained on the outcome, too,
//! since the gradient of the largest reaches one token per class and leaves prefixes without a meaning.

pub mod calibration;
#[cfg(test)]
mod tests;
mod training;

use std::path::Path;

use candle_core::{D, Tensor};
use candle_nn::ops;
use serde::{Deserialize, Serialize};

pub use self::training::{CriticConfig, Figures, train};
use crate::encoder::{Encoder, EncoderConfig, times};
use crate::scorer::{Assessment, Scorer, ScorerError, ScorerKind};
use crate::train::Outcome;
use crate::train::checkpoint::{CheckpointError, ScorerFile};
use crate::train::weights::{Slot, Weights};
use crate::trunk::{Reading, Trunk};

/// Numbers in the middle of the head, as in CodeRL.
const INNER: usize = 128;
/// Classes.
const CLASSES: usize = Outcome::ALL.len();
/// Share of the likeliest prefix's probability down to which a prefix is still promising.
const PROMISING: f64 = 0.5;
/// What the logits of padding are lowered by.
const FAR: f64 = 1e9;

/// How the logits of the tokens become those of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The largest over time, class by class.
    #[default]
    Max,
    /// The logarithm of the mean of the exponentials over time: between the mean and the largest, and every token has a
    /// share in the gradient.
    LogMeanExp,
}

/// What a critic says of one program.
#[derive(Debug, Clone, PartialEq)]
pub struct Critique {
    /// Probability of each outcome, in the order of [`Outcome::ALL`]; they sum to 1.
    pub outcomes: [f64; CLASSES],
    /// For each token the probability that a program that begins like this passes.
    pub tokens: Vec<f64>,
    /// Where each token ends in the program, in bytes.
    pub ends: Vec<usize>,
    /// End of the longest prefix that is at least half as likely to lead to a program that passes as the likeliest one, in
    /// bytes, at a character's boundary. CodeRL cuts at the likeliest; but before the first mistake all prefixes are about
    /// as likely, so that the largest of them is a matter of noise, and anything behind it would be lost.
    pub cut: usize,
}

impl Critique {
    /// The probability that the program passes.
    #[must_use]
    pub const fn passes(&self) -> f64 {
        let [.., passes] = self.outcomes;
        passes
    }
}

/// The part of a critic that is above the trunk.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    weights: Weights,
}

impl Head {
    /// Logits of each token, `(rows, positions, classes)`, of states of `(rows, positions, width)`.
    fn logits(&self, states: &Tensor) -> Result<Tensor, ScorerError> {
        let inner = times(states, self.weights.get("head.in")?)?;
        let inner = inner.broadcast_add(self.weights.get("head.in.bias")?)?.relu()?;
        Ok(times(&inner, self.weights.get("head.out")?)?.broadcast_add(self.weights.get("head.out.bias")?)?)
    }
}

/// The variables of a critic.
pub(crate) fn slots(encoder: &EncoderConfig) -> Vec<Slot> {
    let mut slots = encoder.slots();
    slots.extend([
        Slot::matrix("head.in", INNER, encoder.width),
        Slot::constant("head.in.bias", INNER, 0.0),
        Slot::matrix("head.out", CLASSES, INNER),
        Slot::constant("head.out.bias", CLASSES, 0.0),
    ]);
    slots
}

impl Pooling {
    /// Logits of the rows, `(rows, classes)`, of their tokens', `(rows, positions, classes)`, where `mask` is 1.
    fn pool(self, logits: &Tensor, mask: &Tensor) -> Result<Tensor, ScorerError> {
        let mask = mask.unsqueeze(2)?;
        let far = ((&mask - 1.0)? * FAR)?;
        let largest = logits.broadcast_add(&far)?.max_keepdim(1)?;
        if self == Self::Max {
            return Ok(largest.squeeze(1)?);
        }
        let largest = largest.detach();
        // The exponential of padding is 0: it is far below the largest.
        let shares = logits.broadcast_add(&far)?.broadcast_sub(&largest)?.exp()?;
        let mean = shares.sum_keepdim(1)?.broadcast_div(&mask.sum_keepdim(1)?)?;
        Ok((mean.log()? + largest)?.squeeze(1)?)
    }
}

/// A trained critic.
pub struct Critic {
    trunk: Box<dyn Trunk>,
    head: Head,
    file: ScorerFile,
}

impl Critic {
    /// Reads a critic's file.
    ///
    /// # Errors
    /// [`CheckpointError`] if the file cannot be read, or is no critic's, or a damaged one.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_file(crate::train::checkpoint::read(path)?)
    }

    pub(crate) fn from_file(file: ScorerFile) -> Result<Self, CheckpointError> {
        if file.manifest.kind != ScorerKind::Critic {
            return Err(CheckpointError::Foreign { expected: "critic" });
        }
        let trunk = Box::new(Encoder::new(file.manifest.encoder, file.weights.clone())?);
        Ok(Self { trunk, head: Head { weights: file.weights.clone() }, file })
    }

    /// What it can be written as.
    #[must_use]
    pub const fn file(&self) -> &ScorerFile {
        &self.file
    }

    /// Judges programs for a problem, one [`Critique`] each.
    ///
    /// # Errors
    /// [`ScorerError`] where the arithmetic gave no number.
    pub fn score(&self, problem: &str, programs: &[&str]) -> Result<Vec<Critique>, ScorerError> {
        let readings = self.trunk.read(problem, programs)?;
        readings.iter().zip(programs).map(|(reading, program)| self.critique(reading, program)).collect()
    }

    fn critique(&self, reading: &Reading, program: &str) -> Result<Critique, ScorerError> {
        let (tokens, pooled) = logits(&self.head, self.file.manifest.pooling, reading)?;
        let temperature = self.file.manifest.temperature;
        let passes = |logits: &[f32; CLASSES]| {
            let [.., passes] = calibration::softmax(logits, temperature);
            passes
        };
        let outcomes = calibration::softmax(&pooled, temperature);
        let tokens: Vec<f64> = tokens.iter().map(passes).collect();
        if !outcomes.iter().chain(&tokens).all(|it| it.is_finite()) {
            return Err(ScorerError::NotFinite);
        }
        let cut = cut(program, &tokens, &reading.ends);
        Ok(Critique { outcomes, tokens, ends: reading.ends.clone(), cut })
    }
}

/// Logits of each token and of the whole program.
fn logits(
    head: &Head,
    pooling: Pooling,
    reading: &Reading,
) -> Result<(Vec<[f32; CLASSES]>, [f32; CLASSES]), ScorerError> {
    let tokens = head.logits(&reading.hidden.unsqueeze(0)?)?;
    let pooled = pooling.pool(&tokens, &Tensor::ones_like(&tokens.narrow(D::Minus1, 0, 1)?.squeeze(2)?)?)?;
    let rows = |tensor: &Tensor| -> Result<Vec<[f32; CLASSES]>, ScorerError> {
        Ok(tensor.flatten_all()?.to_vec1::<f32>()?.as_chunks().0.to_vec())
    };
    let whole = rows(&pooled)?.first().copied().ok_or(ScorerError::NotFinite)?;
    Ok((rows(&tokens)?, whole))
}

/// The end of the longest prefix that is still promising. The mark behind a whole program is none of its tokens.
fn cut(program: &str, tokens: &[f64], ends: &[usize]) -> usize {
    let is_marked = tokens.len() > 1 && ends.last() == Some(&program.len());
    let own = tokens.get(..tokens.len() - usize::from(is_marked)).unwrap_or_default();
    let likeliest = own.iter().copied().fold(0.0, f64::max);
    let last = own.iter().rposition(|probability| *probability >= PROMISING * likeliest);
    let mut end = last.and_then(|last| ends.get(last)).copied().unwrap_or(0);
    while !program.is_char_boundary(end) {
        end -= 1;
    }
    end
}

impl Scorer for Critic {
    fn assess(&self, problem: &str, programs: &[&str]) -> Result<Vec<Assessment>, ScorerError> {
        let critiques = self.score(problem, programs)?;
        Ok(critiques.iter().map(|it| Assessment { score: it.passes(), cut: Some(it.cut) }).collect())
    }

    fn kind(&self) -> ScorerKind {
        ScorerKind::Critic
    }

    fn fingerprint(&self) -> &str {
        &self.file.fingerprint
    }
}

/// The differentiable loss of a batch, in nats: cross-entropy of the pooled logits, and of the tokens' own, by weight.
fn loss(
    head: &Head,
    pooling: Pooling,
    (states, mask): (&Tensor, &Tensor),
    labels: &Tensor,
    token_weight: f64,
) -> Result<Tensor, ScorerError> {
    let logits = head.logits(states)?;
    let whole = candle_nn::loss::cross_entropy(&pooling.pool(&logits, mask)?, labels)?;
    let (rows, positions, _) = logits.dims3()?;
    let labels = labels.reshape((rows, 1, 1))?.broadcast_as((rows, positions, 1))?.contiguous()?;
    let tokens = ops::log_softmax(&logits, 2)?.gather(&labels, 2)?.squeeze(2)?;
    let tokens = ((tokens * mask)?.sum_all()? / mask.sum_all()?)?;
    Ok((whole - (tokens * token_weight)?)?)
}
