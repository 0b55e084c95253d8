//! The rest of a program whose beginning is given.
//!
//! Source: Le et al. 2022, *CodeRL*, section 3.4 ("program refining"); the wording is ours.

use serde::Serialize;

use crate::message::Message;
use crate::parse::{AnswerError, code};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for what follows the first lines of a program.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ContinueProgram<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The lines that are kept.
    pub prefix: &'a str,
}

impl Question for ContinueProgram<'_> {
    /// The whole program: the lines that are kept, and what follows them. A reply that repeats the last of them, or
    /// writes the whole program out, is understood.
    type Answer = String;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("continue_program", self)
    }

    fn parse(&self, reply: &str) -> Result<String, AnswerError> {
        if reply.trim().is_empty() {
            return Err(AnswerError::Empty);
        }
        // Without a fence the whole answer is the continuation, if it looks like any.
        let blocks = code::blocks(reply);
        let text = match blocks.iter().rfind(|block| !block.text.trim().is_empty()) {
            Some(block) => block.text.as_str(),
            None if !blocks.is_empty() || !is_code(reply) => return Err(AnswerError::NoCode),
            None => reply,
        };
        Ok(joined(self.prefix, text))
    }

    fn answer_form(&self) -> String {
        format!(
            "Answer with one ```{} code block that holds what comes next, and nothing else.",
            self.task.language
        )
    }
}

fn is_code(reply: &str) -> bool {
    let first = reply.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    first.starts_with([' ', '\t'])
        || ["return", "def ", "for ", "if ", "while "].iter().any(|word| first.starts_with(word))
}

/// `prefix` and what follows it: lines of the prefix's end that the continuation begins with stand once.
fn joined(prefix: &str, rest: &str) -> String {
    let kept: Vec<&str> = prefix.lines().map(str::trim_end).collect();
    let rest: Vec<&str> = rest.lines().map(str::trim_end).skip_while(|line| line.is_empty()).collect();
    let overlap = (1..=kept.len().min(rest.len())).rev().find(|count| {
        let tail = kept.get(kept.len() - count..).unwrap_or_default();
        // One short line, such as `return`, may well come twice.
        tail == rest.get(..*count).unwrap_or_default()
            && (*count > 1 || kept.len() == 1 || tail.concat().len() > 12)
    });
    let rest = rest.get(overlap.unwrap_or(0)..).unwrap_or_default();
    let mut lines: Vec<&str> = kept.iter().chain(rest).copied().collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines.join("\n") + "\n"
}
