//! Worker processes of the sandbox `wasm`: what becomes of them when runs are dropped, workers die, and we die.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use codeagent_sandbox::wasm::WasmSandbox;
use codeagent_sandbox::{Clock, Limits, Outcome, Program, Run, Sandbox, Verdict, run_program};
use codeagent_tests::binary::{Sandboxed, until};
use codeagent_tests::pool;
use tokio::sync::Mutex;

/// Held by whoever looks at this process's children.
static ALONE: Mutex<()> = Mutex::const_new(());

fn program(source: &str) -> Run {
    let program = Program { source: source.to_owned(), entry: None };
    Run { program, stdin: b"3 4\n".to_vec(), ..Run::default() }
}

async fn run(sandbox: &Arc<dyn Sandbox>, source: &str) -> Outcome {
    run_program(sandbox, &program(source)).await.unwrap()
}

fn sandbox() -> (WasmSandbox, Arc<dyn Sandbox>) {
    let wasm = pool::wasm();
    (wasm.clone(), Arc::new(wasm))
}

fn lives(id: u32) -> bool {
    // A zombie is dead: it waits for its parent only.
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    status.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn kill(id: u32) {
    Command::new("kill").args(["-9", &id.to_string()]).status().unwrap();
    until("a killed process is dead", || !lives(id));
}

/// Ids of the processes whose parent is this one.
fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    ids.filter(|id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(1) == Some(&parent.to_string())
    })
    .collect()
}

#[tokio::test]
async fn a_worker_serves_one_program_after_the_other() {
    let _alone = ALONE.lock().await;
    let (wasm, sandbox) = sandbox();
    for _ in 0..5 {
        assert_eq!(run(&sandbox, "print(sum(map(int, input().split())))").await.stdout, b"7\n");
    }
    assert_eq!(wasm.idle_workers().len(), 1);
    let layers = sandbox.capabilities().layers;
    assert!(layers.iter().any(|layer| layer.contains("seccomp")), "{layers:?}");
}

#[tokio::test]
async fn a_dead_worker_is_replaced() {
    let _alone = ALONE.lock().await;
    let (wasm, sandbox) = sandbox();
    run(&sandbox, "pass").await;
    wasm.idle_workers().into_iter().for_each(kill);
    assert_eq!(run(&sandbox, "print(1)").await.stdout, b"1\n");
}

#[tokio::test]
async fn a_worker_that_dies_at_work_is_our_fault_and_the_run_is_tried_again() {
    let _alone = ALONE.lock().await;
    let (_, sandbox) = sandbox();
    let running = tokio::spawn(async move { run(&sandbox, "import time\nwhile True: time.time()").await });
    let mut seen = Vec::new();
    // The first attempt and two more: all are killed.
    while seen.len() < 3 {
        let new = children(std::process::id()).into_iter().find(|id| !seen.contains(id) && is_worker(*id));
        match new {
            Some(id) => {
                kill(id);
                seen.push(id);
            }
            None => tokio::task::yield_now().await,
        }
        assert!(!running.is_finished());
    }
    assert!(running.await.is_err(), "the third time it is an error");
}

fn is_worker(id: u32) -> bool {
    std::fs::read(format!("/proc/{id}/cmdline"))
        .is_ok_and(|line| line.windows(9).any(|word| word == b"__sandbox"))
}

#[tokio::test]
async fn a_dropped_run_ends_its_worker() {
    let _alone = ALONE.lock().await;
    let (_, sandbox) = sandbox();
    let before = children(std::process::id());
    let running = tokio::spawn(async move { run(&sandbox, "while True: pass").await });
    let new = || children(std::process::id()).into_iter().find(|id| !before.contains(id) && is_worker(*id));
    while new().is_none() {
        tokio::task::yield_now().await;
    }
    let worker = new().unwrap();
    running.abort();
    assert!(running.await.is_err());
    until("the worker is gone", || !lives(worker));
}

#[test]
fn workers_end_with_us() {
    let _alone = ALONE.blocking_lock();
    let place = Sandboxed::new();
    let endless = place.file("endless.py", "while True: pass");
    let mut command = place.command(&["exec", "--sandbox", "wasm", "--timeout", "600"]);
    let mut host = command.arg(endless).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("a worker runs", || children(host.id()).into_iter().any(is_worker));
    let workers = children(host.id());
    host.kill().unwrap();
    host.wait().unwrap();
    until("the workers are gone", || !workers.iter().any(|id| lives(*id)));
}

#[tokio::test]
async fn time_ends_at_its_limit() {
    let _alone = ALONE.lock().await;
    let (_, sandbox) = sandbox();
    let limits = Limits::default().with_wall(Duration::from_millis(300));
    for source in
        ["print('so far', flush=True)\nwhile True: pass", "print('so far')\nimport time; time.sleep(9)"]
    {
        let outcome = run_program(&sandbox, &Run { limits, ..program(source) }).await.unwrap();
        assert_eq!(outcome.verdict, Verdict::Timeout { clock: Clock::Wall }, "{source}");
    }
}

async fn runs_leave_nothing(count: usize) {
    let (_, sandbox) = sandbox();
    let source =
        "import random, time\nprint(random.random(), time.time(), id([]), hash('a'))\nx = [0] * 10**5";
    let first = run(&sandbox, source).await.stdout;
    let descriptors = || std::fs::read_dir(Path::new("/proc/self/fd")).unwrap().count();
    let before = (descriptors(), children(std::process::id()).len());
    for index in 0..count {
        match index % 3 {
            0 => drop(run(&sandbox, "raise ValueError").await),
            1 => drop(run(&sandbox, "import os; os.abort()").await),
            _ => assert_eq!(run(&sandbox, source).await.stdout, first),
        }
    }
    assert_eq!((descriptors(), children(std::process::id()).len()), before);
}

#[tokio::test]
async fn many_runs_leave_nothing() {
    let _alone = ALONE.lock().await;
    runs_leave_nothing(300).await;
}

/// `cargo test --release -p codeagent-tests --test workers -- --ignored`
#[tokio::test]
#[ignore = "takes a minute; for whoever changes how workers are renewed"]
async fn ten_thousand_runs_leave_nothing() {
    let _alone = ALONE.lock().await;
    runs_leave_nothing(10_000).await;
}
