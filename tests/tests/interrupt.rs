//! Signals: the best so far is kept, the exit code says who asked, and the same command continues.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use codeagent_tests::binary::{Ended, Sandboxed, until};
use codeagent_tests::server::{Fault, ModelServer};
use codeagent_tests::skill::{SkilledModel, puzzle};

/// Requests that are answered before the server falls silent.
const ANSWERED: u64 = 5;
/// The five seconds that are promised, and some for a machine that has much else to do.
const STOPPED_WITHIN: Duration = Duration::from_secs(5 + 5);

const SEARCH: [&str; 6] = ["--strategy", "rethink-mcts", "--seed", "1", "--run-dir", "run"];

fn server(answered: u64) -> ModelServer {
    let model = SkilledModel::new(0.2);
    let faults = move |ordinal| (ordinal >= answered).then_some(Fault::Hang);
    ModelServer::start(Box::new(move |request| model.answer(request)), Box::new(faults), Duration::ZERO)
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Starts a search that has its first programs and waits for a silent server.
fn waiting(place: &Sandboxed, server: &ModelServer) -> Child {
    let child =
        place.solve(puzzle("roman"), server, &SEARCH).args(["--events", "events.jsonl"]).spawn().unwrap();
    let events = place.path().join("events.jsonl");
    let told = || std::fs::read_to_string(&events).unwrap_or_default().contains("\"candidate_best\"");
    until("answers are used and one is waited for", || told() && server.count() as u64 == ANSWERED + 1);
    child
}

fn end(child: Child) -> Ended {
    child.wait_with_output().unwrap().into()
}

#[test]
fn the_first_signal_saves_and_the_same_command_continues() {
    let whole = Sandboxed::new();
    let healthy = server(u64::MAX);
    let expected = Ended::of(&mut whole.solve(puzzle("roman"), &healthy, &SEARCH));
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let place = Sandboxed::new();
        let silent = server(ANSWERED);
        let child = waiting(&place, &silent);
        let asked = Instant::now();
        signal(&child, name);
        let stopped = end(child);
        assert!(asked.elapsed() < STOPPED_WITHIN, "{name}: {:?}", asked.elapsed());
        assert_eq!(stopped.code, Some(code), "{stopped:?}");
        let result = stopped.json();
        assert_eq!(
            (&result["status"], &result["stop_reason"]),
            (&"capped".into(), &"cancelled".into()),
            "{result}"
        );
        assert!(result["program"].is_string() && result["visible"]["passed"].as_u64() > Some(0), "{result}");
        assert!(stopped.stderr.contains("the same command continues"), "{stopped:?}");

        let back = server(u64::MAX);
        let continued = Ended::of(&mut place.solve(puzzle("roman"), &back, &SEARCH));
        assert_eq!((continued.code, continued.result()), (expected.code, expected.result()));
        assert_eq!(place.events("run"), whole.events("run"));
        assert_eq!(
            back.count() as u64,
            healthy.count() as u64 - ANSWERED,
            "stored answers are not asked for again"
        );
    }
}

#[test]
fn the_second_signal_ends_at_once() {
    let (place, silent) = (Sandboxed::new(), server(ANSWERED));
    let child = waiting(&place, &silent);
    signal(&child, "-INT");
    // Signals of one kind that wait together are one signal.
    until("the first one is seen", || signal_was_seen(&place));
    let asked = Instant::now();
    signal(&child, "-TERM");
    let ended = end(child);
    assert_eq!(ended.code, Some(143), "{ended:?}");
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
}

/// The kernel shows no pending interrupt any more for the process that wrote the run's lock.
fn signal_was_seen(place: &Sandboxed) -> bool {
    let lock = std::fs::read_to_string(place.path().join("run/lock")).unwrap_or_default();
    let status = std::fs::read_to_string(format!("/proc/{}/status", lock.trim())).unwrap_or_default();
    !status.lines().any(|line| line.starts_with("ShdPnd:") && line.ends_with('2'))
}

#[test]
fn a_run_is_written_by_one_process() {
    let (place, silent) = (Sandboxed::new(), server(ANSWERED));
    let child = waiting(&place, &silent);
    let second = Ended::of(&mut place.solve(puzzle("roman"), &silent, &SEARCH));
    assert_eq!(second.code, Some(2), "{second:?}");
    assert!(second.stderr.contains("this run is in progress elsewhere"), "{second:?}");
    assert_eq!(silent.count() as u64, ANSWERED + 1, "the second one asked nothing");
    signal(&child, "-INT");
    assert_eq!(end(child).code, Some(130));
}
