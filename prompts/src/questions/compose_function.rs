//! An implementation of one function of a program.
//!
//! Source: Chen et al. 2024, *Divide-and-Conquer Meets Consensus* (FunCoder), "conquer"; Huang et al. 2023, *ANPL*, the
//! synthesis of a hole. The wording is ours.

use serde::Serialize;

use super::divide_function::{defining, form};
use crate::feedback::FeedbackText;
use crate::function::Function;
use crate::message::Message;
use crate::parse::AnswerError;
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for a function that the rest of the program waits for. The answer is its source, with helpers of its own.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ComposeFunction<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The function to write.
    pub function: &'a Function,
    /// Whether it is a whole program, with input and output.
    pub whole: bool,
    /// The program so far; may be empty.
    pub code: &'a str,
    /// Functions that are not written yet and may be called.
    pub others: &'a [Function],
    /// What it must return, as assertions.
    pub tests: &'a [String],
    /// What it does wrong so far.
    pub failed: Option<Failing<'a>>,
}

/// An implementation that is to blame for a failure.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Failing<'a> {
    /// Its source.
    pub source: &'a str,
    /// What the tests of the whole program said.
    pub feedback: &'a FeedbackText,
}

impl Question for ComposeFunction<'_> {
    type Answer = String;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("compose_function", self)
    }

    fn parse(&self, reply: &str) -> Result<String, AnswerError> {
        defining(reply, &self.function.name)
    }

    fn answer_form(&self) -> String {
        form(self.task, &self.function.name)
    }
}
