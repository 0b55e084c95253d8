//! The shared corpus of hostile and harmless programs, driven through the real binary by the corpus's own runner.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::process::Command;

use codeagent_tests::binary::Sandboxed;
use codeagent_tests::shared;
use serde_json::Value;

/// Runs those cases of the corpus whose ids match, and returns the runner's report.
#[expect(clippy::print_stderr, reason = "says what was run, and what came out wrong")]
fn run(folder: &Path, backend: &str, only: &str) -> Value {
    let place = Sandboxed::new();
    let verb = place.command(&["sandbox", "run", "--json"]);
    let binary = verb.get_program().to_str().unwrap().to_owned();
    let report = place.path().join("report.json");
    let mut runner = Command::new("python3");
    runner.arg(folder.join("redteam/run_redteam.py")).args(["--backend", backend, "--only", only]);
    runner.args(["--cmd", &format!("'{binary}' sandbox run --json")]).arg("--json").arg(&report);
    // The runner passes its environment on.
    runner.env_clear().envs(verb.get_envs().filter_map(|(name, value)| Some((name, value?))));
    runner.env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(place.path());
    let done = runner.output().unwrap();
    let said = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    eprintln!("{backend} {only}:\n{said}");
    serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap()
}

/// Runs the corpus in one back-end: every verdict must be right.
fn check(folder: &Path, backend: &str) {
    let report = run(folder, backend, "");
    let count = |name: &str| report["summary"][name].as_u64().unwrap();
    assert!(count("cases") > 50, "{report}");
    assert_eq!([count("breaches"), count("rewarded_hacks"), count("broken_benign")], [0; 3]);
    // Its limits are short and count in wall-clock time, which a busy machine can use up: what is wrong twice is wrong.
    for row in
        report["rows"].as_array().unwrap().iter().filter(|row| row["wrong"] != Value::Array(Vec::new()))
    {
        let again = run(folder, backend, &format!("^{}$", row["id"].as_str().unwrap()));
        assert_eq!(again["summary"]["right"], 1, "{row}");
    }
}

/// One after the other: the runner listens at fixed addresses.
#[test]
fn every_verdict_is_right() {
    let Some(folder) = shared::folder() else { return };
    check(&folder, "wasm");
    #[cfg(target_os = "linux")]
    check(&folder, "local");
}
