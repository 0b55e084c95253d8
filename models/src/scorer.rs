//! Learned scores: how likely a program is to pass, from its text alone.
//!
//! A [`Scorer`] is a file that `codeagent critic train` or `codeagent reranker train` wrote, read by [`open`]. Its scores
//! are a function of the file and the texts: of no seed, no clock, and no other program that is scored beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::critic::Critic;
use crate::rerank::Reranker;
use crate::train::checkpoint::{self, CheckpointError};

/// Gives programs learned scores.
///
/// Scoring is CPU work of milliseconds to seconds: async callers put it on a thread of its own.
pub trait Scorer: Send + Sync {
    /// One assessment per program, in order. Equal programs get equal ones, whatever else is scored.
    ///
    /// # Errors
    /// [`ScorerError`] where the arithmetic gave no number.
    fn assess(&self, problem: &str, programs: &[&str]) -> Result<Vec<Assessment>, ScorerError>;

    /// Which method it is.
    fn kind(&self) -> ScorerKind;

    /// Hash of the weights and settings, in hexadecimal; part of the identity of whatever rests on the scores.
    fn fingerprint(&self) -> &str;
}

/// What a scorer says of one program.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Chance that the program passes, in `[0, 1]`; of a reranker the logistic function of its score, which orders the
    /// programs of one problem and is no chance.
    pub score: f64,
    /// Bytes of the program that may stay: the end of the longest prefix that is still likely to lead to one that passes.
    /// `None` of a reranker.
    pub cut: Option<usize>,
}

/// The kinds of scorers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ScorerKind {
    /// A [`Critic`].
    Critic,
    /// A [`Reranker`].
    Reranker,
}

impl ScorerKind {
    /// Its name, as in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critic => "critic",
            Self::Reranker => "reranker",
        }
    }
}

/// A program could not be scored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScorerError {
    /// The tensor library refused.
    #[error("the scorer's arithmetic failed")]
    Compute(#[from] candle_core::Error),
    /// A score came out as no number.
    #[error("the scorer gave no number: its training diverged; train it again with a smaller learning rate")]
    NotFinite,
}

/// A scorer's file could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the scorer {} cannot be used", path.display())]
pub struct OpenError {
    /// The file.
    pub path: PathBuf,
    /// Why, and what to do.
    #[source]
    pub source: CheckpointError,
}

/// Reads a scorer of either kind.
///
/// # Errors
/// [`OpenError`] if the file cannot be read, or is no scorer, or a damaged one.
pub fn open(path: &Path) -> Result<Arc<dyn Scorer>, OpenError> {
    let failed = |source| OpenError { path: path.to_owned(), source };
    let file = checkpoint::read(path).map_err(failed)?;
    Ok(match file.manifest.kind {
        ScorerKind::Critic => Arc::new(Critic::from_file(file).map_err(failed)?),
        ScorerKind::Reranker => Arc::new(Reranker::from_file(file).map_err(failed)?),
    })
}
