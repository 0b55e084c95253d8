//! Reference solutions: programs that a data set holds to be right.
//!
//! They are answers, so they are kept as hidden tests are: a type that nobody below this crate can name, that gives no
//! access to its contents and does not print them. What they are for is to check a data set, by [`judge_references`].

use std::fmt;

use codeagent_sandbox::{Judge, JudgeOptions, Report, SandboxError};

use crate::datasets::ProblemWithHidden;
use crate::verify::{verify_hidden, verify_visible};

/// Most references of one problem that are tried: a data set with hundreds of accepted programs needs one of them.
const TRIED_MAX: usize = 5;

/// What a data set says is right for a problem.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct References {
    sources: Vec<String>,
}

impl References {
    pub(crate) const fn new(sources: Vec<String>) -> Self {
        Self { sources }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether the data set gives none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
}

/// Shows their number alone.
impl fmt::Debug for References {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "References({})", self.sources.len())
    }
}

/// What came of the references of one problem.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferencesJudged {
    /// How many were tried: all up to the first that passed, five at most.
    pub tried: usize,
    /// What the last one tried came to on the tests that decide: the hidden ones, or the visible ones where there are
    /// no others.
    pub report: Report,
    /// Whether that one passes the visible tests, too. Where it passes and these fail, a search is misled by them.
    pub visible_passed: bool,
}

impl ReferencesJudged {
    /// Whether one of them passes all tests that decide.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.report.is_passed() && self.report.total() > 0
    }
}

/// Runs the references of a problem until one passes. `None` where there are none.
///
/// # Errors
/// [`SandboxError`] if a program could not be run as promised.
pub async fn judge_references(
    problem: &ProblemWithHidden,
    judge: &Judge,
    options: &JudgeOptions,
) -> Result<Option<ReferencesJudged>, SandboxError> {
    let mut judged = None;
    for (written, tried) in problem.references.sources.iter().zip(1..=TRIED_MAX) {
        let hidden = verify_hidden(written, problem, judge, options).await?;
        let is_hopeless = !problem.hidden.is_empty() && !hidden.is_passed();
        let visible =
            if is_hopeless { None } else { Some(verify_visible(written, problem, judge, options).await?) };
        let visible_passed = visible.as_ref().is_some_and(Report::is_passed);
        let report = visible.filter(|_| problem.hidden.is_empty()).unwrap_or(hidden);
        let result = ReferencesJudged { tried, report, visible_passed };
        let is_passed = result.is_passed();
        judged = Some(result);
        if is_passed {
            break;
        }
    }
    Ok(judged)
}
