//! Training of scorers: examples, the optimiser, checkpoints. The loops are in [`crate::critic`] and [`crate::rerank`].
//!
//! A training is a function of its settings and examples: weights are drawn from the seed, orders are drawn from the
//! seed and the number of the epoch, and sums have one order, so that the same seed gives the same weights on the same
//! kind of processor, and a training that was stopped and continued gives the weights of one that was not.

mod adamw;
pub mod checkpoint;
mod example;
pub(crate) mod session;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod weights;

pub(crate) use adamw::AdamW;
pub use checkpoint::{CheckpointError, State, read_state};
pub use example::{Example, Outcome};
pub(crate) use example::{batches, shuffle, split, stream};

use crate::scorer::ScorerError;

/// Hears of a training, and keeps what would be lost.
pub trait Watch: Send {
    /// Hears of a step. What is returned says whether to go on.
    fn step(&mut self, step: &Step) -> Flow;

    /// Hears what an epoch or a round came to, on examples that were not trained on.
    fn measured(&mut self, measured: &Measured);

    /// Keeps a state that training can go on from.
    ///
    /// # Errors
    /// [`CheckpointError`]; the training ends with it.
    fn keep(&mut self, state: &State) -> Result<(), CheckpointError>;
}

/// Whether a training goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// With the next step.
    On,
    /// Not now: the state is kept and the training ends.
    Stop,
}

/// One step of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Its number, from 1.
    pub step: u64,
    /// Steps in all, where that is known.
    pub of: Option<u64>,
    /// The loss of its batch, in nats.
    pub loss: f64,
}

/// What an epoch or a round came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Its number, from 1.
    pub number: u64,
    /// What was measured.
    pub figure: &'static str,
    /// Its value.
    pub value: f64,
}

/// What came of a training.
#[derive(Debug)]
pub enum Trained<T> {
    /// It ended: the scorer.
    Done(T),
    /// It was stopped, and its state was kept.
    Stopped,
}

/// A training failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// There is too little to learn from.
    #[error("there is nothing to learn from: {what}")]
    Examples {
        /// What is missing, and what to do.
        what: &'static str,
    },
    /// A setting is out of range.
    #[error("the settings cannot be used: {what}")]
    Settings {
        /// What is wrong.
        what: &'static str,
    },
    /// The loss is no number any more.
    #[error("the loss of step {step} is no number: train with a smaller learning rate")]
    Diverged {
        /// The step.
        step: u64,
    },
    /// A variable got no gradient: an operation cut it off from the loss.
    #[error("variable `{name}` got no gradient in the first step: this is a fault of ours, please report it")]
    NoGradient {
        /// The variable.
        name: String,
    },
    /// A variable did not move.
    #[error(
        "variable `{name}` did not change in the first step: the learning rate is too small, or this is a fault of ours"
    )]
    Unchanged {
        /// The variable.
        name: String,
    },
    /// The state belongs to another training.
    #[error("the kept state is that of another training: its {what} differ; start afresh without --resume")]
    OtherTraining {
        /// What differs.
        what: &'static str,
    },
    /// The training's thread could not be made.
    #[error("the thread of the training could not be started: close other programs, and try again")]
    Thread(#[from] rayon::ThreadPoolBuildError),
    /// The arithmetic failed.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
    /// A state could not be read or kept.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// Trains on one thread: the matrices are so small that sharing them among threads costs more than it gains.
pub(crate) fn alone<T: Send>(train: impl FnOnce() -> Result<T, TrainError> + Send) -> Result<T, TrainError> {
    rayon::ThreadPoolBuilder::new().num_threads(1).build()?.install(train)
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        Self::Scorer(error.into())
    }
}
