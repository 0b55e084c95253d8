//! The program that follows a chain of thoughts.
//!
//! Source: Li et al. 2025, *RethinkMCTS*, "Implement"; the wording is ours.

use serde::Serialize;

use super::program::answers_with_program;
use crate::task::Task;

/// Asks for the program that a chain of thoughts leads to. The answer is its source.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ImplementThoughts<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The chain, first thought first; may be empty.
    pub thoughts: &'a [String],
}

answers_with_program!(ImplementThoughts, "implement_thoughts");
