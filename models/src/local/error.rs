//! Why a model file could not be used.

use std::fmt::Write as _;

/// What is wrong with a model's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// There is no such file or folder, or a file that belongs to it is missing.
    NotFound,
    /// The operating system would not read it.
    Unreadable,
    /// A file ends before what its header promises.
    Truncated,
    /// A header contradicts itself or the format.
    Corrupt,
    /// The configuration lacks a setting or has one that makes no sense.
    Config,
    /// A model of another kind than the decoder computes.
    Architecture,
    /// A tensor is missing or has another shape than the configuration says.
    Tensor,
    /// A type of numbers that there is no kernel for.
    QuantType,
    /// A rotation of positions that the decoder does not know.
    RopeType,
    /// There is no tokenizer, or one that cannot be read.
    Tokenizer,
    /// Tokenizer and weights disagree about the number of tokens.
    Vocabulary,
    /// The chat template cannot be read.
    Template,
    /// The model does not fit the memory that is free.
    Memory,
    /// Most of the weights would run on kernels that are too slow to be of use.
    SlowKernels,
    /// The device could not be opened or failed.
    Device,
}

/// A model that could not be loaded: where, what, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem} ({remedy})")]
pub struct LoadError {
    kind: LoadErrorKind,
    place: String,
    problem: String,
    remedy: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl LoadError {
    /// An error at a place (file, byte, tensor or key), with what to do about it.
    pub(crate) fn new(
        kind: LoadErrorKind,
        place: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { kind, place: place.into(), problem: problem.into(), remedy: remedy.into(), source: None }
    }

    /// The same error with its cause.
    pub(crate) fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// A file that contradicts its format.
    pub(crate) fn corrupt(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::new(LoadErrorKind::Corrupt, place, problem, "the file is damaged; fetch it again")
    }

    /// A file that ends too early.
    pub(crate) fn truncated(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::new(LoadErrorKind::Truncated, place, problem, "the file is cut off; fetch it again")
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> LoadErrorKind {
        self.kind
    }

    /// Where it is wrong: a file, with the byte, tensor or key.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

/// A text of a model file as it may stand in a message: escaped, and cut at 80 characters.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("`");
    for character in text.chars().take(80) {
        // Bidirectional marks and other format characters pass `escape_debug`; only what is plainly visible may.
        if character.is_ascii() || character.is_alphanumeric() {
            quoted.extend(character.escape_debug());
        } else {
            let _ = write!(quoted, "{}", character.escape_unicode());
        }
    }
    if text.chars().nth(80).is_some() {
        quoted.push('…');
    }
    quoted.push('`');
    quoted
}
