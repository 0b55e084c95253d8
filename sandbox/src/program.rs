//! A candidate program.

use serde::{Deserialize, Serialize};

/// Source text and how it is entered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Program {
    /// Python source text, complete: what a model left to a prelude is already in front.
    pub source: String,
    /// The function that tests call, `f` or `Class.method`; `None` for a program that reads stdin.
    pub entry: Option<String>,
}
