//! `codeagent score` and `compare`: small files whose figures are known by hand, recorded samples whose verdicts are known,
//! an interruption, bad input.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::shared;
use serde_json::{Value, json};

const PROMPT: &str = "def double(x):\n    \"\"\"Double a number.\"\"\"\n";

fn dataset(place: &Sandboxed) -> String {
    let check = "def check(candidate):\n    for x in range(-3, 3):\n        assert candidate(x) == 2 * x\n";
    let row = |id: &str| json!({"task_id": id, "prompt": PROMPT, "entry_point": "double", "test": check});
    let rows = ["T/0", "T/1"].map(|id| format!("{}\n", row(id))).concat();
    place.file("dataset.jsonl", rows).display().to_string()
}

/// Of T/0 two of three pass (the same one twice), of T/1 none of three.
fn samples() -> String {
    let bodies = [
        ("T/0", "    return 2 * x\n"),
        ("T/1", "    return x ** 2\n"),
        ("T/0", "    while True: pass\n"),
        ("T/1", "    return (\n"),
        ("T/0", "    return 2 * x\n"),
        ("T/1", "    raise KeyError(x)\n"),
    ];
    bodies.map(|(id, body)| format!("{}\n", json!({"task_id": id, "completion": body}))).concat()
}

fn score(place: &Sandboxed, more: &[&str]) -> Ended {
    let dataset = dataset(place);
    let samples = place.path().join("samples.jsonl").display().to_string();
    let arguments = ["score", &samples, "--dataset", &dataset, "--timeout", "1"];
    Ended::of(place.command(&arguments).args(more))
}

fn results(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// By hand: pass@1 is (2/3 + 0) / 2, pass@2 is (1 + 0) / 2, and nothing has five samples.
#[test]
fn every_sample_has_its_result_and_pass_at_k_is_told() {
    let place = Sandboxed::new();
    let _ = place.file("samples.jsonl", samples());
    let ended = score(&place, &["--json", "-k", "1,2,5"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&shown["samples"], &shown["passed"], &shown["solved"]), (&json!(6), &json!(2), &json!(1)));
    assert!((shown["pass_at_k"]["1"]["value"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-9);
    assert_eq!(shown["pass_at_k"]["2"]["value"], json!(0.5));
    assert_eq!(shown["pass_at_k"].get("5"), None);
    assert_eq!(shown["outcomes"], json!({"failed": 3, "passed": 2, "timed out": 1}));
    let rows = results(&place.path().join("samples.jsonl_results.jsonl"));
    let passed: Vec<bool> = rows.iter().map(|row| row["passed"].as_bool().unwrap()).collect();
    assert_eq!(passed, [true, false, false, false, true, false]);
    assert_eq!(rows[2]["result"], "timed out");
    assert!(
        rows[1]["result"].as_str().unwrap().starts_with("failed: expected -6, got 9 at `assert"),
        "{rows:?}"
    );
    assert_eq!(rows[0]["completion"], "    return 2 * x\n");
    assert_eq!(score(&place, &["--fail-under", "0.5"]).code, Some(1));
    assert_eq!(score(&place, &["--fail-under", "0.3"]).code, Some(0));
    let ended = score(&place, &["-k", "5", "--fail-under", "0.3"]);
    assert!(
        ended.code == Some(0) && ended.stdout.contains("pass@5    no problem has so many samples"),
        "{ended:?}"
    );
    assert_eq!(score(&place, &["--fail-under", "50"]).code, Some(2));
    // What is no results file is left as it is.
    let foreign = place.file("notes", "nothing of ours");
    let ended = score(&place, &["--out", "notes"]);
    assert_eq!(
        (ended.code, std::fs::read_to_string(foreign).unwrap().as_str()),
        (Some(2), "nothing of ours")
    );
}

#[test]
fn an_interrupted_command_goes_on_where_it_was() {
    let place = Sandboxed::new();
    let _ = place.file("samples.jsonl", samples());
    assert_eq!(score(&place, &[]).code, Some(0));
    let path = place.path().join("samples.jsonl_results.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    // What a killed command leaves: two results, one changed so that judging it again would show, and half of a third.
    let second = whole.lines().nth(1).unwrap().replace("\"passed\":false", "\"passed\":true");
    let torn: String = whole.lines().nth(2).unwrap().chars().take(20).collect();
    std::fs::write(&path, format!("{}\n{second}\n{torn}", whole.lines().next().unwrap())).unwrap();
    let ended = score(&place, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let expected: Vec<&str> =
        whole.lines().enumerate().map(|(at, line)| if at == 1 { &*second } else { line }).collect();
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().collect::<Vec<_>>(), expected);
    // Neither results under other settings nor those of other samples are taken for ours.
    let ended = score(&place, &["--isolate-tests"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("results.jsonl:1: these results were found with other settings"),
        "{ended:?}"
    );
    let _ = place.file("samples.jsonl", samples().replace("2 * x", "x + x"));
    let ended = score(&place, &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("results.jsonl:1: these are results of other samples"), "{ended:?}");
}

#[test]
fn bad_samples_are_told_and_the_others_scored() {
    let place = Sandboxed::new();
    let strange = json!({"task_id": "T/9", "completion": "    return 1\n"});
    let _ = place.file("samples.jsonl", format!("{}{{}}\n{strange}\n", samples()));
    let ended = score(&place, &[]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.stdout.contains("2 of 6 samples pass"), "{ended:?}");
    assert!(ended.stderr.contains("samples.jsonl:7:"), "{ended:?}");
    assert!(ended.stderr.contains("samples.jsonl:8: the data set has no problem `T/9`"), "{ended:?}");
    // The example is visible, and nothing is hidden.
    let bare = json!({"v": 1, "id": "T/2", "prompt": "Double.", "entry": {"kind": "function", "name": "f"},
        "public_tests": [{"in": "[1]", "out": "2"}]});
    let bare = place.file("bare.json", bare.to_string()).display().to_string();
    let sample = json!({"task_id": "T/2", "completion": "def f(x): return 2 * x\n"});
    let _ = place.file("bare.jsonl", sample.to_string());
    let ended = Ended::of(&mut place.command(&["score", "bare.jsonl", "--dataset", &bare]));
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.stderr.contains("bare.jsonl:1: problem `T/2` has no hidden tests"), "{ended:?}");
    let _ = place.file("samples.jsonl", "");
    assert_eq!(score(&place, &["--out", "empty.jsonl"]).code, Some(6));
}

/// Judged by hand: the second program is right on the inputs of the data set alone, the third on none.
#[test]
fn evalplus_has_results_in_its_own_form() {
    let place = Sandboxed::new();
    let problem = json!({"task_id": "T/0", "prompt": PROMPT, "entry_point": "double", "atol": 0,
        "canonical_solution": "    return 2 * x\n", "base_input": [[1], [2]], "plus_input": [[-4], [0]]});
    let dataset = place.file("plus.jsonl", format!("{problem}\n")).display().to_string();
    let bodies = ["    return 2 * x\n", "    return 2 * abs(x)\n", "    return x\n"];
    let completion = |body: &str| format!("{}\n", json!({"task_id": "T/0", "completion": body}));
    let _ = place.file("s.jsonl", bodies.map(completion).concat());
    let arguments = ["score", "s.jsonl", "--dataset", &dataset, "--format", "evalplus", "--json"];
    let ended = Ended::of(&mut place.command(&arguments));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let path = place.path().join("s_eval_results.json");
    assert_eq!(ended.json()["evalplus_results"], json!(path.display().to_string()));
    let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let rows = file["eval"]["T/0"].as_array().unwrap();
    let statuses: Vec<_> = rows.iter().map(|row| (&row["base_status"], &row["plus_status"])).collect();
    let (pass, fail) = (json!("pass"), json!("fail"));
    assert_eq!(statuses, [(&pass, &pass), (&pass, &fail), (&fail, &fail)]);
    assert_eq!(rows[1]["solution"], format!("{PROMPT}{}", bodies[1]));
    let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-9;
    assert!(near(&file["pass_at_k"]["base"]["pass@1"], 2.0 / 3.0), "{file}");
    assert!(near(&file["pass_at_k"]["plus"]["pass@1"], 1.0 / 3.0), "{file}");

    // The same command takes what it has, and writes the file again.
    std::fs::remove_file(&path).unwrap();
    assert_eq!(Ended::of(&mut place.command(&arguments)).code, Some(0));
    let again: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(again["eval"], file["eval"]);
    // What is not ours stays.
    std::fs::write(&path, "{\"date\": \"\"}").unwrap();
    let ended = Ended::of(&mut place.command(&arguments));
    assert_eq!((ended.code, std::fs::read_to_string(&path).unwrap().as_str()), (Some(2), "{\"date\": \"\"}"));
}

/// The evaluator that recorded them found the same.
#[test]
fn recorded_verdicts_are_found_again() {
    let Some(shared) = shared::folder() else { return };
    let place = Sandboxed::new();
    let samples = shared.join("data/recorded/ldb_codellama_humaneval.jsonl.gz").display().to_string();
    let dataset = shared.join("data/bench/humaneval.jsonl.gz").display().to_string();
    let out = place.path().join("results.jsonl");
    let name = out.display().to_string();
    let arguments = ["score", &samples, "--dataset", &dataset, "--out", &name, "--json"];
    let ended = Ended::of(&mut place.command(&arguments));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&shown["samples"], &shown["passed"]), (&json!(164), &json!(91)));
    assert_eq!(results(&out).len(), 164);
}

fn result(id: usize, passed: bool) -> String {
    format!("{}\n", json!({"task_id": format!("T/{id}"), "passed": passed}))
}

/// By hand: A solves 0 to 4, B 0 to 9 but 3, of 12: five more and one fewer, which by chance comes as far apart in
/// 2 (1 + 6) / 2^6 of all ways.
#[test]
fn results_are_compared_problem_by_problem() {
    let place = Sandboxed::new();
    let a: String = (0..12).map(|id| result(id, id < 5)).collect();
    let b: String = (0..12).map(|id| result(id, id < 10 && id != 3)).collect();
    let a = place.file("a.jsonl", a).display().to_string();
    let b = place.file("b.jsonl", b).display().to_string();
    let ended = Ended::of(&mut place.command(&["compare", &a, &b, "--json"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(shown["problems"], 12);
    assert!((shown["difference"]["value"].as_f64().unwrap() - 4.0 / 12.0).abs() < 1e-9);
    for p in ["permutation_p", "mcnemar_p", "corrected_p"] {
        assert!((shown[p].as_f64().unwrap() - 14.0 / 64.0).abs() < 1e-9, "{p}: {shown}");
    }
    assert_eq!(shown["only_a"], json!(["T/3"]));
    assert_eq!(shown["only_b"].as_array().unwrap().len(), 5);
    let back = place.command(&["compare", &b, &a, "--gate", "0.1"]).output().unwrap();
    assert_eq!(back.status.code(), Some(1));
}

#[test]
fn what_is_no_result_is_told_with_its_position() {
    let place = Sandboxed::new();
    let good = place.file("good.jsonl", result(0, true)).display().to_string();
    let bad =
        place.file("bad.jsonl", format!("{}{{\"task_id\": \"x\"}}\n", result(0, true))).display().to_string();
    let ended = Ended::of(&mut place.command(&["compare", &good, &bad]));
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.stderr.contains("bad.jsonl:2:1: "), "{ended:?}");
    let other = place.file("other.jsonl", result(7, true)).display().to_string();
    let ended = Ended::of(&mut place.command(&["compare", &good, &other]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(Ended::of(&mut place.command(&["compare", &good, "nowhere.jsonl"])).code, Some(6));
}
