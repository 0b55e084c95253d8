//! Falsification: planted bugs are found and made small, right programs never are, bad input is an error.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::sync::Arc;

use codeagent::Problem;
use codeagent::falsify::{Falsification, FalsifyConfig, FalsifyError, Oracle, falsify};
use codeagent::sandbox::{Checker, Limits};
use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::pool;
use codeagent_tests::server::ModelServer;
use serde_json::Value;

fn hunt(
    problem: &Problem,
    program: &str,
    oracle: &Oracle,
    config: &FalsifyConfig,
) -> Result<Falsification, FalsifyError> {
    let sandbox = Arc::clone(&pool::sandboxes()[0]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(falsify(sandbox, Limits::default(), problem, program, oracle, config))
}

fn reference(program: &str) -> Oracle {
    Oracle::Reference(program.to_owned())
}

/// The smallest input on which `program` differs from `right`, and the kind of failure.
fn check(problem: &Problem, program: &str, right: &str, kind: &str, input: &str) {
    let found = hunt(problem, program, &reference(right), &FalsifyConfig::default()).unwrap();
    let example =
        found.counterexample.unwrap_or_else(|| panic!("{program} is refuted after {} inputs", found.tried));
    assert_eq!((example.kind(), example.input.as_str()), (kind, input), "{example:?}");
    assert!(found.tried <= 500);
}

fn function(name: &str, examples: &[&str]) -> Problem {
    let problem = Problem::function("planted", name, "");
    examples.iter().fold(problem, |problem, example| problem.example(example).unwrap())
}

#[test]
fn planted_bugs_are_found_and_made_small() {
    let total = function("total", &["total([3, 1, 2]) == 6"]);
    let right = "def total(xs):\n    return sum(xs)\n";
    // Off by one, where it shows from four items on.
    check(&total, "def total(xs):\n    return sum(xs[:3])\n", right, "wrong-answer", "total([0, 0, 0, 1])");
    // The empty input.
    check(
        &total,
        "def total(xs):\n    t = xs[0]\n    for x in xs[1:]:\n        t += x\n    return t\n",
        right,
        "crash",
        "total([])",
    );
    // Sums of 32 bits.
    let wraps = "def total(xs):\n    return (sum(xs) + 2**31) % 2**32 - 2**31\n";
    check(&total, wraps, right, "wrong-answer", "total([2147483648])");
    // The last of equal ones in place of the first.
    let first = function("first", &["first([3, 5, 1]) == 1"]);
    let last = "def first(xs):\n    return max(range(len(xs)), key=lambda i: (xs[i], i))\n";
    check(&first, last, "def first(xs):\n    return xs.index(max(xs))\n", "wrong-answer", "first([0, 0])");
    // Endless for one number.
    let root = Problem {
        limits: codeagent::ProblemLimits { time: std::time::Duration::from_millis(500), memory_mib: 64 },
        ..function("root", &["root(17) == 4"])
    };
    let endless = "def root(n):\n    while n == 12:\n        pass\n    return int(n ** 0.5)\n";
    check(&root, endless, "def root(n):\n    return int(n ** 0.5)\n", "timeout", "root(12)");
}

#[test]
fn stdin_programs_are_refuted_too() {
    let problem = Problem::stdio("planted", "").prints("3\n4 8 2\n", "8\n");
    let right = "n = int(input())\nprint(max(map(int, input().split())))\n";
    let wrong = "n = int(input())\nbest = 0\nfor x in map(int, input().split()):\n    best = max(best, x)\nprint(best)\n";
    check(&problem, wrong, right, "wrong-answer", "0\n-1\n");
}

#[test]
fn a_right_program_is_never_refuted() {
    let problem = function("total", &["total([3, 1, 2], 2) == 12"]);
    let config = FalsifyConfig { tries: 5_000, ..FalsifyConfig::default() };
    let right = "def total(xs, k):\n    return sum(xs) * k\n";
    let other = "def total(numbers, k):\n    result = 0\n    for number in numbers:\n        result += k * number\n    return result\n";
    let found = hunt(&problem, other, &reference(right), &config).unwrap();
    assert_eq!((found.counterexample, found.flaky), (None, 0));
    assert!(found.tried > 2_000, "{} inputs", found.tried);
}

#[test]
fn where_several_answers_are_right_the_checker_decides() {
    let checker = Checker::Program {
        source: "def check(input, expected, actual):\n    return sorted(actual) == sorted(expected)\n".into(),
    };
    let problem = Problem { checker, ..Problem::function("planted", "evens", "") };
    let problem = problem.example("evens([3, 4, 2]) == [2, 4]").unwrap();
    let right = reference("def evens(xs):\n    return sorted(x for x in xs if x % 2 == 0)\n");
    let config = FalsifyConfig { tries: 60, ..FalsifyConfig::default() };
    let other = "def evens(xs):\n    return [x for x in xs[::-1] if x % 2 == 0]\n";
    assert_eq!(hunt(&problem, other, &right, &config).unwrap().counterexample, None);
    let wrong = "def evens(xs):\n    return sorted(set(x for x in xs if x % 2 == 0))\n";
    let found = hunt(&problem, wrong, &right, &config).unwrap().counterexample.unwrap();
    assert_eq!(found.input, "evens([0, 0])");
}

#[test]
fn others_are_believed_where_they_agree() {
    let problem = function("total", &["total([3, 1, 2]) == 6"]);
    let others = [
        "def total(xs):\n    return sum(xs)\n",
        "def total(xs):\n    t = 0\n    for x in xs:\n        t += x\n    return t\n",
        "def total(xs):\n    return sum(xs) if len(xs) < 5 else 0\n",
    ];
    let others = Oracle::Agreement(others.map(str::to_owned).to_vec());
    let config = FalsifyConfig { tries: 200, ..FalsifyConfig::default() };
    let found = hunt(&problem, "def total(xs):\n    return sum(set(xs))\n", &others, &config).unwrap();
    assert_eq!(found.counterexample.unwrap().input, "total([1, 1])");
    // Copies of one program are one voice, and one voice is not enough.
    let alone = Oracle::Agreement(vec![
        "def total(a):\n    return sum(a)\n".into(),
        "def total(b):\n    return sum(b)\n".into(),
    ]);
    let found = hunt(&problem, "def total(xs):\n    return sum(set(xs))\n", &alone, &config).unwrap();
    assert_eq!((found.counterexample, found.tried), (None, 0));
}

#[test]
fn what_is_not_repeatable_or_not_valid_does_not_count() {
    let problem = function("total", &["total([3, 1, 2]) == 6"]);
    let right = reference("def total(xs):\n    return sum(xs)\n");
    let dice =
        "import random\ndef total(xs):\n    return sum(xs) + (len(xs) > 3 and random.random() < 0.5)\n";
    let config = FalsifyConfig { tries: 100, ..FalsifyConfig::default() };
    let found = hunt(&problem, dice, &right, &config).unwrap();
    assert_eq!(found.counterexample, None);
    assert!(found.flaky > 0, "the dice showed: {found:?}");
    let validator = Some("def valid(xs):\n    return len(xs) > 0\n".to_owned());
    let config = FalsifyConfig { validator, ..config };
    let crashes = "def total(xs):\n    xs[0]\n    return sum(xs)\n";
    let found = hunt(&problem, crashes, &right, &config).unwrap();
    assert!(found.counterexample.is_none() && found.invalid > 0, "{found:?}");
}

#[test]
fn contradictions_are_errors() {
    let problem = function("total", &["total([3, 1, 2]) == 6"]);
    let program = "def total(xs):\n    return sum(xs)\n";
    let config = FalsifyConfig::default();
    let wrong = hunt(&problem, program, &reference("def total(xs):\n    return 0\n"), &config);
    assert!(matches!(wrong, Err(FalsifyError::Reference { .. })), "{wrong:?}");
    let validator =
        FalsifyConfig { validator: Some("def valid(xs):\n    return False\n".into()), ..config.clone() };
    let refused = hunt(&problem, program, &reference(program), &validator);
    assert!(matches!(refused, Err(FalsifyError::Validator { .. })), "{refused:?}");
    let nothing = hunt(&function("total", &[]), program, &reference(program), &config);
    assert!(matches!(nothing, Err(FalsifyError::NoInput)), "{nothing:?}");
}

const PROBLEM: &str = r#"{"v": 1, "id": "t/1", "prompt": "Sum a list.", "entry": {"kind": "function", "name": "total"},
    "public_tests": [{"in": "[[3, 1, 2]]", "out": "6"}]}"#;

#[test]
fn the_command_prints_a_counterexample() {
    let place = Sandboxed::new();
    let problem = place.file("problem.json", PROBLEM);
    let program = place.file("program.py", "def total(xs):\n    return sum(xs[:3])\n");
    let right = place.file("right.py", "def total(xs):\n    return sum(xs)\n");
    let arguments = |right: &str| {
        let (program, problem) = (program.display().to_string(), problem.display().to_string());
        ["falsify".into(), program, "--problem".into(), problem, "--reference".into(), right.to_owned()]
    };
    let run = |arguments: &[String], more: &[&str]| Ended::of(place.command(&[]).args(arguments).args(more));
    let found = run(&arguments(&right.display().to_string()), &["--json"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    let shown: Value = found.json();
    assert_eq!(
        (&shown["verdict"], &shown["input"], &shown["expected"], &shown["got"]),
        (&"wrong-answer".into(), &"total([0, 0, 0, 1])".into(), &"1".into(), &"0".into())
    );
    let text = run(&arguments(&right.display().to_string()), &[]);
    assert!(text.stdout.starts_with("wrong-answer:\ntotal([0, 0, 0, 1])\nexpected: 1\ngot: 0\n"), "{text:?}");

    let samples = "{\"task_id\": \"t/1\", \"solution\": \"def total(a):\\n    return sum(a)\\n\"}\n\
        {\"task_id\": \"t/1\", \"solution\": \"def total(a):\\n    return sum(list(a))\\n\"}\n{\"task_id\": \"t/2\", \"solution\": \"\"}\n";
    let samples = place.file("samples.jsonl", samples);
    let mut against = arguments("");
    against[4] = "--against".into();
    against[5] = samples.display().to_string();
    let shown = run(&against, &["--json"]).json();
    assert_eq!((&shown["input"], &shown["protocol"]), (&"total([0, 0, 0, 1])".into(), &"strict".into()));
    let own = [
        against[0].clone(),
        right.display().to_string(),
        against[2].clone(),
        against[3].clone(),
        against[4].clone(),
        against[5].clone(),
    ];
    let kept = run(&own, &["--json", "--tries", "40"]);
    assert_eq!((kept.code, &kept.json()["verdict"]), (Some(0), &"not-refuted".into()), "{kept:?}");
    assert!(kept.stderr.contains("nothing was tried"), "one voice is not enough: {kept:?}");
}

#[test]
fn bad_arguments_are_errors_with_a_remedy() {
    let place = Sandboxed::new();
    let problem = place.file("problem.json", PROBLEM).display().to_string();
    let program = place.file("program.py", "def total(xs):\n    return 0\n").display().to_string();
    let other =
        place.file("samples.jsonl", "{\"task_id\": \"other\", \"completion\": \"\"}\n").display().to_string();
    for (more, code, part) in [
        (vec![], 2, "--reference"),
        (vec!["--reference", "absent.py"], 6, "absent.py"),
        (vec!["--reference", &program], 6, "fails the visible test"),
        (vec!["--against", &other], 6, "no sample of the problem `t/1`"),
        (vec!["--reference", &program, "--against", &other], 2, "cannot be used with"),
        (vec!["--reference", &program, "--tries", "0"], 2, "0"),
    ] {
        let ended = Ended::of(place.command(&["falsify", &program, "--problem", &problem]).args(&more));
        assert_eq!(ended.code, Some(code), "{more:?}: {ended:?}");
        assert!(ended.stderr.contains(part), "{more:?}: {ended:?}");
    }
}

const DOUBLE: &str = r#"{"v": 1, "id": "t/2", "prompt": "Double a number.", "entry": {"kind": "function", "name": "double"},
    "public_tests": [{"in": "[3]", "out": "6"}]}"#;

/// Right but for one number that no mutation comes to.
const ALMOST: &str = "def double(x):\n    return 2 * x if x != 1234567 else 0\n";

fn fenced(code: &str) -> String {
    format!("```python\n{code}```")
}

/// A model that knows the fault of [`ALMOST`]; one of its three plain programs is wrong.
fn witness(validator: &'static str) -> ModelServer {
    ModelServer::answering(move |request| {
        let question = request["messages"].to_string();
        if question.contains("inputs(seed)") {
            return vec![fenced(
                "def inputs(seed):\n    return [[1234567]] if seed == 0 else [[seed], 'nonsense']\n",
            )];
        }
        if question.contains("Say which inputs it allows") {
            return vec![fenced(validator)];
        }
        let plain = ["return x + x", "return 0", "return x * 2"];
        let plain: Vec<String> =
            plain.iter().map(|line| fenced(&format!("def double(x):\n    {line}\n"))).collect();
        let count = request["n"].as_u64().unwrap_or(1) as usize;
        plain.into_iter().take(count).collect()
    })
}

#[test]
fn a_model_that_is_named_contributes_inputs_a_validator_and_plain_programs() {
    let place = Sandboxed::new();
    let problem = place.file("problem.json", DOUBLE).display().to_string();
    let program = place.file("almost.py", ALMOST).display().to_string();
    let right = place.file("right.py", "def double(x):\n    return x + x\n").display().to_string();
    let hunt = |more: &[&str]| {
        let arguments = ["falsify", &program, "--problem", &problem, "--json"];
        Ended::of(place.command(&arguments).args(more))
    };
    let alone = hunt(&["--reference", &right]);
    assert_eq!((alone.code, &alone.json()["verdict"]), (Some(0), &"not-refuted".into()), "{alone:?}");

    let server = witness("def valid(x):\n    return x > 0\n");
    let url = server.base_url();
    let asked = ["-m", "scripted", "--base-url", &url, "--set", "limits.retry_backoff=1ms"];
    let found = hunt(&[asked.as_slice(), &["--out", "found.jsonl"]].concat());
    assert_eq!(found.code, Some(1), "{found:?}");
    let shown = found.json();
    assert_eq!(
        (&shown["input"], &shown["expected"], &shown["got"]),
        (&"double(1234567)".into(), &"2469134".into(), &"0".into())
    );
    let model = &shown["model"];
    assert_eq!(
        (&model["inputs"], &model["validator"], &model["programs"], &model["calls"]),
        (&5.into(), &true.into(), &2.into(), &3.into())
    );
    assert!(model["cost_usd"].is_null(), "the price is not known: {model}");
    let line = "{\"task_id\":\"t/2\",\"in\":\"[1234567]\",\"out\":\"2469134\"}\n";
    assert_eq!(std::fs::read_to_string(place.path().join("found.jsonl")).unwrap(), line);

    let paid = server.count();
    assert_eq!(hunt(&asked).json()["input"], shown["input"]);
    assert_eq!(server.count(), paid, "answers that were paid for are kept");
}

#[test]
fn a_models_validator_that_refuses_a_visible_input_is_not_believed() {
    let place = Sandboxed::new();
    let problem = place.file("problem.json", DOUBLE).display().to_string();
    let program = place.file("almost.py", ALMOST).display().to_string();
    let server = witness("def valid(x):\n    return False\n");
    let url = server.base_url();
    let found = Ended::of(&mut place.command(&[
        "falsify",
        &program,
        "--problem",
        &problem,
        "-m",
        "scripted",
        "--base-url",
        &url,
    ]));
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.stdout.contains("5 inputs, no validator, 2 of 3 programs (3 calls)"), "{found:?}");
}

#[test]
fn a_counterexample_joins_the_visible_tests_of_a_search() {
    let place = Sandboxed::new();
    let problem = place.file("problem.json", DOUBLE);
    let program = place.file("almost.py", ALMOST).display().to_string();
    let tests = "{\"task_id\": \"t/2\", \"in\": \"[1234567]\", \"out\": \"2469134\"}\n\
        {\"task_id\": \"other\", \"in\": \"[1]\", \"out\": \"1\"}\n";
    let tests = place.file("found.jsonl", tests).display().to_string();
    let server = ModelServer::answering(|request| {
        let is_told = request["messages"].to_string().contains("# Test results");
        let program = if is_told { "def double(x):\n    return 2 * x\n" } else { ALMOST };
        vec![fenced(program); request["n"].as_u64().unwrap_or(1) as usize]
    });
    let more = ["--tests", &tests, "--repair", &program, "--strategy", "reflexion"];
    let solved = Ended::of(&mut place.solve(&problem, &server, &more));
    let first = server.requests()[0]["messages"].to_string();
    assert!(first.contains("double(1234567) == 2469134") && first.contains("else 0"), "{first}");
    assert_eq!(solved.json()["visible"], serde_json::json!({"passed": 2, "total": 2}), "{solved:?}");

    let broken =
        place.file("broken.jsonl", "{\"task_id\": \"t/2\", \"in\": \"[1]\"}\n").display().to_string();
    let refused = Ended::of(&mut place.solve(&problem, &server, &["--tests", &broken]));
    assert_eq!(refused.code, Some(6), "{refused:?}");
    assert!(refused.stderr.contains("broken.jsonl:1"), "{refused:?}");
}
