//! A problem as questions put it.

use codeagent_prompts::{Entry as Asked, Task};

use crate::problem::{Entry, Problem};

/// The task that questions describe.
pub(crate) fn of(problem: &Problem) -> Task {
    let entry = match &problem.entry {
        Entry::Function { name, signature } => {
            Asked::Function { name: name.clone(), signature: signature.clone() }
        }
        Entry::Stdio => Asked::Stdio,
    };
    Task {
        statement: problem.statement.clone(),
        entry,
        starter: problem.starter.clone(),
        language: "python".to_owned(),
    }
}
