//! Learned scores: what scorers are shown, what they are trained to say, and their word in a search.
//!
//! A scorer sees the problem's statement and the program as it runs, in training and in use alike.

use std::sync::Arc;

use codeagent_models::train::Outcome;
use codeagent_models::{Assessment, Scorer, ScorerError};
use codeagent_sandbox::judge::Report;
use codeagent_sandbox::verdict::{Failure, Verdict};

use crate::modules;
use crate::operators::TrialError;
use crate::problem::Problem;

/// A problem as scorers are shown it: the statement, and the code that it brings where the statement does not hold it.
#[must_use]
pub fn shown(problem: &Problem) -> String {
    let (statement, starter) = (problem.statement.trim(), problem.starter.trim());
    if starter.is_empty() || statement.contains(starter) {
        statement.to_owned()
    } else {
        format!("{statement}\n{starter}")
    }
}

/// What came of a program, in the classes that critics are trained on. A failed assertion is a failed test, whoever
/// raises it.
#[must_use]
pub fn outcome(source: &str, report: &Report) -> Outcome {
    if report.is_passed() && report.total() > 0 {
        return Outcome::Passed;
    }
    let failed = report.results.iter().map(|result| &result.verdict).find(|verdict| !verdict.is_passed());
    match failed {
        Some(Verdict::Failed { failure: Failure::Syntax { .. } }) => Outcome::CompileError,
        _ if !modules::parses(source) => Outcome::CompileError,
        Some(Verdict::Failed { failure: Failure::Exception { class, .. } }) if class != "AssertionError" => {
            Outcome::RuntimeError
        }
        None | Some(Verdict::Failed { .. }) => Outcome::FailedTest,
        Some(_) => Outcome::RuntimeError,
    }
}

/// A scorer at work on one problem.
pub(crate) struct Appraiser {
    scorer: Arc<dyn Scorer>,
    problem: Arc<str>,
}

impl Appraiser {
    pub(crate) fn new(scorer: Arc<dyn Scorer>, problem: &Problem) -> Self {
        Self { scorer, problem: shown(problem).into() }
    }

    /// What the scorer says of a program as it runs.
    pub(crate) async fn assess(&self, source: &str) -> Result<Assessment, TrialError> {
        let (scorer, problem) = (Arc::clone(&self.scorer), Arc::clone(&self.problem));
        let source = source.to_owned();
        let assessed = tokio::task::spawn_blocking(move || scorer.assess(&problem, &[&source])).await;
        let assessed = assessed.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        Ok(assessed.first().copied().ok_or(ScorerError::NotFinite)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_the_statement_holds_is_shown_once() {
        let problem = Problem::function("a", "f", "Write f.\ndef f(x):\n");
        assert_eq!(shown(&problem), "Write f.\ndef f(x):");
        assert_eq!(shown(&Problem { starter: "def f(x):\n".into(), ..problem.clone() }), shown(&problem));
        let other = Problem { starter: "def g(x):\n".into(), ..problem };
        assert_eq!(shown(&other), "Write f.\ndef f(x):\ndef g(x):");
    }
}
