//! How near the outputs of a failed program are to the expected ones.
//!
//! Source: Li et al. 2025, *CodeTree*, section 3 ("Critic", scoring); the wording is ours. Unlike the original, the grade
//! must stand alone on the last line: of "3 out of 5" nobody knows which number was meant.

use serde::Serialize;

use crate::feedback::FeedbackText;
use crate::message::Message;
use crate::parse::{AnswerError, number};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// The best grade.
pub const GRADE_MAX: u32 = 5;

/// Asks a critic for a grade from 0 to [`GRADE_MAX`] of what a failed program answered.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct OutputGrade<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The program.
    pub program: &'a str,
    /// What its visible tests said.
    pub feedback: &'a FeedbackText,
}

/// A critic's grade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graded {
    /// The grade, in `[0, GRADE_MAX]`; `None` where the critic gave an analysis and no readable grade.
    pub grade: Option<u32>,
    /// What the critic says of the outputs; empty if it says nothing.
    pub analysis: String,
}

impl Question for OutputGrade<'_> {
    type Answer = Graded;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("output_grade", self)
    }

    fn parse(&self, reply: &str) -> Result<Graded, AnswerError> {
        let (grade, above) = number::last_line(reply, 0..=GRADE_MAX)?;
        Ok(Graded { grade: Some(grade), analysis: above.to_owned() })
    }

    fn answer_form(&self) -> String {
        format!(
            "Answer with a short analysis and, alone on the last line, one whole number from 0 to {GRADE_MAX}."
        )
    }

    /// The analysis may help even where the grade can't be read.
    fn salvage(&self, reply: &str) -> Option<Graded> {
        let analysis = reply.trim();
        (!analysis.is_empty()).then(|| Graded { grade: None, analysis: analysis.to_owned() })
    }
}
