//! Strategies for a problem, in words, in order of preference.
//!
//! Source: Li et al. 2025, *CodeTree*, section 3 ("Thinker"); the wording is ours. Unlike the original, only a number at
//! the start of a line starts an item, and an answer without a list is asked for again before it counts as one item.

use serde::Serialize;

use super::listed;
use crate::message::Message;
use crate::parse::AnswerError;
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for ways to solve a problem. The answer is a list of them.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Strategies<'a> {
    /// The problem.
    pub task: &'a Task,
    /// Strategies wanted.
    pub count: usize,
    /// Whether the problem decides on the number, up to `count`.
    pub open: bool,
}

impl Question for Strategies<'_> {
    /// At least one and at most `count` different strategies, in the model's order.
    type Answer = Vec<String>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("strategies", self)
    }

    fn parse(&self, reply: &str) -> Result<Vec<String>, AnswerError> {
        listed::read(reply, self.count)
    }

    fn answer_form(&self) -> String {
        listed::form("strategies", self.count, self.open)
    }

    fn salvage(&self, reply: &str) -> Option<Vec<String>> {
        listed::whole(reply)
    }
}
