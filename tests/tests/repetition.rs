//! Answers that were cut for repeating themselves are counted wherever a run is told of, and what becomes of them is part of
//! what a run is.

use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::puzzle;
use serde_json::{Value, json};

/// A model that is caught in a loop, whatever it is asked.
fn looping() -> ModelServer {
    ModelServer::answering(|request| {
        let text = format!("```python\n{}", "print('once more')\n".repeat(400));
        vec![text; request["n"].as_u64().unwrap_or(1) as usize]
    })
}

/// The profile `looping`, with what becomes of its answers.
fn configured(place: &Sandboxed, server: &ModelServer, rule: &str) {
    let (url, model) = (server.base_url(), "scripted");
    let text =
        format!("[model.looping]\nbase_url = \"{url}\"\nmodel = \"{model}\"\nrepetition = \"{rule}\"\n");
    let _ = place.file("looping.toml", text);
}

/// Answers of a run's events that ended cut, and all of them.
fn cut(events: &[Value]) -> (usize, usize) {
    let ends: Vec<&Value> = events.iter().filter_map(|event| event["finish"].as_array()).flatten().collect();
    (ends.iter().filter(|end| **end == "repetition").count(), ends.len())
}

#[test]
fn a_search_says_how_many_answers_were_cut_and_by_which_rule() {
    let (place, server) = (Sandboxed::new(), looping());
    let mut runs = std::collections::BTreeSet::new();
    for rule in ["continue", "cut", "off"] {
        configured(&place, &server, rule);
        let search = ["--json", "--config", "looping.toml", "-m", "looping", "--strategy", "resample"];
        let more = ["--set", "budget.calls=3", "--run-dir", rule];
        let ended = Ended::of(place.command(&["solve"]).arg(puzzle("roman")).args(search).args(more));
        assert_eq!(ended.code, Some(5), "{ended:?}");
        let (cut, all) = cut(&place.events(rule));
        assert!(all > 0 && cut == if rule == "off" { 0 } else { all }, "{rule}: {cut} of {all}");
        let shown = Ended::of(&mut place.command(&["show", rule]));
        let said = shown.stdout.contains(&format!("answers cut for repeating themselves: {all}"));
        assert_eq!(said, rule != "off", "{shown:?}");
        runs.insert(ended.json()["run_id"].to_string());
    }
    assert_eq!(runs.len(), 3, "each rule makes a run of its own");
}

#[test]
fn a_batch_counts_them_in_results_rows_and_report() {
    let (place, server) = (Sandboxed::new(), looping());
    configured(&place, &server, "cut");
    let row = |name: &str| json!({"task_id": name, "prompt": "def f(x):\n", "entry_point": "f", "test": "def check(f):\n    assert f(1) == 2\n"});
    let dataset = place.file("dataset.jsonl", format!("{}\n{}\n", row("T/0"), row("T/1")));
    let ended = Ended::of(
        place
            .command(&["eval", "--out", "run", "--config", "looping.toml", "-m", "looping"])
            .args(["--strategy", "resample", "--set", "budget.calls=2"])
            .arg(dataset),
    );
    let read = |name: &str| std::fs::read_to_string(place.path().join("run").join(name)).unwrap_or_default();
    let results: Value = serde_json::from_str(&read("results.json")).unwrap_or_default();
    let rows: Vec<Value> =
        read("samples.jsonl").lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let answers: u64 = rows.iter().filter_map(|row| row["repeated"].as_u64()).sum();
    assert!(answers >= 2, "{rows:?}, {ended:?}");
    assert_eq!(results["repetition"], json!({"answers": answers, "samples": 2}));
    let line = format!("{answers} answers in 2 samples were cut for repeating themselves");
    assert!(ended.stdout.contains(&line), "{ended:?}");
    let report = Ended::of(&mut place.command(&["report", "run"]));
    assert!(report.stdout.contains(&line), "{report:?}");
    let spec: Value = serde_json::from_str(&read("run.json")).unwrap_or_default();
    assert_eq!(spec["spec"]["repetition"], json!({"cut": {"copies": 32}}));
}
