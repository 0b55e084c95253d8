//! Rows about single runs: percentiles, a session of many calls, the start of a sandbox, memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use codeagent::sandbox::peer::Arguments;
use codeagent::sandbox::probe::Probe;
use codeagent::sandbox::{Judge, JudgeOptions, Program, Sandbox, Value};
use tokio::runtime::Runtime;

use crate::rows::Effort;
use crate::{Judged, Make};

/// Runs that percentiles are taken of: with 1,000, ten lie above the 99th.
const RUNS: usize = 1_000;
/// Calls of one probe.
const CALLS: i64 = 1_000;
/// Sandboxes made to measure a start.
const STARTS: usize = 20;
/// Runs before memory is looked at, so that what runs leave behind is counted.
const RUNS_BEFORE_MEMORY: usize = 200;

/// Median and 99th percentile of single judged runs.
pub(crate) fn percentiles(
    runtime: &Runtime,
    sandbox: &Arc<dyn Sandbox>,
    judged: &Judged,
    effort: Effort,
) -> String {
    let mut times: Vec<Duration> =
        (0..effort.runs(RUNS)).map(|_| timed(|| judge(runtime, sandbox, judged))).collect();
    times.sort_unstable();
    let [middle, high] = [50, 99].map(|percent| show(at(&times, percent)));
    format!("p50 {middle}, p99 {high}, {} runs", times.len())
}

/// Total time of many calls of a small function in one session.
pub(crate) fn probe(runtime: &Runtime, sandbox: &Arc<dyn Sandbox>, effort: Effort) -> String {
    let program = Program { source: "def f(n):\n    return n + 1\n".to_owned(), entry: Some("f".to_owned()) };
    let inputs: Vec<Arguments> =
        (0..CALLS).map(|n| Arguments { args: vec![Value::int(n)], kwargs: Vec::new() }).collect();
    let judge = Judge::new(Arc::clone(sandbox));
    let (limit, options) = (Duration::from_secs(20), JudgeOptions::default());
    let once = || {
        let probe = runtime.block_on(judge.probe(&program, &inputs, limit, &options)).expect("a probe");
        assert!(matches!(&probe, Probe::Answers(answers) if answers.len() == inputs.len()), "{probe:?}");
    };
    format!(
        "p50 {} for {CALLS} calls in one session",
        show(median((0..effort.runs(20)).map(|_| timed(once)).collect()))
    )
}

/// Time from making a sandbox, its interpreter prepared, to its first answer. `None` where there is no such sandbox.
pub(crate) fn start(runtime: &Runtime, make: Make, judged: &Judged, effort: Effort) -> Option<String> {
    make()?;
    let once = || {
        let sandbox = make().expect("a sandbox, as before");
        judge(runtime, &sandbox, judged);
    };
    let mut times: Vec<Duration> = (0..effort.runs(STARTS)).map(|_| timed(once)).collect();
    times.sort_unstable();
    Some(format!("p50 {}, slowest {}, {} starts", show(at(&times, 50)), show(at(&times, 100)), times.len()))
}

/// Resident memory after many runs: of this process, and of the largest of its children (the workers of `wasm`). `None`
/// where the system does not tell.
pub(crate) fn memory(
    runtime: &Runtime,
    sandbox: &Arc<dyn Sandbox>,
    judged: &Judged,
    effort: Effort,
) -> Option<String> {
    for _ in 0..effort.runs(RUNS_BEFORE_MEMORY) {
        judge(runtime, sandbox, judged);
    }
    let us = std::process::id();
    let is_ours = |id: &u32| field(*id, "PPid:") == Some(us.into());
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    let worker = ids.filter(is_ours).max_by_key(|id| field(*id, "VmRSS:"));
    let worker = worker.and_then(resident).map_or_else(String::new, |worker| format!("; a worker: {worker}"));
    Some(format!("this process: {}{worker}", resident(us)?))
}

fn resident(id: u32) -> Option<String> {
    let mib = |name: &str| field(id, name).map(|kib| kib / 1024);
    let (resident, anonymous, peak) = (mib("VmRSS:")?, mib("RssAnon:")?, mib("VmHWM:")?);
    Some(format!("{resident} MiB resident, {anonymous} MiB of it not shared with files, {peak} MiB at most"))
}

/// The number in a field of a process's status.
fn field(id: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

fn judge(runtime: &Runtime, sandbox: &Arc<dyn Sandbox>, (program, cases): &Judged) {
    let judge = Judge::new(Arc::clone(sandbox));
    let report = runtime.block_on(judge.judge(program, cases, &JudgeOptions::default())).expect("a report");
    assert!(report.is_passed(), "{report:?}");
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    at(&times, 50)
}

/// The time that this many percent of the sorted `times` do not exceed.
fn at(times: &[Duration], percent: usize) -> Duration {
    let rank = (times.len() * percent).div_ceil(100);
    times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

fn show(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
