//! Programs of known worth: verified in every sandbox that the machine offers and compared with what is known of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use codeagent_benchmarks::{ProblemWithHidden, Verification, load_dataset, verify};
use codeagent_sandbox::wasm::{WasmSandbox, Workers};
use codeagent_sandbox::{Judge, JudgeOptions, Sandbox};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::shared;

/// A program for a problem, and whether it is known to pass.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The problem.
    pub problem: ProblemWithHidden,
    /// What was written: a whole program or a completion.
    pub written: String,
    /// Whether it passes, as its source says.
    pub passes: bool,
}

/// A program whose verdict differs from what its source says: the id of its problem and the reason.
pub type Difference = (&'static str, &'static str);

/// As many programs are verified at once as there are cores, whatever the number of tests in this process.
static SLOTS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));

/// The sandboxes of this machine: `wasm` first, then `local` where there is one.
///
/// # Panics
/// If the interpreter of `wasm` cannot be prepared.
#[must_use]
#[expect(clippy::expect_used, reason = "a test helper")]
pub fn sandboxes() -> &'static [Arc<dyn Sandbox>] {
    static SANDBOXES: OnceLock<Vec<Arc<dyn Sandbox>>> = OnceLock::new();
    SANDBOXES.get_or_init(|| {
        let wasm = wasm();
        wasm.prepare(|_| ()).expect("the interpreter");
        let wasm: Arc<dyn Sandbox> = Arc::new(wasm);
        std::iter::once(wasm).chain(local()).collect()
    })
}

/// The sandbox `wasm` with its programs in workers of the real binary, as the command has them.
///
/// # Panics
/// If the binary cannot be built, or no cache folder is known.
#[must_use]
#[expect(clippy::expect_used, reason = "a test helper")]
pub fn wasm() -> WasmSandbox {
    let workers = Workers {
        program: crate::binary::path().to_owned(),
        arguments: vec!["__sandbox-worker".into()],
        count: std::thread::available_parallelism().map_or(1, usize::from),
    };
    WasmSandbox::new().expect("a cache folder").with_workers(workers)
}

#[cfg(target_os = "linux")]
#[expect(clippy::print_stderr, reason = "a test helper speaks to the person who runs the tests")]
fn local() -> Option<Arc<dyn Sandbox>> {
    use codeagent_sandbox::local::{LocalConfig, LocalSandbox};

    match LocalSandbox::new(LocalConfig::default()) {
        Ok(sandbox) => Some(Arc::new(sandbox)),
        Err(error) => {
            eprintln!("SKIPPED: {error}");
            None
        }
    }
}

#[cfg(not(target_os = "linux"))]
const fn local() -> Option<Arc<dyn Sandbox>> {
    None
}

/// The problems of a shared file, each with its row, in the order of the file; of rows with the same id the first.
/// `None`, with a notice, where there is no shared data.
///
/// # Panics
/// If the reader refuses the file or reads other problems than these.
#[must_use]
#[expect(clippy::panic, reason = "a test helper")]
pub fn problems(path: &str) -> Option<Vec<(ProblemWithHidden, Value)>> {
    let mut rows = shared::rows(path)?;
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(["task_id", "problem_id"].map(|field| row[field].to_string())));
    let read = load_dataset(&shared::folder()?.join(path)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.problems.len(), rows.len(), "{path}: {:?}", read.warnings);
    Some(read.problems.into_iter().zip(rows).collect())
}

/// As [`compare`], with every call in a session of its own.
///
/// # Panics
/// As [`compare`].
pub fn compare_isolated(title: &str, candidates: &[Candidate], sandboxes: &[Arc<dyn Sandbox>]) {
    let options = JudgeOptions { isolate_tests: true, ..quickly() };
    let found: Vec<_> =
        sandboxes.iter().map(|sandbox| differing(title, candidates, sandbox, options)).collect();
    assert!(found.iter().all(BTreeMap::is_empty), "{title}: {found:#?}");
}

/// Verifies every candidate in each of `sandboxes`. Each must pass or not as its source says, but for `differences`,
/// which must be exactly those that there are. Says what was compared.
///
/// # Panics
/// If that is not so.
pub fn compare(
    title: &str,
    candidates: &[Candidate],
    sandboxes: &[Arc<dyn Sandbox>],
    differences: &[Difference],
) {
    let expected: BTreeMap<&str, &str> = differences.iter().copied().collect();
    let found: Vec<_> =
        sandboxes.iter().map(|sandbox| differing(title, candidates, sandbox, quickly())).collect();
    let as_expected = found.iter().all(|found| found.keys().eq(expected.keys()));
    assert!(as_expected, "{title}: {found:#?} and not {expected:#?}");
}

/// Whether a program passes is all that matters.
fn quickly() -> JudgeOptions {
    JudgeOptions { stop_at_first_failure: true, ..JudgeOptions::default() }
}

/// The candidates whose verdict is not the one that their source gives, each with what was seen.
#[expect(clippy::print_stderr, reason = "a test helper speaks to the person who runs the tests")]
fn differing<'a>(
    title: &str,
    candidates: &'a [Candidate],
    sandbox: &Arc<dyn Sandbox>,
    options: JudgeOptions,
) -> BTreeMap<&'a str, String> {
    let verified = verify_all(candidates, sandbox, options);
    let (total, passed) = (candidates.len(), verified.iter().filter(|seen| seen.is_passed()).count());
    let pairs = candidates.iter().zip(&verified).filter(|(known, seen)| known.passes != seen.is_passed());
    let found: BTreeMap<_, _> =
        pairs.map(|(known, seen)| (known.problem.problem.id.as_str(), story(seen))).collect();
    let (backend, differ, slowest) = (sandbox.capabilities().backend, found.len(), slowest(&verified));
    eprintln!(
        "{title}, {backend}: {passed} of {total} pass, {differ} not as known; slowest test passed in {slowest:.1?}"
    );
    found
}

/// The longest time that a passed test took: to be compared with the time limits on a slow machine.
fn slowest(verified: &[Verification]) -> Duration {
    let results = verified.iter().flat_map(|seen| seen.visible.results.iter().chain(&seen.hidden.results));
    results.filter(|result| result.verdict.is_passed()).map(|result| result.wall).max().unwrap_or_default()
}

/// What went wrong first.
fn story(verified: &Verification) -> String {
    let results = verified.visible.results.iter().chain(&verified.hidden.results);
    let failed =
        results.map(|result| (&result.verdict, &result.assertion)).find(|(verdict, _)| !verdict.is_passed());
    failed.map_or_else(|| "passed".to_owned(), |failed| format!("{failed:?}"))
}

#[expect(clippy::expect_used, reason = "a test helper")]
fn verify_all(
    candidates: &[Candidate],
    sandbox: &Arc<dyn Sandbox>,
    options: JudgeOptions,
) -> Vec<Verification> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        let judge = Judge::new(Arc::clone(sandbox));
        for (index, candidate) in candidates.iter().cloned().enumerate() {
            let judge = judge.clone();
            tasks.spawn(async move {
                let _slot = SLOTS.acquire().await;
                let verified = verify(&candidate.written, &candidate.problem, &judge, &options).await;
                (index, verified.expect("the sandbox runs the program"))
            });
        }
        let verified: BTreeMap<usize, Verification> = tasks.join_all().await.into_iter().collect();
        verified.into_values().collect()
    })
}
