//! How sure the model is that a plan solves a problem.
//!
//! Source: Islam et al. 2024, *MapCoder*, section 3 (confidence of a plan); the wording is ours. Unlike the original, the
//! answer is one JSON object and the number is clamped.

use serde::Serialize;

use crate::message::Message;
use crate::parse::{AnswerError, json, number};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for a confidence from 0 to 100. The answer is it, clamped.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PlanConfidence<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The plan.
    pub plan: &'a str,
}

impl Question for PlanConfidence<'_> {
    type Answer = f64;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("plan_confidence", self)
    }

    fn parse(&self, reply: &str) -> Result<f64, AnswerError> {
        let object = json::object(reply, |object| json::member(object, "confidence").is_some())?;
        number::field(&object, "confidence", 0.0..=100.0)
    }

    fn answer_form(&self) -> String {
        "Answer with one JSON object: {\"explanation\": \"...\", \"confidence\": a whole number from 0 to 100}."
            .to_owned()
    }
}
