//! `codeagent ps`, `pause`, `resume` and `cancel` on searches and batches that run.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests; JSON has null where nothing is")]

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use codeagent_tests::binary::{Ended, Sandboxed, until};
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::{SkilledModel, puzzle, puzzles};
use serde_json::{Value, json};

/// What an answer takes: long enough that a run can be met in the middle.
const LATENCY: Duration = Duration::from_millis(60);

/// By then a request that had passed the gate has reached the server.
const SETTLED: Duration = Duration::from_millis(500);

fn server() -> ModelServer {
    let model = SkilledModel::new(0.3);
    ModelServer::start(Box::new(move |request| model.answer(request)), Box::new(|_| None), LATENCY)
}

fn place() -> Sandboxed {
    let place = Sandboxed::new();
    let rows: String = puzzles().iter().map(|puzzle| format!("{puzzle}\n")).collect();
    let _ = place.file("puzzles.jsonl", rows);
    place
}

fn batch(place: &Sandboxed, server: &ModelServer) -> Command {
    let mut command =
        place.command(&["eval", "puzzles.jsonl", "--out", "run", "--strategy", "resample", "-n", "3"]);
    command.args(["-m", "scripted", "--base-url", &server.base_url(), "--seed", "5", "--json"]);
    command.args(["--searches", "2", "-j", "2", "--concurrency", "2"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts it, and waits until it is in the middle.
fn begun(mut command: Command, server: &ModelServer) -> Child {
    let child = command.spawn().unwrap();
    until("a few questions are asked", || server.count() >= 4);
    child
}

fn told(place: &Sandboxed, arguments: &[&str]) -> Vec<Value> {
    let ended = Ended::of(place.command(arguments).arg("--json"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn states(place: &Sandboxed) -> Vec<Value> {
    told(place, &["ps"]).into_iter().map(|run| run["state"].clone()).collect()
}

fn results(place: &Sandboxed) -> Value {
    serde_json::from_slice(&std::fs::read(place.path().join("run/results.json")).unwrap()).unwrap()
}

fn end(child: Child) -> Ended {
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_paused_batch_asks_nothing_and_goes_on_to_the_same_results() {
    let (whole, healthy) = (place(), server());
    assert_eq!(Ended::of(&mut batch(&whole, &healthy)).code, Some(0));

    let (place, server) = (place(), server());
    let child = begun(batch(&place, &server), &server);
    let live = told(&place, &["ps"]);
    assert_eq!(live.len(), 1);
    assert_eq!((&live[0]["verb"], &live[0]["pid"]), (&json!("eval"), &json!(child.id())));
    assert_eq!((&live[0]["state"], &live[0]["subject"]), (&json!("running"), &json!("puzzles.jsonl")));

    // Twice is once.
    for _ in 0..2 {
        assert_eq!(told(&place, &["pause", "run"])[0]["state"], "paused");
    }
    std::thread::sleep(SETTLED);
    let asked = server.count();
    assert!(asked < healthy.count(), "it was met in the middle");
    // Time for many answers.
    std::thread::sleep(20 * LATENCY);
    assert_eq!((server.count(), states(&place)), (asked, vec![json!("paused")]));

    let id = live[0]["run_id"].as_str().unwrap();
    assert_eq!(told(&place, &["resume", &id[..6]])[0]["state"], "running");
    let ended = end(child);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains(&format!("`codeagent resume {id}` goes on")), "{ended:?}");
    let launch = ended.json();
    assert!(launch["socket"].as_str().unwrap().ends_with(&format!("{}.sock", launch["pid"])), "{launch}");
    assert_eq!((results(&place), server.count()), (results(&whole), healthy.count()));
    assert!(states(&place).is_empty());
}

#[test]
fn a_cancelled_batch_is_saved_and_the_same_command_continues() {
    let (whole, healthy) = (place(), server());
    assert_eq!(Ended::of(&mut batch(&whole, &healthy)).code, Some(0));
    for paused in [false, true] {
        let (place, server) = (place(), server());
        let child = begun(batch(&place, &server), &server);
        let process = child.id().to_string();
        if paused {
            assert_eq!(told(&place, &["pause", &process])[0]["state"], "paused");
        }
        assert_eq!(told(&place, &["cancel", &process])[0]["state"], "stopping");
        let ended = end(child);
        assert_eq!(ended.code, Some(5), "{ended:?}");
        assert!(ended.stderr.contains("it was cancelled"), "{ended:?}");
        assert_eq!(results(&place)["complete"], json!(false));
        let ended = Ended::of(&mut batch(&place, &server));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(results(&place), results(&whole));
    }
}

#[test]
fn a_search_is_paused_and_cancelled_too() {
    let (place, server) = (Sandboxed::new(), server());
    let search = ["--strategy", "rethink-mcts", "--seed", "1", "--run-dir", "run", "-j", "1"];
    let child = begun(place.solve(puzzle("roman"), &server, &search), &server);
    assert_eq!(told(&place, &["ps"])[0]["verb"], "solve");
    assert_eq!(told(&place, &["pause", "run"])[0]["state"], "paused");
    std::thread::sleep(SETTLED);
    let asked = server.count();
    std::thread::sleep(20 * LATENCY);
    assert_eq!((server.count(), states(&place)), (asked, vec![json!("paused")]));
    let _ = told(&place, &["cancel", "run"]);
    let ended = end(child);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert_eq!(ended.json()["stop_reason"], "cancelled", "{ended:?}");
}

#[test]
fn what_is_not_live_is_told_and_a_killed_run_is_forgotten() {
    let (place, server) = (place(), server());
    for verb in ["pause", "resume", "cancel"] {
        let ended = Ended::of(&mut place.command(&[verb, "run"]));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("no run `run` is live on this machine"), "{ended:?}");
    }
    let mut child = begun(batch(&place, &server), &server);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(states(&place).is_empty());
    let left = place.path().join("state/codeagent/live");
    assert!(codeagent_tests::binary::files(&left).is_empty(), "its socket is removed");
}
