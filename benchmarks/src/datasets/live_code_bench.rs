//! Rows of LiveCodeBench: `question_id`, `question_content`, `starter_code`, `public_test_cases`, `private_test_cases`,
//! `metadata`.
//!
//! Source: Jain et al. 2024, *LiveCodeBench: Holistic and Contamination Free Evaluation of LLMs for Code*, and its repository. Visible
//! are the public tests, hidden are these and the private ones. Tests are lists of `input`, `output` and `testtype`; `stdin`
//! compares lines, in which numbers may be written in several ways, and `functional` calls the function that `metadata`
//! names, with one JSON value per line. Private tests may be packed: base64 of zlib of a pickled text, of which nothing else
//! is read (`pickled.rs`). There are no references.

mod pickled;

use codeagent::problem::{Entry, Problem};
use codeagent_sandbox::case::{Case, Checker, Test};
use codeagent_sandbox::value::{Value, from_json, repr};
use serde_json::Value as Json;

pub use pickled::{PickleError, pickled_text};

use crate::datasets::error::DatasetError;
use crate::datasets::fields::Field;
use crate::datasets::human_eval::signature;
use crate::datasets::names::entry_fault;
use crate::datasets::{ProblemWithHidden, limits};
use crate::hidden::HiddenTests;
use crate::references::References;

/// Seconds for one test, as in the authors' harness.
const TIME_S: u64 = 6;

/// Equal lines, or lines of equal numbers.
const LINES: Checker = Checker::Float { atol: 0.0 };

/// Reads one row.
pub(crate) fn read(row: &Field<'_>) -> Result<ProblemWithHidden, DatasetError> {
    let id = row.required("question_id")?.label()?;
    let starter = row.optional("starter_code")?.map_or(Ok(""), |field| field.text())?;
    let entry = entry(row, starter)?;
    let limits = limits(TIME_S);
    let tests = |name: &str| -> Result<Vec<Case>, DatasetError> {
        let field = row.required(name)?;
        let listed = listed(&field)?;
        let tests = field.with_value(&listed);
        tests.items()?.iter().map(|test| case(test, &entry, limits.time)).collect()
    };
    let visible = tests("public_test_cases")?;
    let private = tests("private_test_cases")?;
    let hidden = visible.iter().cloned().chain(private).collect();
    let checker = if entry == Entry::Stdio { LINES } else { Checker::Exact };
    let problem = Problem {
        id: format!("LiveCodeBench/{id}"),
        statement: row.required("question_content")?.text()?.to_owned(),
        entry,
        prelude: String::new(),
        starter: starter.to_owned(),
        buggy: None,
        visible,
        checker,
        limits,
    };
    Ok(ProblemWithHidden { problem, hidden: HiddenTests::new(hidden), references: References::default() })
}

/// The function that `metadata` names, in the class of the starter code; else a whole program.
fn entry(row: &Field<'_>, starter: &str) -> Result<Entry, DatasetError> {
    let Some(metadata) = row.optional("metadata")? else { return Ok(Entry::Stdio) };
    let parsed = match metadata.value {
        Json::String(text) if text.trim().is_empty() => return Ok(Entry::Stdio),
        Json::String(text) => serde_json::from_str(text)
            .map_err(|error| metadata.error(format!("is not JSON: {error}"), "correct it"))?,
        other => other.clone(),
    };
    let Some(field) = metadata.with_value(&parsed).optional("func_name")? else { return Ok(Entry::Stdio) };
    let Some(name) = field.nullable_text()? else { return Ok(Entry::Stdio) };
    if let Some(fault) = entry_fault(name) {
        return Err(metadata.error(format!("`func_name` {fault}"), "name the function of the starter code"));
    }
    let is_method = starter.lines().any(|line| line.starts_with("class Solution"));
    Ok(Entry::Function {
        name: if is_method { format!("Solution.{name}") } else { name.to_owned() },
        signature: signature(starter.trim_end(), name),
    })
}

/// The list of tests, in any form in which it comes.
fn listed(field: &Field<'_>) -> Result<Json, DatasetError> {
    let Json::String(text) = field.value else { return Ok(field.value.clone()) };
    let unpacked;
    let text = if text.trim_start().starts_with('[') {
        text
    } else {
        unpacked = pickled_text(text.trim()).map_err(|error| {
            field.error(format!("is neither JSON nor packed tests: {error}"), "get the file again")
        })?;
        &unpacked
    };
    serde_json::from_str(text)
        .map_err(|error| field.error(format!("is not JSON: {error}"), "get the file again"))
}

fn case(test: &Field<'_>, entry: &Entry, time_limit: std::time::Duration) -> Result<Case, DatasetError> {
    let input = test.required("input")?.text()?;
    let output = test.required("output")?.text()?;
    let kind = test.required("testtype")?;
    let (name, test) = match (kind.text()?, entry) {
        ("stdin", Entry::Stdio) => {
            let name = format!("input {:?}", input.chars().take(60).collect::<String>());
            (name, Test::Stdio { input: input.to_owned(), expected: output.to_owned(), checker: LINES })
        }
        ("functional", Entry::Function { name, .. }) => {
            let args = input.lines().filter(|line| !line.trim().is_empty());
            let args: Vec<Value> = args.map(|line| value(test, line)).collect::<Result<_, _>>()?;
            let expected = value(test, output)?;
            let shown: Vec<String> = args.iter().map(repr).collect();
            let shown = format!("{name}({}) == {}", shown.join(", "), repr(&expected));
            (shown, Test::Call { args, kwargs: Vec::new(), expected, checker: Checker::Exact })
        }
        _ => {
            let reason =
                "does not fit the row, which names a function for `functional` tests and none for `stdin`";
            return Err(kind.error(reason, "correct `testtype` or `metadata`"));
        }
    };
    Ok(Case { name, test, time_limit })
}

fn value(test: &Field<'_>, text: &str) -> Result<Value, DatasetError> {
    serde_json::from_str(text).map(|json| from_json(&json)).map_err(|error| {
        test.error(format!("holds a value that is not JSON: {error}"), "give one JSON value per line")
    })
}

#[cfg(test)]
mod tests;
