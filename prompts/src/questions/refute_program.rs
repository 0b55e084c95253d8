//! A generator of inputs on which a given program fails.
//!
//! Source: Sinha et al. 2025, *Can Language Models Falsify?* (REFUTE), section 3: the answer is a program that makes the
//! inputs, not the inputs, so that large and random ones can be said.

use serde::Serialize;

use crate::message::Message;
use crate::parse::{AnswerError, code};
use crate::question::Question;
use crate::task::{Entry, Task};
use crate::template::{PromptError, render};

/// The function that an answer defines: `inputs(seed)`.
pub const GENERATOR: &str = "inputs";

/// Asks for a generator of failing inputs. The answer is source that defines [`GENERATOR`].
#[derive(Debug, Clone, Copy, Serialize)]
pub struct RefuteProgram<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The program that is suspected.
    pub program: &'a str,
    /// Inputs wanted per seed.
    pub count: usize,
}

impl Question for RefuteProgram<'_> {
    type Answer = String;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("refute_program", self)
    }

    fn parse(&self, reply: &str) -> Result<String, AnswerError> {
        code::program(reply, &Entry::Function { name: GENERATOR.to_owned(), signature: None })
    }

    fn answer_form(&self) -> String {
        format!(
            "Answer with one complete ```{} code block that defines `{GENERATOR}(seed)`.",
            self.task.language
        )
    }
}
