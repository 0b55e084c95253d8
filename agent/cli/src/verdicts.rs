//! Verdicts in words.

use codeagent::sandbox::{CaseResult, Failure as Wrong, Verdict};

/// What came of a test, on one line and not escaped.
#[must_use]
pub fn told(result: &CaseResult) -> String {
    let what = match &result.verdict {
        Verdict::Failed { failure } => failed(failure),
        other => other.class().to_owned(),
    };
    match &result.assertion {
        Some(assertion) => format!("{what} at `{assertion}`"),
        None => what,
    }
}

fn failed(failure: &Wrong) -> String {
    let at = |line: &Option<u32>| line.map_or_else(String::new, |line| format!(" (line {line})"));
    match failure {
        Wrong::Wrong { expected, actual } if expected.is_empty() => format!("wrong: {actual}"),
        Wrong::Wrong { expected, actual } => format!("expected {expected}, got {actual}"),
        Wrong::Exception { class, message, line } => format!("{class}: {message}{}", at(line)),
        Wrong::Syntax { message, line } => format!("SyntaxError: {message}{}", at(line)),
        Wrong::NoAnswer => "ended without an answer".to_owned(),
        Wrong::NotPlainData { what } => format!("the answer is not plain data: {what}"),
        Wrong::Exit { code } => format!("exited with status {code}"),
        _ => "failed".to_owned(),
    }
}
