//! Call tests of APPS rows, whose arguments come as JSON lists or as text with one argument on each line.
//!
//! The text form does not say whether `12` is a number or a text. A parameter whose value is no literal in some test is
//! a text in all of them, brackets aside.

use codeagent_sandbox::case::{Checker, Test};
use codeagent_sandbox::value::{Value, repr};
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
    let arity = signature.and_then(docstring::parameters).map_or(1, |parameters| parameters.len());
    let class_based = name.contains('.');
    let wrapped = !class_based && groups.iter().flatten().all(|pair| only_item(&pair.output).is_some());
    let groups = groups.map(|pairs| {
        let read = |pair: Pair| Ok((read_args(&pair.input, arity)?, answer(&pair.output, wrapped)));
        pairs.into_iter().map(read).collect::<Result<Vec<(Args, Value)>, String>>()
    });
    let textual = textual_parameters(groups.iter().flatten().flatten().map(|(args, _)| args), arity);
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

fn read_args(input: &Json, arity: usize) -> Result<Args, String> {
    match input {
        Json::Array(items) => Ok(Args::Values(items.iter().map(values::from_json).collect())),
        Json::String(text) if arity == 1 => Ok(Args::Texts(vec![text.clone()])),
        Json::String(text) => {
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            match lines.len() {
                found if found == arity => Ok(Args::Texts(lines)),
                // A last argument that is an empty text leaves no line of its own.
                found if found + 1 == arity => Ok(Args::Texts([lines, vec![String::new()]].concat())),
                found => Err(format!("a test gives {found} arguments to a function of {arity}")),
            }
        }
        other => Ok(Args::Values(vec![values::from_json(other)])),
    }
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
    values::from_json(only_item(output).filter(|_| wrapped).unwrap_or(output))
}

fn only_item(output: &Json) -> Option<&Json> {
    match output.as_array().map(Vec::as_slice) {
        Some([item]) => Some(item),
        _ => None,
    }
}
