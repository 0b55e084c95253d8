//! The reference solutions of the data sets pass the tests that the readers make of their rows.
#![expect(clippy::unwrap_used, reason = "tests")]

use codeagent_benchmarks::ProblemWithHidden;
use codeagent_tests::pool::{self, Candidate, Difference};
use serde_json::Value;

const DOCS: &str = include_str!("../../docs/visible-tests.md");

const OTHER_FUNCTION: &str = "the tests call a function that neither prompt nor entry point name";

const MBPP_COMPLETION: [Difference; 9] = [
    ("MbppEval/6", OTHER_FUNCTION),
    ("MbppEval/18", OTHER_FUNCTION),
    ("MbppEval/56", OTHER_FUNCTION),
    ("MbppEval/70", OTHER_FUNCTION),
    ("MbppEval/164", OTHER_FUNCTION),
    ("MbppEval/580", OTHER_FUNCTION),
    ("MbppEval/592", OTHER_FUNCTION),
    ("MbppEval/630", OTHER_FUNCTION),
    ("MbppEval/794", "the reference answers with a match object, which is no plain data"),
];

/// Problems whose first reference fails the hidden tests, and the one that passes, counted from 0.
const APPS_REFERENCES: [(u64, usize); 2] = [(33, 1), (2046, 2)];

const APPS_HIDDEN: [Difference; 1] =
    [("APPS/2398", "several outputs are right, and the references print others")];

const OTHER_OUTPUT: &str = "several outputs are right, and the statement shows another";

const APPS_STATEMENTS: [Difference; 6] = [
    ("APPS/2", OTHER_OUTPUT),
    ("APPS/33", OTHER_OUTPUT),
    ("APPS/41", OTHER_OUTPUT),
    ("APPS/2022", OTHER_OUTPUT),
    ("APPS/2051", OTHER_OUTPUT),
    ("APPS/2398", OTHER_OUTPUT),
];

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap()
}

/// The problems of a data set whose rows have a reference, each with it.
fn references(
    dataset: &str,
    reference: fn(&Value) -> Option<String>,
    count: usize,
) -> Option<Vec<Candidate>> {
    let problems = pool::problems(&format!("data/bench/{dataset}.jsonl.gz"))?;
    let candidate = |(problem, row): (ProblemWithHidden, Value)| {
        Some(Candidate { problem, written: reference(&row)?, passes: true })
    };
    let candidates: Vec<_> = problems.into_iter().filter_map(candidate).collect();
    assert_eq!(candidates.len(), count, "{dataset}");
    Some(candidates)
}

/// Hidden tests and those that are extracted from the docstrings.
#[test]
fn human_eval() {
    let reference = |row: &Value| Some(text(row, "canonical_solution").to_owned());
    let Some(candidates) = references("humaneval", reference, 164) else { return };
    pool::compare("HumanEval", &candidates, pool::sandboxes(), &[]);
    pool::compare_isolated("HumanEval, every call isolated", &candidates, pool::sandboxes());
}

#[test]
#[expect(clippy::print_stderr, reason = "says what was compared")]
fn problems_without_visible_tests_are_those_of_the_docs() {
    let Some(problems) = pool::problems("data/bench/humaneval.jsonl.gz") else { return };
    let (with, without): (Vec<_>, Vec<_>) =
        problems.into_iter().map(|(read, _)| read.problem).partition(|problem| !problem.visible.is_empty());
    let tests: usize = with.iter().map(|problem| problem.visible.len()).sum();
    let counted = format!("{tests} tests are extracted from {} of the 164 problems", with.len());
    assert!(DOCS.contains(&counted), "the docs do not say: {counted}");
    let (_, list) = DOCS.split_once("be extracted from\n\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let mut listed: Vec<_> = list.split('`').filter(|word| word.starts_with("HumanEval/")).collect();
    listed.sort_by_key(|id| without.iter().position(|problem| problem.id == *id));
    assert_eq!(listed, without.iter().map(|problem| problem.id.as_str()).collect::<Vec<_>>());
    eprintln!("HumanEval: {counted}; the docs list the {} others", without.len());
}

#[test]
fn mbpp() {
    let reference = |row: &Value| Some(text(row, "code").to_owned());
    let Some(candidates) = references("mbpp_full", reference, 487) else { return };
    pool::compare("MBPP", &candidates, &pool::sandboxes()[..1], &[]);
}

/// The bodies have an indentation of their own, which does not fit the docstrings of the prompts: these are left out.
#[test]
fn mbpp_as_completion() {
    let reference = |row: &Value| {
        let (signature, _) = text(row, "prompt").split_once("'''")?;
        Some(format!("{}\n{}", signature.trim_end(), text(row, "canonical_solution")))
    };
    let Some(candidates) = references("mbpp_sanitized", reference, 219) else { return };
    pool::compare("MBPP as completion", &candidates, &pool::sandboxes()[..1], &MBPP_COMPLETION);
}

/// The references of stdin problems, on the hidden tests alone and together with the examples of the statements.
#[test]
fn apps_stdin() {
    let reference = |row: &Value| {
        let id = row["problem_id"].as_u64()?;
        let place = APPS_REFERENCES.iter().find(|(other, _)| *other == id).map_or(0, |(_, place)| *place);
        let references: Vec<String> = serde_json::from_str(text(row, "solutions")).unwrap();
        if text(row, "input_output").contains("fn_name") { None } else { references.into_iter().nth(place) }
    };
    let Some(mut candidates) = references("apps_mini_val", reference, 69) else { return };
    pool::compare("APPS, with examples", &candidates, &pool::sandboxes()[..1], &APPS_STATEMENTS);
    candidates.iter_mut().for_each(|candidate| candidate.problem.problem.visible.clear());
    pool::compare("APPS, hidden tests", &candidates, pool::sandboxes(), &APPS_HIDDEN);
}
