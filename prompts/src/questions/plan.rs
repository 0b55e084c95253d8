//! A plan for a problem, after the plan of a similar one.
//!
//! Source: Islam et al. 2024, *MapCoder*, section 3 ("Planning agent"); the wording is ours.

use serde::Serialize;

use super::{SimilarProblem, prose};
use crate::message::Message;
use crate::parse::AnswerError;
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for the steps of a solution. The answer is the plan.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Plan<'a> {
    /// The problem.
    pub task: &'a Task,
    /// A similar problem to learn from.
    pub similar: Option<&'a SimilarProblem>,
    /// How the method works that the problem needs; may be empty.
    pub tutorial: &'a str,
}

impl Question for Plan<'_> {
    type Answer = String;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("plan", self)
    }

    fn parse(&self, reply: &str) -> Result<String, AnswerError> {
        prose(reply, &["plan", "planning", "the plan"])
    }

    fn answer_form(&self) -> String {
        "Answer with the plan only: numbered steps in plain English.".to_owned()
    }
}
