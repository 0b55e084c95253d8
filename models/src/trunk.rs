//! What a head reads: the hidden states of a model over a problem and programs for it.

use candle_core::Tensor;

use crate::scorer::ScorerError;

/// A model below a head: texts in, hidden states out. The encoder of our own is one; a decoder's last hidden states are
/// another.
///
/// States are causal: the one of a token depends on the problem and on the program up to that token only, so that a
/// prefix of a program has the states of the prefix.
pub trait Trunk: Send + Sync {
    /// Numbers in one hidden state.
    fn width(&self) -> usize;

    /// The states of each program's tokens after the problem. A program's do not depend on the others.
    ///
    /// # Errors
    /// [`ScorerError`] if the arithmetic fails.
    fn read(&self, problem: &str, programs: &[&str]) -> Result<Vec<Reading>, ScorerError>;
}

/// The hidden states of one program.
#[derive(Debug, Clone)]
pub struct Reading {
    /// One state per token, `(tokens, width)`, f32; at least one token.
    pub hidden: Tensor,
    /// Where each token ends in the program, in bytes; one per state.
    pub ends: Vec<usize>,
}
