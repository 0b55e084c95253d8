//! Test cases as the judge takes them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// One test of a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Shown in reports and feedback: the test as its author would write it.
    pub name: String,
    /// What is tested.
    pub test: Test,
    /// Longest time for this test.
    pub time_limit: Duration,
}

/// What a case tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "test", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Test {
    /// Calls the entry point and compares the answer on the host.
    Call {
        /// Positional arguments.
        args: Vec<Value>,
        /// Named arguments.
        kwargs: Vec<(String, Value)>,
        /// The right answer. Never enters the process that runs the candidate.
        expected: Value,
        /// How answers are compared.
        checker: Checker,
    },
    /// Runs the program with an input and compares its stdout on the host.
    Stdio {
        /// The input.
        input: String,
        /// The right output.
        expected: String,
        /// How outputs are compared.
        checker: Checker,
    },
    /// Trusted test code that calls the entry point through a proxy, in an interpreter of its own.
    Code {
        /// Run first, as a module: definitions that the test needs (imports, `check`, helpers).
        setup: String,
        /// The statement that is the test, such as `check(candidate)` or `assert f(1) == 2`.
        code: String,
    },
}

/// How an answer is compared with the right one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Checker {
    /// Calls: Python's `==`. Outputs: equal lines, trailing white space and empty lines at the end aside.
    Exact,
    /// As `Exact`, but numbers may differ by `atol` (absolutely, or relatively where the right one is above 1).
    Float {
        /// Tolerance.
        atol: f64,
    },
    /// Outputs: equal sequences of white-space-separated tokens, numbers compared as numbers with a tolerance of 1e-6.
    Tokens,
    /// A trusted program of the data set decides, in an interpreter of its own.
    Program {
        /// Python source that defines `check(input, expected, actual)`: the three are texts for outputs; for calls, the
        /// list of arguments (with a dictionary of named ones at its end, if any), the right value and the value that came. What it returns counts by its truth.
        source: String,
    },
}
