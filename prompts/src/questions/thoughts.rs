//! Strategies for a problem, each with its reasonableness.
//!
//! Source: Li et al. 2025, *RethinkMCTS*, "Propose" and "Expand". Unlike the original, an answer that cannot be read is
//! asked again, then read as a list; it never becomes empty thoughts.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::feedback::FeedbackText;
use crate::message::Message;
use crate::parse::{AnswerError, json, list, number};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for the next thoughts of a chain.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Thoughts<'a> {
    /// The problem.
    pub task: &'a Task,
    /// Thoughts wanted.
    pub count: usize,
    /// The chain so far, first thought first; empty for the first thoughts.
    pub chain: &'a [String],
    /// When it is asked.
    pub asked: Asked<'a>,
}

/// When thoughts are asked for.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "when", rename_all = "snake_case")]
pub enum Asked<'a> {
    /// Before any program was written.
    First,
    /// After a program that followed the chain failed: avoid the error, and generalise.
    AfterFailure {
        /// The program.
        program: &'a str,
        /// What its visible tests said.
        feedback: &'a FeedbackText,
    },
    /// After a program that followed the chain passed all visible tests: think deeper.
    AfterSuccess,
}

/// One thought.
#[derive(Debug, Clone, PartialEq)]
pub struct Thought {
    /// The strategy, observation or hint.
    pub text: String,
    /// The model's probability that it leads to a right program, in `[0, 1]`; `None` where it gave none. Not
    /// normalised over the thoughts.
    pub reasonableness: Option<f64>,
}

impl Question for Thoughts<'_> {
    /// At least one and at most `count` different thoughts, in the model's order.
    type Answer = Vec<Thought>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("thoughts", self)
    }

    fn parse(&self, reply: &str) -> Result<Vec<Thought>, AnswerError> {
        let found = json::values(reply)?;
        // The last value that holds thoughts, or all of them where each object stands on its own.
        let groups: Vec<Vec<Thought>> =
            found.into_iter().map(|found| thoughts(found.value)).filter(|group| !group.is_empty()).collect();
        let single = groups.iter().all(|group| group.len() == 1);
        let last = if single { groups.concat() } else { groups.into_iter().next_back().unwrap_or_default() };
        let distinct = self.distinct(last);
        if distinct.is_empty() {
            Err(AnswerError::NoJson { wanted: "list of thoughts" })
        } else {
            Ok(distinct)
        }
    }

    fn answer_form(&self) -> String {
        format!(
            "Answer with a JSON list of exactly {} objects, each {{\"thought\": \"...\", \"reasonableness\": a number from 0 to 1}}.",
            self.count
        )
    }

    fn salvage(&self, reply: &str) -> Option<Vec<Thought>> {
        let texts = list::items(reply).ok()?;
        let thoughts = texts.into_iter().map(|text| Thought { text, reasonableness: None }).collect();
        Some(self.distinct(thoughts)).filter(|thoughts| !thoughts.is_empty())
    }
}

impl Thoughts<'_> {
    fn distinct(&self, thoughts: Vec<Thought>) -> Vec<Thought> {
        let mut kept: Vec<Thought> = Vec::new();
        for thought in thoughts {
            if kept.len() < self.count && kept.iter().all(|other| other.text != thought.text) {
                kept.push(thought);
            }
        }
        kept
    }
}

/// The thoughts in a list, in a single object, or in an object around a list.
fn thoughts(value: Value) -> Vec<Thought> {
    match value {
        Value::Array(items) => items.into_iter().filter_map(thought).collect(),
        Value::Object(object) => match in_object(&object) {
            Some(thought) => vec![thought],
            None => object
                .into_iter()
                .map(|(_, value)| value)
                .find(Value::is_array)
                .map_or_else(Vec::new, thoughts),
        },
        _ => Vec::new(),
    }
}

fn thought(value: Value) -> Option<Thought> {
    match value {
        Value::Object(object) => in_object(&object),
        Value::String(text) => made(&text, None),
        _ => None,
    }
}

/// Reads the keys that models use: `thought`, `Thought-1`, `strategy`.
fn in_object(object: &Map<String, Value>) -> Option<Thought> {
    let text = object.iter().find_map(|(key, value)| {
        let key = key.trim().to_ascii_lowercase();
        let matches = key.starts_with("thought") || key.starts_with("strategy");
        value.as_str().filter(|_| matches)
    })?;
    made(text, number::field(object, "reasonableness", 0.0..=1.0).ok())
}

fn made(text: &str, reasonableness: Option<f64>) -> Option<Thought> {
    let text = text.trim();
    (!text.is_empty()).then(|| Thought { text: text.to_owned(), reasonableness })
}
