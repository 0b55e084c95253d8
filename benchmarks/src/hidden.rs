//! Hidden tests: a type that nobody below this crate can name.
//!
//! They are read with a problem, never shown, never written, and used by one function: [`judge_hidden`], once, after
//! the search. The type gives no access to its contents and does not print them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use codeagent_sandbox::{Case, Judge, JudgeOptions, Program, Report, SandboxError};

/// Name of the test that evalplus adds to those of a data set.
pub(crate) const PLUS: &str = "plus";

/// The tests that decide whether a problem is solved. Copies share them: they may be large, and problems are copied.
#[derive(Clone, PartialEq)]
pub struct HiddenTests {
    cases: Arc<[Case]>,
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
    pub(crate) fn new(cases: Vec<Case>) -> Self {
        Self { cases: cases.into(), harness: None }
    }

    pub(crate) fn with_harness(cases: Vec<Case>, harness: Harness) -> Self {
        Self { cases: cases.into(), harness: Some(harness) }
    }

    /// How many tests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cases.len()
    }

    /// How many of them are the data set's own. Those that evalplus adds stand behind.
    #[must_use]
    pub fn own_count(&self) -> usize {
        self.cases.iter().position(|case| case.name == PLUS).unwrap_or(self.cases.len())
    }

    /// Whether there is no test, so that nothing can be said about a program.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// The same tests, each of which may take at most `time`.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        if self.cases.iter().all(|case| case.time_limit <= time) {
            return self.clone();
        }
        let limited = |case: &Case| Case { time_limit: case.time_limit.min(time), ..case.clone() };
        Self { cases: self.cases.iter().map(limited).collect(), harness: self.harness.clone() }
    }

    /// Adds the tests to a hash of problems.
    pub(crate) fn hash_into(&self, hasher: &mut blake3::Hasher) -> Result<(), serde_json::Error> {
        serde_json::to_writer(hasher, &*self.cases)
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
