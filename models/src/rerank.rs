//! The reranker: which of a problem's programs to take, from their texts.
//!
//! A linear head over the mean and the largest of a program's states gives one number, in nats; the difference of two is
//! the log-odds that the first is the one that passes (Bradley and Terry). It is trained in rounds on pairs of a passing
//! and a failing program of one problem, after the first round with failing ones that it scored too high itself.
//!
//! Source: *RewardRanker* (arXiv 2504.09643), section 3. Where it differs, on purpose: no model is trained against the
//! reward, the candidates are those of searches and samples that there are; hard negatives are at most half of the pairs,
//! as alone they lowered the average there; and what length alone would say is taken out of the score.

pub mod metrics;
pub mod pairs;
#[cfg(test)]
mod tests;
mod training;

use std::path::Path;

use candle_core::{D, Tensor};
use candle_nn::ops;

pub use self::training::{RerankConfig, train};
use crate::encoder::{Encoder, EncoderConfig};
use crate::scorer::{Assessment, Scorer, ScorerError, ScorerKind};
use crate::train::checkpoint::{CheckpointError, ScorerFile};
use crate::train::weights::{Slot, Weights};
use crate::trunk::Trunk;

/// What the states of padding are lowered by.
const FAR: f64 = 1e9;

/// The part of a reranker that is above the trunk.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    weights: Weights,
}

impl Head {
    /// Scores of rows, `(rows)`, of states of `(rows, positions, width)` where `mask` is 1.
    fn scores(&self, states: &Tensor, mask: &Tensor) -> Result<Tensor, ScorerError> {
        let mask = mask.unsqueeze(2)?;
        let sum = states.broadcast_mul(&mask)?.sum(1)?;
        let mean = sum.broadcast_div(&mask.sum(1)?)?;
        let largest = states.broadcast_add(&((&mask - 1.0)? * FAR)?)?.max(1)?;
        let pooled = Tensor::cat(&[&mean, &largest], D::Minus1)?;
        Ok(pooled.matmul(&self.weights.get("head")?.t()?)?.squeeze(1)?)
    }
}

/// The variables of a reranker. The head has no bias: a difference of scores does not know it.
pub(crate) fn slots(encoder: &EncoderConfig) -> Vec<Slot> {
    let mut slots = encoder.slots();
    slots.push(Slot::matrix("head", 1, 2 * encoder.width));
    slots
}

/// A trained reranker.
pub struct Reranker {
    trunk: Box<dyn Trunk>,
    head: Head,
    file: ScorerFile,
}

impl Reranker {
    /// Reads a reranker's file.
    ///
    /// # Errors
    /// [`CheckpointError`] if the file cannot be read, or is no reranker's, or a damaged one.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_file(crate::train::checkpoint::read(path)?)
    }

    pub(crate) fn from_file(file: ScorerFile) -> Result<Self, CheckpointError> {
        if file.manifest.kind != ScorerKind::Reranker {
            return Err(CheckpointError::Foreign { expected: "reranker" });
        }
        let trunk = Box::new(Encoder::new(file.manifest.encoder, file.weights.clone())?);
        Ok(Self { trunk, head: Head { weights: file.weights.clone() }, file })
    }

    /// What it can be written as.
    #[must_use]
    pub const fn file(&self) -> &ScorerFile {
        &self.file
    }

    /// Scores of programs for one problem, in nats: only their differences mean something.
    ///
    /// # Errors
    /// [`ScorerError`] where the arithmetic gave no number.
    pub fn score(&self, problem: &str, programs: &[&str]) -> Result<Vec<f64>, ScorerError> {
        scores(self.trunk.as_ref(), &self.head, problem, programs)
    }
}

fn scores(trunk: &dyn Trunk, head: &Head, problem: &str, programs: &[&str]) -> Result<Vec<f64>, ScorerError> {
    let score = |reading: crate::trunk::Reading| {
        let states = reading.hidden.unsqueeze(0)?;
        let mask = Tensor::ones_like(&states.narrow(D::Minus1, 0, 1)?.squeeze(2)?)?;
        let score = head.scores(&states, &mask)?.to_vec1::<f32>()?.first().copied().map(f64::from);
        score.filter(|score| score.is_finite()).ok_or(ScorerError::NotFinite)
    };
    trunk.read(problem, programs)?.into_iter().map(score).collect()
}

impl Scorer for Reranker {
    fn assess(&self, problem: &str, programs: &[&str]) -> Result<Vec<Assessment>, ScorerError> {
        let logistic = |score: f64| Assessment { score: 1.0 / (1.0 + (-score).exp()), cut: None };
        Ok(self.score(problem, programs)?.into_iter().map(logistic).collect())
    }

    fn kind(&self) -> ScorerKind {
        ScorerKind::Reranker
    }

    fn fingerprint(&self) -> &str {
        &self.file.fingerprint
    }
}

/// Programs best first, by index: by score, equal ones by an id that does not depend on their order.
#[must_use]
pub fn order(scores: &[f64], ids: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let score = |index: &usize| scores.get(*index).copied().unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|one, other| {
        score(other).total_cmp(&score(one)).then_with(|| ids.get(*one).cmp(&ids.get(*other)))
    });
    order
}

/// `-ln sigmoid(difference)` of scores of passing and failing programs, the mean over pairs, in nats. Stable for all
/// differences, and with the right slope at 0.
fn bradley_terry(differences: &Tensor) -> Result<Tensor, ScorerError> {
    let against = Tensor::stack(&[differences, &differences.zeros_like()?], 1)?;
    Ok(ops::log_softmax(&against, 1)?.narrow(1, 0, 1)?.mean_all()?.neg()?)
}
