//! Decoding: what stands between a local model's logits and the token that is drawn.

pub mod vocabulary;

pub use vocabulary::Vocabulary;

/// Edits the logits of one row before temperature and nucleus, and watches what is drawn.
///
/// One processor belongs to one row: it carries the row's state. What it has seen so far is the prompt's tokens and then
/// the drawn ones, each told once by [`LogitsProcessor::accept`].
pub trait LogitsProcessor: Send {
    /// Edits the logits of the next token, one per token of the vocabulary.
    fn process(&mut self, logits: &mut [f32]);

    /// Learns the next token of the text. `Some` ends the row here.
    fn accept(&mut self, token: u32) -> Option<Cut>;
}

/// The end of a row that a processor asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Drawn tokens to keep; those behind are dropped from the answer.
    pub keep: usize,
}
