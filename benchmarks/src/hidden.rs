//! Hidden tests: a type that nobody below this crate can name.
//!
//! They are read with a problem, never shown, never written, and used by one function: [`judge_hidden`], once, after
//! the search. The type gives no access to its contents and does not print them.

use std::fmt;
use std::time::Duration;

use codeagent_sandbox::{Case, Judge, JudgeOptions, Program, Report, SandboxError};

/// The tests that decide whether a problem is solved.
#[derive(Clone, PartialEq)]
pub struct HiddenTests {
    cases: Vec<Case>,
    harness: Option<Harness>,
}

/// Code of ours behind the program, which the tests call instead of the program's entry point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Harness {
    /// Its source.
    pub(crate) source: &'static str,
    /// The function in it that the tests call.
    pub(crate) entry: &'static str,
}

impl HiddenTests {
    pub(crate) const fn new(cases: Vec<Case>) -> Self {
        Self { cases, harness: None }
    }

    pub(crate) const fn with_harness(cases: Vec<Case>, harness: Harness) -> Self {
        Self { cases, harness: Some(harness) }
    }

    /// How many tests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cases.len()
    }

    /// Whether there is no test, so that nothing can be said about a program.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// The same tests, each of which may take at most `time`.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        let mut cases = self.cases.clone();
        for case in &mut cases {
            case.time_limit = case.time_limit.min(time);
        }
        Self { cases, harness: self.harness.clone() }
    }

    /// Adds the tests to a hash of problems.
    pub(crate) fn hash_into(&self, hasher: &mut blake3::Hasher) -> Result<(), serde_json::Error> {
        serde_json::to_writer(hasher, &self.cases)
    }
}

/// Shows the number of tests alone: a problem may be printed, its hidden tests may not.
impl fmt::Debug for HiddenTests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HiddenTests({})", self.cases.len())
    }
}

/// Judges a program on hidden tests. Call it once per program, after the search.
///
/// # Errors
/// [`SandboxError`] if the program could not be run as promised.
pub async fn judge_hidden(
    judge: &Judge,
    program: &Program,
    hidden: &HiddenTests,
    options: &JudgeOptions,
) -> Result<Report, SandboxError> {
    let Some(harness) = &hidden.harness else { return judge.judge(program, &hidden.cases, options).await };
    let source = format!("{}\n\n{}", program.source, harness.source);
    let program = Program { source, entry: Some(harness.entry.to_owned()) };
    judge.judge(&program, &hidden.cases, options).await
}
