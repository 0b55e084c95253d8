//! A problem: what the search may know. Hidden tests are a type of another crate.

use std::time::Duration;

pub use codeagent_prompts::Entry;
use codeagent_sandbox::case::{Case, Checker, Test};
use codeagent_sandbox::literal::CallAssertion;
use serde::{Deserialize, Serialize};

/// A programming problem with its visible tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Identity within its data set, such as `HumanEval/0`.
    pub id: String,
    /// The statement, as shown to models.
    pub statement: String,
    /// What the program must offer.
    pub entry: Entry,
    /// Code that every candidate is appended to: imports and helper functions that the statement's code brings.
    /// Empty for most problems.
    pub prelude: String,
    /// Source that the model is to complete or keep (signature and docstring, starter code); may be empty.
    pub starter: String,
    /// A program that is to be repaired, where the problem has one. Models are shown it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buggy: Option<String>,
    /// Tests that the search may run and show.
    pub visible: Vec<Case>,
    /// How answers are compared where a case does not say otherwise.
    pub checker: Checker,
    /// Limits of one test.
    pub limits: ProblemLimits,
}

/// Limits of one test of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProblemLimits {
    /// Longest time of one test.
    pub time: Duration,
    /// Memory in MiB.
    pub memory_mib: u32,
}

impl Default for ProblemLimits {
    /// Two seconds per test, 256 MiB.
    fn default() -> Self {
        Self { time: Duration::from_secs(2), memory_mib: 256 }
    }
}

/// An example that says more, or less, than what one call must return.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{example}` is not an example: write a call of `{entry}` with literal arguments, `==`, and a literal"
)]
pub struct ExampleError {
    /// The example.
    pub example: String,
    /// What it must call.
    pub entry: String,
}

impl Problem {
    /// A problem whose solution is a function, without tests so far.
    #[must_use]
    pub fn function(id: impl Into<String>, name: impl Into<String>, statement: impl Into<String>) -> Self {
        Self::new(id.into(), Entry::Function { name: name.into(), signature: None }, statement.into())
    }

    /// A problem whose solution is a program from stdin to stdout, without tests so far.
    #[must_use]
    pub fn stdio(id: impl Into<String>, statement: impl Into<String>) -> Self {
        Self::new(id.into(), Entry::Stdio, statement.into())
    }

    /// The same problem with one more visible test, such as `double(2) == 4`.
    ///
    /// # Errors
    /// [`ExampleError`] if the text is not a call of the entry point compared with a literal.
    pub fn example(mut self, text: &str) -> Result<Self, ExampleError> {
        let entry = self.entry.function().unwrap_or_default();
        let read = CallAssertion::parse(&format!("assert {text}")).filter(|call| call.entry == entry);
        let expected = read.as_ref().and_then(|call| call.expected.value().cloned());
        let (Some(call), Some(expected)) = (read, expected) else {
            return Err(ExampleError { example: text.to_owned(), entry: entry.to_owned() });
        };
        let test =
            Test::Call { args: call.args, kwargs: call.kwargs, expected, checker: self.checker.clone() };
        self.visible.push(Case { name: text.to_owned(), test, time_limit: self.limits.time });
        Ok(self)
    }

    /// The same problem with one more visible test: what the program must print for an input.
    #[must_use]
    pub fn prints(mut self, input: impl Into<String>, expected: impl Into<String>) -> Self {
        let (input, expected) = (input.into(), expected.into());
        let name = format!("input {input:?}");
        let test = Test::Stdio { input, expected, checker: self.checker.clone() };
        self.visible.push(Case { name, test, time_limit: self.limits.time });
        self
    }

    fn new(id: String, entry: Entry, statement: String) -> Self {
        Self {
            id,
            statement,
            entry,
            prelude: String::new(),
            starter: String::new(),
            buggy: None,
            visible: Vec::new(),
            checker: Checker::Exact,
            limits: ProblemLimits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_calls_compared_with_literals() {
        let problem = Problem::function("demo", "f", "Add one.").example("f(1) == 2").unwrap();
        assert_eq!(problem.visible.len(), 1);
        for wrong in ["g(1) == 2", "f(1)", "f(x) == 2", "f(1) == g(1)", "", "f(1) == 2; import os"] {
            assert!(problem.clone().example(wrong).is_err(), "{wrong}");
        }
    }
}
