//! Values from the texts of data sets: Python literals, and JSON where a text is not one.

use codeagent_sandbox::literal;
use codeagent_sandbox::value::{BigInt, Value};

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

/// A JSON value as Python's `json` module reads it.
pub(crate) fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::None,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => number_from_json(number),
        serde_json::Value::String(text) => Value::str(text.as_str()),
        serde_json::Value::Array(items) => Value::List(items.iter().map(from_json).collect()),
        serde_json::Value::Object(fields) => Value::Dict(
            fields.iter().map(|(key, value)| (Value::str(key.as_str()), from_json(value))).collect(),
        ),
    }
}

fn number_from_json(number: &serde_json::Number) -> Value {
    let text = number.to_string();
    let digits = text.strip_prefix('-').unwrap_or(&text);
    match BigInt::from_digits(digits, 10) {
        Some(value) => Value::Int(if digits.len() < text.len() { value.negated() } else { value }),
        None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
    }
}
