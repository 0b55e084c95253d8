//! Assertions about one call, such as `f(1) == 2`, as tests of single functions.

use std::time::Duration;

use codeagent_sandbox::case::{Case, Checker, Test};
use codeagent_sandbox::literal::{CallAssertion, Expectation};

/// Whether a text compares a call of `name` with a literal.
pub(crate) fn is_about(text: &str, name: &str) -> bool {
    let call = CallAssertion::parse(&format!("assert {text}"));
    call.is_some_and(|call| call.entry == name && matches!(call.expected, Expectation::Equal(_)))
}

/// The test that an assertion is; `None` where it says something else than what one call returns.
pub(crate) fn case(text: &str, time_limit: Duration, checker: &Checker) -> Option<Case> {
    let call = CallAssertion::parse(&format!("assert {text}"))?;
    let Expectation::Equal(expected) = call.expected else { return None };
    let test = Test::Call { args: call.args, kwargs: call.kwargs, expected, checker: checker.clone() };
    Some(Case { name: text.to_owned(), test, time_limit })
}
