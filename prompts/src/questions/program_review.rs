//! Whether a program that passes the visible tests is right in general.
//!
//! Source: Li et al. 2025, *CodeTree*, section 3 ("Critic", solution verification); the wording and the example are ours.
//! Unlike the original, what can't be read is never taken for a yes.

use serde::Serialize;

use crate::message::Message;
use crate::parse::{AnswerError, verdict};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks a critic for a verdict on a program that no visible test speaks against.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ProgramReview<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The program.
    pub program: &'a str,
    /// Whether there were visible tests, which it passes.
    pub tested: bool,
}

/// A critic's verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The verdict; `None` where the critic gave reasons and no readable verdict.
    pub decision: Option<verdict::Decision>,
    /// Why; empty if the critic gave no reason.
    pub reasons: String,
}

impl Question for ProgramReview<'_> {
    type Answer = Review;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("program_review", self)
    }

    fn parse(&self, reply: &str) -> Result<Review, AnswerError> {
        let decision = verdict::last_line(reply)?;
        let reasons = reply.trim_end().rsplit_once('\n').map_or("", |(reasons, _)| reasons);
        Ok(Review { decision: Some(decision), reasons: reasons.trim().to_owned() })
    }

    fn answer_form(&self) -> String {
        "Answer with your reasons and, alone on the last line, `True` if the program will do or `False` if it must be revised."
            .to_owned()
    }

    /// The reasons may help even where the verdict can't be read.
    fn salvage(&self, reply: &str) -> Option<Review> {
        let reasons = reply.trim();
        (!reasons.is_empty()).then(|| Review { decision: None, reasons: reasons.to_owned() })
    }
}
