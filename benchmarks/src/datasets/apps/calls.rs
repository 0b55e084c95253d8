//! Call tests of APPS rows, whose arguments come as JSON lists or as text with one argument on each line.
//!
//! The text form does not say whether `12` is a number or a text. A parameter whose value is no literal in some test is
//! a text in all of them, brackets aside.

use std::ops::RangeInclusive;

use codeagent_sandbox::case::{Checker, Test};
use codeagent_sandbox::value::{Value, from_json, repr};
use serde_json::Value as Json;

use super::Pair;
use crate::datasets::{docstring, values};

/// Arguments before their kind is known.
enum Args {
    Values(Vec<Value>),
    Texts(Vec<String>),
}

/// The tests of each group of pairs, with their names. The groups decide together on the kinds of the parameters.
pub(super) fn tests<const N: usize>(
    groups: [Vec<Pair>; N],
    name: &str,
    signature: Option<&str>,
) -> [Result<Vec<(String, Test)>, String>; N] {
    let arity = signature.and_then(docstring::arity).unwrap_or(1..=1);
    let class_based = name.contains('.');
    let wrapped = !class_based && groups.iter().flatten().all(|pair| only_item(&pair.output).is_some());
    let groups = groups.map(|pairs| {
        let read = |pair: Pair| Ok((read_args(&pair.input, &arity)?, answer(&pair.output, wrapped)));
        pairs.into_iter().map(read).collect::<Result<Vec<(Args, Value)>, String>>()
    });
    let textual = textual_parameters(groups.iter().flatten().flatten().map(|(args, _)| args), *arity.end());
    groups
        .map(|group| group.map(|tests| tests.into_iter().map(|test| finish(test, name, &textual)).collect()))
}

fn finish((args, expected): (Args, Value), name: &str, textual: &[bool]) -> (String, Test) {
    let args = match args {
        Args::Values(values) => values,
        Args::Texts(texts) => {
            texts.iter().zip(textual).map(|(text, textual)| value(text, *textual)).collect()
        }
    };
    let shown: Vec<_> = args.iter().map(repr).collect();
    let shown = format!("{name}({}) == {}", shown.join(", "), repr(&expected));
    (shown, Test::Call { args, kwargs: Vec::new(), expected, checker: Checker::Exact })
}

fn read_args(input: &Json, arity: &RangeInclusive<usize>) -> Result<Args, String> {
    match input {
        Json::Array(items) => Ok(Args::Values(items.iter().map(from_json).collect())),
        Json::String(text) => split(text, arity).map(Args::Texts),
        other => Ok(Args::Values(vec![from_json(other)])),
    }
}

/// One line is one argument. Lines too many belong to the first argument, which is then a text of several lines; a last
/// argument that is an empty text leaves no line of its own.
fn split(text: &str, arity: &RangeInclusive<usize>) -> Result<Vec<String>, String> {
    if *arity.end() == 1 {
        return Ok(vec![text.to_owned()]);
    }
    let lines: Vec<&str> = text.lines().collect();
    let surplus = lines.len().saturating_sub(*arity.end());
    let (first, rest) = lines.split_at_checked(surplus + 1).unwrap_or((&lines, &[]));
    let mut args = vec![first.join("\n")];
    args.extend(rest.iter().map(|line| (*line).to_owned()));
    if args.len() + 1 == *arity.start() {
        args.push(String::new());
    }
    if args.len() < *arity.start() {
        return Err(format!("a test gives {} arguments to a function of {}", args.len(), arity.start()));
    }
    Ok(args)
}

/// For each parameter, whether some test gives it a value that is no literal.
fn textual_parameters<'a>(tests: impl Iterator<Item = &'a Args>, arity: usize) -> Vec<bool> {
    let mut textual = vec![false; arity];
    for test in tests {
        let Args::Texts(texts) = test else { continue };
        for (textual, text) in textual.iter_mut().zip(texts) {
            *textual |= values::data(text).is_none();
        }
    }
    textual
}

fn value(text: &str, textual: bool) -> Value {
    let is_container = text.trim_start().starts_with(['[', '(', '{']);
    let literal = if textual && !is_container { None } else { values::data(text) };
    literal.unwrap_or_else(|| Value::str(text))
}

/// Function-based rows wrap each answer in a list, class-based rows do not.
fn answer(output: &Json, wrapped: bool) -> Value {
    from_json(only_item(output).filter(|_| wrapped).unwrap_or(output))
}

fn only_item(output: &Json) -> Option<&Json> {
    match output.as_array().map(Vec::as_slice) {
        Some([item]) => Some(item),
        _ => None,
    }
}
