//! A new program in sub-modules, given functions that served in earlier ones.
//!
//! Source: Le et al. 2024, *CodeChain*, section 3.2; the wording is ours.

use serde::Serialize;

use super::program::answers_with_program;
use crate::task::Task;

/// Asks for a program in sub-modules that reuses or adapts representative functions. The answer is its source.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ReviseWithModules<'a> {
    /// The problem.
    pub task: &'a Task,
    /// Sources of the representative functions; where there are none the question is the modular one.
    pub modules: &'a [String],
}

answers_with_program!(ReviseWithModules, "revise_with_modules");
