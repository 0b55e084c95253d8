//! A program that is slow and surely right.
//!
//! Source: Sinha et al. 2025, *Can Language Models Falsify?* (REFUTE), section 4: a brute-force solution stands in for the
//! right program that nobody has.

use serde::Serialize;

use super::program::answers_with_program;
use crate::task::Task;

/// Asks for the simplest program that is right, however slow. The answer is its source.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PlainProgram<'a> {
    /// The problem.
    pub task: &'a Task,
}

answers_with_program!(PlainProgram, "plain_program");
