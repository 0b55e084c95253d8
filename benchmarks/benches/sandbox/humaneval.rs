//! The 164 canonical solutions of HumanEval on their hidden tests: programs per second, one and two at a time.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use codeagent::program::assemble;
use codeagent::sandbox::{Judge, JudgeOptions, Program, Sandbox};
use codeagent_benchmarks::{HiddenTests, judge_hidden, load_dataset};
use flate2::read::GzDecoder;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::rows::Effort;

/// Measured at least so long, in whole passes over the programs.
const MEASURED_MIN: Duration = Duration::from_secs(3);
/// Programs judged before measuring begins.
const WARM_UP: usize = 16;

/// A canonical solution with what judges it.
struct Solution {
    program: Program,
    hidden: HiddenTests,
    options: JudgeOptions,
}

/// `None`, with a notice, where the data set is not to be had.
static SOLUTIONS: LazyLock<Option<Arc<[Solution]>>> = LazyLock::new(read);

/// Programs per second with one and with two at a time, and how many times more the second is.
pub(crate) fn throughput(runtime: &Runtime, sandbox: &Arc<dyn Sandbox>, effort: Effort) -> Option<String> {
    let solutions = SOLUTIONS.as_ref()?;
    let (warm_up, least) = match effort {
        Effort::Full => (WARM_UP, MEASURED_MIN),
        Effort::Once => (0, Duration::ZERO),
    };
    let judge = Judge::new(Arc::clone(sandbox));
    runtime.block_on(pass(&judge, solutions, warm_up, 1));
    let [one, two] = [1, 2].map(|workers| rate(runtime, &judge, solutions, workers, least));
    let count = solutions.len();
    Some(format!(
        "1 worker {one:.1} programs/s, 2 workers {two:.1} programs/s, ratio {:.2}, {count} programs",
        two / one
    ))
}

fn rate(
    runtime: &Runtime,
    judge: &Judge,
    solutions: &Arc<[Solution]>,
    workers: usize,
    least: Duration,
) -> f64 {
    let (start, mut judged) = (Instant::now(), 0_u32);
    loop {
        judged += runtime.block_on(pass(judge, solutions, solutions.len(), workers));
        if start.elapsed() >= least {
            return f64::from(judged) / start.elapsed().as_secs_f64();
        }
    }
}

/// Judges the first `count` solutions, each worker taking the next when it is done with one; how many there were.
async fn pass(judge: &Judge, solutions: &Arc<[Solution]>, count: usize, workers: usize) -> u32 {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let (next, solutions) = (Arc::clone(&next), Arc::clone(solutions));
        let judge = judge.clone();
        tasks.spawn(async move {
            let mut judged = 0;
            while let Some(solution) =
                solutions.get(..count).and_then(|all| all.get(next.fetch_add(1, Ordering::Relaxed)))
            {
                solution.judge(&judge).await;
                judged += 1;
            }
            judged
        });
    }
    tasks.join_all().await.into_iter().sum()
}

impl Solution {
    async fn judge(&self, judge: &Judge) {
        let report = judge_hidden(judge, &self.program, &self.hidden, &self.options).await.expect("a report");
        assert!(report.is_passed(), "{:?}: {report:?}", self.program.entry);
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark says what it leaves out")]
fn read() -> Option<Arc<[Solution]>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("CODEAGENT_SHARED").map_or(beside, PathBuf::from);
    let path = shared.join("data/bench/humaneval.jsonl.gz");
    if !path.is_file() {
        println!("SKIPPED: no {}; set CODEAGENT_SHARED to the folder of shared data", path.display());
        return None;
    }
    let problems = load_dataset(&path).expect("the data set").problems;
    let file = std::fs::File::open(&path).expect("the data set");
    let rows = BufReader::new(GzDecoder::new(file)).lines();
    let rows = rows.map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("a row"));
    let solution = |(read, row): (codeagent_benchmarks::ProblemWithHidden, Value)| {
        let written = row.get("canonical_solution").and_then(Value::as_str).expect("a solution");
        let entry = read.problem.entry.function().map(str::to_owned);
        let mut options = JudgeOptions::default();
        options.limits = options.limits.with_memory_mib(read.problem.limits.memory_mib);
        Solution {
            program: Program { source: assemble(&read.problem, written), entry },
            hidden: read.hidden,
            options,
        }
    };
    Some(problems.into_iter().zip(rows).map(solution).collect())
}
