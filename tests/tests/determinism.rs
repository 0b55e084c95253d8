//! Same seed, same answers, same search: whatever is in flight, the log of events is the same.

use codeagent_tests::binary::{Ended, STRATEGIES, Sandboxed};
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::{SkilledModel, puzzle};
use serde_json::Value;

/// Runs a strategy from a recording with so many steps in flight, and gives its events.
fn replayed(place: &Sandboxed, recording: &str, strategy: &[&str], jobs: &str) -> Vec<Value> {
    let folder = format!("run-{jobs}");
    let mut command =
        place.command(&["solve", "--replay", recording, "--json", "-j", jobs, "--run-dir", &folder]);
    let ended = Ended::of(command.arg(puzzle("roman")).args(strategy));
    assert!(matches!(ended.code, Some(0 | 1)), "{strategy:?} with {jobs} in flight: {ended:?}");
    place.events(&folder)
}

/// Records a search, then compares its replays. Says how many programs it ran.
fn check(strategy: &[&str]) -> usize {
    let model = SkilledModel::new(0.3);
    let server = ModelServer::answering(move |request| model.answer(request));
    let place = Sandboxed::new();
    let recorded = Ended::of(
        place.solve(puzzle("roman"), &server, &["--record", "tape.jsonl", "-j", "5"]).args(strategy),
    );
    assert!(matches!(recorded.code, Some(0 | 1)), "{strategy:?}: {recorded:?}");
    let one = replayed(&place, "tape.jsonl", strategy, "1");
    assert!(one.len() > 5, "{one:?}");
    assert_eq!(replayed(&place, "tape.jsonl", strategy, "8"), one, "{strategy:?}");
    one.iter().filter(|event| event["type"] == "exec_finished").count()
}

#[test]
fn events_do_not_depend_on_what_is_in_flight() {
    for strategy in STRATEGIES {
        assert!(check(&["--strategy", strategy, "--seed", "3"]) > 0);
    }
}

#[test]
fn stopping_at_the_first_success_does_not_either() {
    let programs = check(&["--strategy", "resample", "--set", "search.resample.stop_at_first=true"]);
    assert!((2..10).contains(&programs), "it stopped in the middle: {programs} programs");
}
