//! Which blocks of a failing run went wrong.
//!
//! Source: Zhong, Wang, Shang 2024, *Debug like a Human* (LDB), section 3, as used by RethinkMCTS; the wording is ours.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::feedback::FailedTest;
use crate::message::Message;
use crate::parse::{AnswerError, json};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};
use crate::trace::BlockVerdict;

/// Asks for a judgement of every executed block of one failing test.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct BlockAnalysis<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The program.
    pub program: &'a str,
    /// The failing test with its output.
    pub test: &'a FailedTest,
    /// The executed blocks, as [`crate::trace::listing`] writes them.
    pub listing: &'a str,
}

impl Question for BlockAnalysis<'_> {
    /// One verdict per block that the model spoke of, in its order; at least one.
    type Answer = Vec<BlockVerdict>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        #[derive(Serialize)]
        struct Values<'a> {
            task: &'a Task,
            program: &'a str,
            test: String,
            listing: &'a str,
        }
        let test = self.test.section(None, crate::FeedbackLimits::default().max_value_chars);
        let test = test.trim_end().to_owned();
        render(
            "block_analysis",
            &Values { task: self.task, program: self.program, test, listing: self.listing },
        )
    }

    fn parse(&self, reply: &str) -> Result<Vec<BlockVerdict>, AnswerError> {
        let mut verdicts: Vec<BlockVerdict> = Vec::new();
        for verdict in json::values(reply)?.into_iter().flat_map(|found| members(found.value)) {
            // A model that thinks aloud may judge a block twice: its last word counts.
            match verdicts.iter_mut().find(|earlier| earlier.block == verdict.block) {
                Some(earlier) => *earlier = verdict,
                None => verdicts.push(verdict),
            }
        }
        if verdicts.is_empty() {
            Err(AnswerError::NoJson { wanted: "object per block" })
        } else {
            Ok(verdicts)
        }
    }

    fn answer_form(&self) -> String {
        "Answer with one JSON object per block: {\"block\": \"BLOCK-0\", \"correct\": true or false, \"explanation\": \"...\"}."
            .to_owned()
    }
}

/// The verdicts in a value: a list of objects, one object, or an object around a list.
fn members(value: Value) -> Vec<BlockVerdict> {
    if let Value::Object(object) = &value
        && verdict(object).is_none()
    {
        let list = object.values().find(|value| value.is_array()).cloned().unwrap_or_default();
        return json::objects(list).iter().filter_map(verdict).collect();
    }
    json::objects(value).iter().filter_map(verdict).collect()
}

fn verdict(object: &Map<String, Value>) -> Option<BlockVerdict> {
    let block = match json::member(object, "block")? {
        Value::String(name) => name.trim().trim_matches(['[', ']']).to_owned(),
        Value::Number(number) => format!("BLOCK-{number}"),
        _ => return None,
    };
    let correct = match json::member(object, "correct")? {
        Value::Bool(correct) => *correct,
        Value::String(word) if word.trim().eq_ignore_ascii_case("true") => true,
        Value::String(word) if word.trim().eq_ignore_ascii_case("false") => false,
        _ => return None,
    };
    let explanation = json::member(object, "explanation").and_then(Value::as_str).unwrap_or_default();
    Some(BlockVerdict { block, correct, explanation: explanation.trim().to_owned() })
}
