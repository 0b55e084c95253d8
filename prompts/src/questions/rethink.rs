//! A new thought in place of one whose program failed.
//!
//! Source: Li et al. 2025, *RethinkMCTS*, "Rethink"; the wording is ours.

use serde::Serialize;

use super::prose;
use crate::feedback::FeedbackText;
use crate::message::Message;
use crate::parse::AnswerError;
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for a replacement of one thought of a chain. The answer is one or two sentences.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rethink<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The chain, first thought first.
    pub thoughts: &'a [String],
    /// Number of the thought that is replaced, from 1; `None` for the last one.
    pub number: Option<usize>,
    /// The program that came of the chain.
    pub program: &'a str,
    /// What its visible tests said.
    pub feedback: &'a FeedbackText,
}

impl Question for Rethink<'_> {
    type Answer = String;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("rethink", self)
    }

    fn parse(&self, reply: &str) -> Result<String, AnswerError> {
        prose(reply, &["new thought", "thought", "revised thought"])
    }

    fn answer_form(&self) -> String {
        "Answer with the new thought only: one or two sentences of plain English.".to_owned()
    }
}
