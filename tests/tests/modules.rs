//! `codeagent modules`: clusters of what samples consist of, bad input.

use codeagent_tests::binary::{Ended, Sandboxed};
use serde_json::{Value, json};

const SIEVE: &str = "def primes(limit):\n    '''Primes below a limit.'''\n    return [n for n in range(2, limit) if all(n % d for d in range(2, n))]\n";

/// Two samples with a function that is the same up to names, and one of another kind each.
fn samples() -> String {
    let one = format!("{SIEVE}\ndef solve(limit):\n    return sum(primes(limit))\n");
    let renamed = SIEVE.replace("limit", "end");
    let other = format!("{renamed}\nclass Task:\n    def run(self, end):\n        return len(primes(end))\n");
    let rows = [
        json!({"task_id": "T/0", "solution": one}),
        json!({"task_id": "T/0", "completion": other}),
        json!({"task_id": "T/0", "solution": "def broken(:\n"}),
    ];
    rows.map(|row| format!("{row}\n")).concat()
}

#[test]
fn what_is_alike_stands_together() {
    let place = Sandboxed::new();
    let file = place.file("samples.jsonl", samples()).display().to_string();
    let ended = Ended::of(&mut place.command(&["modules", &file, "--clusters", "3", "--json"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shown: Value = ended.json();
    assert_eq!(
        (&shown["samples"], &shown["unparsable"], &shown["units"], &shown["distinct"]),
        (&json!(3), &json!(1), &json!(5), &json!(4))
    );
    let clusters = shown["clusters"].as_array().unwrap();
    let primes = clusters.iter().find(|cluster| cluster["representative"]["path"] == "primes").unwrap();
    let members = primes["members"].as_array().unwrap();
    let samples: Vec<_> = members.iter().map(|member| (&member["sample"], &member["path"])).collect();
    assert_eq!(samples, [(&json!(0), &json!("primes")), (&json!(1), &json!("primes"))]);
    assert_eq!(members.first().map(|it| &it["hash"]), members.last().map(|it| &it["hash"]));
    assert!(primes["source"].as_str().unwrap().starts_with("def primes("));
    let all: Vec<&Value> =
        clusters.iter().flat_map(|cluster| cluster["members"].as_array().unwrap()).collect();
    let run = all.iter().find(|member| member["path"] == "Task.run").unwrap();
    assert_eq!(
        (&run["kind"], &run["line"], &run["calls"]),
        (&json!("method"), &json!(6), &json!(["primes"]))
    );
    let again = Ended::of(&mut place.command(&["modules", &file, "--clusters", "3", "--json"]));
    assert_eq!(again, ended);

    let text = Ended::of(&mut place.command(&["modules", &file]));
    assert!(
        text.stdout.starts_with("T/0: 5 definitions, 4 distinct, in 3 samples (1 do not parse)\n"),
        "{text:?}"
    );
}

#[test]
fn completions_stand_behind_their_prompts() {
    let place = Sandboxed::new();
    let row = json!({"task_id": "T/0", "prompt": "def double(x):\n", "entry_point": "double", "test": "def check(f): pass\n"});
    let dataset = place.file("dataset.jsonl", row.to_string()).display().to_string();
    let file =
        place.file("samples.jsonl", "{\"task_id\": \"T/0\", \"completion\": \"    return 2 * x\\n\"}\n");
    let arguments = ["modules", &file.display().to_string(), "--dataset", &dataset, "--json"];
    let ended = Ended::of(&mut place.command(&arguments));
    assert_eq!(ended.json()["clusters"][0]["source"], "def double(x):\n    return 2 * x", "{ended:?}");
}

#[test]
fn bad_input_is_told_with_its_place() {
    let place = Sandboxed::new();
    let bad = format!("{}{{\"task_id\": 1.5, \"solution\": \"\"}}\n{{\"solution\": \"x\"}}\n", samples());
    let file = place.file("samples.jsonl", bad).display().to_string();
    let ended = Ended::of(&mut place.command(&["modules", &file, "--json"]));
    assert_eq!((ended.code, &ended.json()["units"]), (Some(6), &json!(5)), "{ended:?}");
    assert!(ended.stderr.contains(":4:13: `task_id`") && ended.stderr.contains(":5:1: "), "{ended:?}");
    let run = |arguments: &[&str]| Ended::of(&mut place.command(arguments));
    let empty = place.file("empty.jsonl", "").display().to_string();
    assert_eq!(run(&["modules", &empty]).code, Some(6));
    assert_eq!(run(&["modules", &file, "--clusters", "0"]).code, Some(2));
    let ended = run(&["modules", &file, "--language", "cobol"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("python"), "{ended:?}");
}
