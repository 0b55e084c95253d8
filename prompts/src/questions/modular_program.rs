//! An outline of sub-modules first, then the program built of them.
//!
//! Source: Le et al. 2024, *CodeChain*, section 3.1; the wording and the worked example are ours.

use serde::Serialize;

use super::program::answers_with_program;
use crate::task::Task;

/// Asks for a program in sub-modules. The answer is the program's source; its sub-modules are read from its syntax
/// tree, not from the outline.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ModularProgram<'a> {
    /// The problem.
    pub task: &'a Task,
}

answers_with_program!(ModularProgram, "modular_program");
