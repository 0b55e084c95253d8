//! Whole solutions in words, and the choice of one.
//!
//! Source: Ridnik et al. 2024, *AlphaCodium*, section 3 ("generate possible solutions", "rank solutions"), and the
//! published code, which chooses the best and describes it once more; the wording is ours.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::message::Message;
use crate::parse::{AnswerError, json, list, number};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for several different solutions in words.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PossibleSolutions<'a> {
    /// The problem.
    pub task: &'a Task,
    /// Notes on the problem, the first one first; may be empty.
    pub thoughts: &'a [String],
    /// Solutions wanted at most.
    pub count: usize,
}

impl Question for PossibleSolutions<'_> {
    /// At least one and at most `count` different solutions, in the model's order.
    type Answer = Vec<String>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("possible_solutions", self)
    }

    fn parse(&self, reply: &str) -> Result<Vec<String>, AnswerError> {
        let found = json::values(reply)?;
        let solutions = found.into_iter().flat_map(|found| members(found.value)).collect();
        let distinct = self.distinct(solutions);
        if distinct.is_empty() {
            Err(AnswerError::NoJson { wanted: "list of solutions" })
        } else {
            Ok(distinct)
        }
    }

    fn answer_form(&self) -> String {
        format!(
            "Answer with a JSON list of at most {} objects, each {{\"name\": \"...\", \"solution\": \"...\", \"why\": \"...\"}}.",
            self.count
        )
    }

    fn salvage(&self, reply: &str) -> Option<Vec<String>> {
        let texts = list::items(reply).ok()?;
        Some(self.distinct(texts)).filter(|solutions| !solutions.is_empty())
    }
}

impl PossibleSolutions<'_> {
    fn distinct(&self, solutions: Vec<String>) -> Vec<String> {
        let mut kept: Vec<String> = Vec::new();
        for solution in solutions {
            if kept.len() < self.count && !kept.contains(&solution) {
                kept.push(solution);
            }
        }
        kept
    }
}

/// The solutions of a list, of one object, or of a list inside an object.
fn members(value: Value) -> Vec<String> {
    if let Value::Object(object) = &value
        && solution(object).is_none()
    {
        return object.values().cloned().flat_map(json::objects).filter_map(|it| solution(&it)).collect();
    }
    json::objects(value).iter().filter_map(solution).collect()
}

fn solution(object: &Map<String, Value>) -> Option<String> {
    let field = |name: &str| {
        let text = text(json::member(object, name)?)?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let body = field("solution").or_else(|| field("content"))?;
    let mut whole = field("name").map_or_else(|| body.clone(), |name| format!("{name}: {body}"));
    if let Some(why) = field("why") {
        whole.push(' ');
        whole.push_str(&why);
    }
    Some(whole)
}

/// A text, or a list of steps.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(steps) => {
            let steps: Option<Vec<&str>> = steps.iter().map(Value::as_str).collect();
            steps.map(|steps| steps.join(" "))
        }
        _ => None,
    }
}

/// Asks which of several solutions is the best.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ChooseSolution<'a> {
    /// The problem.
    pub task: &'a Task,
    /// Notes on the problem, the first one first; may be empty.
    pub thoughts: &'a [String],
    /// The solutions, at least one.
    pub solutions: &'a [String],
}

impl Question for ChooseSolution<'_> {
    /// The chosen solution in full: as the model put it anew, else as it was.
    type Answer = String;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("choose_solution", self)
    }

    fn parse(&self, reply: &str) -> Result<String, AnswerError> {
        let object = json::object(reply, |object| json::member(object, "choice").is_some())?;
        let invalid = || AnswerError::FieldInvalid {
            field: "choice".to_owned(),
            wanted: "the number of one of the solutions",
        };
        let choice = number::field(&object, "choice", -1.0..=1e6).map_err(|_| invalid())?;
        let is_number = |(index, _): &(usize, &String)| ((index + 1) as f64 - choice).abs() < 1e-9;
        let (_, chosen) = self.solutions.iter().enumerate().find(is_number).ok_or_else(invalid)?;
        let anew = json::member(&object, "solution").and_then(text).map(|text| text.trim().to_owned());
        Ok(anew.filter(|text| !text.is_empty()).unwrap_or_else(|| chosen.clone()))
    }

    fn answer_form(&self) -> String {
        format!(
            "Answer with one JSON object: {{\"choice\": a whole number from 1 to {}, \"why\": \"...\", \"solution\": \"the solution in full\"}}.",
            self.solutions.len()
        )
    }
}
