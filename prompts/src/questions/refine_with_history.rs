//! A better version of a failed program, given what was tried before it.
//!
//! Source: Zhou et al. 2024, *Language Agent Tree Search*, section 4.1 ("expansion") with the reflections of section
//! 4.1 ("reflection"); the wording is ours.

use serde::Serialize;

use super::program::answers_with_program;
use crate::feedback::FeedbackText;
use crate::task::Task;

/// Asks for a full program in place of several that failed, each an improvement of the one before. The answer is its
/// source.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct RefineWithHistory<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The failed programs, the oldest first.
    pub history: &'a [PastProgram<'a>],
}

/// A program that failed.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PastProgram<'a> {
    /// The program.
    pub program: &'a str,
    /// What its tests said.
    pub feedback: &'a FeedbackText,
    /// A diagnosis, if there is one.
    pub reflection: Option<&'a str>,
}

answers_with_program!(RefineWithHistory, "refine_with_history");
