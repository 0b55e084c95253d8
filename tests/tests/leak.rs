//! What must stay secret does: hidden tests from the search, and keys from everything that is written.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests; JSON has null where nothing is"
)]

use std::process::Command;

use codeagent_tests::binary::{Ended, STRATEGIES, Sandboxed, files};
use codeagent_tests::server::{Fault, ModelServer};
use codeagent_tests::skill::{SkilledModel, puzzle};
use serde_json::{Value, json};

const HIDDEN: &str = "canary-hidden-8fe1";
const KEY: &str = "sk-canary-key-55d0c2";

/// A puzzle with two hidden tests that hold a canary, in the input and in the answer.
fn problem(place: &Sandboxed) -> String {
    let mut problem: Value = serde_json::from_slice(&std::fs::read(puzzle("run-lengths")).unwrap()).unwrap();
    let hidden = problem["hidden_tests"].as_array_mut().unwrap();
    hidden.push(json!({"in": format!("['{HIDDEN}']"), "out": "'x'"}));
    hidden.push(json!({"in": "['x']", "out": format!("'{HIDDEN}'")}));
    problem["reference"] = json!(format!("def f(): return '{HIDDEN}'"));
    place.file("problem.json", problem.to_string()).display().to_string()
}

fn server() -> ModelServer {
    let model = SkilledModel::new(0.2);
    // Errors are written, too.
    let faults = |ordinal| (ordinal == 1).then_some(Fault::Status(500));
    ModelServer::start(
        Box::new(move |request| model.answer(request)),
        Box::new(faults),
        std::time::Duration::ZERO,
    )
}

/// Everything that a command leaves: its streams, and every file but the problem itself.
fn traces(place: &Sandboxed, command: &mut Command) -> Vec<(String, Vec<u8>)> {
    let ended = Ended::of(command);
    assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
    let streams = [("stdout", ended.stdout), ("stderr", ended.stderr)];
    let written = files(place.path()).into_iter().filter(|(path, _)| !path.ends_with("problem.json"));
    let written = written.map(|(path, bytes)| (path.display().to_string(), bytes));
    streams.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).chain(written).collect()
}

fn assert_absent(secret: &str, traces: &[(String, Vec<u8>)]) {
    for (name, bytes) in traces {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{name} holds {secret}");
    }
}

#[test]
fn hidden_tests_reach_no_prompt_no_file_and_no_log() {
    for (strategy, judge) in STRATEGIES.into_iter().flat_map(|strategy| [(strategy, false), (strategy, true)])
    {
        let (place, server) = (Sandboxed::new(), server());
        let more = [
            "-vvv",
            "--strategy",
            strategy,
            "--events",
            "events.jsonl",
            "--record",
            "tape.jsonl",
            "--run-dir",
            "run",
        ];
        let mut command = place.solve(problem(&place), &server, &more);
        if judge {
            command.arg("--judge");
        }
        let traces = traces(&place, &mut command);
        for name in ["stderr", "run.db", "events.jsonl", "tape.jsonl"] {
            let trace = traces.iter().find(|(path, _)| path.ends_with(name));
            assert!(trace.is_some_and(|(_, bytes)| !bytes.is_empty()), "{name} is looked at");
        }
        assert_absent(HIDDEN, &traces);
        // The store keeps texts compressed, so that they are looked at as they are shown, too.
        let shown = place.events("run");
        assert_absent(HIDDEN, &[("the events".to_owned(), json!(shown).to_string().into_bytes())]);
        let asked = json!(server.requests()).to_string();
        assert!(asked.contains("zzzzzzzzzzzz"), "visible tests are in prompts, so hidden ones would be seen");
        assert_absent(HIDDEN, &[("a request".to_owned(), asked.into_bytes())]);
    }
}

#[test]
fn keys_reach_the_server_and_nothing_else() {
    let (place, server) = (Sandboxed::new(), server());
    let mut command =
        place.command(&["solve", &problem(&place), "-vvv", "--json", "--judge", "-m", "openai:scripted"]);
    command.args(["--events", "events.jsonl", "--record", "tape.jsonl", "--set", "limits.retry_backoff=1ms"]);
    command.env("OPENAI_API_KEY", KEY).env("OPENAI_BASE_URL", server.base_url());
    let traces = traces(&place, &mut command);
    assert!(server.keys().iter().all(|sent| *sent == format!("Bearer {KEY}")) && server.count() > 1);
    assert_absent(KEY, &traces);
    assert!(traces.iter().any(|(path, _)| path.ends_with("tape.jsonl")), "the recording is looked at");
}

#[test]
fn a_refused_key_is_not_repeated() {
    let place = Sandboxed::new();
    let refusing = ModelServer::start(
        Box::new(|_| Vec::new()),
        Box::new(|_| Some(Fault::Status(401))),
        std::time::Duration::ZERO,
    );
    for variables in
        [vec![("OPENAI_API_KEY", KEY)], vec![("OPENAI_API_KEY", KEY), ("CODEAGENT_LOG", "trace")]]
    {
        let mut command = place.command(&["solve", &problem(&place), "-vvv", "-m", "openai:scripted"]);
        command.env("OPENAI_BASE_URL", refusing.base_url()).envs(variables);
        let ended = Ended::of(&mut command);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert_absent(
            KEY,
            &[("stdout".to_owned(), ended.stdout.into()), ("stderr".to_owned(), ended.stderr.into())],
        );
    }
}
