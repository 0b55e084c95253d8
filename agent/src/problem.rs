//! A problem: what the search may know. Hidden tests are a type of another crate.

use std::time::Duration;

pub use codeagent_prompts::Entry;
use codeagent_sandbox::case::{Case, Checker};
use serde::{Deserialize, Serialize};

/// A programming problem with its visible tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Identity within its data set, such as `HumanEval/0`.
    pub id: String,
    /// The statement, as shown to models.
    pub statement: String,
    /// What the program must offer.
    pub entry: Entry,
    /// Code that every candidate is appended to: imports and helper functions that the statement's code brings.
    /// Empty for most problems.
    pub prelude: String,
    /// Source that the model is to complete or keep (signature and docstring, starter code); may be empty.
    pub starter: String,
    /// Tests that the search may run and show.
    pub visible: Vec<Case>,
    /// How answers are compared where a case does not say otherwise.
    pub checker: Checker,
    /// Limits of one test.
    pub limits: ProblemLimits,
}

/// Limits of one test of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProblemLimits {
    /// Longest time of one test.
    pub time: Duration,
    /// Memory in MiB.
    pub memory_mib: u32,
}
