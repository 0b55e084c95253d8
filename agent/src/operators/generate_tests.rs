//! Generate tests: suites that the model writes from the statement.
//!
//! A test counts where it says no more than what one call must return, or what one input must print, so that it can be
//! judged like a visible one and no code of the model's stands on the judge's side. One that contradicts a visible test
//! is wrong and is left out.

use codeagent_prompts::questions::{GenerateTests, WrittenTest};
use codeagent_sandbox::case::{Case, Test};
use codeagent_sandbox::literal::CallAssertion;
use codeagent_sandbox::value::python_eq;
use codeagent_search::policy::{Draft, TrialResult};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, unusable};
use crate::notebook::{Content, Note};
use crate::problem::Problem;

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    tests: usize,
    suites: usize,
) -> Result<Made, TrialError> {
    let question = GenerateTests { task: &ports.task, thoughts: &inputs.thoughts, count: tests };
    let answers = talk.ask("generate_tests", &question, u32::try_from(suites).unwrap_or(u32::MAX)).await?;
    let mut notes = Vec::new();
    for answered in answers {
        let cases: Vec<Case> =
            answered.answer.into_iter().filter_map(|test| case(&ports.problem, test)).collect();
        if !cases.is_empty() {
            let content = Content::Tests(cases);
            notes.push(Note { prompt: answered.prompt, answer: answered.text, content });
        }
    }
    if notes.is_empty() {
        return Ok(unusable());
    }
    let draft = Draft { kind: NodeKind::Tests, prior: None, attempt: None };
    Ok((TrialResult::Made { drafts: vec![draft; notes.len()] }, notes))
}

/// The test as the judge takes it.
fn case(problem: &Problem, written: WrittenTest) -> Option<Case> {
    let (name, test) = match written {
        WrittenTest::Assertion(statement) => {
            let test = call(problem, &statement)?;
            (statement.strip_prefix("assert").map_or(statement.as_str(), str::trim_start).to_owned(), test)
        }
        WrittenTest::Example { input, output } => {
            let name = format!("input {input:?}");
            (name, Test::Stdio { input, expected: output, checker: problem.checker.clone() })
        }
    };
    let contradicted = problem.visible.iter().any(|visible| contradict(&visible.test, &test));
    (!contradicted).then_some(Case { name, test, time_limit: problem.limits.time })
}

fn call(problem: &Problem, statement: &str) -> Option<Test> {
    let entry = problem.entry.function()?;
    let read = CallAssertion::parse(statement)?;
    if read.entry != entry && read.entry != "candidate" {
        return None;
    }
    Some(match read.expected.value() {
        Some(expected) => Test::Call {
            expected: expected.clone(),
            args: read.args,
            kwargs: read.kwargs,
            checker: problem.checker.clone(),
        },
        // The judge reads it as a call, too.
        None => Test::Code { setup: String::new(), code: statement.to_owned() },
    })
}

/// Whether two tests want different answers for the same input.
fn contradict(visible: &Test, written: &Test) -> bool {
    match (visible, written) {
        (
            Test::Call { args, kwargs, expected, .. },
            Test::Call { args: same_args, kwargs: same_kwargs, expected: other, .. },
        ) => args == same_args && kwargs == same_kwargs && !python_eq(expected, other),
        (Test::Stdio { input, expected, .. }, Test::Stdio { input: same_input, expected: other, .. }) => {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            input.trim() == same_input.trim() && words(expected) != words(other)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(problem: &Problem, written: WrittenTest, expected: Option<&str>) {
        assert_eq!(case(problem, written.clone()).map(|case| case.name).as_deref(), expected, "{written:?}");
    }

    #[test]
    fn assertions_about_one_call_are_taken() {
        let problem = Problem::function("t", "f", "Add one.").example("f(1) == 2").unwrap();
        let written = |text: &str| WrittenTest::Assertion(text.into());
        check(&problem, written("assert f(2) == 3"), Some("f(2) == 3"));
        check(&problem, written("assert candidate(2) == 3, 'why'"), Some("candidate(2) == 3, 'why'"));
        check(&problem, written("assert not f(-1)"), Some("not f(-1)"));
        check(&problem, written("assert f(1) == 2"), Some("f(1) == 2"));
        check(&problem, written("assert f(1) == 3"), None);
        for other in ["assert g(2) == 3", "assert f(x) == 3", "assert f(2) == f(1) + 1", "assert f(2) > 1"] {
            check(&problem, written(other), None);
        }
    }

    #[test]
    fn examples_that_contradict_visible_ones_are_left_out() {
        let problem = Problem::stdio("t", "Add two numbers.").prints("1 2\n", "3\n");
        let written =
            |input: &str, output: &str| WrittenTest::Example { input: input.into(), output: output.into() };
        check(&problem, written("2 2", "4"), Some("input \"2 2\""));
        check(&problem, written("1 2", "3"), Some("input \"1 2\""));
        check(&problem, written("1 2", "4"), None);
        check(&problem, WrittenTest::Assertion("assert f(1) == 2".into()), None);
    }
}
