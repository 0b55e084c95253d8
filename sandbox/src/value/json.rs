//! Values from JSON.

use super::{BigInt, Value};

/// A JSON value as Python's `json` module reads it.
#[must_use]
pub fn from_json(json: &serde_json::Value) -> Value {
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
