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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_to_repair_is_part_of_the_task() {
        let problem = Problem { buggy: Some("print(1)".to_owned()), ..Problem::stdio("a/1", "Print 2.") };
        assert_eq!(of(&problem).buggy.as_deref(), Some("print(1)"));
    }
}
