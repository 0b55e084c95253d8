//! Decoding: what stands between a local model's logits and the token that is drawn.
//!
//! A [`LogitsProcessor`] edits logits: the [`RepetitionGuard`], or one of the [`plain`] penalties that it is compared
//! with. The guard's parts, each on top of the one before: [`lexer`], [`lines`], [`runs`], [`penalty`]. Without logits,
//! [`RepetitionWatch`] uses the same parts on a text, and [`repetition`] measures how much one repeats.

pub mod guard;
#[cfg(test)]
mod human;
pub mod language;
pub mod lexer;
pub mod lines;
mod openers;
pub mod penalty;
pub mod plain;
pub mod repetition;
pub mod rule;
pub mod runs;
pub mod vocabulary;
pub mod watch;

pub use guard::{GuardConfig, RepetitionGuard};
pub use language::Language;
pub use lexer::{Lexeme, Lexer, Terminal};
pub use lines::Detail;
pub use penalty::Penalty;
pub use plain::{FrequencyPenalty, RepetitionPenalty};
pub use rule::RepetitionRule;
pub use vocabulary::Vocabulary;
pub use watch::RepetitionWatch;

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
