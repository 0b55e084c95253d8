//! A better program than one that is shown, with others to be inspired by.
//!
//! Source: the prompts of *OpenEvolve*, after Novikov et al. 2025, *AlphaEvolve*, section 2.2: parent, scores, last
//! failures, best and diverse programs. The answer is a whole program; changes to parts are not read.

use serde::Serialize;

use super::program::answers_with_program;
use crate::feedback::FeedbackText;
use crate::task::Task;

/// Asks for a changed program. The answer is its source.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct MutateProgram<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The program to change, with what it reached.
    pub parent: Scored<'a>,
    /// What its visible tests said, where some fail.
    pub feedback: Option<&'a FeedbackText>,
    /// Other programs.
    pub inspirations: &'a [Scored<'a>],
}

/// A program and what it reached.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Scored<'a> {
    /// The program.
    pub program: &'a str,
    /// Visible tests that it passes.
    pub passed: usize,
    /// Visible tests.
    pub total: usize,
}

answers_with_program!(MutateProgram, "mutate_program");
