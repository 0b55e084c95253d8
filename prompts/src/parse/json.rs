//! JSON values in an answer: found in prose and fences, and repaired.
//!
//! Understood besides JSON: trailing and missing commas, single and typographic quotes, unescaped quotes and line feeds
//! in strings, Python's `True`/`False`/`None`, unquoted keys, comments, an ellipsis for "and so on", and an end that was
//! cut off.

use serde_json::{Map, Value};

use super::AnswerError;

mod repair;

/// Deepest nesting that is read. `serde_json` stops at 128.
pub const DEPTH_MAX: usize = 64;

/// A JSON list or object found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The value.
    pub value: Value,
    /// Whether its closing bracket was there. If not, its last member may be half of what was meant.
    pub complete: bool,
}

/// All lists and objects in `reply` that are not inside another one, in order of appearance.
///
/// # Errors
/// [`AnswerError::Empty`] for white space, [`AnswerError::TooDeep`] if there was nothing but nesting beyond [`DEPTH_MAX`].
pub fn values(reply: &str) -> Result<Vec<Found>, AnswerError> {
    if reply.trim().is_empty() {
        return Err(AnswerError::Empty);
    }
    let mut found = Vec::new();
    let mut too_deep = false;
    let mut from = 0;
    while let Some(start) = reply.get(from..).and_then(|rest| rest.find(['{', '['])) {
        let start = from + start;
        // Every attempt moves on to where it ended, or failed, so that the whole takes linear time.
        let attempt = repair::read(reply, start);
        from = attempt.end.max(start + 1);
        match attempt.result {
            Ok(value) => found.push(value),
            Err(repair::Failure::TooDeep) => {
                too_deep = true;
                from = end_of_nest(reply, start);
            }
            Err(repair::Failure::Syntax) => {}
        }
    }
    if found.is_empty() && too_deep {
        return Err(AnswerError::TooDeep { limit: DEPTH_MAX });
    }
    Ok(found)
}

/// Where the brackets that open at `start` are balanced, or the end of the text: pieces of what is too deep mean nothing.
fn end_of_nest(text: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// The last object in `reply` that satisfies `wanted`, complete ones before cut ones; objects inside lists count.
///
/// # Errors
/// As [`values`], and [`AnswerError::NoJson`] if there is none.
pub fn object(
    reply: &str,
    wanted: impl Fn(&Map<String, Value>) -> bool,
) -> Result<Map<String, Value>, AnswerError> {
    let mut best: Option<(bool, Map<String, Value>)> = None;
    for Found { value, complete } in values(reply)? {
        for object in objects(value) {
            let better = best.as_ref().is_none_or(|(best_complete, _)| complete >= *best_complete);
            if better && wanted(&object) {
                best = Some((complete, object));
            }
        }
    }
    best.map(|(_, object)| object).ok_or(AnswerError::NoJson { wanted: "object" })
}

/// The objects that a value is or directly holds.
#[must_use]
pub fn objects(value: Value) -> Vec<Map<String, Value>> {
    match value {
        Value::Object(object) => vec![object],
        Value::Array(items) => items
            .into_iter()
            .filter_map(|item| if let Value::Object(object) = item { Some(object) } else { None })
            .collect(),
        _ => Vec::new(),
    }
}

/// The member called `name`, without regard to letter case.
#[must_use]
pub fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        object.iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

#[cfg(test)]
mod tests;
