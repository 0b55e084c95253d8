//! Batches with a scripted model and the real sandbox.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use codeagent::models::{ErrorKind, ModelError, Scripted};
use codeagent::sandbox::wasm::WasmSandbox;
use codeagent::search::BudgetLimits;
use codeagent::{Agent, Problem, Strategy};
use codeagent_sandbox::Sandbox;

use super::*;
use crate::hidden::HiddenTests;
use crate::references::References;

/// A row that says no more than it must.
pub(crate) fn row(task: &str, sample: u32, status: SampleStatus, calls: u64) -> SampleRow {
    let error = (status == SampleStatus::Error)
        .then(|| SampleError { kind: FailureKind::Provider, message: "no answer".to_owned() });
    SampleRow {
        v: 1,
        run_id: "r".into(),
        task_id: task.into(),
        sample,
        completion: String::new(),
        solution: String::new(),
        status,
        passed: status == SampleStatus::Passed,
        public_passed: false,
        tests: Counted::default(),
        failure: None,
        tokens: Tokens::default(),
        cost_usd: Some(0.1),
        wall_ms: 0,
        calls,
        repeated: 0,
        nodes: 0,
        found: Found { calls, ..Found::default() },
        seed: 0,
        strategy: "resample".into(),
        model: "m".into(),
        search: "s".into(),
        stop_reason: None,
        error,
        allowed: None,
        attempt: 1,
    }
}

/// A batch of these problems.
pub(crate) fn batch(problems: &[&str], samples: u32) -> BatchFile {
    let problems = problems.iter().map(|id| (*id).to_owned()).collect();
    BatchFile {
        v: 1,
        run_id: "r".into(),
        fingerprint: "f".into(),
        dataset: "d".into(),
        spec: serde_json::json!({"strategy": "resample", "model": "m", "seed": 0, "protocol": "strict"}),
        extent: Extent { samples, problems, ..Extent::default() },
        amendments: Vec::new(),
        difficulties: BTreeMap::new(),
    }
}

fn problem(id: &str) -> Arc<ProblemWithHidden> {
    let problem = |example: &str| {
        let mut problem = Problem::function(id, "double", "Double a number.");
        problem.limits.time = Duration::from_secs(10);
        problem.example(example).unwrap()
    };
    let hidden = HiddenTests::new(problem("double(5) == 10").visible);
    Arc::new(ProblemWithHidden {
        problem: problem("double(2) == 4"),
        hidden,
        references: References::default(),
    })
}

fn problems() -> Vec<Arc<ProblemWithHidden>> {
    ["a", "b", "c", "d"].map(problem).to_vec()
}

const RIGHT: &str = "```python\ndef double(x):\n    return 2 * x\n```";
/// Right on the visible test alone.
const LUCKY: &str = "```python\ndef double(x):\n    return x * x\n```";
const WRONG: &str = "```python\ndef double(x):\n    return x\n```";

struct Bed {
    _folder: tempfile::TempDir,
    store: Arc<Store>,
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path().join("run.db")).await.unwrap());
        Self { _folder: folder, store }
    }

    fn batch(&self, model: Scripted, run: BudgetLimits) -> Batch {
        static SANDBOX: OnceLock<WasmSandbox> = OnceLock::new();
        let sandbox: Arc<dyn Sandbox> = Arc::new(SANDBOX.get_or_init(|| WasmSandbox::new().unwrap()).clone());
        let agent = Agent::builder()
            .provider(Arc::new(model))
            .sandbox(Arc::clone(&sandbox))
            .strategy(Strategy::by_name("resample", &serde_json::Value::Null).unwrap());
        Batch {
            id: "r".into(),
            agent,
            per_sample: SampleBudget::default(),
            purse: Purse::new(run, Cost::default()),
            seed: 3,
            judge: Judge::new(sandbox),
            options: JudgeOptions::default(),
            store: Arc::clone(&self.store),
            searches: 3,
            tells_events: false,
            activity: Activity::default(),
        }
    }

    async fn rows(&self) -> Vec<SampleRow> {
        stored_rows(&self.store, "r").await.unwrap()
    }
}

async fn run(batch: &Batch, units: Vec<Unit>) -> (Ended, Vec<SampleRow>) {
    run_until(batch, units, std::future::pending()).await
}

async fn run_until(
    batch: &Batch,
    units: Vec<Unit>,
    stopped: impl Future<Output = ()>,
) -> (Ended, Vec<SampleRow>) {
    let (news, mut heard) = mpsc::channel(1_000);
    let ended = batch.run(units, stopped, &news).await.unwrap();
    drop(news);
    let mut rows = Vec::new();
    while let Some(News::Finished(row)) = heard.recv().await {
        rows.push(*row);
    }
    (ended, rows)
}

fn by_sample(mut rows: Vec<SampleRow>) -> Vec<SampleRow> {
    rows.sort_by_key(|row| (row.task_id.clone(), row.sample));
    rows
}

#[test]
fn seeds_differ_and_stay() {
    let seeds: BTreeSet<u64> =
        (0..10).flat_map(|sample| ["a", "b"].map(|task| sample_seed(7, task, sample))).collect();
    assert_eq!(seeds.len(), 20);
    assert_eq!(sample_seed(7, "a", 1), sample_seed(7, "a", 1));
    assert_ne!(sample_seed(8, "a", 1), sample_seed(7, "a", 1));
}

#[test]
fn what_is_open_comes_in_rounds() {
    let allowed = SampleBudget { seconds: Some(1.0), ..SampleBudget::default() };
    let capped = |allowed| SampleRow { allowed: Some(allowed), ..row("b", 1, SampleStatus::Capped, 1) };
    let rows = [
        row("a", 0, SampleStatus::Passed, 1),
        SampleRow { attempt: 4, ..row("c", 0, SampleStatus::Error, 1) },
        row("d", 0, SampleStatus::Failed, 1),
        capped(allowed),
    ];
    let open = |allowed, rows: &[SampleRow]| -> Vec<(String, u32, u32)> {
        let units = pending(&problems(), 2, allowed, rows);
        units.into_iter().map(|unit| (unit.problem.problem.id.clone(), unit.sample, unit.attempt)).collect()
    };
    let unit = |task: &str, sample, attempt| (task.to_owned(), sample, attempt);
    let all = [unit("b", 0, 1), unit("c", 0, 5), unit("a", 1, 1), unit("c", 1, 1), unit("d", 1, 1)];
    assert_eq!(open(allowed, &rows), all);
    // More is allowed now, so that the one that ran out goes on.
    assert!(open(SampleBudget::default(), &rows).contains(&unit("b", 1, 2)));
}

/// What is drawn again is charged again, from its stored replies: to count its row too would charge it twice.
#[test]
fn rows_of_samples_that_are_drawn_again_do_not_stand() {
    let before = SampleBudget { seconds: Some(1.0), ..SampleBudget::default() };
    let rows = [
        row("a", 0, SampleStatus::Passed, 1),
        row("b", 0, SampleStatus::Error, 20),
        SampleRow { allowed: Some(before), ..row("c", 0, SampleStatus::Capped, 300) },
        row("d", 0, SampleStatus::Failed, 4_000),
    ];
    let units = pending(&problems(), 1, SampleBudget::default(), &rows);
    assert_eq!((units.len(), spent(standing(&rows, &units)).calls), (2, 4_001));
    assert_eq!(spent(standing(&rows, &[])).calls, 4_321);
}

#[tokio::test]
async fn samples_are_judged_on_hidden_tests_and_stored_before_they_are_told() {
    let bed = Bed::new().await;
    let model =
        Scripted::answering(|request, _| [RIGHT, LUCKY, WRONG][(request.seed % 3) as usize].to_owned());
    let batch = bed.batch(model, BudgetLimits::default());
    let (ended, told) = run(&batch, pending(&problems(), 3, batch.per_sample, &[])).await;
    assert_eq!(ended, Ended::Done);
    let told = by_sample(told);
    assert_eq!(told.len(), 12);
    assert_eq!(bed.rows().await, told);
    let passed = told.iter().filter(|row| row.passed).count();
    assert!((1..12).contains(&passed), "{passed}");
    assert!(
        told.iter().all(|row| row.tests.total == 1 && row.passed == (row.status == SampleStatus::Passed))
    );
    assert!(told.iter().any(|row| row.public_passed && row.failure.as_deref() == Some("failed")), "{told:?}");
    assert!(pending(&problems(), 3, batch.per_sample, &told).is_empty());
}

#[tokio::test]
async fn errors_are_told_apart_and_tried_again() {
    let bed = Bed::new().await;
    let failing = Scripted::new(|request, call| {
        let fault = ModelError::new(ErrorKind::BadRequest, "no");
        if call % 2 == 0 { Err(fault) } else { Ok(codeagent::models::scripted::reply(request, &[RIGHT])) }
    });
    let batch = bed.batch(failing, BudgetLimits::default());
    let (ended, told) = run(&batch, pending(&problems(), 1, batch.per_sample, &[])).await;
    assert_eq!((ended, told.len()), (Ended::Done, 4));
    let errors = told.iter().filter(|row| row.error.is_some()).count();
    assert!(errors > 0 && told.iter().all(|row| row.is_resolved() == row.error.is_none()), "{told:?}");

    let batch = bed.batch(Scripted::answering(|_, _| RIGHT.to_owned()), BudgetLimits::default());
    let again = pending(&problems(), 1, batch.per_sample, &bed.rows().await);
    assert_eq!(again.len(), errors);
    let (ended, told) = run(&batch, again).await;
    assert_eq!(ended, Ended::Done);
    assert!(told.iter().all(|row| row.attempt == 2 && row.passed));
    assert!(bed.rows().await.iter().all(|row| row.passed));
}

#[tokio::test]
async fn a_refused_key_stops_the_batch_at_once() {
    let bed = Bed::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let batch = bed.batch(
        Scripted::new(move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
            Err(ModelError::new(ErrorKind::Refused, "the key was refused"))
        }),
        BudgetLimits::default(),
    );
    let (ended, _) = run(&batch, pending(&problems(), 50, batch.per_sample, &[])).await;
    let Ended::Down(error) = ended else { panic!("{ended:?}") };
    assert_eq!(
        (error.kind, error.message.as_str()),
        (FailureKind::Refused, "the model gave no answer: the key was refused")
    );
    assert!(calls.load(Ordering::SeqCst) < 50);
}

#[tokio::test]
async fn what_the_samples_may_spend_together_holds_and_more_continues() {
    let bed = Bed::new().await;
    let wrong = || Scripted::answering(|request, _| format!("{WRONG}\n{}", request.seed));
    let most = |calls| BudgetLimits { calls: Some(calls), ..BudgetLimits::default() };
    let batch = bed.batch(wrong(), most(7));
    let units = pending(&problems(), 2, batch.per_sample, &[]);
    let (ended, told) = run(&batch, units).await;
    assert_eq!(ended, Ended::RunBudget);
    assert!(batch.purse.spent().calls <= 7, "{:?}", batch.purse.spent());
    assert!(told.len() < 8);
    let rows = bed.rows().await;
    assert_eq!(rows.len(), told.len());

    let more = bed.batch(wrong(), most(100_000));
    let (ended, _) = run(&more, pending(&problems(), 2, more.per_sample, &rows)).await;
    assert_eq!(ended, Ended::Done);
    let whole = by_sample(bed.rows().await);
    let other = Bed::new().await;
    let uninterrupted = other.batch(wrong(), BudgetLimits::default());
    let (_, told) = run(&uninterrupted, pending(&problems(), 2, uninterrupted.per_sample, &[])).await;
    let without_time = |rows: Vec<SampleRow>| -> Vec<SampleRow> {
        rows.into_iter().map(|row| SampleRow { wall_ms: 0, ..row }).collect()
    };
    assert_eq!(without_time(whole), without_time(by_sample(told)));
}

#[tokio::test]
async fn a_cancelled_batch_keeps_what_is_finished_and_has_no_row_of_the_rest() {
    let bed = Bed::new().await;
    let model = Scripted::answering(|_, _| RIGHT.to_owned());
    let batch = bed.batch(model, BudgetLimits::default());
    let units = pending(&problems(), 1, batch.per_sample, &[]);
    let (ended, told) = run_until(&batch, units, std::future::ready(())).await;
    assert_eq!(ended, Ended::Cancelled);
    assert_eq!(by_sample(told), bed.rows().await);
}
