//! Test inputs without right answers, for a problem or to tell two programs apart.
//!
//! Source: FunCoder (Chen et al. 2024, appendix), calls without expected values; S* (Li et al. 2025), inputs on which two
//! programs differ. Right answers are not asked for, since models err in them far more often than in inputs.

use serde::Serialize;

use crate::message::Message;
use crate::parse::{AnswerError, calls, code};
use crate::question::Question;
use crate::task::{Entry, Task};
use crate::template::{PromptError, render};

/// Longest input that is taken, in characters.
const INPUT_CHARS_MAX: usize = 20_000;

/// Asks for test inputs.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct WriteInputs<'a> {
    /// The problem.
    pub task: &'a Task,
    /// Inputs wanted.
    pub count: usize,
    /// Two programs on which the inputs should come out differently.
    pub apart: Option<Rival<'a>>,
}

/// Two programs to be told apart.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rival<'a> {
    /// One.
    pub first: &'a str,
    /// The other.
    pub second: &'a str,
}

impl Question for WriteInputs<'_> {
    /// At least one and at most `count` different inputs: calls of the function, perhaps with arguments that are no
    /// literals; or texts for standard input.
    type Answer = Vec<String>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("write_inputs", self)
    }

    fn parse(&self, reply: &str) -> Result<Vec<String>, AnswerError> {
        if reply.trim().is_empty() {
            return Err(AnswerError::Empty);
        }
        let found = match &self.task.entry {
            Entry::Function { name, .. } => calls::calls(reply, name),
            Entry::Stdio => code::blocks(reply).into_iter().map(|block| block.text).collect(),
        };
        let mut kept: Vec<String> = Vec::new();
        for input in found {
            let fits = !input.trim().is_empty() && input.chars().count() <= INPUT_CHARS_MAX;
            if fits && kept.len() < self.count && !kept.contains(&input) {
                kept.push(input);
            }
        }
        if kept.is_empty() { Err(AnswerError::NoInputs) } else { Ok(kept) }
    }

    fn answer_form(&self) -> String {
        match &self.task.entry {
            Entry::Function { name, .. } => format!(
                "Answer with one code block that holds {} calls of `{name}` with literal arguments, one per line.",
                self.count
            ),
            Entry::Stdio => format!("Answer with {} inputs, each in a ```text block of its own.", self.count),
        }
    }
}
