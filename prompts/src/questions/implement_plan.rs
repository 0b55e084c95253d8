//! The program that follows a plan.
//!
//! Source: Islam et al. 2024, *MapCoder*, section 3 ("Coding agent"); the wording is ours.

use serde::Serialize;

use super::program::answers_with_program;
use crate::task::Task;

/// Asks for the program that a plan leads to. The answer is its source.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ImplementPlan<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The plan.
    pub plan: &'a str,
    /// How the method works that the problem needs; may be empty.
    pub tutorial: &'a str,
}

answers_with_program!(ImplementPlan, "implement_plan");
