//! A problem as questions put it.

use codeagent_prompts::Task;

use crate::problem::Problem;

/// The task that questions describe.
pub(crate) fn of(problem: &Problem) -> Task {
    Task {
        statement: problem.statement.clone(),
        entry: problem.entry.clone(),
        starter: problem.starter.clone(),
        buggy: problem.buggy.clone(),
        language: "python".to_owned(),
    }
}
