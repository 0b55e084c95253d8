//! `codeagent critic` and `codeagent reranker`: trained on samples with verdicts, used to rank and in searches.

use std::path::PathBuf;

use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::{SkilledModel, puzzle};
use serde_json::{Value, json};

/// A tiny encoder, so that a training takes a second.
const TINY: [&str; 8] = ["--width", "8", "--layers", "1", "--problem-tokens", "8", "--program-tokens", "24"];

/// Problems that ask for a factor, and programs for them: what multiplies is right.
fn files(place: &Sandboxed) -> (PathBuf, PathBuf) {
    let (mut problems, mut samples) = (String::new(), String::new());
    for factor in 2..12 {
        let id = format!("T/{factor}");
        let prompt = format!("def scale(x):\n    \"\"\"Multiply by {factor}.\"\"\"\n");
        let test = format!("def check(candidate):\n    assert candidate(3) == {}\n", 3 * factor);
        let row = json!({"task_id": id, "prompt": prompt, "entry_point": "scale", "test": test});
        problems += &format!("{row}\n");
        let bodies = [
            (format!("    return x * {factor}\n"), true, "passed"),
            (format!("    return {factor} * x\n"), true, "passed"),
            (format!("    return x + {factor}\n"), false, "failed: expected 6, got 5"),
            (format!("    return x ** {factor} # wrong\n"), false, "failed: expected 6, got 9"),
            ("    return y\n".to_owned(), false, "failed: NameError: name 'y' is not defined (line 3)"),
            ("    return (\n".to_owned(), false, "failed: SyntaxError: '(' was never closed"),
        ];
        for (completion, passed, result) in bodies {
            let row = json!({"task_id": id, "completion": completion, "passed": passed, "result": result});
            samples += &format!("{row}\n");
        }
    }
    (place.file("problems.jsonl", problems), place.file("samples.jsonl", samples))
}

fn train(place: &Sandboxed, kind: &str, more: &[&str]) -> Ended {
    let (problems, samples) = files(place);
    let mut command = place.command(&[kind, "train", "--json"]);
    command.arg("--from").arg(samples).arg("--dataset").arg(problems).args(TINY).args(more);
    Ended::of(&mut command)
}

#[test]
fn a_trained_scorer_ranks_and_the_same_command_gives_the_same_file() {
    for kind in ["critic", "reranker"] {
        let place = Sandboxed::new();
        let trained = train(&place, kind, &["--out", "scorer", "--seed", "3"]);
        assert_eq!(trained.code, Some(0), "{trained:?}");
        let again = train(&place, kind, &["--out", "again", "--seed", "3"]);
        assert_eq!(trained.json()["fingerprint"], again.json()["fingerprint"]);
        assert_eq!(
            std::fs::read(place.path().join("scorer")).unwrap(),
            std::fs::read(place.path().join("again")).unwrap()
        );
        assert!(!place.path().join("scorer.training").exists());
        let rank = |method: &str| {
            let arguments = [
                "rank",
                "samples.jsonl",
                "--dataset",
                "problems.jsonl",
                "--method",
                method,
                "--scorer",
                "scorer",
            ];
            Ended::of(&mut place.command(&arguments))
        };
        let ranked = rank(kind);
        assert_eq!(ranked.code, Some(0), "{ranked:?}");
        let rows: Vec<Value> =
            ranked.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((rows.len(), rows[0]["method"].as_str()), (10, Some(kind)));
        assert_eq!(rows[0]["order"].as_array().map(Vec::len), Some(6));
        assert_eq!(ranked.stdout, rank(kind).stdout);
        let other = if kind == "critic" { "reranker" } else { "critic" };
        let refused = rank(other);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(&format!("use --method {kind}")), "{refused:?}");
        let arguments =
            [kind, "test", "scorer", "--from", "samples.jsonl", "--dataset", "problems.jsonl", "--json"];
        let tested = Ended::of(&mut place.command(&arguments));
        assert_eq!(tested.code, Some(0), "{tested:?}");
        assert_eq!(tested.json()["ranking"]["oracle"], 1.0);
        assert_eq!(tested.json()["outcomes"].is_object(), kind == "critic");
    }
}

#[test]
fn an_interrupted_training_goes_on_to_the_same_critic() {
    let place = Sandboxed::new();
    let flags = ["--out", "whole", "--epochs", "60"];
    let whole = train(&place, "critic", &flags);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let flags = ["--out", "critic", "--epochs", "60"];
    let mut command = place.command(&["critic", "train", "--json", "--from", "samples.jsonl"]);
    command.args(["--dataset", "problems.jsonl"]).args(TINY).args(flags);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let kept = place.path().join("critic.training");
    codeagent_tests::binary::until("an epoch is over", || kept.exists());
    let signalled = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(signalled.unwrap().success());
    let stopped: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(stopped.code, Some(130), "{stopped:?}");
    assert!(
        !place.path().join("critic").exists() && stopped.stderr.contains("--resume goes on"),
        "{stopped:?}"
    );
    let other = train(&place, "critic", &["--out", "critic", "--epochs", "60", "--seed", "9", "--resume"]);
    assert_eq!(other.code, Some(2), "{other:?}");
    let resumed = train(&place, "critic", &["--out", "critic", "--epochs", "60", "--resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_eq!(resumed.json()["fingerprint"], whole.json()["fingerprint"]);
}

#[test]
fn a_search_is_another_one_with_a_scorer_and_the_same_with_the_same() {
    let place = Sandboxed::new();
    let trained = train(&place, "critic", &["--out", "critic"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    let server = || {
        let model = SkilledModel::new(0.5);
        ModelServer::start(
            Box::new(move |request| model.answer(request)),
            Box::new(|_| None),
            std::time::Duration::ZERO,
        )
    };
    let solve = |folder: &str, more: &[&str]| {
        let flags = ["--strategy", "critical-sampling", "--run-dir", folder];
        Ended::of(&mut place.solve(puzzle("roman"), &server(), &[&flags, more].concat())).json()
    };
    let (plain, scored) = (solve("plain", &[]), solve("scored", &["--scorer", "critic"]));
    assert_ne!(plain["run_id"], scored["run_id"]);
    let again = solve("again", &["--set", "scorer.path=critic"]);
    assert_eq!((&scored["run_id"], &scored["program"]), (&again["run_id"], &again["program"]));
    let events = place.events("scored");
    assert_eq!(events, place.events("again"));
    let learned = events.iter().filter_map(|event| event["attempt"]["learned"].as_f64());
    assert!(learned.clone().count() > 0 && learned.into_iter().all(|score| (0.0..=1.0).contains(&score)));
    let plain = place.events("plain");
    assert!(plain.iter().all(|event| event["attempt"]["learned"].is_null()));
}

#[test]
fn bad_scorers_and_bad_lessons_are_told() {
    let place = Sandboxed::new();
    let (problems, samples) = files(&place);
    let torn = place.file("torn", b"\x10\0\0\0\0\0\0\0{\"x\"");
    let torn = torn.to_str().unwrap();
    let solved = Ended::of(&mut place.command(&[
        "solve",
        "problems.jsonl#T/2",
        "-m",
        "x",
        "--base-url",
        "http://127.0.0.1:9/v1",
        "--scorer",
        torn,
    ]));
    assert_eq!(solved.code, Some(6), "{solved:?}");
    assert!(
        solved.stderr.contains("the scorer cannot be used") && solved.stderr.contains("torn"),
        "{solved:?}"
    );
    let (samples, problems) = (samples.to_str().unwrap(), problems.to_str().unwrap());
    let ranked =
        Ended::of(&mut place.command(&["rank", samples, "--dataset", problems, "--method", "critic"]));
    assert_eq!(ranked.code, Some(2), "{ranked:?}");
    let right = place.file(
        "right.jsonl",
        "{\"task_id\":\"T/2\",\"completion\":\"    return 2 * x\\n\",\"passed\":true}\n",
    );
    let right = right.to_str().unwrap();
    for kind in ["critic", "reranker"] {
        let arguments = [kind, "train", "--from", right, "--dataset", problems, "--out", "none"];
        let refused = Ended::of(&mut place.command(&arguments));
        assert_eq!(refused.code, Some(6), "{refused:?}");
        assert!(refused.stderr.contains("nothing to learn from"), "{refused:?}");
        assert!(!place.path().join("none").exists());
        let arguments =
            [kind, "train", "--from", samples, "--dataset", problems, "--out", "none", "--resume"];
        let refused = Ended::of(&mut place.command(&arguments));
        assert_eq!(refused.code, Some(6), "{refused:?}");
        assert!(refused.stderr.contains("leave --resume out"), "{refused:?}");
    }
}

/// Programs without verdicts are judged on the hidden tests, and get the same ones as rows that tell.
#[test]
fn samples_without_verdicts_are_judged() {
    let place = Sandboxed::new();
    let told = train(&place, "critic", &["--out", "told", "--steps", "2"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    let rows = std::fs::read_to_string(place.path().join("samples.jsonl")).unwrap();
    let bare = rows.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        format!("{}\n", json!({"task_id": row["task_id"], "completion": row["completion"]}))
    });
    let bare = place.file("bare.jsonl", bare.collect::<String>());
    let arguments =
        ["critic", "train", "--from", bare.to_str().unwrap(), "--dataset", "problems.jsonl", "--json"];
    let mut command = place.command(&arguments);
    let judged = Ended::of(command.args(TINY).args(["--out", "judged", "--steps", "2"]));
    assert_eq!(judged.code, Some(0), "{judged:?}");
    assert_eq!(judged.json()["fingerprint"], told.json()["fingerprint"]);
}
