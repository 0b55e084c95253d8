//! A server with faults: passing ones change nothing, lasting ones end with what to do, and nothing paid is lost.

#![expect(clippy::indexing_slicing, reason = "JSON has null where nothing is")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use codeagent_tests::binary::{self, Ended, STRATEGIES, Sandboxed};
use codeagent_tests::server::{Fault, Faults, ModelServer};
use codeagent_tests::skill::{SkilledModel, puzzle};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

const PASSING: [Fault; 11] = [
    Fault::Status(429),
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Status(408),
    Fault::Html,
    Fault::NoChoices,
    Fault::NullContent,
    Fault::HalfBody,
    Fault::HalfStream,
    Fault::Hang,
];

/// A server that does not begin an answer for so long has failed.
const FIRST_BYTE: &str = "model.scripted.first_byte_timeout=2s";

fn server(faults: Box<Faults>) -> ModelServer {
    let model = SkilledModel::new(0.3);
    ModelServer::start(Box::new(move |request| model.answer(request)), faults, Duration::ZERO)
}

fn solve(place: &Sandboxed, server: &ModelServer, strategy: &str, more: &[&str]) -> Ended {
    let mut command = place.solve(puzzle("balanced"), server, &["--strategy", strategy, "--run-dir", "run"]);
    command.args(["--set", "model.scripted.model=scripted", "--set", FIRST_BYTE]);
    Ended::of(command.args(more))
}

/// A search with faults: the same result and the same events as without, and no more calls than faults.
fn check(strategy: &str, faults: Box<Faults>, name: &str) {
    let (healthy, whole) = (server(Box::new(|_| None)), Sandboxed::new());
    let expected = solve(&whole, &healthy, strategy, &[]);
    let (faulty, place) = (server(faults), Sandboxed::new());
    let ended = solve(&place, &faulty, strategy, &[]);
    assert_eq!(
        (ended.code, ended.result()),
        (expected.code, expected.result()),
        "{strategy}, {name}: {ended:?}"
    );
    assert_eq!(place.events("run"), whole.events("run"), "{strategy}, {name}");
    let distinct = |server: &ModelServer| -> BTreeSet<String> {
        server.requests().iter().map(Value::to_string).collect()
    };
    assert_eq!(distinct(&faulty), distinct(&healthy), "{strategy}, {name}");
}

#[test]
fn one_fault_of_each_kind_changes_nothing() {
    for (index, fault) in PASSING.into_iter().enumerate() {
        let at = [0, index as u64 % 4 + 1];
        let strategy = STRATEGIES[index % STRATEGIES.len()];
        check(
            strategy,
            Box::new(move |ordinal| at.contains(&ordinal).then_some(fault)),
            &format!("{fault:?}"),
        );
    }
}

#[test]
fn a_fifth_of_faults_of_every_kind_changes_nothing() {
    for strategy in STRATEGIES {
        let mix = |ordinal: u64| {
            let mut dice = ChaCha8Rng::seed_from_u64(ordinal);
            // A server that hangs is slow to test; it has had its turn alone.
            dice.random_bool(0.2).then(|| PASSING[dice.random_range(0..PASSING.len() - 1)])
        };
        check(strategy, Box::new(mix), "mixed");
    }
}

/// A lasting fault after `answered` requests: exit 3 with what to do; then, with a healthy server, the same command
/// finishes and pays for nothing twice.
fn lasting(fault: Fault, answered: u64, says: &str, tries_max: usize) {
    let (healthy, whole) = (server(Box::new(|_| None)), Sandboxed::new());
    let expected = solve(&whole, &healthy, "rethink-mcts", &[]);
    let place = Sandboxed::new();
    let faulty = server(Box::new(move |ordinal| (ordinal >= answered).then_some(fault)));
    let start = Instant::now();
    let ended = solve(&place, &faulty, "rethink-mcts", &[]);
    assert!(start.elapsed() < Duration::from_secs(15), "{fault:?}: {:?}", start.elapsed());
    assert_exit_3(&ended, says);
    assert!(faulty.count() - answered as usize <= tries_max, "{fault:?}: {} requests", faulty.count());

    let back = server(Box::new(|_| None));
    let finished = solve(&place, &back, "rethink-mcts", &[]);
    assert_eq!((finished.code, finished.result()), (expected.code, expected.result()), "{fault:?}");
    assert_eq!(place.events("run"), whole.events("run"));
    let paid: BTreeSet<String> =
        faulty.requests().iter().take(answered as usize).map(Value::to_string).collect();
    let again = back.requests().iter().filter(|request| paid.contains(&request.to_string())).count();
    assert_eq!(again, 0, "{fault:?}: stored answers are not asked for again");
}

fn assert_exit_3(ended: &Ended, says: &str) {
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains(says), "not {says:?}: {}", ended.stderr);
    assert_eq!(ended.stderr.matches(says).count(), 1, "said once: {}", ended.stderr);
    assert!(ended.stderr.contains("\n  try: ") && !ended.stderr.contains("panick"), "{}", ended.stderr);
    assert_eq!((&ended.json()["status"], ended.stdout.lines().count()), (&"error".into(), 1), "{ended:?}");
}

#[test]
fn lasting_faults_end_with_what_to_do() {
    for (fault, says, tries_max) in [
        (Fault::Status(401), "status 401", 1),
        (Fault::Status(403), "status 403", 1),
        (Fault::Status(404), "status 404", 1),
        (Fault::Status(500), "status 500", 8),
        (Fault::Html, "HTML", 8),
        (Fault::NoChoices, "without choices", 8),
        (Fault::NullContent, "without content", 8),
        (Fault::HalfBody, "cut off", 8),
        (Fault::HalfStream, "finish reason", 8),
    ] {
        lasting(fault, 3, says, tries_max);
    }
}

#[test]
fn a_dead_server_ends_with_what_to_do() {
    let _ = binary::path();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for jobs in ["1", "8"] {
        let place = Sandboxed::new();
        let start = Instant::now();
        let ended = Ended::of(
            place
                .command(&["solve", "--json", "-m", "scripted", "--base-url", &format!("http://{closed}/v1")])
                .arg(puzzle("balanced"))
                .args(["--strategy", "resample", "-j", jobs, "--set", "limits.retry_backoff=1ms"])
                .args(["--set", "limits.outage_wait=1ms"]),
        );
        assert!(start.elapsed() < Duration::from_secs(15), "{jobs} in flight: {:?}", start.elapsed());
        assert_exit_3(&ended, if jobs == "1" { "could not connect" } else { "has not answered" });
    }
}
