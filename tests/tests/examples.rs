//! The examples, solved from the recording that comes with them.

use std::process::Command;

use codeagent_tests::binary::{self, Sandboxed};
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::SkilledModel;

const EXAMPLES: [&str; 2] = ["merge-intervals", "word-count"];
/// Strategies that examples can be solved with offline.
const RECORDED: [&str; 5] = ["adaptive", "rethink-mcts", "codechain", "reflexion", "resample"];

fn example(name: &str) -> String {
    format!("{}/../examples/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

/// Makes the recording anew: `cargo test --workspace --test examples -- --ignored`.
#[test]
#[ignore = "writes examples/recording.jsonl; run it by hand when a question's wording changes"]
fn records_the_examples() {
    let model = SkilledModel::new(0.4);
    let server = ModelServer::answering(move |request| model.answer(request));
    let recording = format!("{}/../examples/recording.jsonl", env!("CARGO_MANIFEST_DIR"));
    std::fs::write(&recording, "").unwrap();
    for name in EXAMPLES {
        for strategy in RECORDED {
            let place = Sandboxed::new();
            let arguments = ["solve", &example(name), "--base-url", &server.base_url(), "-m", "scripted"];
            let status = place
                .command(&arguments)
                .args(["--strategy", strategy, "--record", &recording])
                .status()
                .unwrap();
            assert!(status.success(), "{name} with {strategy}");
        }
    }
    // The binary holds the recording.
    let build = ["test", "--no-run", "--workspace", "--test", "help"];
    assert!(Command::new(env!("CARGO")).args(build).status().unwrap().success());
}

#[test]
fn examples_are_solved_without_a_model() {
    for name in EXAMPLES {
        for strategy in RECORDED {
            let place = Sandboxed::new();
            let output = place.run(&["solve", &example(name), "--strategy", strategy, "--judge"]);
            let story = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name} with {strategy}: {story}");
            assert_eq!(story.matches("replaying the recording").count(), 1, "{story}");
            assert!(!output.stdout.is_empty());
        }
    }
    assert!(binary::path().is_file());
}

#[test]
fn a_program_is_shown_even_if_it_cannot_be_saved() {
    let place = Sandboxed::new();
    let output = place.run(&["solve", &example("merge-intervals"), "--out", "no/such/folder/it.py"]);
    let story = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(70), "{story}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("def merge_intervals"), "{story}");
}

#[test]
fn answers_anew_are_no_recalled_ones() {
    let place = Sandboxed::new();
    let problem = example("merge-intervals");
    assert!(place.run(&["solve", &problem]).status.success());
    for flag in ["--cache-refresh", "--no-cache"] {
        let output = place.run(&["solve", &problem, flag]);
        let story = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flag}: {story}");
        assert!(story.contains("--run-dir"), "{flag}: {story}");
        assert!(place.run(&["solve", &problem, flag, "--run-dir", &flag[2..]]).status.success(), "{flag}");
    }
}
