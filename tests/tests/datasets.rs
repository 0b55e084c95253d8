//! Every real data set: as many problems as its source has, references that pass, programs to repair that do not.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codeagent_benchmarks::{
    Dataset, ProblemWithHidden, Protocol, judge_references, load_dataset, load_dataset_under, verify_hidden,
};
use codeagent_sandbox::{Judge, JudgeOptions, Sandbox};
use codeagent_tests::pool::Difference;
use codeagent_tests::{jobs, pool, shared};

fn load(name: &str) -> Option<Dataset> {
    let path = shared::folder()?.join(format!("data/bench/{name}.jsonl.gz"));
    Some(load_dataset(&path).unwrap())
}

/// A data set and what is in it.
struct Content {
    name: &'static str,
    form: &'static str,
    problems: usize,
    visible: usize,
    hidden: usize,
    references: usize,
    warnings: usize,
}

const fn content(name: &'static str, form: &'static str, numbers: [usize; 5]) -> Content {
    let [problems, visible, hidden, references, warnings] = numbers;
    Content { name, form, problems, visible, hidden, references, warnings }
}

/// Of 73 rows of `apps150` nine are there twice; the rest is as the data's own list says.
const CONTENTS: [Content; 12] = [
    content("apps150", "apps", [64, 178, 831, 0, 9]),
    content("apps_mini_val", "apps", [75, 116, 478, 75, 0]),
    content("apps_selected", "apps", [74, 191, 1184, 0, 0]),
    content("classeval", "class-eval", [50, 0, 254, 50, 14]),
    content("humaneval", "human-eval", [164, 445, 164, 164, 0]),
    content("humaneval_noexamples", "human-eval", [164, 12, 164, 164, 0]),
    content("humaneval_plus_mini", "evalplus", [164, 445, 328, 164, 0]),
    content("humanevalfix_python", "human-eval-pack", [82, 236, 82, 82, 0]),
    content("mbpp_full", "mbpp", [487, 0, 1461, 487, 0]),
    content("mbpp_plus", "evalplus", [196, 195, 392, 196, 0]),
    content("mbpp_sanitized", "mbpp-completion", [219, 0, 219, 219, 0]),
    content("quixbugs_python", "quixbugs", [20, 8, 20, 20, 0]),
];

#[test]
fn all_rows_are_read() {
    for expected in CONTENTS {
        let Some(read) = load(expected.name) else { return };
        let forms: Vec<&str> = read.formats.iter().map(|format| format.name()).collect();
        assert_eq!(forms, [expected.form], "{}", expected.name);
        let sum = |number: fn(&ProblemWithHidden) -> usize| read.problems.iter().map(number).sum::<usize>();
        let found = (
            read.problems.len(),
            sum(|it| it.problem.visible.len()),
            sum(|it| it.hidden.len()),
            sum(|it| usize::from(!it.references.is_empty())),
            read.warnings.len(),
        );
        let Content { problems, visible, hidden, references, warnings, .. } = expected;
        assert_eq!(
            found,
            (problems, visible, hidden, references, warnings),
            "{}: {:#?}",
            expected.name,
            read.warnings
        );
    }
}

#[test]
fn what_is_no_task_for_a_program_is_refused() {
    let Some(folder) = shared::folder() else { return };
    for (name, reason) in [
        ("humanevalfix_rust", "1:13: `task_id`: the language `Rust` is not supported"),
        ("cruxeval", "1:1: the field `entry` is missing"),
    ] {
        let path = folder.join(format!("data/bench/{name}.jsonl.gz"));
        let error = load_dataset(&path).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn hashes_tell_protocols_apart_only_where_they_differ() {
    let Some(folder) = shared::folder() else { return };
    let hash = |name: &str, protocol| {
        load_dataset_under(&folder.join(format!("data/bench/{name}.jsonl.gz")), protocol).unwrap().hash
    };
    assert_ne!(hash("mbpp_full", Protocol::Strict), hash("mbpp_full", Protocol::Legacy));
    assert_eq!(hash("quixbugs_python", Protocol::Strict), hash("quixbugs_python", Protocol::Legacy));
}

/// Runs the references of a data set. They must pass, but for `differences`, which must be exactly those that there are.
fn check(name: &str, sandbox: &Arc<dyn Sandbox>, differences: &[Difference]) {
    check_every(1, name, sandbox, differences);
}

/// As [`check`], of every so many problems one.
#[expect(clippy::print_stderr, reason = "says what was run")]
fn check_every(step: usize, name: &str, sandbox: &Arc<dyn Sandbox>, differences: &[Difference]) {
    // One data set at a time: times are limited, and all cores are used by each.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(read) = load(name) else { return };
    let problems: Vec<ProblemWithHidden> = read.problems.into_iter().step_by(step).collect();
    let total = problems.len();
    let judge = Judge::new(Arc::clone(sandbox));
    let options = JudgeOptions { stop_at_first_failure: true, ..JudgeOptions::default() };
    let job = |problem: ProblemWithHidden| {
        let judge = judge.clone();
        async move {
            let judged = judge_references(&problem, &judge, &options).await.unwrap().unwrap();
            let why = format!("{:?}", judged.report.results.last().map(|result| &result.verdict));
            (!judged.is_passed()).then_some((problem.problem.id, why))
        }
    };
    let failed: BTreeMap<String, String> =
        jobs::all(problems.into_iter().map(job).collect()).into_iter().flatten().collect();
    let known: BTreeMap<&str, &str> = differences.iter().copied().collect();
    assert!(failed.keys().eq(known.keys()), "{name}: {failed:#?} and not {known:#?}");
    eprintln!(
        "{name}, {}: the references of {} of {total} problems pass",
        sandbox.capabilities().backend,
        total - failed.len()
    );
}

/// The sandbox that runs programs fastest: some references take half a minute in the other one.
fn fastest() -> &'static Arc<dyn Sandbox> {
    pool::sandboxes().last().unwrap()
}

#[test]
fn references_of_human_eval_plus() {
    check("humaneval_plus_mini", fastest(), &[]);
}

/// A part of them, for the time they take; `codeagent datasets --references` runs them all.
#[test]
fn references_of_mbpp_plus() {
    check_every(4, "mbpp_plus", fastest(), &[]);
}

#[test]
fn references_of_programs_to_repair() {
    check("humanevalfix_python", &pool::sandboxes()[0], &[]);
    check("quixbugs_python", &pool::sandboxes()[0], &[]);
}

const LACKS: &str = "a package that the sandboxes lack";
const DATABASE: &str = "tests and program share a database";
const FILES: &str = "tests and program share files";

const CLASS_EVAL: [Difference; 15] = [
    ("ClassEval_14", DATABASE),
    ("ClassEval_16", "objects keep functions in their fields"),
    ("ClassEval_26", FILES),
    ("ClassEval_28", LACKS),
    ("ClassEval_30", LACKS),
    ("ClassEval_34", LACKS),
    ("ClassEval_38", LACKS),
    ("ClassEval_44", LACKS),
    ("ClassEval_48", "the tests expect the name of the authors' machine"),
    ("ClassEval_50", FILES),
    ("ClassEval_52", LACKS),
    ("ClassEval_60", DATABASE),
    ("ClassEval_84", FILES),
    ("ClassEval_92", DATABASE),
    ("ClassEval_98", FILES),
];

#[test]
fn references_of_class_eval() {
    check("classeval", &pool::sandboxes()[0], &CLASS_EVAL);
}

/// As the reader's warnings say: no class fails that was not warned of, but for one that no row can show.
#[test]
fn warnings_of_class_eval_are_those_that_fail() {
    let Some(read) = load("classeval") else { return };
    let lines: Vec<usize> = read
        .warnings
        .iter()
        .map(|warning| {
            warning.split(".gz:").nth(1).and_then(|rest| rest.split(':').next()).unwrap().parse().unwrap()
        })
        .collect();
    let warned: Vec<&str> = lines.iter().map(|line| read.problems[line - 1].problem.id.as_str()).collect();
    let failing: Vec<&str> =
        CLASS_EVAL.iter().map(|(id, _)| *id).filter(|id| *id != "ClassEval_48").collect();
    assert_eq!(warned, failing);
}

/// Programs to repair, some of which loop for ever.
#[test]
fn programs_to_repair_fail() {
    for (name, count) in [("humanevalfix_python", 82), ("quixbugs_python", 20)] {
        let Some(read) = load(name) else { return };
        let judge = Judge::new(Arc::clone(&pool::sandboxes()[0]));
        let options = JudgeOptions { stop_at_first_failure: true, ..JudgeOptions::default() };
        let job = |problem: ProblemWithHidden| {
            let judge = judge.clone();
            async move {
                let hidden = problem.hidden.within(Duration::from_secs(5));
                let quick = ProblemWithHidden { hidden, ..problem };
                let buggy = quick.problem.buggy.clone().unwrap();
                let report = verify_hidden(&buggy, &quick, &judge, &options).await.unwrap();
                report.is_passed().then_some(quick.problem.id)
            }
        };
        assert_eq!(read.problems.len(), count);
        let passed: Vec<String> =
            jobs::all(read.problems.into_iter().map(job).collect()).into_iter().flatten().collect();
        assert_eq!(passed, [""; 0], "{name}");
    }
}
