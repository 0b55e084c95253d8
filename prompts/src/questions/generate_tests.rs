//! Tests written from the statement.
//!
//! Source: Shinn et al. 2023, *Reflexion*, section 4.3 ("self-generated unit test suites"); the three kinds of tests are
//! those of Huang et al. 2024, *AgentCoder*, section 3.2. The wording is ours.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::message::Message;
use crate::parse::{AnswerError, assertions, json};
use crate::question::Question;
use crate::task::{Entry, Task};
use crate::template::{PromptError, render};

/// Longest test, in bytes. Longer ones are left out: what they expect is seldom right.
const TEST_BYTES_MAX: usize = 10_000;

/// Asks for tests of programs that nobody has seen.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GenerateTests<'a> {
    /// The problem.
    pub task: &'a Task,
    /// Notes on the problem, the first one first; may be empty.
    pub thoughts: &'a [String],
    /// Tests wanted at most.
    pub count: usize,
}

/// One test as the model wrote it. What it expects may be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrittenTest {
    /// A statement such as `assert f(1) == 2`. It calls the entry point, but need not be a comparison with a literal.
    Assertion(String),
    /// What a whole program must print for an input.
    Example {
        /// The input.
        input: String,
        /// The output.
        output: String,
    },
}

impl Question for GenerateTests<'_> {
    /// At least one and at most `count` different tests, in the model's order.
    type Answer = Vec<WrittenTest>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("generate_tests", self)
    }

    fn parse(&self, reply: &str) -> Result<Vec<WrittenTest>, AnswerError> {
        let written = match &self.task.entry {
            Entry::Function { name, .. } => {
                assertions::statements(reply, name)?.into_iter().map(WrittenTest::Assertion).collect()
            }
            Entry::Stdio => examples(reply)?,
        };
        let mut kept: Vec<WrittenTest> = Vec::new();
        for test in written {
            if kept.len() < self.count && test.bytes() <= TEST_BYTES_MAX && !kept.contains(&test) {
                kept.push(test);
            }
        }
        if kept.is_empty() { Err(AnswerError::NoJson { wanted: "list of tests" }) } else { Ok(kept) }
    }

    fn answer_form(&self) -> String {
        match &self.task.entry {
            Entry::Function { name, .. } => {
                let call = name.replace('.', "().");
                format!(
                    "Answer with one ```{} block that holds nothing but lines `assert {call}(...) == ...` with literal values.",
                    self.task.language
                )
            }
            Entry::Stdio => {
                "Answer with a JSON list of objects {\"input\": \"...\", \"output\": \"...\"}.".to_owned()
            }
        }
    }
}

impl WrittenTest {
    const fn bytes(&self) -> usize {
        match self {
            Self::Assertion(statement) => statement.len(),
            Self::Example { input, output } => input.len() + output.len(),
        }
    }
}

/// The examples in a reply, wherever they stand in its JSON.
fn examples(reply: &str) -> Result<Vec<WrittenTest>, AnswerError> {
    let found = json::values(reply)?;
    let objects = found.into_iter().filter(|found| found.complete).flat_map(|found| members(found.value));
    let examples: Vec<WrittenTest> = objects.filter_map(|object| example(&object)).collect();
    if examples.is_empty() { Err(AnswerError::NoJson { wanted: "list of tests" }) } else { Ok(examples) }
}

/// The objects of a list, one object, or those of a list inside an object.
fn members(value: Value) -> Vec<Map<String, Value>> {
    if let Value::Object(object) = &value
        && example(object).is_none()
    {
        return object.values().cloned().flat_map(json::objects).collect();
    }
    json::objects(value)
}

fn example(object: &Map<String, Value>) -> Option<WrittenTest> {
    let input = ["input", "stdin"].iter().find_map(|name| text(json::member(object, name)?))?;
    let outputs = ["output", "expected_output", "expected", "stdout"];
    let output = outputs.iter().find_map(|name| text(json::member(object, name)?))?;
    Some(WrittenTest::Example { input, output })
}

/// A text, a number, or a list of lines.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(lines) => {
            let lines: Option<Vec<String>> = lines.iter().map(text).collect();
            lines.map(|lines| lines.join("\n"))
        }
        _ => None,
    }
}
