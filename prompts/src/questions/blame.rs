//! Which thought of a chain is at fault for a failed program.
//!
//! Source: the published code of Li et al. 2025, *RethinkMCTS*, which contains this question and never asks it; the
//! wording is ours. Unlike there, the number must stand in its field.

use serde::Serialize;

use crate::feedback::FeedbackText;
use crate::message::Message;
use crate::parse::{AnswerError, json};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for the flawed thought. The answer is its place in the chain, from 0; `None` if the thoughts are right and the
/// program does not follow them.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Blame<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The chain, first thought first.
    pub thoughts: &'a [String],
    /// The program that came of the chain.
    pub program: &'a str,
    /// What its visible tests said.
    pub feedback: &'a FeedbackText,
}

impl Question for Blame<'_> {
    type Answer = Option<usize>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("blame", self)
    }

    fn parse(&self, reply: &str) -> Result<Option<usize>, AnswerError> {
        let object = json::object(reply, |object| json::member(object, "thought").is_some())?;
        let number = match json::member(&object, "thought") {
            Some(serde_json::Value::Number(number)) => number.as_i64(),
            Some(serde_json::Value::String(text)) => text.trim().parse().ok(),
            _ => None,
        };
        let wanted = "the number of a thought, or -1";
        let invalid = || AnswerError::FieldInvalid { field: "thought".to_owned(), wanted };
        let number = number.ok_or_else(invalid)?;
        if number == -1 {
            return Ok(None);
        }
        let place = usize::try_from(number - 1).ok().filter(|place| *place < self.thoughts.len());
        place.map(Some).ok_or_else(invalid)
    }

    fn answer_form(&self) -> String {
        format!(
            "Answer with one JSON object: {{\"explanation\": \"...\", \"thought\": a number from 1 to {}, or -1}}.",
            self.thoughts.len()
        )
    }
}
