//! What can be rehearsed, and that a rehearsed test gives the verdict of the test itself.

use std::time::Duration;

use crate::case::{Case, Test};
use crate::conformance::phrase;
use crate::judge::{JudgeOptions, Report};
use crate::program::Program;
use crate::testing::{block_on, judge, sandbox};
use crate::value::repr;

use super::*;

const RIGHT: &str = "def f(x): return x";

fn setup(body: &str) -> String {
    format!("def check(candidate):\n    {}\n", body.replace('\n', "\n    "))
}

/// What rehearsing a test function with this body notes: calls with their answers.
fn noted(body: &str) -> Option<Vec<String>> {
    let options = JudgeOptions::default();
    let calls = block_on(Rehearsals::default().calls(&sandbox(), &setup(body), "check(f)", "f", &options))
        .unwrap()?;
    let shown = |call: &CheckedCall| {
        let args: Vec<String> = call.assertion.args.iter().map(repr).collect();
        format!("{} -> {}", args.join(" "), call.assertion.expected)
    };
    Some(calls.iter().map(shown).collect())
}

fn judged(source: &str, body: &str) -> Report {
    let program = Program { source: source.into(), entry: Some("f".into()) };
    let test = Test::Code { setup: setup(body), code: "check(f)".into() };
    let case = Case { name: "case".into(), test, time_limit: Duration::from_secs(20) };
    block_on(judge().judge(&program, &[case], &JudgeOptions::default())).unwrap()
}

fn verdict(source: &str, body: &str) -> String {
    judged(source, body).results.first().map(|result| phrase(&result.verdict)).unwrap()
}

#[test]
fn loops_of_assertions_are_noted_call_by_call() {
    let check = |body: &str, expected: &[&str]| {
        assert_eq!(noted(body).unwrap(), expected, "{body}");
    };
    check("for i in range(3):\n    assert candidate(i) == i * 2", &["0 -> 0", "1 -> 2", "2 -> 4"]);
    check("assert candidate(3 * 19, 'a' + 'b') == [3, 19]", &["57 'ab' -> [3, 19]"]);
    check("for x in (1, 2): assert str(x) == candidate(x)", &["1 -> '1'", "2 -> '2'"]);
    check("assert all([candidate(i) == i for i in range(2)])", &["0 -> 0", "1 -> 1"]);
    check(
        "xs = [1]\nassert candidate(xs) == 1\nxs.append(2)\nassert candidate(xs) == 2",
        &["[1] -> 1", "[1, 2] -> 2"],
    );
}

#[test]
fn whatever_else_a_test_does_with_an_answer_must_be_run() {
    for body in [
        "assert candidate(1)",
        "assert not candidate(1)",
        "assert candidate(1) != 2",
        "assert candidate(1) < 2",
        "assert candidate(1) is not None",
        "assert abs(candidate(1) - 1) < 1e-6",
        "assert tuple(candidate(1)) == (1,)",
        "assert candidate(1) == candidate(1)",
        "assert type(candidate(1)) == int",
        "assert isinstance(candidate(1), int)",
        "x = candidate(1)\nassert x == 1\nassert x == 1",
        "x = candidate(1)\nif x == 1:\n    assert len(x) == 1",
        "assert candidate(1) == 1\ncandidate(2)",
        "try:\n    assert candidate(1) == 1\nexcept TypeError:\n    pass",
        "assert candidate(1) == object()",
        "assert candidate(object()) == 1",
        "import json\nassert candidate(1) == 1",
        "assert {candidate(1)} == {1}",
        "assert f'{candidate(1)}' == '1'",
        "assert candidate(1) == 1\nassert False",
        "while True: candidate(1) == 1",
        "pass",
        "match candidate(1):\n    case 1: pass",
    ] {
        assert_eq!(noted(body), None, "{body}");
    }
}

#[test]
fn verdicts_are_those_of_the_test_itself() {
    let check = |source: &str, body: &str, expected: &str| {
        assert_eq!(verdict(source, body), expected, "{source}\n{body}");
    };
    let loop_of_three = "for i in range(3):\n    assert candidate(i) == i";
    check(RIGHT, loop_of_three, "passed");
    check("def f(x): return 0", loop_of_three, "wrong 0 != 1");
    check(
        "def f(x): return 1 // (2 - x)",
        "for i in range(3):\n    assert candidate(i) == i // 2 or True",
        "exception ZeroDivisionError 1",
    );
    check("def f(x): return object()", loop_of_three, "not-plain object");
    // The notes say one thing, the test allows another, too.
    check(RIGHT, "for i in range(3):\n    assert candidate(i) == 7 or candidate(i) == i", "passed");
    check(
        "def f(x): return 5",
        "for i in range(3):\n    assert candidate(i) == 7 or candidate(i) == i",
        "wrong False != True",
    );
    // Two who look at what becomes of the arguments.
    let looks = "for i in (1, 2):\n    xs = [i, 0]\n    assert candidate(xs) == i\n    assert xs == [i, 0]";
    check("def f(x): return x[0]", looks, "passed");
    check("def f(x):\n    first = x[0]\n    x.sort()\n    return first", looks, "wrong [0, 1] != [1, 0]");
}

#[test]
fn a_failed_call_names_its_statement() {
    let report = judged("def f(x): return 0", "for i in range(3):\n    assert candidate(i) == i, 'why'");
    assert_eq!(report.results[0].assertion.as_deref(), Some("assert candidate(i) == i, 'why'"));
}
