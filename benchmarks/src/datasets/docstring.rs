//! Visible tests from the examples in a statement.
//!
//! Only complete literal pairs count: arguments and answer must both be Python literals. The forms are those that occur
//! in HumanEval and APPS:
//!
//! - doctest, `>>> f(1)` and the answer on the next lines;
//! - one line, `f(1) ➞ 2`, also with `->`, `=>`, `==>`, `==`, `=`, `returns`, `should return`, each perhaps behind a `#`;
//! - `For a = 1, b = 2 the output should be 3`;
//! - blocks of `Input: …` and `Output: …`.
//!
//! Nothing is validated by running anything: the statement alone decides (protocol `strict`).

mod calls;
mod pairs;
pub(crate) mod scan;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::time::Duration;

use codeagent_sandbox::case::{Case, Checker, Test};
use codeagent_sandbox::value::{Value, repr};

use crate::datasets::human_eval::definition;

/// An example of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Example {
    /// A call with literal arguments.
    Call { args: Vec<Value>, expected: Value },
    /// An expression around a call, in source text, with its answer.
    Expression { source: String, expected: Value },
}

/// The examples of a statement about the function `entry` with these parameters, in order, without repetitions.
pub(crate) fn examples(statement: &str, entry: &str, parameters: &[String]) -> Vec<Example> {
    let entry = entry.rsplit('.').next().unwrap_or(entry);
    let text = last_section(body(statement, entry));
    let found = calls::examples(text, entry);
    let found = if found.is_empty() { pairs::for_examples(text, parameters) } else { found };
    let found = if found.is_empty() { pairs::block_examples(text, parameters) } else { found };
    let mut distinct = Vec::new();
    for example in found {
        if !distinct.contains(&example) {
            distinct.push(example);
        }
    }
    distinct
}

/// The examples as cases.
pub(crate) fn cases(
    examples: Vec<Example>,
    entry: &str,
    checker: &Checker,
    time_limit: Duration,
) -> Vec<Case> {
    let case = |example| {
        let (name, test) = match example {
            Example::Call { args, expected } => {
                let shown: Vec<_> = args.iter().map(repr).collect();
                let name = format!("{entry}({}) == {}", shown.join(", "), repr(&expected));
                (name, Test::Call { args, kwargs: Vec::new(), expected, checker: checker.clone() })
            }
            Example::Expression { source, expected } => {
                let name = format!("{source} == {}", repr(&expected));
                let code = format!("assert ({source}) == {}", repr(&expected));
                (name, Test::Code { setup: String::new(), code })
            }
        };
        Case { name, test, time_limit }
    };
    examples.into_iter().map(case).collect()
}

/// The docstring of `entry`: what follows its signature, up to the last triple quote. All of a statement without code.
fn body<'a>(statement: &'a str, entry: &str) -> &'a str {
    let Some(start) = definition(statement, entry) else { return statement };
    let code = statement.get(start..).unwrap_or(statement);
    let text = code.find('\n').and_then(|end| code.get(end..)).unwrap_or_default();
    let end = text.rfind("\"\"\"").max(text.rfind("'''")).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

/// What follows the last heading of examples, if there are several: an earlier one then explains something else
/// (`HumanEval/130` first shows terms of a sequence, then what the function returns).
fn last_section(text: &str) -> &str {
    let headings = ["example:", "examples:", "for example:"];
    let mut offset = 0;
    let mut starts = Vec::new();
    for line in text.split_inclusive('\n') {
        offset += line.len();
        if headings.contains(&line.trim().to_lowercase().as_str()) {
            starts.push(offset);
        }
    }
    match starts.as_slice() {
        [_, .., last] => text.get(*last..).unwrap_or(text),
        _ => text,
    }
}

/// The names of the parameters of a signature such as `def f(a: int, b=1) -> int`, `self` aside; `None` where it takes
/// a variable number of them or cannot be read.
pub(crate) fn parameters(signature: &str) -> Option<Vec<String>> {
    let open = signature.find('(')?;
    let (inside, _) = scan::bracket(signature.get(open..)?)?;
    let names = split_top_level(inside).into_iter().map(|part| {
        let name = part.split([':', '=']).next().unwrap_or_default().trim();
        crate::datasets::names::is_identifier(name).then(|| name.to_owned())
    });
    let names: Option<Vec<_>> = names.collect();
    names.map(|names| names.into_iter().filter(|name| name != "self").collect())
}

/// How many arguments a signature needs at least and takes at most, `self` aside; `None` as for [`parameters`].
pub(crate) fn arity(signature: &str) -> Option<RangeInclusive<usize>> {
    let most = parameters(signature)?.len();
    let (inside, _) = scan::bracket(signature.get(signature.find('(')?..)?)?;
    let optional = split_top_level(inside).into_iter().filter(|part| part.contains('=')).count();
    Some(most.saturating_sub(optional)..=most)
}

/// The parts of a text between commas that lie in no bracket and no string, blank ones aside.
pub(crate) fn split_top_level(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if character == ',' {
            parts.push(text.get(start..at).unwrap_or_default());
            start = at + 1;
        }
        let group = text.get(at..).and_then(scan::group_length);
        at += group.unwrap_or(character.len_utf8());
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts.retain(|part| !part.trim().is_empty());
    parts
}
