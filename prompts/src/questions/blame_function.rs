//! Which function is to blame for a failure.
//!
//! Source: Huang et al. 2023, *ANPL*, section 3.3, where a person reads what went in and out of every hole; here the
//! model does. The wording is ours.

use serde::Serialize;

use crate::feedback::FeedbackText;
use crate::function::Function;
use crate::message::Message;
use crate::parse::{AnswerError, number};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for the function to blame.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct BlameFunction<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The program that fails.
    pub program: &'a str,
    /// What its visible tests said.
    pub feedback: &'a FeedbackText,
    /// What went in and out of the functions in a failing test, one call per line; may be empty.
    pub calls: &'a str,
    /// The functions to choose from.
    pub functions: &'a [Function],
}

impl Question for BlameFunction<'_> {
    /// Place of the function, from 0; `None` if none of them is to blame.
    type Answer = Option<usize>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("blame_function", self)
    }

    fn parse(&self, reply: &str) -> Result<Option<usize>, AnswerError> {
        number::choice(reply, 0..=self.functions.len()).map(|number| number.checked_sub(1))
    }

    fn answer_form(&self) -> String {
        format!("End with a line that is a number from 0 to {} alone.", self.functions.len())
    }
}
