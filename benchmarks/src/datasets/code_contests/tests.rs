use std::time::Duration;

use codeagent_sandbox::case::{Checker, Test};
use serde_json::{Value, json};

use crate::datasets::recognise::Format;
use crate::datasets::testing::Sample;
use crate::protocol::Protocol;

fn sample() -> Sample {
    let tests = |input: &str, output: &str| json!({"input": [input], "output": [output]});
    let row = json!({
        "name": "900_A. Twice", "description": "Print twice the number.", "time_limit": {"seconds": 1, "nanos": 500_000_000},
        "memory_limit_bytes": 1_u64 << 30, "input_file": "", "output_file": "",
        "public_tests": tests("1\n", "2\n"), "private_tests": tests("2\n", "4\n"), "generated_tests": tests("3\n", "6\n"),
        "solutions": {"language": [2, 3, 1], "solution": ["int main() {}", "print(2 * int(input()))", "print 1"]},
        "incorrect_solutions": {"language": [3], "solution": ["print(1)"]},
    });
    Sample { format: Format::CodeContests, row }
}

#[test]
fn a_row_is_read_whole() {
    let read = sample().strict();
    assert_eq!(read.problem.id, "CodeContests/900_A. Twice");
    assert_eq!((read.problem.visible.len(), read.hidden.len(), read.references.len()), (1, 2, 1));
    assert_eq!((read.problem.limits.time, read.problem.limits.memory_mib), (Duration::from_secs(6), 1024));
    let (compatible, _) = sample().read(Protocol::CodetreeCompat).unwrap();
    assert_eq!(compatible.hidden.len(), 1);
}

#[test]
fn time_limits_come_in_several_forms() {
    for (limit, millis) in [
        (json!("2 seconds"), 8_000),
        (json!("1.5 s"), 6_000),
        (json!("500ms"), 2_000),
        (json!("3"), 12_000),
        (json!(2.5), 10_000),
        (json!({"seconds": 2}), 8_000),
        (json!({"nanos": 250_000_000}), 1_000),
    ] {
        let read = sample().with("time_limit", limit.clone()).strict();
        assert_eq!(read.problem.limits.time, Duration::from_millis(millis), "{limit}");
    }
    let mut none = sample();
    none.row["time_limit"] = Value::Null;
    assert_eq!(none.strict().problem.limits.time, Duration::from_secs(10));
}

#[test]
fn solutions_may_be_objects_and_languages_names() {
    let solutions = json!([{"language": "PYTHON3", "solution": "a"}, {"language": "CPP", "solution": "b"}]);
    assert_eq!(sample().with("solutions", solutions).strict().references.len(), 1);
    assert_eq!(sample().with("solutions", Value::Null).strict().references.len(), 0);
}

#[test]
fn several_outputs_may_be_right() {
    let tests = json!({"input": ["1"], "output": [["2 3", "3 2"]]});
    let read = sample().with("public_tests", tests).strict();
    let Test::Stdio { expected, checker: Checker::Program { source }, .. } = &read.problem.visible[0].test
    else {
        panic!("{:?}", read.problem.visible)
    };
    assert_eq!(expected, r#"["2 3","3 2"]"#);
    assert!(source.contains("def check("), "{source}");
    let python = "def check(input, expected, actual):\n    return True\n";
    let read = sample().with("checker", json!(python)).strict();
    assert_eq!(read.problem.checker, Checker::Program { source: python.to_owned() });
}

#[test]
fn doubtful_rows_are_warnings() {
    let empty = json!({"input": [], "output": []});
    let untested = sample().with("private_tests", empty.clone()).with("generated_tests", empty);
    for (sample, reason) in [
        (sample().with("checker", json!("#include <testlib.h>")), "`checker`: the checker is not Python"),
        (sample().with("input_file", json!("in.txt")), "`input_file`: the problem is about a file"),
        (untested, "has no hidden tests"),
    ] {
        let (_, warnings) = sample.read(Protocol::Strict).unwrap();
        assert!(warnings.len() == 1 && warnings[0].contains(reason), "{warnings:?}");
    }
}

#[test]
fn bad_rows() {
    sample().refuses(&[
        ("name", Value::Null, "the field `name` is missing"),
        ("description", json!(1), "`description`: expected a text"),
        ("public_tests", json!({"input": ["1"], "output": []}), "`public_tests`: has 1 inputs and 0 outputs"),
        ("private_tests", json!([]), "`private_tests`: expected an object"),
        ("generated_tests", json!({"input": []}), "the field `output` is missing"),
        ("time_limit", json!("soon"), "`time_limit`: has the unknown unit `soon`"),
        ("time_limit", json!("1e s"), "`time_limit`: "),
        ("time_limit", json!({"seconds": -1}), "`time_limit`: -1 seconds is out of range"),
        ("time_limit", json!({"seconds": "1"}), "`time_limit.seconds`: expected a number"),
        ("time_limit", json!([]), "`time_limit`: expected a number"),
        ("time_limit", json!(0), "`time_limit`: 0 seconds is out of range"),
        ("memory_limit_bytes", json!(-1), "`memory_limit_bytes`: expected a whole number"),
        (
            "solutions",
            json!({"language": [3], "solution": [1]}),
            "`solutions`: holds a solution that is no text",
        ),
        ("solutions", json!({"language": [3], "solution": []}), "`solutions`: has 1 inputs and 0 outputs"),
        ("input_file", json!(1), "`input_file`: expected a text"),
        ("checker", json!(1), "`checker`: expected a text"),
    ]);
}
