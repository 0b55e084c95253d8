//! A program that says which inputs a problem allows.
//!
//! Source: Sinha et al. 2025, *Can Language Models Falsify?* (REFUTE), section 3, where validators come with the problems.
//! One that a model wrote is to be believed only if it accepts every visible input.

use serde::Serialize;

use crate::message::Message;
use crate::parse::{AnswerError, code};
use crate::question::Question;
use crate::task::{Entry, Task};
use crate::template::{PromptError, render};

/// The function that an answer defines, where the problem's solution is a function.
pub const VALIDATOR: &str = "valid";

/// Asks for a validator: source that defines [`VALIDATOR`] with the function's parameters, or a whole program that ends
/// with status 0 on valid standard input and with an error on any other.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct InputValidator<'a> {
    /// The problem.
    pub task: &'a Task,
}

impl Question for InputValidator<'_> {
    type Answer = String;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("input_validator", self)
    }

    fn parse(&self, reply: &str) -> Result<String, AnswerError> {
        let entry = match &self.task.entry {
            Entry::Function { .. } => Entry::Function { name: VALIDATOR.to_owned(), signature: None },
            Entry::Stdio => Entry::Stdio,
        };
        code::program(reply, &entry)
    }

    fn answer_form(&self) -> String {
        let language = &self.task.language;
        match &self.task.entry {
            Entry::Function { .. } => {
                format!("Answer with one complete ```{language} code block that defines `{VALIDATOR}`.")
            }
            Entry::Stdio => {
                format!("Answer with one complete ```{language} code block that reads standard input.")
            }
        }
    }
}
