//! `codeagent repeteval`: prompts that provoke repetition, and what a model that can't stop makes of them.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::looping;
use serde_json::{Value, json};

/// A file of prompts for the looping model.
fn prompts(place: &Sandboxed, copies: &[usize]) {
    let row = |copies: &usize| {
        format!("{}\n", json!({"id": format!("elif-{copies}"), "prompt": looping::prompt(*copies)}))
    };
    let _ = place.file("prompts.jsonl", copies.iter().map(row).collect::<String>());
}

fn run(place: &Sandboxed, model: &str, more: &[&str]) -> Ended {
    let asked =
        ["repeteval", "run", "prompts.jsonl", "-m", model, "--out", "answers.jsonl", "--tokens", "300"];
    Ended::of(place.command(&asked).args(more))
}

fn looping_model(place: &Sandboxed) -> String {
    format!("candle:{}", looping::write(place.path()).display())
}

fn answers(place: &Sandboxed) -> String {
    std::fs::read_to_string(place.path().join("answers.jsonl")).unwrap()
}

#[test]
fn the_guard_ends_what_nothing_else_does_and_its_answers_compile() {
    let place = Sandboxed::new();
    let model = looping_model(&place);
    prompts(&place, &[5, 8]);
    let ended = run(&place, &model, &["--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let methods = &ended.json()["methods"];
    let value = |method: usize, measure: &str| methods[method][measure]["value"].as_f64().unwrap_or(f64::NAN);
    let names: Vec<&str> =
        methods.as_array().unwrap().iter().filter_map(|it| it["method"].as_str()).collect();
    assert_eq!(names, ["none", "repetition-penalty", "frequency-penalty", "guard"]);
    // 300 tokens are 100 units: all but the first repeat.
    assert_eq!((value(0, "ended"), value(0, "tokens")), (0.0, 300.0), "{methods}");
    assert!(value(0, "statements_texts") > 0.98 && value(0, "grams_terminals") > 0.95, "{methods}");
    // The guard leaves a few units more, and what it leaves is a program.
    assert_eq!((value(3, "ended"), value(3, "cut"), value(3, "compiles")), (1.0, 0.0, 1.0), "{methods}");
    assert!(value(3, "tokens") < 30.0 && value(3, "statements_texts") < 0.9, "{methods}");
    // The frequency penalty ends it, too, but not at a place of its own choosing.
    assert!(value(2, "tokens") < 300.0, "{methods}");
    let table = run(&place, &model, &[]);
    assert!(table.stdout.contains("guard") && table.stdout.contains("over 2 prompts"), "{table:?}");
}

#[test]
fn the_same_command_goes_on_and_other_settings_are_refused() {
    let place = Sandboxed::new();
    let model = looping_model(&place);
    prompts(&place, &[5, 6]);
    let whole = run(&place, &model, &["--methods", "none,guard"]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let kept = answers(&place);
    assert_eq!(kept.lines().count(), 4);
    // Killed in the middle of the third row.
    let torn: String = kept.lines().take(2).map(|line| format!("{line}\n")).collect();
    let third = kept.lines().nth(2).unwrap();
    let _ = place.file("answers.jsonl", torn.clone() + &third[..third.len() / 2]);
    let resumed = run(&place, &model, &["--methods", "none,guard"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(answers(&place).starts_with(&torn));
    let texts = |rows: &str| -> Vec<(Value, Value, Value)> {
        let row = |line| serde_json::from_str::<Value>(line).unwrap();
        rows.lines().map(row).map(|it| (it["id"].clone(), it["method"].clone(), it["text"].clone())).collect()
    };
    assert_eq!(texts(&answers(&place)), texts(&kept));
    let refused = run(&place, &model, &["--methods", "none,guard", "--seed", "3"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("answers.jsonl") && refused.stderr.contains("other settings"));
    let _ = place.file("answers.jsonl", "something else\n");
    let refused = run(&place, &model, &[]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("answers.jsonl:1:"), "{refused:?}");
}

#[test]
fn bad_prompts_are_told_with_their_place_and_the_others_measured() {
    let place = Sandboxed::new();
    let model = looping_model(&place);
    let good = json!({"prompt": looping::prompt(5)});
    let long = json!({"prompt": looping::prompt(900)});
    let _ = place.file("prompts.jsonl", format!("{good}\n{{\"prompt\": 3}}\n{long}\n{{\"id\": \"cut"));
    let ended = run(&place, &model, &["--methods", "none", "--json"]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    for told in ["prompts.jsonl:2:12: `prompt`", "prompts.jsonl:3: ", "context", "prompts.jsonl:4:"] {
        assert!(ended.stderr.contains(told), "{told}: {ended:?}");
    }
    assert_eq!(ended.json()["methods"][0]["prompts"], 1);
    let _ = place.file("prompts.jsonl", "\n");
    let none = run(&place, &model, &[]);
    assert_eq!((none.code, none.stderr.contains("holds no prompt")), (Some(6), true), "{none:?}");
    prompts(&place, &[5]);
    let alike = run(&place, &model, &["-n", "2"]);
    assert_eq!((alike.code, alike.stderr.contains("--temperature")), (Some(2), true), "{alike:?}");
    let asked = ["repeteval", "run", "prompts.jsonl", "--out", "answers.jsonl", "-m", "some"];
    let server = Ended::of(place.command(&asked).args(["--base-url", "http://127.0.0.1:9/v1"]));
    assert_eq!((server.code, server.stderr.contains("not a local one")), (Some(2), true), "{server:?}");
}

/// Every prompt runs as it stands, and the embedded model answers it.
#[test]
fn prompts_are_programs_and_the_embedded_model_answers_them() {
    let place = Sandboxed::new();
    let made = Ended::of(&mut place.command(&["repeteval", "gen", "--count", "1", "--seed", "5"]));
    assert_eq!(made.code, Some(0), "{made:?}");
    let rows: Vec<Value> = made.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 8);
    for row in &rows {
        let _ = place.file("program.py", row["prompt"].as_str().unwrap());
        let ran = Ended::of(&mut place.command(&["exec", "program.py", "--sandbox", "wasm"]));
        assert_eq!(ran.code, Some(0), "{row} {ran:?}");
    }
    let _ = place.file("prompts.jsonl", &made.stdout);
    let drawn = run(&place, "embedded", &["--json", "--temperature", "0.8", "-n", "2"]);
    assert_eq!(drawn.code, Some(0), "{drawn:?}");
    let methods = drawn.json()["methods"].clone();
    assert_eq!((methods[0]["answers"].clone(), methods[3]["prompts"].clone()), (json!(16), json!(8)));
}
