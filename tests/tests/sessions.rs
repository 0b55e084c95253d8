//! A session against a model of it: whatever its program does, in whatever order it is called, given up or finished, each
//! call has its one answer and the end has its one cause; and the next session knows nothing of it.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use codeagent_sandbox::{Arguments, Called, Cause, Claim, Clock, Limits, Loaded, Program, Sandbox, Value};
use codeagent_tests::pool;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

/// Counts its calls, so that a call that was made twice, or of another session, shows.
const SOURCE: &str = "\
import os
calls = 0
def f(deed):
    global calls
    calls += 1
    if deed == 'hang':
        while True: pass
    if deed == 'leave': os._exit(7)
    if deed == 'abort': os.abort()
    if deed == 'flood':
        while True: os.write(1, b'x' * 65536)
    return calls
";

/// Long enough for any answer on a busy machine, and for a program to be found hanging.
const DEADLINE: Duration = Duration::from_secs(20);
const HANGING: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    Answer,
    Hang,
    Leave,
    Abort,
    Flood,
    /// Not awaited to its end: the future is dropped.
    GiveUp,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        5 => Just(Deed::Answer),
        1 => Just(Deed::Hang),
        1 => Just(Deed::Leave),
        1 => Just(Deed::Abort),
        1 => Just(Deed::Flood),
        1 => Just(Deed::GiveUp),
    ];
    prop::collection::vec(deed, 0..6)
}

async fn open(sandbox: &Arc<dyn Sandbox>) -> Loaded {
    let program = Program { source: SOURCE.to_owned(), entry: Some("f".to_owned()) };
    let limits = Limits::default().with_wall(DEADLINE * 10);
    Loaded::open(sandbox, &program, DEADLINE, limits, 7).await.unwrap().unwrap()
}

fn call(deed: &str) -> Arguments {
    Arguments { args: vec![Value::str(deed)], kwargs: Vec::new() }
}

/// Does the deeds one after the other; what the model says must come.
async fn check(sandbox: &Arc<dyn Sandbox>, deeds: &[Deed]) {
    let mut session = open(sandbox).await;
    let (mut calls, mut cause) = (0, None);
    for deed in deeds {
        let (name, deadline) = match deed {
            Deed::Answer => ("answer", DEADLINE),
            Deed::Hang => ("hang", HANGING),
            Deed::Leave => ("leave", DEADLINE),
            Deed::Abort => ("abort", DEADLINE),
            Deed::Flood => ("flood", DEADLINE),
            Deed::GiveUp => {
                let given_up = tokio::time::timeout(HANGING, session.call(&call("hang"), DEADLINE)).await;
                assert!(given_up.is_err() || cause.is_some(), "{deeds:?}: {given_up:?}");
                // Nobody knows its end: the session is over with it.
                drop(session);
                assert_eq!(open(sandbox).await.call(&call("answer"), DEADLINE).await.unwrap(), answer(1));
                return;
            }
        };
        let called = session.call(&call(name), deadline).await.unwrap();
        if cause.is_some() || *deed != Deed::Answer {
            assert_eq!(called, Called::Ended, "{deeds:?}");
            cause.get_or_insert(*deed);
        } else {
            calls += 1;
            assert_eq!(called, answer(calls), "{deeds:?}");
        }
    }
    let ending = session.finish().await.unwrap();
    let is_as_it_must = match cause {
        None => ending.cause == Cause::Exited { status: 0 },
        Some(Deed::Hang) => ending.cause == Cause::Timeout { clock: Clock::Wall },
        Some(Deed::Leave) => ending.cause == Cause::Exited { status: 7 },
        Some(Deed::Flood) => ending.cause == Cause::OutputLimit,
        Some(_) => matches!(ending.cause, Cause::Crashed { .. }),
    };
    assert!(is_as_it_must, "{deeds:?}: {ending:?}");
}

fn answer(calls: i64) -> Called {
    Called::Claim(Claim::Value { value: Value::int(calls), subclass: false })
}

#[test]
fn every_call_has_one_answer_and_the_end_one_cause() {
    let runtime = Runtime::new().unwrap();
    for sandbox in pool::sandboxes() {
        let mut runner =
            TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
        runner
            .run(&deeds(), |deeds| {
                runtime.block_on(check(sandbox, &deeds));
                Ok(())
            })
            .unwrap();
    }
}

/// Two sessions of one sandbox, their calls one by one in turn.
#[test]
fn sessions_side_by_side_do_not_mix() {
    let runtime = Runtime::new().unwrap();
    for sandbox in pool::sandboxes() {
        runtime.block_on(async {
            let (mut one, mut other) = (open(sandbox).await, open(sandbox).await);
            for round in 1..4 {
                assert_eq!(one.call(&call("answer"), DEADLINE).await.unwrap(), answer(round));
                assert_eq!(other.call(&call("answer"), DEADLINE).await.unwrap(), answer(round));
            }
            assert_eq!(one.call(&call("leave"), DEADLINE).await.unwrap(), Called::Ended);
            assert_eq!(other.call(&call("answer"), DEADLINE).await.unwrap(), answer(4));
        });
    }
}
