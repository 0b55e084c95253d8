//! Calls of a function, without their answers.
//!
//! Source: Chen et al. 2024, *Divide-and-Conquer Meets Consensus* (FunCoder), section 2.3; the wording is ours.

use serde::Serialize;

use crate::function::Function;
use crate::message::Message;
use crate::parse::AnswerError;
use crate::parse::calls::balanced;
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Longest call that is kept, in bytes.
const CALL_BYTES_MAX: usize = 2_000;

/// Asks for inputs that show how a function behaves.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CallInputs<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The function that is called.
    pub function: &'a Function,
    /// Whether it is a whole program, with input and output.
    pub whole: bool,
    /// How a call of it begins, up to the bracket: `f`, or `Class().method`.
    pub call: &'a str,
    /// Calls wanted.
    pub count: usize,
}

impl Question for CallInputs<'_> {
    /// At least one and at most `count` different call expressions, in the model's order.
    type Answer = Vec<String>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("call_inputs", self)
    }

    fn parse(&self, reply: &str) -> Result<Vec<String>, AnswerError> {
        if reply.trim().is_empty() {
            return Err(AnswerError::Empty);
        }
        let mut calls: Vec<String> = Vec::new();
        for call in reply.lines().filter_map(|line| self.call_in(line)) {
            if calls.len() < self.count && !calls.iter().any(|other| other == call) {
                calls.push(call.to_owned());
            }
        }
        if calls.is_empty() { Err(AnswerError::NoItems) } else { Ok(calls) }
    }

    fn answer_form(&self) -> String {
        format!("Answer with {} calls, one per line, each beginning with `{}(`.", self.count, self.call)
    }
}

impl CallInputs<'_> {
    /// The call that a line consists of, numbered, bulleted, asserted or printed though it may be.
    fn call_in<'l>(&self, line: &'l str) -> Option<&'l str> {
        let start = line.find(self.call)?;
        let before = line.get(..start)?;
        // A definition, a sentence or a longer name is no call.
        let plain =
            !before.contains("def ") && !before.ends_with(|c: char| c.is_alphanumeric() || "_.".contains(c));
        let call = line.get(start..).filter(|_| plain && before.split_whitespace().count() <= 2)?;
        let open = call.get(self.call.len()..)?;
        let end = open.starts_with('(').then(|| balanced(open))??;
        let call = call.get(..self.call.len() + end)?;
        (call.len() <= CALL_BYTES_MAX).then_some(call)
    }
}
