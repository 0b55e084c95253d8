//! What is wrong with a program and how to change it, once or in several ways.
//!
//! Source: Li et al. 2025, *CodeTree*, section 3 ("Thinker", reflection); the wording is ours. Lists are read as those of
//! [`Strategies`](super::Strategies).

use serde::Serialize;

use super::listed;
use crate::feedback::FeedbackText;
use crate::message::Message;
use crate::parse::AnswerError;
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for reflections on a program that failed, or that a reviewer rejected. The answer is a list of them.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Reflections<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The strategy that the program follows, first thought first; may be empty.
    pub thoughts: &'a [String],
    /// The program.
    pub program: &'a str,
    /// What its visible tests and its critics said.
    pub feedback: &'a FeedbackText,
    /// Reflections wanted.
    pub count: usize,
    /// Whether the program decides on the number, up to `count`.
    pub open: bool,
}

impl Question for Reflections<'_> {
    /// At least one and at most `count` different reflections, in the model's order.
    type Answer = Vec<String>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("reflections", self)
    }

    fn parse(&self, reply: &str) -> Result<Vec<String>, AnswerError> {
        listed::read(reply, self.count)
    }

    fn answer_form(&self) -> String {
        listed::form("reflections", self.count, self.open)
    }

    fn salvage(&self, reply: &str) -> Option<Vec<String>> {
        listed::whole(reply)
    }
}
