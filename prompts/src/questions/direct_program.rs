//! Just the program: the question of plain resampling.

use serde::Serialize;

use super::program::answers_with_program;
use crate::task::Task;

/// Asks for one complete program. The answer is its source.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DirectProgram<'a> {
    /// The problem.
    pub task: &'a Task,
}

answers_with_program!(DirectProgram, "direct_program");
