//! Speed of the whole, against its mark. It measures, so it is run by hand, in release, on an idle machine.

use std::time::{Duration, Instant};

use codeagent_tests::binary::{self, Sandboxed};
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::SkilledModel;
use serde_json::{Value, json};

/// What 16 rollouts take the authors' program, without the time of the model.
const ORIGINAL: Duration = Duration::from_secs(21);
/// How many times faster we are at least.
const FASTER: f64 = 10.0;

/// A puzzle with one more test that contradicts another one, so that every program fails.
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a puzzle of ours has tests")]
fn unsolvable() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/puzzles/roman.json");
    let mut puzzle: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    puzzle["public_tests"].as_array_mut().unwrap().push(json!({"in": "[4]", "out": "'IIII'"}));
    puzzle.to_string()
}

#[test]
#[ignore = "measures; run it by hand: cargo test --release -p codeagent-tests --test speed -- --ignored --nocapture"]
#[expect(clippy::print_stderr, reason = "it is there to say what it measured")]
fn sixteen_rollouts_are_ten_times_faster_than_the_original() {
    let model = SkilledModel::new(0.4);
    let server = ModelServer::answering(move |request| model.answer(request));
    let place = Sandboxed::new();
    let problem = place.file("unsolvable.json", unsolvable());
    // Prepares the interpreter, which happens once per machine.
    let program = place.file("one.py", "print(1)\n");
    assert!(place.run(&["exec", program.to_str().unwrap()]).status.success());

    let mut command =
        place.command(&["solve", problem.to_str().unwrap(), "--json", "--strategy", "rethink-mcts"]);
    command.args(["--set", "search.rethink-mcts.exhaust=true"]);
    command.args(["--base-url", &server.base_url(), "-m", "scripted"]);
    let start = Instant::now();
    let output = command.output().unwrap();
    let wall = start.elapsed();

    let story = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {story}"));
    assert_eq!(
        (&report["status"], &report["stop_reason"]),
        (&json!("unsolved"), &json!("exhausted")),
        "{story}"
    );
    assert_eq!(report["calls"], server.requests().len(), "every call reached the server");
    let ratio = ORIGINAL.as_secs_f64() / wall.as_secs_f64();
    eprintln!(
        "16 rollouts with {} calls: {ratio:.1} times faster than the original (mark {FASTER}; {wall:.2?} of {ORIGINAL:.0?}), with {}",
        report["calls"],
        binary::path().display(),
    );
    assert!(ratio >= FASTER, "{wall:?} is not {FASTER} times faster than {ORIGINAL:?}");
}
