//! A number in a range, from a named field. Never the first number that happens to stand in a text.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::AnswerError;

/// The number in `field`, clamped to `range`. The name is compared without regard to case; a number written as a
/// string counts.
///
/// # Errors
/// [`AnswerError::FieldMissing`] without the field, [`AnswerError::FieldInvalid`] if it holds no finite number.
pub fn field(
    object: &Map<String, Value>,
    name: &str,
    range: RangeInclusive<f64>,
) -> Result<f64, AnswerError> {
    let value = super::json::member(object, name)
        .ok_or_else(|| AnswerError::FieldMissing { field: name.to_owned() })?;
    let number = read(value)
        .ok_or_else(|| AnswerError::FieldInvalid { field: name.to_owned(), wanted: "a number" })?;
    Ok(number.clamp(*range.start(), *range.end()))
}

fn read(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(object: Value, expected: Result<f64, AnswerError>) {
        assert_eq!(field(object.as_object().unwrap(), "score", -1.0..=1.0), expected);
    }

    #[test]
    fn numbers_are_clamped() {
        check(json!({ "score": 0.85 }), Ok(0.85));
        check(json!({ "Score": "-0.5" }), Ok(-0.5));
        check(json!({ "score": 85 }), Ok(1.0));
        check(json!({ "score": -1e300 }), Ok(-1.0));
    }

    #[test]
    fn the_field_must_hold_a_number() {
        check(json!({ "reason": "0.9" }), Err(AnswerError::FieldMissing { field: "score".into() }));
        for value in
            [json!("high"), json!(null), json!([0.5]), json!("nan"), json!("inf"), json!("3 out of 5")]
        {
            check(
                json!({ "score": value }),
                Err(AnswerError::FieldInvalid { field: "score".into(), wanted: "a number" }),
            );
        }
    }

    proptest! {
        #[test]
        fn always_in_range(value in any::<f64>()) {
            if let Ok(number) = field(json!({ "score": value }).as_object().unwrap(), "score", -1.0..=1.0) {
                prop_assert!((-1.0..=1.0).contains(&number));
            }
        }
    }
}
