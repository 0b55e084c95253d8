//! A number in a range, from a named field or alone on the last line. Never the first number that happens to stand in a
//! text.

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

/// The whole number on the last line that is not empty, and the text above it. The number stands alone or after a label
/// such as `Grade:`; emphasis and a closing full stop do not matter.
///
/// # Errors
/// [`AnswerError::Empty`] without any line, [`AnswerError::NoNumber`] if the line says anything else or the number lies
/// outside `range`.
pub fn last_line(reply: &str, range: RangeInclusive<u32>) -> Result<(u32, &str), AnswerError> {
    let reply = reply.trim_end();
    let (above, line) = reply.rsplit_once('\n').unwrap_or(("", reply));
    if line.trim().is_empty() {
        return Err(AnswerError::Empty);
    }
    let word = match line.rsplit_once(':') {
        Some((label, word)) if is_label(label) => bare(word),
        _ => bare(line),
    };
    let number = word.parse().ok().filter(|number| range.contains(number));
    let missing = AnswerError::NoNumber { least: *range.start(), most: *range.end() };
    Ok((number.ok_or(missing)?, above.trim()))
}

fn bare(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || "*_`\"'.#".contains(character))
}

fn is_label(text: &str) -> bool {
    let label = bare(text).to_ascii_lowercase();
    let label = label.strip_prefix("final ").unwrap_or(&label);
    matches!(label, "grade" | "score" | "rating" | "answer")
}

/// The number that the last line chooses from a list or of lines: alone, after a label of any words, or as in `line 7` and
/// `Option 3`. Looser than [`last_line`], which grades need.
///
/// # Errors
/// [`AnswerError::Empty`] without any line, [`AnswerError::NoNumber`] if the line says anything else or the number is
/// out of range.
pub fn choice(reply: &str, range: RangeInclusive<usize>) -> Result<usize, AnswerError> {
    let around = |character: char| character.is_whitespace() || "*_`\"'.!#()".contains(character);
    let mut lines = reply.lines().map(|line| line.trim_matches(around));
    let line = lines.rfind(|line| !line.is_empty()).ok_or(AnswerError::Empty)?;
    let (label, number) = line.rsplit_once(':').unwrap_or(("", line));
    // Of "line 7" and "Option 3" as well, but not of "7 or 8".
    let number = number.trim_matches(around);
    let digits = number.trim_start_matches(|c: char| c.is_alphabetic() || c == ' ' || c == '#');
    let words = number.len() - digits.len() + label.len();
    let value = digits.parse().ok().filter(|value| range.contains(value) && words < 24);
    let bound = |bound: &usize| u32::try_from(*bound).unwrap_or(u32::MAX);
    value.ok_or(AnswerError::NoNumber { least: bound(range.start()), most: bound(range.end()) })
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

    #[test]
    fn the_last_line_holds_the_number_alone() {
        let read = |reply| last_line(reply, 0..=5);
        assert_eq!(read("4"), Ok((4, "")));
        assert_eq!(read("Shifted by 1.\n\n**3**\n"), Ok((3, "Shifted by 1.")));
        assert_eq!(read("Off by one.\nGrade: 2."), Ok((2, "Off by one.")));
        assert_eq!(read("Final score: 0"), Ok((0, "")));
        let missing = Err(AnswerError::NoNumber { least: 0, most: 5 });
        for reply in ["3 out of 5", "3/5", "6", "-1", "2.5", "grade 3", "4\nor so", "Expected: 3 Actual: 4"] {
            assert_eq!(read(reply), missing, "{reply:?}");
        }
        assert_eq!(read(" \n"), Err(AnswerError::Empty));
    }

    fn check_choice(reply: &str, expected: Option<usize>) {
        let found = choice(reply, 0..=12);
        assert_eq!(found.clone().ok(), expected, "{reply:?}");
        assert!(found.is_ok() || expected.is_none());
    }

    #[test]
    fn the_last_line_chooses_a_number() {
        for reply in ["7", "First 3, then:\n\n**7**\n", "Answer: 7.", "Line 7", "option #7", "`7`\n\n", "(7)"]
        {
            check_choice(reply, Some(7));
        }
        check_choice("0", Some(0));
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
            check_choice(reply, None);
        }
        assert_eq!(choice("99", 1..=3), Err(AnswerError::NoNumber { least: 1, most: 3 }));
    }

    proptest! {
        #[test]
        fn any_last_line_is_read_without_panic(reply in "(\\PC|\n){0,60}") {
            if let Ok((number, _)) = last_line(&reply, 1..=7) {
                prop_assert!((1..=7).contains(&number));
            }
        }

        #[test]
        fn any_choice_is_read_without_panic(reply in "(\\PC|[0-9:\n]){0,40}") {
            if let Ok(number) = choice(&reply, 1..=5) {
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
