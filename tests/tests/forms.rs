//! Problems of every form, by file and by `DATASET#ID`, are recognised, solved and verified.

#![expect(clippy::indexing_slicing, reason = "JSON has null where nothing is")]

use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::server::ModelServer;
use serde_json::{Value, json};

const FUNCTION: &str = "def double(x):\n    return 2 * x\n";
const WRONG: &str = "def double(x):\n    return 2 + x\n";
const STDIO: &str = "print(2 * int(input()))\n";
const WRONG_STDIO: &str = "print(2 + int(input()))\n";

/// Each form: its row, its id, its visible and hidden tests, and whether it reads its input.
fn rows() -> Vec<(&'static str, Value, &'static str, [u64; 2], bool)> {
    let native = json!({
        "v": 1, "id": "demo/1", "prompt": "Double a number.", "language": "python",
        "entry": {"kind": "function", "name": "double", "signature": "def double(x: int) -> int"},
        "public_tests": [{"in": "[2]", "out": "4"}, {"in": "[3]", "out": "6"}], "hidden_tests": [{"in": "[-1]", "out": "-2"}],
    });
    let human_eval = json!({
        "task_id": "HumanEval/900", "entry_point": "double", "canonical_solution": "    return 2 * x\n",
        "prompt": "def double(x: int) -> int:\n    \"\"\" Double a number.\n    >>> double(3)\n    6\n    \"\"\"\n",
        "test": "def check(candidate):\n    assert candidate(5) == 10\n    assert candidate(0) == 0\n",
    });
    let mbpp = json!({
        "task_id": 901, "text": "Write a function to double a number.", "code": FUNCTION, "test_setup_code": "",
        "test_list": ["assert double(3) == 6", "assert double(5) == 10"], "challenge_test_list": [],
    });
    let apps = json!({
        "problem_id": 902, "difficulty": "introductory", "starter_code": "", "solutions": "[]",
        "question": "Double a number.\n\n-----Input-----\nOne number.\n\n-----Output-----\nIts double.\n\n\
                     -----Examples-----\nInput\n3\n\nOutput\n6\n",
        "input_output": json!({"inputs": ["3\n", "5\n"], "outputs": ["6\n", "10\n"]}).to_string(),
    });
    vec![
        ("native.json", native, "demo/1", [2, 1], false),
        ("human_eval.json", human_eval, "HumanEval/900", [1, 1], false),
        ("mbpp.json", mbpp, "MBPP/901", [0, 2], false),
        ("apps.json", apps, "APPS/902", [1, 2], true),
    ]
}

/// A model that knows how to double.
fn doubling() -> ModelServer {
    ModelServer::answering(|request| {
        let reads = request["messages"].to_string().contains("One number.");
        vec![format!("```python\n{}```", if reads { STDIO } else { FUNCTION })]
    })
}

fn judged(place: &Sandboxed, server: &ModelServer, problem: &str) -> (Option<i32>, Value) {
    let ended = Ended::of(&mut place.solve(problem, server, &["--strategy", "reflexion", "--judge"]));
    assert!(ended.stdout.starts_with('{'), "{problem}: {ended:?}");
    (ended.code, ended.json())
}

fn check(place: &Sandboxed, server: &ModelServer, problem: &str, id: &str, [visible, hidden]: [u64; 2]) {
    let (code, result) = judged(place, server, problem);
    assert_eq!((code, &result["task_id"]), (Some(0), &json!(id)), "{problem}: {result}");
    assert_eq!(result["visible"], json!({"passed": visible, "total": visible}), "{problem}");
    assert_eq!(result["hidden"]["passed"], result["hidden"]["total"], "{problem}");
    assert!(result["hidden"]["total"].as_u64() <= Some(hidden), "{problem}: {result}");
}

#[test]
fn every_report_names_the_protocol_and_each_is_a_run_of_its_own() {
    let (place, server) = (Sandboxed::new(), doubling());
    let mbpp = rows().into_iter().find(|row| row.0 == "mbpp.json").unwrap().1;
    let file = place.file("mbpp.json", mbpp.to_string());
    let program = place.file("double.py", FUNCTION);
    let mut runs = std::collections::BTreeSet::new();
    for (protocol, visible, hidden) in
        [("strict", 0, 2), ("legacy", 1, 1), ("codetree-compat", 2, 2), ("rethink-compat", 0, 2)]
    {
        let flags = ["--strategy", "resample", "--judge", "--protocol", protocol];
        let solved = Ended::of(&mut place.solve(&file, &server, &flags)).json();
        assert_eq!(solved["protocol"], protocol);
        assert_eq!([&solved["visible"]["total"], &solved["hidden"]["total"]], [visible, hidden], "{solved}");
        runs.insert(solved["run_id"].to_string());
        let mut verify = place.command(&["verify", "--json", "--protocol", protocol]);
        let verified = Ended::of(verify.arg(&program).arg("--problem").arg(&file)).json();
        assert_eq!((&verified["protocol"], &verified["passed"]), (&json!(protocol), &json!(true)));
    }
    assert_eq!(runs.len(), 4);
    let unknown = Ended::of(&mut place.solve(&file, &server, &["--protocol", "lenient"]));
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
}

#[test]
fn every_form_is_recognised_and_solved() {
    let (place, server) = (Sandboxed::new(), doubling());
    for (name, row, id, tests, _) in rows() {
        let _ = place.file(name, row.to_string());
        check(&place, &server, name, id, tests);
    }
}

#[test]
fn one_row_of_many_is_named_by_its_id() {
    let (place, server) = (Sandboxed::new(), doubling());
    for (name, row, id, tests, _) in rows() {
        let mut other = row.clone();
        for field in ["id", "task_id", "problem_id"] {
            if let Some(value) = other.get_mut(field) {
                *value = if value.is_number() { json!(999) } else { json!("Other/999") };
            }
        }
        let _ = place.file("rows.jsonl", format!("{other}\n\n{row}\n"));
        check(&place, &server, &format!("rows.jsonl#{id}"), id, tests);
        let missing = Ended::of(&mut place.solve("rows.jsonl#none", &server, &[]));
        assert!(missing.code == Some(6) && missing.stderr.contains("rows.jsonl"), "{name}: {missing:?}");
    }
}

#[test]
fn verify_tells_right_from_wrong() {
    let place = Sandboxed::new();
    let programs =
        [("function", FUNCTION, WRONG), ("stdio", STDIO, WRONG_STDIO)].map(|(kind, right, wrong)| {
            (place.file(&format!("{kind}.py"), right), place.file(&format!("wrong-{kind}.py"), wrong))
        });
    for (name, row, _, _, reads) in rows() {
        let _ = place.file(name, row.to_string());
        let (right, wrong) = &programs[usize::from(reads)];
        for (program, code) in [(right, 0), (wrong, 1)] {
            let ended = Ended::of(place.command(&["verify", "--problem", name]).arg(program));
            assert_eq!(ended.code, Some(code), "{name} with {}: {ended:?}", program.display());
        }
    }
}

#[test]
fn an_unsolved_problem_ends_with_1() {
    let (place, _) = (Sandboxed::new(), ());
    let server = ModelServer::answering(|_| vec![format!("```python\n{WRONG}```")]);
    for (name, row, id, _, reads) in rows() {
        if reads {
            continue;
        }
        let _ = place.file(name, row.to_string());
        let (code, result) = judged(&place, &server, name);
        assert_eq!((code, &result["task_id"]), (Some(1), &json!(id)), "{result}");
    }
}
