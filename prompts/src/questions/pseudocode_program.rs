//! The program after its algorithm in pseudo-code.
//!
//! Source: Huang et al. 2024, *AgentCoder*, section 3.1 (the programmer's four steps); the wording is ours.

use serde::Serialize;

use super::program::answers_with_program;
use crate::task::Task;

/// Asks for an algorithm in pseudo-code and then for the program. The answer is its source.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PseudocodeProgram<'a> {
    /// The problem.
    pub task: &'a Task,
}

answers_with_program!(PseudocodeProgram, "pseudocode_program");
