//! What every question is about: the problem as a model may see it.

use serde::{Deserialize, Serialize};

/// A problem in plain text. Holds visible material only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The statement, as given.
    pub statement: String,
    /// What the program must offer.
    pub entry: Entry,
    /// Source that the model is to complete or keep; may be empty.
    pub starter: String,
    /// A wrong program that is to be repaired, where there is one.
    #[serde(default)]
    pub buggy: Option<String>,
    /// The programming language, lower-case, as after a code fence: `python`.
    pub language: String,
}

/// What a program must offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Entry {
    /// A function.
    Function {
        /// Its name, or `Class.method`.
        name: String,
        /// Its signature line where known, such as `def f(a: int) -> int`.
        signature: Option<String>,
    },
    /// A whole program that reads stdin and writes stdout.
    Stdio,
}

impl Entry {
    /// The function's name, or `None` for a whole program.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        match self {
            Self::Function { name, .. } => Some(name),
            Self::Stdio => None,
        }
    }
}
