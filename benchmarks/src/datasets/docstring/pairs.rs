//! Examples that name the inputs and the output.

use codeagent_sandbox::value::Value;

use super::Example;
use super::scan::{ends_answer, literal, skip_blanks};
use crate::datasets::names::is_identifier;

/// Lines such as `For a = 1, b = 2 the output should be 3`.
pub(super) fn for_examples(text: &str, parameters: &[String]) -> Vec<Example> {
    text.lines().filter_map(|line| for_example(line.trim(), parameters)).collect()
}

fn for_example(line: &str, parameters: &[String]) -> Option<Example> {
    let (bindings, rest) = bindings(line.strip_prefix("For ")?);
    let answer = skip_blanks(rest.get(rest.rfind("should be")? + "should be".len()..)?);
    let (expected, _, behind) = literal(answer)?;
    let args = in_order(bindings, parameters)?;
    ends_answer(behind).then_some(Example::Call { args, expected })
}

/// Blocks of `Input:` and `Output:`.
pub(super) fn block_examples(text: &str, parameters: &[String]) -> Vec<Example> {
    text.split("Input:").skip(1).filter_map(|block| block_example(block, parameters)).collect()
}

fn block_example(block: &str, parameters: &[String]) -> Option<Example> {
    let (input, output) = block.split_once("Output:")?;
    let (expected, _, behind) = literal(output.trim_start())?;
    let (bindings, rest) = bindings(input.trim());
    let args = match (bindings.is_empty(), rest.trim().is_empty()) {
        (true, false) => bare(rest)?,
        (false, true) => in_order(bindings, parameters)?,
        _ => return None,
    };
    (args.len() == parameters.len() && ends_answer(behind)).then_some(Example::Call { args, expected })
}

/// Literals between commas.
fn bare(mut text: &str) -> Option<Vec<Value>> {
    let mut values = Vec::new();
    loop {
        let (value, _, rest) = literal(text)?;
        values.push(value);
        let rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(rest) => text = rest.trim_start(),
            None => return rest.is_empty().then_some(values),
        }
    }
}

/// Leading `name = literal` (or `name : literal`) between commas or line ends, and what follows them.
fn bindings(mut text: &str) -> (Vec<(&str, Value)>, &str) {
    let mut found = Vec::new();
    while let Some((name, value, rest)) = binding(text) {
        found.push((name, value));
        let rest = rest.trim_start();
        text = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    (found, text)
}

fn binding(text: &str) -> Option<(&str, Value, &str)> {
    let (name, rest) = text.split_at_checked(text.find([' ', '=', ':'])?)?;
    let rest = skip_blanks(rest);
    let rest = skip_blanks(rest.strip_prefix('=').or_else(|| rest.strip_prefix(':'))?);
    let (value, _, rest) = literal(rest)?;
    is_identifier(name).then_some((name, value, rest))
}

/// The values in the order of the parameters: by name if all names are parameters, else as they stand, since statements
/// often name inputs more loosely than signatures do.
fn in_order(mut bindings: Vec<(&str, Value)>, parameters: &[String]) -> Option<Vec<Value>> {
    if bindings.len() != parameters.len() || bindings.is_empty() {
        return None;
    }
    let place = |name: &str| parameters.iter().position(|parameter| parameter == name);
    if bindings.iter().all(|(name, _)| place(name).is_some()) {
        bindings.sort_by_key(|(name, _)| place(name));
    }
    Some(bindings.into_iter().map(|(_, value)| value).collect())
}
