//! `codeagent datasets`: what it counts, which references it finds wrong, and what it says of files that are no data sets.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "tests")]

use codeagent_benchmarks::load_dataset;
use codeagent_tests::binary::{Ended, Sandboxed, until};
use serde_json::{Value, json};

const CANARY: &str = "canary-reference-77c0";

/// Three problems: one whose reference is right, one whose reference is wrong, one without any.
fn data_set() -> String {
    let row = |id: &str, body: Value| {
        json!({
            "task_id": id, "entry_point": "double", "canonical_solution": body,
            "prompt": "def double(x):\n    \"\"\"Double a number.\n    >>> double(1)\n    2\n    \"\"\"\n",
            "test": "def check(candidate):\n    assert candidate(4) == 8\n",
        })
    };
    let right = row("T/0", json!(format!("    return 2 * x  # {CANARY}\n")));
    let wrong = row("T/\u{1b}[2J1", json!("    return x ** 2\n"));
    let mut without = row("T/2", Value::Null);
    without.as_object_mut().unwrap().remove("canonical_solution");
    format!("{right}\n{wrong}\n{without}\n")
}

fn run(place: &Sandboxed, arguments: &[&str]) -> Ended {
    let arguments: Vec<&str> = ["datasets"].iter().chain(arguments).copied().collect();
    Ended::of(&mut place.command(&arguments))
}

#[test]
fn problems_and_tests_are_counted() {
    let place = Sandboxed::new();
    let file = place.file("rows.jsonl", data_set());
    let ended = run(&place, &["--json", "rows.jsonl"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let expected = json!({
        "v": 1, "file": "rows.jsonl", "formats": ["human-eval"], "protocol": "strict", "problems": 3,
        "visible": {"tests": 3, "problems": 3}, "hidden": {"tests": 3, "problems": 3}, "with_reference": 2, "with_buggy": 0,
        "hash": load_dataset(&file).unwrap().hash, "warnings": [],
    });
    assert_eq!(ended.json(), expected);
    let shown = run(&place, &["rows.jsonl"]).stdout;
    assert!(
        shown.contains("hidden:     3 tests of 3 problems") && shown.contains("protocol strict"),
        "{shown}"
    );
}

#[test]
fn references_are_run_and_wrong_ones_named() {
    let place = Sandboxed::new();
    let _ = place.file("rows.jsonl", data_set());
    let ended = run(&place, &["--references", "rows.jsonl"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("references pass of 1 of 2 problems"), "{ended:?}");
    assert!(ended.stdout.contains(r"fails: T/\u{1b}[2J1 (1 tried): expected 8, got 16"), "{ended:?}");
    let ended = run(&place, &["--references", "--json", "rows.jsonl"]);
    let references = ended.json()["references"].clone();
    assert_eq!((&references["passed"], &references["unresolved"]), (&json!(1), &json!([])));
    assert_eq!(references["failed"][0]["id"], "T/\u{1b}[2J1");
    assert!(!format!("{ended:?}").contains(CANARY), "{ended:?}");

    let first = data_set().lines().next().unwrap().to_owned();
    let _ = place.file("right.jsonl", &first);
    assert_eq!(run(&place, &["--references", "right.jsonl"]).code, Some(0));
    // Passes what decides; the example says otherwise.
    let _ = place.file("misled.jsonl", first.replace("\\n    2\\n", "\\n    3\\n"));
    let ended = run(&place, &["--references", "misled.jsonl"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("passes, but for the visible tests: T/0"), "{ended:?}");
}

/// What evalplus writes into the other form of its rows.
const WITH_NUMPY: &str = "import numpy as np\n\ndef is_floats(x) -> bool:\n    if isinstance(x, float):\n        return True\n    if isinstance(x, np.ndarray):\n        return x.dtype == np.float64\n    return False\n\ndef assertion(out, exp, atol):\n    exact_match = out == exp\n    if atol == 0 and is_floats(exp):\n        atol = 1e-6\n    if not exact_match and atol != 0:\n        assert np.allclose(out, exp, rtol=1e-07, atol=atol)\n    else:\n        assert exact_match\n\ndef check(candidate):\n    for i, (inp, exp) in enumerate(zip([[3]], [6.0000001])):\n        assertion(candidate(*inp), exp, 0)\n";

/// Unit tests that look at fields, at objects inside objects, at an exception and at an equality of the class's own.
const UNIT_TESTS: &str = "import unittest\n\nclass BoxTest(unittest.TestCase):\n    def setUp(self):\n        self.box = Box(2)\n\n    def test_all(self):\n        inner = Box(1)\n        self.box.items.append(inner)\n        self.assertIs(self.box.double(), self.box)\n        self.assertEqual((self.box.size, inner.size, self.box.total), (4, 2, 6))\n        self.assertEqual(Box(4), self.box)\n        self.assertNotEqual(Box(5), self.box)\n        self.assertIs(self.box.items[0], inner)\n        with self.assertRaises(ValueError):\n            self.box.fail()\n";

const BOX: &str = "class Box:\n    def __init__(self, size):\n        self.size, self.items = size, []\n    def double(self):\n        self.size *= 2\n        [item.double() for item in self.items]\n        return self\n    def fail(self):\n        raise ValueError('no')\n    @property\n    def total(self):\n        return self.size + sum(item.size for item in self.items)\n    def __eq__(self, other):\n        return self.size == other.size\n";

/// A row of each form with a right reference, and a part of it that makes it wrong where it is replaced by another.
fn forms() -> Vec<(Value, &'static str, &'static str)> {
    let plus = |id: &str, solution: &str, inputs: Value| {
        json!({"task_id": id, "entry_point": "f", "atol": 0, "prompt": "def f(x):\n    \"\"\"Doc.\"\"\"\n",
            "canonical_solution": solution, "base_input": inputs, "plus_input": [[2]]})
    };
    let human_eval = json!({"task_id": "T/0", "entry_point": "f", "prompt": "def f(x):\n    \"\"\"Doc.\"\"\"\n",
        "canonical_solution": "    return 2.0 * x\n", "test": WITH_NUMPY});
    let contest = json!({"name": "C", "description": "Print two numbers.", "time_limit": {"seconds": 5},
        "public_tests": {"input": [], "output": []}, "private_tests": {"input": [""], "output": [["1 2", "2 1"]]},
        "solutions": {"language": [3], "solution": ["print(2, 1)"]}});
    let class = json!({"task_id": "ClassEval_0", "class_name": "Box", "skeleton": BOX, "solution_code": BOX,
        "test": UNIT_TESTS, "test_classes": ["BoxTest"]});
    let repair = json!({"name": "f", "docstring": "Count nodes.", "buggy_program": "def f(node): return 0",
        "solution": "def f(node):\n    while node:\n        yield node\n        node = node.next",
        "tests": "class Node:\n    def __init__(self, next):\n        self.next = next\n\nfirst = Node(None)\nassert list(f(Node(first)))[1] is first"});
    let raises = "    if x == 1: raise ValueError\n    return [x] * 300000 + [0.5]\n";
    vec![
        (human_eval, "2.0 *", "2.1 *"),
        (contest, "2, 1)", "2, 2)"),
        (class, "raise ValueError('no')\\n    @prop", "pass\\n    @prop"),
        (repair, "yield node\\n", "yield 0\\n"),
        (plus("T/1", raises, json!([[3]])), "[[3]]", "[[1]]"),
    ]
}

#[test]
fn references_of_every_form_are_judged() {
    let place = Sandboxed::new();
    for (row, right, wrong) in forms() {
        let row = row.to_string();
        // The skeleton of a class comes first, and stays.
        let at = row.rfind(right).unwrap_or_else(|| panic!("{right} in {row}"));
        let changed = format!("{}{wrong}{}", &row[..at], &row[at + right.len()..]);
        let _ = place.file("right.json", &row);
        let _ = place.file("wrong.json", &changed);
        let ended = run(&place, &["--references", "right.json"]);
        assert_eq!(ended.code, Some(0), "{row}: {ended:?}");
        let ended = run(&place, &["--references", "wrong.json"]);
        assert_eq!(ended.code, Some(1), "{changed}: {ended:?}");
    }
}

/// Answers of evalplus's tests: what is not exact, and what is too large to travel.
#[test]
fn programs_are_judged_as_evalplus_does() {
    let place = Sandboxed::new();
    let row = |body: &str, inputs: Value| {
        json!({"task_id": "T/0", "entry_point": "f", "atol": 0, "prompt": "def f(x):\n    \"\"\"Doc.\"\"\"\n",
            "canonical_solution": body, "base_input": inputs, "plus_input": [[2]]})
        .to_string()
    };
    for (reference, inputs, program, passes) in [
        ("    return x / 3\n", json!([[1]]), "    return x / 3 + 1e-8\n", true),
        ("    return x / 3\n", json!([[1]]), "    return x / 3 + 1e-4\n", false),
        ("    return [x / 3]\n", json!([[1]]), "    return (x / 3 + 1e-8,)\n", false),
        ("    return x\n", json!([[1]]), "    return x + 1e-8\n", false),
        ("    return x\n", json!([[1]]), "    return float(x)\n", true),
        ("    return 'a' * 500000 * x\n", json!([[1]]), "    return 'a' * (500000 * x)\n", true),
        ("    return 'a' * 500000 * x\n", json!([[1]]), "    return 'b' * (500000 * x)\n", false),
        ("    return [1.0] * 60000\n", json!([[1]]), "    return [1] * 60000\n", true),
        ("    return [1.0] * 60000\n", json!([[1]]), "    return [1] * 59999 + [2]\n", false),
        ("    return x.append(1) or x\n", json!([[[0]], [[1]]]), "    return x + [1]\n", true),
    ] {
        let _ = place.file("row.json", row(reference, inputs).replace("[[2]]", "[]"));
        let _ = place.file("program.py", program);
        let ended = Ended::of(&mut place.command(&["verify", "program.py", "--problem", "row.json"]));
        assert_eq!(ended.code, Some(i32::from(!passes)), "{reference}{program}{ended:?}");
    }
}

/// Native problems have a place for a reference, and without hidden tests the visible ones decide.
#[test]
fn native_problems_may_have_a_reference() {
    let place = Sandboxed::new();
    let problem = |reference: &str| {
        json!({"v": 1, "id": "n/1", "prompt": "Print 2.", "entry": {"kind": "stdio"},
            "public_tests": [{"in": "", "out": "2"}], "reference": reference})
        .to_string()
    };
    let _ = place.file("right.json", problem("print(1 + 1)"));
    let _ = place.file("wrong.json", problem("print(1)"));
    assert_eq!(run(&place, &["--references", "right.json"]).code, Some(0));
    let ended = run(&place, &["--references", "--json", "right.json", "wrong.json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 2);
}

#[test]
fn bad_files_are_told_and_the_others_checked() {
    let place = Sandboxed::new();
    let _ = place.file("good.jsonl", data_set());
    let _ = place.file("bad.jsonl", format!("{}{}", data_set(), data_set().replace("\"double\"", "3")));
    let ended = run(&place, &["--json", "bad.jsonl", "good.jsonl"]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    let place_of_error = "bad.jsonl:4:33: `entry_point`: expected a text, found a number";
    assert!(
        ended.stderr.starts_with("bad.jsonl:4:") && ended.stderr.contains("`entry_point`: expected a text"),
        "{ended:?} and not {place_of_error}"
    );
    let lines: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["event"], &lines[0]["kind"]), (&json!("error"), &json!("data")));
    assert_eq!(lines[1]["problems"], 3);
}

#[test]
fn what_is_no_data_set_is_refused_with_its_place() {
    let place = Sandboxed::new();
    std::fs::create_dir(place.path().join("folder")).unwrap();
    for (name, text, reason) in [
        ("empty.jsonl", "", "empty.jsonl:1:1: is empty"),
        ("text.jsonl", "hello\n", "text.jsonl:1:1: expected value"),
        ("nan.jsonl", "{\"id\": NaN}", "nan.jsonl:1:8: expected value"),
        ("cut.jsonl", "{\"id\": ", "cut.jsonl:1:"),
        ("list.json", "[1]", "list.json:1:1: expected an object"),
        ("foreign.jsonl", "{\"task_id\": 1}\n", "foreign.jsonl:1:1: is no problem in a form that is known"),
        (
            "rust.jsonl",
            "{\"task_id\": \"Rust/1\", \"prompt\": \"\", \"entry_point\": \"f\", \"test\": \"\", \"buggy_solution\": \"\"}",
            "rust.jsonl:1:13: `task_id`: the language `Rust`",
        ),
    ] {
        let _ = place.file(name, text);
        let ended = run(&place, &[name]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(6), ""), "{ended:?}");
        assert!(ended.stderr.starts_with(reason) && ended.stderr.lines().count() == 1, "{ended:?}");
    }
    for (name, reason) in
        [("absent.jsonl", "absent.jsonl: cannot be read"), ("folder", "folder: is a directory")]
    {
        let ended = run(&place, &[name]);
        assert!(ended.code == Some(6) && ended.stderr.starts_with(reason), "{ended:?}");
    }
}

#[test]
fn wrong_usage_is_refused() {
    let place = Sandboxed::new();
    let _ = place.file("rows.jsonl", data_set());
    for arguments in [
        &[][..],
        &["--protocol", "lenient", "rows.jsonl"],
        &["--jobs", "0", "rows.jsonl"],
        &["--references", "--sandbox", "none", "rows.jsonl"],
    ] {
        let ended = run(&place, arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}: {ended:?}");
    }
}

/// With a reference that never ends and may take ten minutes.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_ends_it() {
    let place = Sandboxed::new();
    let problem = json!({"v": 1, "id": "n/1", "prompt": "Loop.", "entry": {"kind": "stdio"}, "limits": {"time_s": 600},
        "public_tests": [{"in": "", "out": "2"}], "reference": "while True: pass"});
    let _ = place.file("loop.json", problem.to_string());
    let child = place.command(&["datasets", "--references", "loop.json"]).spawn().unwrap();
    let threads = format!("/proc/{}/task", child.id());
    let has_child = |thread: std::fs::DirEntry| {
        std::fs::read_to_string(thread.path().join("children")).is_ok_and(|ids| !ids.trim().is_empty())
    };
    until("a worker is started", || std::fs::read_dir(&threads).unwrap().flatten().any(has_child));
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
    let asked = std::time::Instant::now();
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(asked.elapsed() < std::time::Duration::from_secs(10), "{:?}", asked.elapsed());
}
