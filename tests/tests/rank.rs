//! `codeagent rank`: small pools whose ranking is known by hand, recorded pools whose figures were published, bad input.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use codeagent::evidence::digest;
use codeagent::search::choose::evidence::{Evidence, Sample};
use codeagent::search::choose::votes;
use codeagent_benchmarks::ranking::{random_pass_at, ranked_pass_at};
use codeagent_sandbox::literal::parse;
use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::shared;
use serde_json::{Value, json};

const PROMPT: &str = "def double(x):\n    \"\"\"Double a number.\"\"\"\n";

fn dataset(place: &Sandboxed) -> String {
    let check = "def check(candidate):\n    assert candidate(7) == 14\n    assert candidate(-1) == -2\n";
    let row = json!({"task_id": "T/0", "prompt": PROMPT, "entry_point": "double", "test": check});
    place.file("dataset.jsonl", row.to_string()).display().to_string()
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// Three right programs, two of them equal, two wrong in one way, one that does not parse.
fn samples() -> Vec<Value> {
    let bodies = [
        "    return x ** 2\n",
        "    return 2 * x\n",
        "    return x * x\n",
        "    return x + x\n",
        "    return 2 * x\n",
        "    return (\n",
    ];
    bodies.map(|body| json!({"task_id": "T/0", "completion": body})).to_vec()
}

fn tests() -> Vec<Value> {
    vec![
        json!({"task_id": "T/0", "tests": ["assert double(2) == 4\nassert double(3) == 6", "assert double(3) == 6"]}),
        json!({"task_id": "T/0", "tests": "assert double(3) == 9\nassert abs(double(5)) == 10\n"}),
    ]
}

fn rank(place: &Sandboxed, samples: &Path, more: &[&str]) -> Ended {
    let dataset = dataset(place);
    let tests = place.file("tests.jsonl", lines(&tests())).display().to_string();
    let samples = samples.display().to_string();
    let arguments = ["rank", &samples, "--dataset", &dataset, "--tests", &tests, "--timeout", "5"];
    Ended::of(place.command(&arguments).args(more))
}

fn rows(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// By hand: the right ones pass the tests of 4, 6 (twice) and 10: √3 × 4 = 6.93; the wrong ones those of 4 and 9: √2 × 2.
#[test]
fn the_best_group_comes_first_and_its_worth_is_told() {
    let place = Sandboxed::new();
    let file = place.file("samples.jsonl", lines(&samples()));
    let ended = rank(&place, &file, &["--method", "dual-agreement", "--judge"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let [row, judged] = &rows(&ended)[..] else { panic!("{ended:?}") };
    assert_eq!(row["classes"].as_array().unwrap().len(), 3);
    assert_eq!(row["classes"][0]["samples"], json!([1, 3, 4]));
    assert!((row["classes"][0]["score"].as_f64().unwrap() - 48.0_f64.sqrt()).abs() < 1e-9);
    assert_eq!(row["classes"][1], json!({"samples": [0, 2], "score": 8.0_f64.sqrt()}));
    assert_eq!(row["classes"][2], json!({"samples": [5], "score": 0.0}));
    assert_eq!(row["order"], json!([1, 0, 3, 2, 4, 5]));
    assert_eq!(
        (&row["task_id"], &row["sample"], &row["line"], &row["completion"]),
        (&json!("T/0"), &json!(1), &json!(2), &json!("    return 2 * x\n"))
    );
    assert_eq!(judged["pass_at_k"]["1"], json!({"ranked": 1.0, "random": 0.5}));
    assert_eq!((&judged["problems"], &judged["samples"]), (&json!(1), &json!(6)));
    assert!(ended.stderr.contains("pass@1"), "{ended:?}");
}

#[test]
fn every_method_finds_the_right_ones() {
    let place = Sandboxed::new();
    let mut samples = samples();
    for (sample, log_prob) in samples.iter_mut().zip([-0.9, -0.1, -0.9, -0.3, -0.1, -2.0]) {
        sample["mean_logprob"] = json!(log_prob);
    }
    let file = place.file("samples.jsonl", lines(&samples));
    for method in ["ladder", "dual-agreement", "votes", "consensus", "rpc"] {
        let ended = rank(&place, &file, &["--method", method, "--quiet"]);
        let row = &rows(&ended)[0];
        assert_eq!(
            (&row["sample"], &row["method"], row.get("mode")),
            (&json!(1), &json!(method), None),
            "{ended:?}"
        );
        let mut order: Vec<u64> =
            row["order"].as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).collect();
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2, 3, 4, 5], "{method}: nobody is lost");
    }
    let file = place.file("samples.jsonl", lines(&self::samples()));
    assert_eq!(rows(&rank(&place, &file, &["--method", "rpc"]))[0]["mode"], "sc");
}

#[test]
fn bad_lines_are_told_and_the_others_are_ranked() {
    let place = Sandboxed::new();
    let bad = "{\"task_id\": \"T/0\", \"completion\": 3}\n{\"task_id\": \"T/9\", \"completion\": \"\"}\n{\"task_id\"";
    let file = place.file("samples.jsonl", lines(&samples()) + bad);
    let ended = rank(&place, &file, &["--method", "votes"]);
    assert_eq!((ended.code, rows(&ended).len()), (Some(6), 1), "{ended:?}");
    for part in [
        "samples.jsonl:7:34: `completion`: expected a text",
        "samples.jsonl:8:13: `task_id`: the data set has no problem `T/9`",
        "samples.jsonl:9:",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {ended:?}");
    }
}

#[test]
fn files_that_cannot_be_used_are_errors_with_a_remedy() {
    let place = Sandboxed::new();
    let empty = place.file("empty.jsonl", "");
    let ended = rank(&place, &empty, &[]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.stderr.contains("no sample"), "{ended:?}");
    let ended = rank(&place, Path::new("absent.jsonl"), &[]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    let file = place.file("samples.jsonl", lines(&samples()));
    assert_eq!(rank(&place, &file, &["--method", "luck"]).code, Some(2));
    assert_eq!(rank(&place, &file, &["--cache", "absent/cache.jsonl"]).code, Some(2));
    assert_eq!(rank(&place, &file, &["--jobs", "0"]).code, Some(2));
}

/// What is kept is used again: with its last line torn, the same result, and nothing but that line is added.
#[test]
fn an_interrupted_command_goes_on() {
    let place = Sandboxed::new();
    let file = place.file("samples.jsonl", lines(&samples()));
    let run = || rank(&place, &file, &["--judge", "--cache", "kept.jsonl"]);
    let first = run();
    let kept = place.path().join("kept.jsonl");
    let text = std::fs::read_to_string(&kept).unwrap();
    // Five distinct programs, each with evidence and a verdict.
    assert_eq!(text.lines().count(), 10);
    std::fs::write(&kept, &text[..text.len() - 20]).unwrap();
    assert_eq!(run().stdout, first.stdout);
    assert_eq!(std::fs::read_to_string(&kept).unwrap().lines().count(), 11);
    assert_eq!(run().stdout, first.stdout);
    assert_eq!(std::fs::read_to_string(&kept).unwrap().lines().count(), 11);
}

/// Five bodies and five groups of tests a task, with the published gain of dual agreement.
#[test]
fn recorded_bodies_and_test_groups() {
    let Some(folder) = shared::folder() else { return };
    let place = Sandboxed::new();
    let pool = folder
        .join("data/recorded/agentcoder_gpt35_humaneval.jsonl.gz")
        .canonicalize()
        .unwrap()
        .display()
        .to_string();
    let dataset = folder.join("data/bench/humaneval.jsonl.gz").canonicalize().unwrap().display().to_string();
    let run = |method: &str| {
        let arguments = [
            "rank",
            &pool,
            "--dataset",
            &dataset,
            "--tests",
            &pool,
            "--judge",
            "--timeout",
            "2",
            "--method",
            method,
        ];
        let ended = Ended::of(place.command(&arguments).args(["--cache", "kept.jsonl", "--quiet"]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let rows = rows(&ended);
        let at_1 = |which: &str| rows.last().unwrap()["pass_at_k"]["1"][which].as_f64().unwrap();
        ["random", "ranked"].map(|which| at_1(which) * 100.0)
    };
    let [random, agreement] = run("dual-agreement");
    assert!((random - 62.44).abs() < 1.0 && (agreement - 83.50).abs() < 1.0, "{random} {agreement}");
    let [_, ladder] = run("ladder");
    assert!(ladder > agreement, "{ladder} {agreement}");
}

/// Negative control: votes over answers that hardly differ gain next to nothing.
#[test]
fn votes_over_predicted_outputs_gain_little() {
    let Some(tasks) = shared::rows("data/bench/cruxeval.jsonl.gz") else { return };
    let predictions = shared::rows("data/recorded/cruxeval_codellama7b_output.jsonl.gz").unwrap();
    let answer = |text: &str| parse(text).ok().map(|value| digest(&value));
    let (mut random, mut ranked, mut count) = (0.0, 0.0, 0.0);
    for row in &predictions {
        let task = tasks.iter().find(|task| task["id"] == row["id"]).unwrap();
        let expected = answer(task["output"].as_str().unwrap());
        let answers: Vec<_> = row["generations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| answer(text.as_str().unwrap()))
            .collect();
        let right: Vec<bool> = answers.iter().map(|answer| answer.is_some() && *answer == expected).collect();
        let sample = |answer: &Option<u64>| Sample { answers: vec![*answer], ..Sample::default() };
        let evidence = Evidence { samples: answers.iter().map(sample).collect(), tests: Vec::new() };
        random += random_pass_at(&right, 1);
        ranked += ranked_pass_at(&votes::rank(&evidence), &right, 1);
        count += 1.0;
    }
    let (random, ranked) = (random / count * 100.0, ranked / count * 100.0);
    assert!((ranked - random).abs() < 3.0, "{random:.2} {ranked:.2}");
}
