//! A function written with helpers that are still stubs.
//!
//! Source: Chen et al. 2024, *Divide-and-Conquer Meets Consensus* (FunCoder), "divide"; the wording and the example are
//! ours.

use serde::Serialize;

use crate::function::Function;
use crate::message::Message;
use crate::parse::{AnswerError, code};
use crate::question::Question;
use crate::task::{Entry, Task};
use crate::template::{PromptError, render};

/// Asks for a function and stubs of the helpers that it needs. The answer is their source.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DivideFunction<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The function to write.
    pub function: &'a Function,
    /// Whether it is a whole program, with input and output.
    pub whole: bool,
    /// The program so far; may be empty.
    pub code: &'a str,
    /// Stubs at most.
    pub helpers: usize,
}

impl Question for DivideFunction<'_> {
    type Answer = String;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("divide_function", self)
    }

    fn parse(&self, reply: &str) -> Result<String, AnswerError> {
        defining(reply, &self.function.name)
    }

    fn answer_form(&self) -> String {
        form(self.task, &self.function.name)
    }
}

/// The code in a reply that defines a function.
pub(super) fn defining(reply: &str, name: &str) -> Result<String, AnswerError> {
    code::program(reply, &Entry::Function { name: name.to_owned(), signature: None })
}

/// The form of such a reply.
pub(super) fn form(task: &Task, name: &str) -> String {
    format!("Answer with one ```{} code block that defines `{name}` at its top level.", task.language)
}
