//! JSON of bounded size: long texts and lists are cut, and say so.

use serde_json::{Map, Value, json};

/// Longest list.
const ITEMS_MAX: usize = 2_000;

/// Largest whole number that a page's numbers hold exactly: 2^53.
const EXACT_MAX: u64 = 1 << 53;

/// The value with texts of more than `bytes_max` bytes as `{"cut": …, "bytes": …}`, lists cut after 2,000 items, and whole
/// numbers that JavaScript would round as texts.
pub(crate) fn bounded(value: Value, bytes_max: usize) -> Value {
    match value {
        Value::String(text) => cut(text, bytes_max),
        Value::Array(items) => {
            items.into_iter().take(ITEMS_MAX).map(|item| bounded(item, bytes_max)).collect()
        }
        Value::Object(fields) => {
            let field = |(name, value)| (name, bounded(value, bytes_max));
            Value::Object(fields.into_iter().map(field).collect::<Map<_, _>>())
        }
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(whole), _) if whole > EXACT_MAX => Value::String(whole.to_string()),
            (None, Some(whole)) if whole.unsigned_abs() > EXACT_MAX => Value::String(whole.to_string()),
            _ => Value::Number(number),
        },
        other => other,
    }
}

/// A text, or the start of it with its length.
pub(crate) fn cut(text: String, bytes_max: usize) -> Value {
    if text.len() <= bytes_max {
        return Value::String(text);
    }
    let end = text.floor_char_boundary(bytes_max);
    json!({ "cut": text.get(..end), "bytes": text.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Value, expected: &Value) {
        assert_eq!(&bounded(value, 4), expected);
    }

    #[test]
    fn texts_lists_and_numbers_have_bounds() {
        check(json!({"a": ["abcd", 1, null]}), &json!({"a": ["abcd", 1, null]}));
        check(json!({"a": "abcde"}), &json!({"a": {"cut": "abcd", "bytes": 5}}));
        check(json!("éééé"), &json!({"cut": "éé", "bytes": 8}));
        check(json!("abcé"), &json!({"cut": "abc", "bytes": 5}));
        check(
            json!([u64::MAX, i64::MIN, 7, 0.5]),
            &json!([u64::MAX.to_string(), i64::MIN.to_string(), 7, 0.5]),
        );
        check(json!(vec![1; 3_000]), &json!(vec![1; 2_000]));
    }
}
