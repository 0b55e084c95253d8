//! Final judging: a program against all tests of its problem.

use std::sync::Arc;

use codeagent::program::assemble;
use codeagent_sandbox::{Judge, JudgeOptions, Program, Report, Sandbox, SandboxError};

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
    sandbox: Arc<dyn Sandbox>,
    options: &JudgeOptions,
) -> Result<Verification, SandboxError> {
    let ProblemWithHidden { problem, hidden } = problem;
    let program =
        Program { source: assemble(problem, written), entry: problem.entry.function().map(str::to_owned) };
    let options = JudgeOptions {
        limits: options.limits.with_memory_mib(problem.limits.memory_mib),
        isolate_tests: true,
        ..*options
    };
    let judge = Judge::new(sandbox);
    let visible = judge.judge(&program, &problem.visible, &options).await?;
    let hidden = judge_hidden(&judge, &program, hidden, &options).await?;
    Ok(Verification { visible, hidden })
}
