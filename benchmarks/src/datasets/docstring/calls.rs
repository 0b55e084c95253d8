//! Examples that are written as calls.

use codeagent_sandbox::value::Value;

use super::Example;
use super::scan::{bracket, ends_answer, literal, name_before, skip_blanks};
use crate::datasets::names::is_identifier;
use crate::datasets::values;

/// What stands between a call and its answer, longest first.
const SIGNS: [&str; 10] = ["should return", "returns", "==>", "==", "=>", "->", "➞", "→", "⇒", "="];

/// The examples that call `entry`. Where there is none, those that call the one other function of the text: some
/// statements use the name that the function had in a draft.
pub(super) fn examples(text: &str, entry: &str) -> Vec<Example> {
    let found = calls(text, |name| name == entry);
    if !found.is_empty() || text.contains(&format!("{entry}(")) {
        return found.into_iter().map(|(_, example)| example).collect();
    }
    let found = calls(text, is_identifier);
    let one_name = found.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if a == b));
    if one_name { found.into_iter().map(|(_, example)| example).collect() } else { Vec::new() }
}

fn calls(text: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<(&str, Example)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find('(')).map(|offset| at + offset) {
        at = open + 1;
        let name = name_before(text.get(..open).unwrap_or_default());
        if !is_wanted(name) {
            continue;
        }
        if let Some((example, rest)) = example(text, open, name) {
            at = text.len() - rest.len();
            found.push((name, example));
        }
    }
    found
}

/// The example whose call has its bracket at `open`, and the text behind it.
fn example<'a>(text: &'a str, open: usize, name: &str) -> Option<(Example, &'a str)> {
    let (inside, rest) = bracket(text.get(open..)?)?;
    let line_start = text.get(..open)?.rfind('\n').map_or(0, |newline| newline + 1);
    let before = text.get(line_start..open)?.trim_start();
    let args = values::arguments(inside);
    if let (Some(args), Some((expected, rest))) = (&args, answer_on_line(rest)) {
        return Some((Example::Call { args: args.clone(), expected }, rest));
    }
    let prompt = before.strip_prefix(">>>")?.trim_start();
    let (line, below) = text.get(line_start..)?.split_once('\n')?;
    let (expected, rest) = answer_below(below)?;
    let expression = line.trim_start().strip_prefix(">>>")?.split(" #").next()?.trim();
    let is_pure = prompt == name && skip_blanks(rest_of_line(bracket(text.get(open..)?)?.1)).is_empty();
    match args {
        Some(args) if is_pure || expression == format!("{name}({inside})") => {
            Some((Example::Call { args, expected }, rest))
        }
        _ => Some((Example::Expression { source: expression.to_owned(), expected }, rest)),
    }
}

fn rest_of_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The answer behind a sign on the line of the call: `f(1) == 2`, `f(1)  # returns 2`, and, where a calculation leads
/// to it, `f(1) -> 3 - 2 = 1`.
fn answer_on_line(rest: &str) -> Option<(Value, &str)> {
    let rest = skip_blanks(rest);
    let rest = rest.strip_prefix('#').map_or(rest, skip_blanks);
    let rest = skip_blanks(SIGNS.iter().find_map(|sign| rest.strip_prefix(sign))?);
    if let Some((value, _, behind)) = literal(rest).filter(|(_, _, behind)| ends_answer(behind)) {
        return Some((value, behind));
    }
    let line = rest_of_line(rest);
    let result = skip_blanks(line.get(line.rfind(" = ")? + 3..)?);
    let (value, _, behind) = literal(result).filter(|(_, _, behind)| ends_answer(behind))?;
    Some((value, rest.get(line.len() - behind.len()..)?))
}

/// The answer of a doctest: the lines up to a blank one or the next prompt, taken together. If the next
/// prompt comes first, nothing was printed: the answer is `None`.
fn answer_below(below: &str) -> Option<(Value, &str)> {
    let ends = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with(">>>");
    let length: usize = below.split_inclusive('\n').take_while(ends).map(str::len).sum();
    let (answer, rest) = below.split_at_checked(length)?;
    if answer.is_empty() && rest.trim_start().starts_with(">>>") {
        return Some((Value::None, rest));
    }
    Some((values::literal(answer.trim())?, rest))
}
