//! Assertions that say no more than what one call must return.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cursor, DEPTH_MAX};
use crate::value::{Value, python_eq, repr};

/// A call with literal arguments and what it must return.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallAssertion {
    /// What is called: `f`, or `Class.method` for `Class().method(...)`.
    pub entry: String,
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Named arguments.
    pub kwargs: Vec<(String, Value)>,
    /// What it must return.
    pub expected: Expectation,
}

/// What a call must return.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "expected", content = "value", rename_all = "kebab-case")]
pub enum Expectation {
    /// A value equal to this one (`assert f(x) == 1`).
    Equal(Value),
    /// This very constant: `None`, `True` or `False` (`assert f(x) is None`).
    Is(Value),
    /// A value of this truth (`assert f(x)`, `assert not f(x)`).
    Truth(bool),
}

impl Expectation {
    /// Whether `actual` is what was expected, as Python would find.
    #[must_use]
    pub fn holds(&self, actual: &Value) -> bool {
        match self {
            Self::Equal(expected) => python_eq(actual, expected),
            Self::Is(expected) => actual == expected,
            Self::Truth(expected) => actual.is_truthy() == *expected,
        }
    }

    /// The value that the call must equal, where there is one.
    #[must_use]
    pub const fn value(&self) -> Option<&Value> {
        match self {
            Self::Equal(value) | Self::Is(value) => Some(value),
            Self::Truth(_) => None,
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(value) | Self::Is(value) => formatter.write_str(&repr(value)),
            Self::Truth(true) => formatter.write_str("a true value"),
            Self::Truth(false) => formatter.write_str("a false value"),
        }
    }
}

impl CallAssertion {
    /// Reads a statement such as `assert f(1, key=[2]) == 3, "why"`: also `is None`, `is True`, `is False`, no
    /// comparison at all, `not`, the literal on the left, and one pair of parentheses around the condition. `None` for
    /// everything else, which must then be run to know what it means.
    #[must_use]
    pub fn parse(statement: &str) -> Option<Self> {
        let mut cursor = Cursor::new(statement);
        if cursor.word() != "assert" {
            return None;
        }
        let assertion = condition(&mut cursor)?;
        (message(&mut cursor) && cursor.peek().is_none()).then_some(assertion)
    }
}

/// A call with literal arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// What is called: `f`, or `Class.method` for `Class().method(...)`.
    pub entry: String,
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Named arguments.
    pub kwargs: Vec<(String, Value)>,
}

impl Call {
    /// Reads a call such as `f(1, x=2)` that stands alone, as a doctest has it.
    #[must_use]
    pub fn parse(expression: &str) -> Option<Self> {
        let mut cursor = Cursor::new(expression);
        let call = call(&mut cursor)?;
        cursor.peek().is_none().then_some(call)
    }

    fn must(self, expected: Expectation) -> CallAssertion {
        CallAssertion { entry: self.entry, args: self.args, kwargs: self.kwargs, expected }
    }
}

fn condition(cursor: &mut Cursor<'_>) -> Option<CallAssertion> {
    let start = cursor.clone();
    if let Some(assertion) = comparison(cursor) {
        return Some(assertion);
    }
    *cursor = start;
    let inner = cursor.take("(").then(|| comparison(cursor))??;
    cursor.take(")").then_some(inner)
}

fn comparison(cursor: &mut Cursor<'_>) -> Option<CallAssertion> {
    let start = cursor.clone();
    if let Ok(expected) = cursor.value(DEPTH_MAX) {
        let call = cursor.take("==").then(|| call(cursor))??;
        return ends(cursor).then(|| call.must(Expectation::Equal(expected)));
    }
    *cursor = start.clone();
    let negated = cursor.word() == "not";
    if !negated {
        *cursor = start;
    }
    let call = call(cursor)?;
    let expected = if negated { Expectation::Truth(false) } else { right_side(cursor)? };
    ends(cursor).then(|| call.must(expected))
}

fn right_side(cursor: &mut Cursor<'_>) -> Option<Expectation> {
    if cursor.take("==") {
        return Some(Expectation::Equal(cursor.value(DEPTH_MAX).ok()?));
    }
    let start = cursor.clone();
    if cursor.word() == "is" {
        return match cursor.value(DEPTH_MAX).ok()? {
            constant @ (Value::None | Value::Bool(_)) => Some(Expectation::Is(constant)),
            _ => None,
        };
    }
    *cursor = start;
    Some(Expectation::Truth(true))
}

/// Whether the condition is over: no operator follows.
fn ends(cursor: &mut Cursor<'_>) -> bool {
    matches!(cursor.peek(), None | Some(',' | ')' | ';'))
}

/// Skips a message and a semicolon; whether that was all there was to skip.
fn message(cursor: &mut Cursor<'_>) -> bool {
    let skipped = !cursor.take(",") || {
        // f-strings and expressions as messages change nothing of the test, but what they hold can't be skipped.
        cursor.value(DEPTH_MAX).is_ok()
    };
    cursor.take(";");
    skipped
}

fn call(cursor: &mut Cursor<'_>) -> Option<Call> {
    let mut entry = name(cursor)?;
    if !cursor.take("(") {
        return None;
    }
    let start = cursor.clone();
    if cursor.take(")") && cursor.take(".") {
        let method = name(cursor)?;
        entry = format!("{entry}.{method}");
        if !cursor.take("(") {
            return None;
        }
    } else {
        *cursor = start;
    }
    let mut call = Call { entry, args: Vec::new(), kwargs: Vec::new() };
    while !cursor.take(")") {
        argument(cursor, &mut call)?;
        if !cursor.take(",") && !cursor.rest().starts_with(')') {
            return None;
        }
    }
    Some(call)
}

fn argument(cursor: &mut Cursor<'_>, call: &mut Call) -> Option<()> {
    let start = cursor.clone();
    let word = cursor.word();
    if !word.is_empty() && cursor.take("=") && !cursor.rest().starts_with('=') {
        call.kwargs.push((word.to_owned(), cursor.value(DEPTH_MAX).ok()?));
        return Some(());
    }
    *cursor = start;
    let value = cursor.value(DEPTH_MAX).ok()?;
    call.kwargs.is_empty().then(|| call.args.push(value))
}

fn name(cursor: &mut Cursor<'_>) -> Option<String> {
    let word = cursor.word();
    let keyword = ["", "not", "lambda", "await", "None", "True", "False", "set"].contains(&word);
    (!keyword).then(|| word.to_owned())
}
