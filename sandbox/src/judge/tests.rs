//! The judge over a sandbox without containment; back-ends run the conformance suite on their own.

use super::*;
use crate::case::Checker;
use crate::conformance::{Suite, deviations, phrase};
use crate::testing::{block_on, judge, sandbox};
use crate::value::Value;

fn program(source: &str, entry: Option<&str>) -> Program {
    Program { source: source.into(), entry: entry.map(Into::into) }
}

fn case(test: Test) -> Case {
    Case { name: "case".into(), test, time_limit: Duration::from_secs(20) }
}

fn equals(argument: i64, expected: impl Into<Value>) -> Case {
    let (args, expected) = (vec![argument.into()], expected.into());
    case(Test::Call { args, kwargs: vec![], expected, checker: Checker::Exact })
}

fn phrases(report: &Report) -> Vec<String> {
    report.results.iter().map(|result| phrase(&result.verdict)).collect()
}

#[test]
fn every_verdict_comes_out_as_it_must() {
    assert_eq!(block_on(deviations(sandbox(), Suite::Verdicts)).unwrap(), []);
}

#[test]
fn one_load_serves_all_cases() {
    let source =
        "import sys\nloads = getattr(sys, 'loads', 0) + 1\nsys.loads = loads\ndef f(n): return loads";
    let report = block_on(judge().judge(
        &program(source, Some("f")),
        &[equals(1, 1), equals(2, 1)],
        &JudgeOptions::default(),
    ));
    let report = report.unwrap();
    assert_eq!((report.passed(), report.total(), report.is_passed()), (2, 2, true));
}

#[test]
fn a_syntax_error_is_every_case_s_verdict() {
    let report = block_on(judge().judge(
        &program("def f(:", Some("f")),
        &[equals(1, 1), equals(2, 2)],
        &JudgeOptions::default(),
    ));
    assert_eq!(phrases(&report.unwrap()), ["syntax 1", "syntax 1"]);
}

#[test]
fn the_judge_stops_where_it_is_told_to() {
    let options = JudgeOptions { stop_at_first_failure: true, ..JudgeOptions::default() };
    let cases = [equals(1, 1), equals(2, 3), equals(3, 3)];
    let report =
        block_on(judge().judge(&program("def f(n): return n", Some("f")), &cases, &options)).unwrap();
    assert_eq!(phrases(&report), ["passed", "wrong 2 != 3"]);
    assert_eq!((report.passed(), report.total()), (1, 3));
}

#[test]
fn timeouts_that_use_up_the_time_end_the_judging() {
    let hang = |n| Case { time_limit: Duration::from_millis(100), ..equals(n, n) };
    let cases = [hang(1), hang(2), hang(3), equals(0, 0)];
    let limits = Limits::default().with_wall(Duration::from_millis(200));
    let options = JudgeOptions { limits, ..JudgeOptions::default() };
    let source = "def f(n):\n    while n: pass\n    return n";
    let report = block_on(judge().judge(&program(source, Some("f")), &cases, &options)).unwrap();
    assert_eq!(phrases(&report), ["timeout"; 4]);
    assert_eq!(report.results[3].wall, Duration::ZERO);
}

/// One test of the calls `f(1)`, `f(2)`, `f(3)`, each of which must return its argument, within so many milliseconds.
fn three_calls(limit_ms: u64) -> Case {
    let assertions = (1..=3).map(|n| format!("    assert candidate({n}) == {n}\n")).collect::<String>();
    let setup = format!("def check(candidate):\n{assertions}");
    let test = case(Test::Code { setup, code: "check(candidate)".into() });
    Case { time_limit: Duration::from_millis(limit_ms), ..test }
}

fn judged(source: &str, cases: &[Case]) -> Report {
    block_on(judge().judge(&program(source, Some("f")), cases, &JudgeOptions::default())).unwrap()
}

#[test]
fn calls_that_are_given_up_together_are_made_one_by_one() {
    // What earlier calls leave behind is there for the later ones.
    let source = "import time\nseen = []\ndef f(n):\n    time.sleep(0.15 * (n == 2))\n    seen.append(n)\n    return len(seen)";
    for cases in [vec![three_calls(20_000)], vec![equals(1, 1), equals(2, 2), equals(3, 3)]] {
        assert!(judged(source, &cases).is_passed());
    }
}

#[test]
fn what_hangs_after_a_wrong_answer_does_not_take_its_time() {
    let source = "def f(n):\n    while n > 2: pass\n    return 1";
    let cases = [three_calls(20_000)];
    let report = judged(source, &cases);
    assert_eq!(phrases(&report), ["wrong 1 != 2"]);
    assert!(report.results[0].wall < cases[0].time_limit);
}

#[test]
fn calls_that_are_made_one_by_one_share_the_time_of_their_test() {
    let source = "import time\ndef f(n):\n    time.sleep(0.2)\n    return n";
    assert_eq!(phrases(&judged(source, &[three_calls(350)])), ["timeout"]);
}

#[test]
fn the_failing_assertion_is_named() {
    let setup = "def check(candidate):\n    assert candidate(1) == 1\n    assert candidate(2) == 3, 'two'\n";
    let test = case(Test::Code { setup: setup.into(), code: "check(candidate)".into() });
    let report =
        block_on(judge().judge(&program("def f(n): return n", Some("f")), &[test], &JudgeOptions::default()));
    assert_eq!(report.unwrap().results[0].assertion.as_deref(), Some("assert candidate(2) == 3, 'two'"));
}

#[test]
fn the_call_that_a_test_fails_at_is_traced() {
    let setup = "def check(candidate):\n    assert candidate(1) == 1\n    assert candidate(5) == 6\n";
    let test = case(Test::Code { setup: setup.into(), code: "check(candidate)".into() });
    let traced = block_on(judge().trace(
        &program("def f(n):\n    return n", Some("f")),
        &test,
        &JudgeOptions::default(),
    ));
    let trace = traced.unwrap().unwrap();
    assert_eq!((trace.total, trace.blocks[0].before.as_str()), (1, "n=5"));
}

#[test]
fn a_run_reports_its_status_and_output() {
    let source = "import sys\nprint(input())\nprint('e', file=sys.stderr)\nsys.exit(4)";
    let (sandbox, program) = (sandbox(), program(source, None));
    let run = crate::Run { program, stdin: b"x\n".to_vec(), ..crate::Run::default() };
    let run = block_on(crate::run_program(&sandbox, &run)).unwrap();
    assert_eq!((phrase(&run.verdict).as_str(), run.exit), ("exit 4", Some(4)));
    assert_eq!((run.stdout.as_slice(), run.stderr.as_slice()), (&b"x\n"[..], &b"e\n"[..]));
}

#[test]
fn a_report_survives_json() {
    let report = block_on(judge().judge(
        &program("def f(n): return n", Some("f")),
        &[equals(1, 2)],
        &JudgeOptions::default(),
    ));
    let report = report.unwrap();
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}
