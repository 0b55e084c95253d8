//! Tests of sessions from inside: what they leave behind, and what the channel lets through.

use std::sync::LazyLock;
use std::time::Duration;

use super::*;
use crate::limits::Limits;
use crate::peer::{Peer, Reply};
use crate::value::Value;

/// Long enough for any machine; tests that depend on it fail instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sandbox with permits of its own and an interpreter that all tests share.
fn sandbox() -> WasmSandbox {
    static LOADED: LazyLock<Arc<Machine>> =
        LazyLock::new(|| WasmSandbox::new().unwrap().shared.machine().unwrap());
    let sandbox = WasmSandbox::new().unwrap();
    sandbox.shared.machine.set(Arc::clone(&LOADED)).ok().unwrap();
    sandbox
}

async fn peer(sandbox: &WasmSandbox) -> Peer {
    let shared: Arc<dyn Sandbox> = Arc::new(sandbox.clone());
    Peer::open(&shared, b"", Limits::default(), 0).await.unwrap()
}

async fn run(peer: &mut Peer, source: &str) -> Reply {
    peer.ask("run", vec![("source", Value::str(source))], PATIENCE).await.unwrap()
}

#[tokio::test]
async fn a_dropped_session_ends_its_program() {
    let sandbox = sandbox();
    let cores = u32::try_from(sandbox.shared.permits.available_permits()).unwrap();
    let mut endless = peer(&sandbox).await;
    tokio::select! {
        biased;
        reply = run(&mut endless, "while True: pass") => panic!("{reply:?}"),
        () = std::future::ready(()) => {}
    }
    drop(endless);
    // A permit comes back when its program's thread is through.
    let all = tokio::time::timeout(PATIENCE, sandbox.shared.permits.acquire_many(cores)).await;
    assert!(all.is_ok());
}

#[tokio::test]
async fn a_session_that_waits_lets_others_run() {
    let sandbox = sandbox();
    let count = sandbox.shared.permits.available_permits() + 2;
    let mut peers = Vec::new();
    for _ in 0..count {
        peers.push(peer(&sandbox).await);
    }
    for peer in &mut peers {
        assert!(matches!(run(peer, "pass").await, Reply::Answer(_)));
    }
}

#[tokio::test]
async fn a_forged_answer_is_the_last() {
    let sandbox = sandbox();
    let mut forger = peer(&sandbox).await;
    let forged = run(&mut forger, r"import os; os.write(3, b'\1\0\0\0N')").await;
    assert_eq!(forged, Reply::Garbled);
    assert_eq!(run(&mut forger, "pass").await, Reply::Ended);
}

#[tokio::test]
async fn an_answer_above_the_limit_ends_the_program() {
    let sandbox = sandbox();
    let mut boaster = peer(&sandbox).await;
    assert_eq!(run(&mut boaster, r"import os; os.write(3, b'\xff\xff\xff\xff')").await, Reply::Ended);
    assert_eq!(boaster.finish().await.unwrap().cause, crate::session::Cause::OutputLimit);
}

#[test]
fn the_same_files_give_the_same_snapshot() {
    let first = snapshot::make(&|_| ()).unwrap();
    let second = snapshot::make(&|_| ()).unwrap();
    assert_eq!(first.report.interpreter, carriers::INTERPRETER);
    assert_eq!(first.report, second.report);
    assert!(first.module == second.module, "the modules differ");
}
