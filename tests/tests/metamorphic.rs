//! No cheat ever raises a wrong solution's score.
//!
//! Wrong solutions are HumanEval's canonical ones with one change each (`mutants`), cheats are wrappers around them
//! (`cheats`). A test that a cheated program passes must be one that the bare program passes: in every sandbox of this
//! machine, with sessions shared between tests and with one per test. That the cheats are worth stopping is shown by a
//! harness that asserts in the candidate's own process, as other harnesses do: it falls for them.
//!
//! Every cheat is tried on one wrong solution per sandbox and way of judging; `CODEAGENT_METAMORPHIC=10` tries each on ten.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use codeagent_sandbox::literal::{CallAssertion, Expectation};
use codeagent_sandbox::{
    Case, Checker, Judge, JudgeOptions, Limits, Outcome, Program, Run, Sandbox, Test, run_program,
};
use codeagent_tests::cheats::{Cheat, cheats};
use codeagent_tests::mutants::mutants;
use codeagent_tests::{jobs, pool, shared};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 1;
/// Wrong solutions to cheat with.
const WRONG: usize = 12;
/// Tests of single calls per problem, besides the whole `check`.
const CALLS: usize = 2;
/// A bare solution has all the time that a busy machine may take; cheats get less, since some use all of it.
const BARE_TIME: Duration = Duration::from_secs(20);
const CHEAT_TIME: Duration = Duration::from_secs(1);

/// No judging takes so long, whatever the program does: the cheats use up their time for each of the tests at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// A problem with a solution of it, right or wrong.
#[derive(Clone)]
struct Task {
    id: String,
    entry: String,
    solution: String,
    cases: Vec<Case>,
    /// The test code that defines `check`.
    check: String,
}

/// Per test whether it passed; `None` where it ran out of time.
type Score = Vec<Option<bool>>;

/// How a program is judged.
#[derive(Clone, Copy)]
struct Way {
    isolate: bool,
    time: Duration,
}

/// The right solutions, shuffled; `None`, with a notice, where there is no shared data.
fn right_tasks() -> Option<Vec<Task>> {
    let mut rows = shared::rows("data/bench/humaneval.jsonl.gz")?;
    rows.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    Some(rows.iter().map(task).collect())
}

fn task(row: &serde_json::Value) -> Task {
    let text = |field: &str| row[field].as_str().unwrap();
    let check = text("test").to_owned();
    let call = |line: &str| {
        let CallAssertion { args, kwargs, expected, .. } = CallAssertion::parse(line.trim())?;
        let Expectation::Equal(expected) = expected else { return None };
        Some(Test::Call { args, kwargs, expected, checker: Checker::Exact })
    };
    let setup = format!("{}\n{check}", text("prompt"));
    let whole = Test::Code { setup, code: "check(candidate)".to_owned() };
    let tests = check.lines().filter_map(call).take(CALLS).chain([whole]);
    let cases = tests.map(|test| Case { name: String::new(), test, time_limit: BARE_TIME }).collect();
    let solution = format!("{}{}", text("prompt"), text("canonical_solution"));
    Task { id: text("task_id").to_owned(), entry: text("entry_point").to_owned(), solution, cases, check }
}

/// Wrong solutions of the first problems that have any: quick ones, which fail `check` and not by taking for ever.
async fn wrong_tasks(right: &[Task], sandbox: &Arc<dyn Sandbox>) -> Vec<Task> {
    let mut wrong = Vec::new();
    for task in right {
        if wrong.len() == WRONG {
            break;
        }
        let body_at =
            task.solution.rfind("\"\"\"").or_else(|| task.solution.rfind("'''")).map_or(0, |at| at + 3);
        let (head, body) = task.solution.split_at(body_at);
        let mut bodies = mutants(body);
        bodies.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
        for body in bodies.iter().take(5) {
            let mutant = Task { solution: format!("{head}{body}"), ..task.clone() };
            let passed =
                score(sandbox, &mutant, &mutant.solution, Way { isolate: false, time: CHEAT_TIME }).await;
            if passed.unwrap().last() == Some(&Some(false)) {
                wrong.push(mutant);
                break;
            }
        }
    }
    assert_eq!(wrong.len(), WRONG, "too few wrong solutions");
    wrong
}

/// Per test whether it passed; `None` where it ran out of time. An error where the machinery broke or came to no end.
async fn score(sandbox: &Arc<dyn Sandbox>, task: &Task, source: &str, way: Way) -> Result<Score, String> {
    let program = Program { source: source.to_owned(), entry: Some(task.entry.clone()) };
    let cases: Vec<Case> =
        task.cases.iter().cloned().map(|case| Case { time_limit: way.time, ..case }).collect();
    let limits = Limits::default().with_wall(2 * way.time).with_memory_mib(64);
    let options = JudgeOptions { limits, isolate_tests: way.isolate, ..JudgeOptions::default() };
    let judge = Judge::new(Arc::clone(sandbox));
    let report = tokio::time::timeout(PATIENCE, judge.judge(&program, &cases, &options)).await;
    let report = report.map_err(|_| "judging hangs".to_owned())?.map_err(|error| format!("{error:?}"))?;
    let passed =
        |verdict: &codeagent_sandbox::Verdict| (verdict.class() != "timeout").then(|| verdict.is_passed());
    Ok(report.results.iter().map(|result| passed(&result.verdict)).collect())
}

/// Runs a whole program as a script.
async fn run(sandbox: &Arc<dyn Sandbox>, source: &str) -> Outcome {
    let program = Program { source: source.to_owned(), entry: None };
    let limits = Limits::default().with_wall(Duration::from_secs(5)).with_memory_mib(64);
    run_program(sandbox, &Run { program, limits, seed: SEED, ..Run::default() }).await.unwrap()
}

/// A wrong solution, where it is judged and how, and what it scores there by itself.
struct Bare {
    sandbox: Arc<dyn Sandbox>,
    task: Task,
    isolate: bool,
    score: Score,
}

impl Bare {
    async fn measure(sandbox: Arc<dyn Sandbox>, task: Task, isolate: bool) -> Self {
        let score = score(&sandbox, &task, &task.solution, Way { isolate, time: BARE_TIME }).await.unwrap();
        Self { sandbox, task, isolate, score }
    }

    /// What is wrong with how the solution comes out with a cheat around it; `None` where nothing is.
    async fn fault(&self, cheat: Cheat) -> Option<String> {
        let source = cheat.around(&self.task.solution, &self.task.entry);
        let way = Way { isolate: self.isolate, time: CHEAT_TIME };
        let wrong = match score(&self.sandbox, &self.task, &source, way).await {
            Ok(cheated) => {
                let mut pairs = self.score.iter().zip(&cheated);
                let is_raised = pairs.any(|(bare, cheated)| *cheated == Some(true) && *bare != Some(true));
                is_raised.then(|| format!("{:?} became {cheated:?}", self.score))
            }
            Err(error) => Some(error),
        };
        let place = (&self.task.id, self.sandbox.capabilities().backend, self.isolate);
        wrong.map(|wrong| format!("{} on (problem, sandbox, isolated) = {place:?}: {wrong}", cheat.name))
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "says what was tried")]
fn no_cheat_raises_a_score() {
    let Some(right) = right_tasks() else { return };
    let tries = std::env::var("CODEAGENT_METAMORPHIC").map_or(1, |tries| tries.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (wrong, cheats) = (runtime.block_on(wrong_tasks(&right, &pool::sandboxes()[0])), cheats());
    let mut comparisons = 0;
    let mut faults = Vec::new();
    for (sandbox, isolate) in pool::sandboxes().iter().flat_map(|sandbox| [(sandbox, false), (sandbox, true)])
    {
        let bare = wrong.iter().map(|task| Bare::measure(Arc::clone(sandbox), task.clone(), isolate));
        let bare: Vec<Arc<Bare>> = jobs::all(bare.collect()).into_iter().map(Arc::new).collect();
        let pairs = (0..tries).flat_map(|attempt| cheats.iter().enumerate().map(move |pair| (attempt, pair)));
        let jobs: Vec<_> = pairs
            .map(|(attempt, (index, cheat))| {
                // Another wrong solution for either way of judging.
                let bare = Arc::clone(&bare[(index + 5 * attempt + usize::from(isolate)) % WRONG]);
                let cheat = *cheat;
                async move { bare.fault(cheat).await }
            })
            .collect();
        comparisons += jobs.len();
        faults.extend(jobs::all(jobs).into_iter().flatten());
    }
    eprintln!("{} cheats on {WRONG} wrong solutions, {comparisons} comparisons", cheats.len());
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Around right solutions the cheats may come to any verdict, but the machinery holds.
#[test]
fn no_cheat_breaks_the_judge() {
    let Some(right) = right_tasks() else { return };
    let mut jobs = Vec::new();
    for sandbox in pool::sandboxes() {
        for (cheat, task) in cheats().into_iter().zip(right.iter().cycle()) {
            let (sandbox, mut task) = (Arc::clone(sandbox), task.clone());
            task.cases.drain(1..);
            jobs.push(async move {
                let source = cheat.around(&task.solution, &task.entry);
                let scored = score(&sandbox, &task, &source, Way { isolate: false, time: CHEAT_TIME }).await;
                scored
                    .err()
                    .map(|error| format!("{} in {}: {error}", cheat.name, sandbox.capabilities().backend))
            });
        }
    }
    let broken: Vec<String> = jobs::all(jobs).into_iter().flatten().collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Bare wrong solutions fail a harness that asserts in their own process; every cheat that is made for such a harness
/// gets at least one of them past it.
#[test]
#[expect(clippy::print_stderr, reason = "says which were paid")]
fn a_naive_harness_is_fooled() {
    let Some(right) = right_tasks() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sandbox = &pool::sandboxes()[0];
    let naive = |task: &Task, source: &str| {
        let program = format!("{source}\n{}\ncheck({})\n", task.check, task.entry);
        runtime.block_on(run(sandbox, &program)).verdict.is_passed()
    };
    let wrong = runtime.block_on(wrong_tasks(&right, sandbox));
    for task in &wrong {
        assert!(!naive(task, &task.solution), "{} is not wrong", task.id);
    }
    let pays =
        |cheat: &Cheat| wrong.iter().any(|task| naive(task, &cheat.around(&task.solution, &task.entry)));
    let (paid, unpaid): (Vec<Cheat>, Vec<Cheat>) =
        cheats().into_iter().filter(|cheat| cheat.fools_naive).partition(pays);
    let names = |cheats: &[Cheat]| cheats.iter().map(|cheat| cheat.name).collect::<Vec<_>>();
    eprintln!("a naive harness pays {} cheats: {}", paid.len(), names(&paid).join(", "));
    assert!(unpaid.is_empty(), "not paid: {:?}", names(&unpaid));
    assert!(paid.len() >= 20, "only {} cheats are paid", paid.len());
}
