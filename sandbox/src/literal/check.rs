//! Test functions that hold nothing but assertions about single calls, as most of HumanEval's do.

use super::assertion::CallAssertion;
use super::statement::{indentation, statements};

/// One assertion of a test function.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedCall {
    /// What it says.
    pub assertion: CallAssertion,
    /// The statement, as its author wrote it.
    pub statement: String,
}

/// The assertions that running `code` after `setup` makes, where `code` only calls a function of `setup` (such as
/// `check(candidate)`) whose body asserts what single calls of its parameter with literal arguments return. Definitions
/// before that function can't change what such assertions mean. `None` for everything else, which must be run.
#[must_use]
pub fn checked_calls(setup: &str, code: &str, entry: &str) -> Option<Vec<CheckedCall>> {
    let (function, argument) = lone_call(code)?;
    if argument != entry && argument != "candidate" {
        return None;
    }
    let head = format!("def {function}(");
    let start =
        setup.rfind(&head).filter(|at| *at == 0 || setup.get(..*at).is_some_and(|s| s.ends_with('\n')))?;
    let (parameter, body) = setup.get(start + head.len()..)?.split_once("):")?;
    let parameter = parameter.trim();
    let is_name =
        !parameter.is_empty() && parameter.chars().all(|char| char == '_' || char.is_alphanumeric());
    let mut calls = Vec::new();
    for statement in statements(body).filter(|_| is_name)? {
        // What follows the function at the top level may do anything.
        if indentation(body, statement) == 0 {
            return None;
        }
        calls.extend(checked_call(statement, parameter)?);
    }
    (!calls.is_empty()).then_some(calls)
}

/// The call that a statement asserts; nothing where it asserts what is always so.
fn checked_call(statement: &str, parameter: &str) -> Option<Option<CheckedCall>> {
    let is_always_so =
        statement == "pass" || statement == "assert True" || statement.starts_with("assert True,");
    if is_always_so || super::parse(statement).is_ok() {
        return Some(None);
    }
    let assertion = CallAssertion::parse(statement).filter(|assertion| assertion.entry == parameter)?;
    Some(Some(CheckedCall { assertion, statement: statement.to_owned() }))
}

/// `check(candidate)` as its two names.
fn lone_call(code: &str) -> Option<(&str, &str)> {
    let (function, rest) = code.trim().split_once('(')?;
    let argument = rest.strip_suffix(')')?;
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|char| char == '_' || char.is_alphanumeric());
    (is_name(function) && is_name(argument)).then_some((function, argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(setup: &str, expected: Option<&[&str]>) {
        let found = checked_calls(setup, "check(f)", "f");
        let statements: Option<Vec<_>> =
            found.as_ref().map(|calls| calls.iter().map(|call| call.statement.as_str()).collect());
        assert_eq!(statements.as_deref(), expected, "{setup}");
    }

    #[test]
    fn assertions_about_single_calls_are_read() {
        check(
            "import math\n\nMETADATA = {'a': 1}\n\n\ndef check(candidate):\n    # one\n    assert candidate(1) == 2\n\n    \
             assert candidate('a # b', [\n        1]) == {2}, \"why\"\n    assert True, 'never fails'\n",
            Some(&["assert candidate(1) == 2", "assert candidate('a # b', [\n        1]) == {2}, \"why\""]),
        );
        check(
            "def check(g):\n  assert g(x=1) is None; assert not g(2)\n",
            Some(&["assert g(x=1) is None", "assert not g(2)"]),
        );
    }

    #[test]
    fn everything_else_must_be_run() {
        check("def check(candidate):\n    for i in range(3):\n        assert candidate(i) == i\n", None);
        check("def check(candidate):\n    x = 1\n    assert candidate(1) == 1\n", None);
        check("def check(candidate):\n    assert abs(candidate(1) - 1) < 1e-6\n", None);
        check("def check(candidate):\n    assert candidate(1) == 1\nprint('then')\n", None);
        check("def check(candidate):\n    assert candidate(1) == f(2)\n", None);
        check("def check(candidate):\n    assert candidate(1) == candidate(1)\n", None);
        check("def check(candidate, more):\n    assert candidate(1) == 1\n", None);
        check("def check(candidate):\n    assert 'open\n", None);
        check("def check(candidate):\n    pass\n", None);
        check("assert f(1) == 1\n", None);
    }
}
