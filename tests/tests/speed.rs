//! Speed of the whole, against its mark. It measures, so it is run by hand, in release, on an idle machine.

use std::fmt::Write as _;
use std::process::Stdio;
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

/// Problems of the data set that samples are scored on.
const PROBLEMS: usize = 100;
/// Numbers of samples; `CODEAGENT_SCORE_SAMPLES` names others, separated by commas.
const SAMPLES: &str = "1000,10000";
/// By how much the cost of a sample may grow from the fewest to the most.
const GROWTH: f64 = 1.25;
/// By how much memory may grow for each sample, in bytes: the sample itself and its result.
const BYTES_PER_SAMPLE: f64 = 2_000.0;
/// Results that are there when a command goes on, and how long it may take to find that nothing is left.
const SCORED: usize = 100_000;
const RESUMED_WITHIN: Duration = Duration::from_secs(5);

fn to_score(place: &Sandboxed) -> String {
    let row = |id: usize| {
        let check = format!(
            "def check(candidate):\n    assert candidate(3) == {}\n    assert candidate(-1) == {}\n",
            3 + id,
            id as i64 - 1
        );
        let prompt = format!("def add(x):\n    \"\"\"Add {id}.\"\"\"\n");
        format!(
            "{}\n",
            json!({"task_id": format!("T/{id}"), "prompt": prompt, "entry_point": "add", "test": check})
        )
    };
    place.file("dataset.jsonl", (0..PROBLEMS).map(row).collect::<String>()).display().to_string()
}

/// No two alike, so that each is judged; every second one is right.
fn body(number: usize) -> (String, String) {
    let id = number % PROBLEMS;
    (format!("T/{id}"), format!("    y = {number}\n    return x + {}\n", id + number / PROBLEMS % 2))
}

fn samples(count: usize) -> String {
    let row = |number| {
        let (id, body) = body(number);
        format!("{}\n", json!({"task_id": id, "completion": body}))
    };
    (0..count).map(row).collect()
}

/// Runs the command to its end: its JSON, the wall time, and the most memory that the process itself took, in bytes.
#[expect(clippy::unwrap_used, reason = "a test's helper")]
fn scored(place: &Sandboxed, dataset: &str) -> (Value, Duration, f64) {
    let mut command =
        place.command(&["score", "samples.jsonl", "--dataset", dataset, "--json", "-k", "1", "-q"]);
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut kib = 0.0_f64;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        kib = kib.max(peak.and_then(|peak| peak.trim().parse().ok()).unwrap_or(0.0));
        std::thread::sleep(Duration::from_millis(20));
    }
    let wall = start.elapsed();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    (serde_json::from_slice(&output.stdout).unwrap(), wall, kib * 1024.0)
}

#[test]
#[ignore = "measures for minutes; run it by hand: cargo test --workspace --test speed -- --ignored --nocapture score"]
#[expect(clippy::print_stderr, reason = "it is there to say what it measured")]
fn a_scored_sample_costs_the_same_however_many_there_are() {
    let place = Sandboxed::new();
    let dataset = to_score(&place);
    let counts = std::env::var("CODEAGENT_SCORE_SAMPLES").unwrap_or_else(|_| SAMPLES.to_owned());
    // Prepares the interpreter, which happens once per machine.
    let _ = place.file("samples.jsonl", samples(PROBLEMS));
    let _ = scored(&place, &dataset);
    let mut measured: Vec<(f64, f64, f64)> = Vec::new();
    for count in counts.split(',').map(|count| count.trim().parse::<usize>().unwrap()) {
        let _ = place.file("samples.jsonl", samples(count));
        std::fs::remove_file(place.path().join("samples.jsonl_results.jsonl")).unwrap();
        let (shown, wall, bytes) = scored(&place, &dataset);
        assert_eq!(
            (&shown["samples"], &shown["passed"]),
            (&json!(count), &json!(count.div_ceil(2))),
            "{shown}"
        );
        let (count, seconds) = (count as f64, wall.as_secs_f64());
        eprintln!(
            "score of {count} samples: {seconds:.2} s, {:.3} ms each, {:.1} MiB",
            1e3 * seconds / count,
            bytes / 1048576.0
        );
        measured.push((count, seconds, bytes));
    }
    let (Some(few), Some(many)) = (measured.first(), measured.last()) else { return };
    assert!(many.1 / many.0 <= GROWTH * few.1 / few.0, "the cost of a sample grows: {measured:?}");
    assert!((many.2 - few.2) / (many.0 - few.0).max(1.0) <= BYTES_PER_SAMPLE, "memory grows: {measured:?}");
}

#[test]
#[ignore = "measures; run it by hand: cargo test --workspace --test speed -- --ignored --nocapture score"]
#[expect(clippy::print_stderr, reason = "it is there to say what it measured")]
fn a_score_of_a_hundred_thousand_samples_is_resumed_within_seconds() {
    let place = Sandboxed::new();
    let dataset = to_score(&place);
    // A few are judged, so that it is known how their results look.
    let _ = place.file("samples.jsonl", samples(2 * PROBLEMS));
    let _ = scored(&place, &dataset);
    let path = place.path().join("samples.jsonl_results.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut row: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let mut results = String::new();
    for number in 0..SCORED {
        let (id, body) = body(number);
        (row["task_id"], row["completion"]) = (json!(id), json!(body));
        row["passed"] = json!((number / PROBLEMS).is_multiple_of(2));
        row["result"] = json!(if row["passed"] == true { "passed" } else { "failed: expected 3, got 4" });
        writeln!(results, "{row}").unwrap();
    }
    std::fs::write(&path, results).unwrap();
    let _ = place.file("samples.jsonl", samples(SCORED));
    let (shown, wall, bytes) = scored(&place, &dataset);
    eprintln!("resume of {SCORED} scored samples: {wall:.2?}, {:.1} MiB", bytes / 1048576.0);
    assert_eq!((&shown["samples"], &shown["passed"]), (&json!(SCORED), &json!(SCORED / 2)), "{shown}");
    assert!(wall <= RESUMED_WITHIN, "{wall:?}");
}
