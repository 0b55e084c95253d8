//! A better version of a failed program, and of the plan that it follows.
//!
//! Source: Islam et al. 2024, *MapCoder*, section 3 ("Debugging agent"); the wording is ours.

use serde::Serialize;

use super::program;
use crate::feedback::FeedbackText;
use crate::message::Message;
use crate::parse::{AnswerError, code};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for a plan and a full program in place of ones that failed.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct RefineWithPlan<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The plan that the program follows; may be empty.
    pub plan: &'a str,
    /// How the method works that the problem needs; may be empty.
    pub tutorial: &'a str,
    /// The failed program.
    pub program: &'a str,
    /// What its visible tests said.
    pub feedback: &'a FeedbackText,
}

/// A program with the plan that it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedProgram {
    /// The plan as it is now; `None` where the answer holds none, so that the earlier one stays.
    pub plan: Option<String>,
    /// The program's source.
    pub program: String,
}

impl Question for RefineWithPlan<'_> {
    type Answer = PlannedProgram;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("refine_with_plan", self)
    }

    fn parse(&self, reply: &str) -> Result<PlannedProgram, AnswerError> {
        Ok(PlannedProgram { program: program::read(self.task, reply)?, plan: plan(reply) })
    }

    fn answer_form(&self) -> String {
        format!(
            "Write the plan first. {}",
            program::form(self.task).replace(", and nothing else", " after it")
        )
    }

    fn salvage(&self, reply: &str) -> Option<PlannedProgram> {
        Some(PlannedProgram { program: code::any_code(reply)?, plan: plan(reply) })
    }
}

/// What stands above the first fence, without a heading.
fn plan(reply: &str) -> Option<String> {
    let (above, _) = reply.split_once("```")?;
    let is_heading =
        |line: &str| line.starts_with('#') || (line.len() < 40 && line.trim_end_matches('*').ends_with(':'));
    let lines: Vec<&str> = above.lines().filter(|line| !is_heading(line.trim())).collect();
    let plan = lines.join("\n").trim().to_owned();
    (!plan.is_empty()).then_some(plan)
}
