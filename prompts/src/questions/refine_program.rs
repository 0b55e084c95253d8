//! A better version of a failed program.
//!
//! Source: Shinn et al. 2023, *Reflexion*; conversation form as in Li et al. 2025, *CodeTree*. The wording is ours.

use serde::Serialize;

use super::program::answers_with_program;
use crate::feedback::FeedbackText;
use crate::task::Task;

/// Asks for a full program in place of one that failed. The answer is its source.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct RefineProgram<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The failed program.
    pub program: &'a str,
    /// What its visible tests said.
    pub feedback: &'a FeedbackText,
    /// A diagnosis to follow.
    pub reflection: Option<&'a str>,
}

answers_with_program!(RefineProgram, "refine_program");
