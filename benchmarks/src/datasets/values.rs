//! Values from the texts of data sets: Python literals, and JSON where a text is not one.

use codeagent_sandbox::literal;
use codeagent_sandbox::value::{Value, from_json};

/// A Python literal; `true` and `false` too, which statements borrow from other languages.
pub(crate) fn literal(text: &str) -> Option<Value> {
    match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ => literal::parse(text).ok(),
    }
}

/// The values between the brackets of a call, if all are positional literals.
pub(crate) fn arguments(inside: &str) -> Option<Vec<Value>> {
    match literal::parse(&format!("[{inside}]")).ok()? {
        Value::List(items) => Some(items),
        _ => None,
    }
}

/// A Python literal, or else JSON.
pub(crate) fn data(text: &str) -> Option<Value> {
    let text = text.trim();
    literal::parse(text).ok().or_else(|| serde_json::from_str(text).ok().map(|json| from_json(&json)))
}
