//! How far an answer lies from the expected one.
//!
//! Source: Ridnik et al. 2024, *AlphaCodium*, the published code: the sum of absolute differences where both are numbers,
//! else the number of lines that differ. Ours reads numbers inside lists and other containers, too, where both have the
//! same number of them.

use codeagent_sandbox::literal;
use codeagent_sandbox::value::Value;

/// The distance of two texts, each a literal or an output; 0 only where they are equal in what is compared.
pub(super) fn between(expected: &str, actual: &str) -> f64 {
    match (numbers(expected), numbers(actual)) {
        (Some(expected), Some(actual)) if expected.len() == actual.len() && !expected.is_empty() => {
            let sum: f64 = expected.iter().zip(&actual).map(|(one, other)| (one - other).abs()).sum();
            if sum.is_finite() { sum } else { f64::MAX }
        }
        _ => differing_lines(expected, actual),
    }
}

/// All numbers of a literal that holds nothing else, or of words that are all numbers.
fn numbers(text: &str) -> Option<Vec<f64>> {
    if let Ok(value) = literal::parse(text) {
        let mut found = Vec::new();
        return flatten(&value, &mut found).then_some(found);
    }
    text.split_whitespace().map(|word| word.parse().ok().filter(|number: &f64| number.is_finite())).collect()
}

fn flatten(value: &Value, found: &mut Vec<f64>) -> bool {
    match value {
        Value::Int(number) => {
            let Ok(number) = number.to_string().parse() else { return false };
            found.push(number);
            true
        }
        Value::Float(number) => {
            found.push(*number);
            number.is_finite()
        }
        Value::List(items) | Value::Tuple(items) => items.iter().all(|item| flatten(item, found)),
        _ => false,
    }
}

fn differing_lines(expected: &str, actual: &str) -> f64 {
    let (expected, actual): (Vec<&str>, Vec<&str>) =
        (expected.trim_end().lines().collect(), actual.trim_end().lines().collect());
    let same = expected.iter().zip(&actual).filter(|(one, other)| one.trim_end() == other.trim_end()).count();
    (expected.len().max(actual.len()) - same) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, actual: &str, distance: f64) {
        assert!((between(expected, actual) - distance).abs() < 1e-9, "{expected:?} and {actual:?}");
        assert!((between(actual, expected) - distance).abs() < 1e-9, "{actual:?} and {expected:?}");
    }

    #[test]
    fn numbers_differ_by_their_differences() {
        check("3", "5", 2.0);
        check("[1, 2, 3]", "[1, 4, 2.5]", 2.5);
        check("1 2\n3\n", "1 2\n7\n", 4.0);
        check("(1, [2])", "[1, 2]", 0.0);
    }

    #[test]
    fn other_answers_differ_by_their_lines() {
        check("YES\nNO\nYES", "YES\nYES\nYES \n", 1.0);
        check("a\nb", "a", 1.0);
        check("[1, 2]", "[1]", 1.0);
        check("'abc'", "'abd'", 1.0);
        check("1", "one", 1.0);
        check("nan", "1", 1.0);
        check("", "", 0.0);
    }

    #[test]
    fn a_distance_is_a_number() {
        assert!(between("1e308 1e308", "-1e308 -1e308").is_finite());
    }
}
