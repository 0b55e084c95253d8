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

/// The whole number alone on the last line that is not empty, or after a label such as `Answer:`; emphasis and a closing
/// full stop do not matter.
///
/// # Errors
/// [`AnswerError::Empty`] without any line, [`AnswerError::NoNumber`] if the line says anything else or the number is
/// out of range.
pub fn last_line(reply: &str, range: RangeInclusive<usize>) -> Result<usize, AnswerError> {
    let bare =
        |text: &str| text.trim_matches(|c: char| c.is_whitespace() || "*_`\"'.!#()".contains(c)).to_owned();
    let line = reply.lines().map(bare).rfind(|line| !line.is_empty()).ok_or(AnswerError::Empty)?;
    let (label, number) = line.rsplit_once(':').unwrap_or(("", &line));
    // Of "line 7" and "Option 3" as well, but not of "7 or 8".
    let number = bare(number);
    let digits = number.trim_start_matches(|c: char| c.is_alphabetic() || c == ' ' || c == '#');
    let words = number.len() - digits.len() + label.len();
    let value = digits.parse().ok().filter(|value| range.contains(value) && words < 24);
    value.ok_or(AnswerError::NoNumber { low: *range.start(), high: *range.end() })
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

    fn check_line(reply: &str, expected: Option<usize>) {
        let found = last_line(reply, 0..=12);
        assert_eq!(found.clone().ok(), expected, "{reply:?}");
        assert!(found.is_ok() || expected.is_none());
    }

    #[test]
    fn the_last_line_is_a_number_alone() {
        for reply in ["7", "First 3, then:\n\n**7**\n", "Answer: 7.", "Line 7", "option #7", "`7`\n\n", "(7)"]
        {
            check_line(reply, Some(7));
        }
        check_line("0", Some(0));
        for reply in [
            "",
            "\n",
            "13",
            "-1",
            "7 or 8",
            "7 of 12",
            "seven",
            "I am quite sure that it is line 7",
            "7.5",
            "7\nor so",
        ] {
            check_line(reply, None);
        }
        assert_eq!(last_line("99", 1..=3), Err(AnswerError::NoNumber { low: 1, high: 3 }));
    }

    proptest! {
        #[test]
        fn any_last_line_is_read_without_panic(reply in "(\\PC|[0-9:\n]){0,40}") {
            if let Ok(number) = last_line(&reply, 1..=5) {
                prop_assert!((1..=5).contains(&number));
            }
        }

        #[test]
        fn always_in_range(value in any::<f64>()) {
            if let Ok(number) = field(json!({ "score": value }).as_object().unwrap(), "score", -1.0..=1.0) {
                prop_assert!((-1.0..=1.0).contains(&number));
            }
        }
    }
}
