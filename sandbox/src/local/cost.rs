//! What a run costs, and what each layer adds. A measurement and no test: it says so by being ignored. To take it:
//! `cargo test --release -p codeagent-sandbox --no-default-features --lib local::cost -- --ignored --nocapture`.
#![expect(clippy::print_stderr, reason = "a measurement is printed")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::tests::{layers, sandbox_of};
use super::*;
use crate::case::{Case, Checker, Test};
use crate::judge::{Judge, JudgeOptions};
use crate::literal;
use crate::program::Program;
use crate::run::{Run, run_program};

const RUNS: usize = 300;
const FUNCTION: &str = "\
from typing import List


def has_close_elements(numbers: List[float], threshold: float) -> bool:
    for index, one in enumerate(numbers):
        for other in numbers[index + 1:]:
            if abs(one - other) < threshold:
                return True
    return False
";

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Median and 99th percentile of `print(1)`, and its median CPU time inside, in milliseconds.
fn print_one(sandbox: &Arc<dyn Sandbox>, pause: Duration) -> (f64, f64, f64) {
    let program = Program { source: "print(1)".to_owned(), entry: None };
    let run = Run { program, seed: 7, ..Run::default() };
    let mut inside = Vec::new();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            std::thread::sleep(pause);
            let start = Instant::now();
            let done = runtime_block(run_program(sandbox, &run)).unwrap();
            assert_eq!(done.stdout, b"1\n");
            inside.push(done.usage.cpu);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    inside.sort_unstable();
    let at = |times: &[Duration], part: usize| times[RUNS * part / 100].as_secs_f64() * 1e3;
    (at(&times, 50), at(&times, 99), at(&inside, 50))
}

fn runtime_block<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: std::sync::OnceLock<Runtime> = std::sync::OnceLock::new();
    RUNTIME.get_or_init(runtime).block_on(future)
}

fn seven_calls() -> Vec<Case> {
    let case = |threshold: &str, expected: &str| {
        let args = vec![
            literal::parse("[1.0, 2.0, 3.9, 4.0, 5.0, 2.2]").unwrap(),
            literal::parse(threshold).unwrap(),
        ];
        let expected = literal::parse(expected).unwrap();
        let test = Test::Call { args, kwargs: Vec::new(), expected, checker: Checker::Exact };
        Case { name: threshold.to_owned(), test, time_limit: Duration::from_secs(5) }
    };
    let calls = [("0.3", "True"), ("0.05", "False"), ("0.95", "True"), ("0.8", "True"), ("0.1", "False")];
    calls
        .into_iter()
        .chain([("1.0", "True"), ("0.01", "False")])
        .map(|(args, answer)| case(args, answer))
        .collect()
}

/// Programs judged in a second, so many at a time.
fn judged(sandbox: &Arc<dyn Sandbox>, workers: usize) -> f64 {
    let program = Program { source: FUNCTION.to_owned(), entry: Some("has_close_elements".to_owned()) };
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let (judge, cases) = (Judge::new(Arc::clone(sandbox)), seven_calls());
                for _ in 0..RUNS {
                    let report = runtime_block(judge.judge(&program, &cases, &JudgeOptions::default()));
                    assert!(report.unwrap().is_passed());
                }
            });
        }
    });
    (RUNS * workers) as f64 / start.elapsed().as_secs_f64()
}

#[test]
#[ignore = "a measurement of about a minute"]
fn costs() {
    let Some(all) = layers() else { return };
    let none = Layers { namespaces: false, landlock: None, seccomp: false };
    let sets = [
        ("strict", all),
        ("unprivileged", Layers { namespaces: false, ..all }),
        ("without landlock", Layers { landlock: None, ..all }),
        ("without seccomp", Layers { seccomp: false, ..all }),
        ("namespaces only", Layers { namespaces: true, ..none }),
        ("landlock only", Layers { landlock: all.landlock, ..none }),
        ("seccomp only", Layers { seccomp: true, ..none }),
        ("none", none),
    ];
    for (name, layers) in sets {
        let sandbox = sandbox_of(layers);
        let _ = print_one(&sandbox, Duration::ZERO);
        let (p50, p99, cpu) = print_one(&sandbox, Duration::ZERO);
        let (rested, rested99, _) = print_one(&sandbox, Duration::from_millis(10));
        let load = std::fs::read_to_string("/proc/loadavg").unwrap();
        eprintln!(
            "{name:18} print(1): {p50:.2} ms p50, {p99:.2} p99, {cpu:.2} CPU inside; with pauses {rested:.2} p50, {rested99:.2} p99; load {}",
            load.trim()
        );
    }
    for (name, layers) in sets.into_iter().take(2) {
        let sandbox = sandbox_of(layers);
        let (one, two) = (judged(&sandbox, 1), judged(&sandbox, 2));
        eprintln!("{name:18} seven calls: {one:.0} per second one at a time, {two:.0} two at a time");
    }
}
