//! Up to which line a program is surely right.
//!
//! Source: Le et al. 2022, *CodeRL*, section 3.4, where a critic scores every token; here the model judges its own
//! program. The wording is ours.

use serde::Serialize;

use crate::message::Message;
use crate::parse::{AnswerError, number};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for the last right line of a program.
#[derive(Debug, Clone, Copy)]
pub struct LastRightLine<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The program.
    pub program: &'a str,
}

#[derive(Serialize)]
struct Shown<'a> {
    task: &'a Task,
    numbered: String,
    lines: usize,
}

impl Question for LastRightLine<'_> {
    /// Number of lines that can be kept, from 0.
    type Answer = usize;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        let lines = self.program.lines().enumerate();
        let numbered = lines.map(|(index, line)| format!("{:>3}  {line}\n", index + 1)).collect();
        render("last_right_line", &Shown { task: self.task, numbered, lines: self.program.lines().count() })
    }

    fn parse(&self, reply: &str) -> Result<usize, AnswerError> {
        number::choice(reply, 0..=self.program.lines().count())
    }

    fn answer_form(&self) -> String {
        format!("End with a line that is a number from 0 to {} alone.", self.program.lines().count())
    }
}
