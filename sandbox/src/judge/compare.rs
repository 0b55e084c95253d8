//! Comparison of answers and outputs with the right ones.

use crate::case::Checker;
use crate::literal::Expectation;
use crate::value::{Value, close, python_eq};

/// Tolerance of [`Checker::Tokens`], as that checker promises.
const TOKENS_ATOL: f64 = 1e-6;

/// Whether a returned value is right. Checker programs are asked elsewhere: here nothing is right for them.
pub(super) fn value_is_right(actual: &Value, expected: &Expectation, checker: &Checker) -> bool {
    match (expected, checker) {
        (_, Checker::Program { .. }) => false,
        (Expectation::Equal(expected), Checker::Exact) => python_eq(actual, expected),
        (Expectation::Equal(expected), Checker::Float { atol }) => close(actual, expected, *atol),
        (Expectation::Equal(expected), Checker::Tokens) => close(actual, expected, TOKENS_ATOL),
        (expected, _) => expected.holds(actual),
    }
}

/// Whether an output is right. As for values, nothing is right for checker programs.
pub(super) fn output_is_right(actual: &str, expected: &str, checker: &Checker) -> bool {
    match checker {
        Checker::Program { .. } => false,
        Checker::Exact => lines(actual).eq(lines(expected)),
        Checker::Float { atol } => {
            let (actual, expected) = (lines(actual), lines(expected));
            actual.clone().count() == expected.clone().count()
                && actual.zip(expected).all(|(a, b)| a == b || same_tokens(a, b, *atol))
        }
        Checker::Tokens => same_tokens(actual, expected, TOKENS_ATOL),
    }
}

/// Lines without white space at their ends, and without empty ones at the end.
fn lines(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.trim_end().lines().map(str::trim_end)
}

fn same_tokens(actual: &str, expected: &str, atol: f64) -> bool {
    let (mut actual, mut expected) = (actual.split_whitespace(), expected.split_whitespace());
    loop {
        match (actual.next(), expected.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || same_number(a, b, atol) => {}
            _ => return false,
        }
    }
}

/// Numbers are near; two integers are equal, since a tolerance would let large wrong ones through.
fn same_number(actual: &str, expected: &str, atol: f64) -> bool {
    if let (Ok(actual), Ok(expected)) = (actual.parse::<i128>(), expected.parse::<i128>()) {
        return actual == expected;
    }
    match (number(actual), number(expected)) {
        (Some(actual), Some(expected)) => (actual - expected).abs() <= atol * expected.abs().max(1.0),
        _ => false,
    }
}

/// A finite decimal; words such as `inf` and `nan` are words.
fn number(token: &str) -> Option<f64> {
    let starts = |first: char| first.is_ascii_digit() || "+-.".contains(first);
    let value: f64 = token.starts_with(starts).then(|| token.parse().ok())??;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(actual: &str, expected: &str, checker: Checker, right: bool) {
        assert_eq!(output_is_right(actual, expected, &checker), right, "{actual:?} against {expected:?}");
    }

    #[test]
    fn exact_forgives_white_space_at_ends() {
        check("1 \n2\n\n", "1\n2", Checker::Exact, true);
        check("1\r\n2", "1\n2\n", Checker::Exact, true);
        check("1  2", "1 2", Checker::Exact, false);
        check("1\n\n2", "1\n2", Checker::Exact, false);
        check("", "1", Checker::Exact, false);
        check(" 1", "1", Checker::Exact, false);
    }

    #[test]
    fn float_compares_numbers_within_lines() {
        let checker = Checker::Float { atol: 1e-3 };
        check("x = 0.33333\n", "x = 0.3333", checker.clone(), true);
        check("1000.5", "1000", checker.clone(), true);
        check("1001", "1000", checker.clone(), false);
        check("0.5\n0.5", "0.5 0.5", checker.clone(), false);
        check("nan", "0.5", checker.clone(), false);
        check("inf", "1e999", checker.clone(), false);
    }

    #[test]
    fn tokens_ignore_lines() {
        check("1\n2.0000001", "1 2", Checker::Tokens, true);
        check("1 2 3", "1 2", Checker::Tokens, false);
        check("100000000000000001", "100000000000000002", Checker::Tokens, false);
        check("YES", "yes", Checker::Tokens, false);
    }
}
