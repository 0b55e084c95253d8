//! Which of several steps comes next.
//!
//! Source: Hu et al. 2023, *Tree-Planner*, "grounded deciding". Options are numbered and not lettered, so that there may
//! be any number of them; the wording is ours.

use serde::Serialize;

use crate::function::Function;
use crate::message::Message;
use crate::parse::{AnswerError, number};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for a choice between steps.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DecideStep<'a> {
    /// The problem.
    pub task: &'a Task,
    /// What is written already, first step first.
    pub done: &'a [Function],
    /// What failed just before.
    pub error: Option<&'a str>,
    /// The steps to choose from.
    pub options: &'a [Function],
}

impl Question for DecideStep<'_> {
    /// Place of the chosen option, from 0.
    type Answer = usize;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("decide_step", self)
    }

    fn parse(&self, reply: &str) -> Result<usize, AnswerError> {
        number::choice(reply, 1..=self.options.len()).map(|number| number.saturating_sub(1))
    }

    fn answer_form(&self) -> String {
        format!("End with a line that is a number from 1 to {} alone.", self.options.len())
    }
}
