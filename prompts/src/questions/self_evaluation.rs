//! How sure the model is that a program which passes the visible tests passes all.
//!
//! Source: Li et al. 2025, *RethinkMCTS*, "Evaluate". Unlike the original, the score must stand in its field, and is
//! clamped.

use serde::Serialize;

use crate::message::Message;
use crate::parse::{AnswerError, json, number};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for a score of a program that is known to pass the visible tests.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SelfEvaluation<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The chain of thoughts behind the program; may be empty.
    pub thoughts: &'a [String],
    /// The program.
    pub program: &'a str,
}

/// The model's confidence.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfScore {
    /// That the program passes all unseen tests, in `[-1, 1]`.
    pub score: f64,
    /// Why; empty if the model gave no reason.
    pub reason: String,
}

impl Question for SelfEvaluation<'_> {
    type Answer = SelfScore;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("self_evaluation", self)
    }

    fn parse(&self, reply: &str) -> Result<SelfScore, AnswerError> {
        let object = json::object(reply, |object| json::member(object, "score").is_some())?;
        let score = number::field(&object, "score", -1.0..=1.0)?;
        let reason = json::member(&object, "reason").and_then(serde_json::Value::as_str).unwrap_or_default();
        Ok(SelfScore { score, reason: reason.trim().to_owned() })
    }

    fn answer_form(&self) -> String {
        "Answer with one JSON object: {\"score\": a number from -1 to 1, \"reason\": \"one or two sentences\"}.".to_owned()
    }
}
