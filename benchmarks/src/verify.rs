//! Final judging: a program against all tests of its problem.

use codeagent::program::assemble;
use codeagent_sandbox::{Judge, JudgeOptions, Program, Report, SandboxError};

use crate::datasets::ProblemWithHidden;
use crate::hidden::judge_hidden;

/// What came of all tests of a problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// The tests that the search could see, in the order of the problem.
    pub visible: Report,
    /// The tests that it could not.
    pub hidden: Report,
}

impl Verification {
    /// Whether there was a test and every test passed.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.visible.is_passed() && self.hidden.is_passed() && self.visible.total() + self.hidden.total() > 0
    }
}

/// Judges what somebody wrote for a problem, a whole program or the completion of its starter, on its visible and hidden
/// tests. Call tests run in sessions of their own, so that no state carries over. Memory is limited by the problem.
///
/// # Errors
/// [`SandboxError`] if the program could not be run as promised; a program that fails is no error.
pub async fn verify(
    written: &str,
    problem: &ProblemWithHidden,
    judge: &Judge,
    options: &JudgeOptions,
) -> Result<Verification, SandboxError> {
    let options = JudgeOptions { isolate_tests: true, ..*options };
    let visible = verify_visible(written, problem, judge, &options).await?;
    let hidden = verify_hidden(written, problem, judge, &options).await?;
    Ok(Verification { visible, hidden })
}

/// Judges what somebody wrote for a problem on its hidden tests alone. Memory is limited by the problem.
///
/// # Errors
/// As [`verify`].
pub async fn verify_hidden(
    written: &str,
    problem: &ProblemWithHidden,
    judge: &Judge,
    options: &JudgeOptions,
) -> Result<Report, SandboxError> {
    let (program, limited) = assembled(written, problem, options);
    judge_hidden(judge, &program, &problem.hidden, &limited).await
}

/// Judges what somebody wrote for a problem on its visible tests alone. Memory is limited by the problem.
///
/// # Errors
/// As [`verify`].
pub async fn verify_visible(
    written: &str,
    problem: &ProblemWithHidden,
    judge: &Judge,
    options: &JudgeOptions,
) -> Result<Report, SandboxError> {
    let (program, limited) = assembled(written, problem, options);
    judge.judge(&program, &problem.problem.visible, &limited).await
}

fn assembled(written: &str, problem: &ProblemWithHidden, options: &JudgeOptions) -> (Program, JudgeOptions) {
    let problem = &problem.problem;
    let entry = problem.entry.function().map(str::to_owned);
    let limits = options.limits.with_memory_mib(problem.limits.memory_mib);
    (Program { source: assemble(problem, written), entry }, JudgeOptions { limits, ..*options })
}
