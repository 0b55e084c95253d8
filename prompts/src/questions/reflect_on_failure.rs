//! Why a program failed, in a few sentences.
//!
//! Source: Shinn et al. 2023, *Reflexion*, section 3 ("self-reflection"); the wording is ours.

use serde::Serialize;

use super::prose;
use crate::feedback::FeedbackText;
use crate::message::Message;
use crate::parse::AnswerError;
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for a diagnosis of a failed program. The answer is prose.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ReflectOnFailure<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The failed program.
    pub program: &'a str,
    /// What its visible tests said.
    pub feedback: &'a FeedbackText,
}

impl Question for ReflectOnFailure<'_> {
    type Answer = String;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("reflect_on_failure", self)
    }

    fn parse(&self, reply: &str) -> Result<String, AnswerError> {
        prose(reply, &["reflection", "diagnosis"])
    }

    fn answer_form(&self) -> String {
        "Answer with a few sentences of plain English and no code.".to_owned()
    }
}
