//! Rows of APPS in all forms, and their quirks.

use std::path::Path;

use codeagent::problem::Entry;
use codeagent_sandbox::case::Test;

use super::examples;
use crate::datasets::ProblemWithHidden;
use crate::datasets::fields::Row;
use crate::protocol::Protocol;

fn read(row: &str) -> ProblemWithHidden {
    read_under(row, Protocol::Strict).0
}

/// The problem, and what is suspicious about it.
fn read_under(row: &str, protocol: Protocol) -> (ProblemWithHidden, Vec<String>) {
    let row = Row::parse(Path::new("apps.jsonl"), 1, row.as_bytes()).unwrap();
    let mut warnings = Vec::new();
    (super::read(&row.root(), protocol, &mut warnings).unwrap(), warnings)
}

fn names(row: &str) -> Vec<String> {
    read(row).problem.visible.into_iter().map(|case| case.name).collect()
}

#[test]
fn a_parameter_is_a_text_in_all_tests_if_it_is_one_in_some() {
    let row = r#"{"name": "1", "description": "d", "starter_code": "\ndef f(s, n):\n\t",
        "sample_io": [{"input": "12\n3", "output": [1]}, {"input": "[1]\n4", "output": [[2]]}],
        "test_list": [{"input": "ab\n-5", "output": [3]}]}"#;
    assert_eq!(names(row), ["f('12', 3) == 1", "f([1], 4) == [2]"]);
}

#[test]
fn an_empty_last_argument_is_an_empty_text() {
    let row = r#"{"name": "1", "description": "d", "starter_code": "def f(a, b):\n\t",
        "sample_io": [{"input": "x\n", "output": [true]}], "test_list": []}"#;
    assert_eq!(names(row), ["f('x', '') == True"]);
}

#[test]
fn surplus_lines_belong_to_the_first_argument() {
    let row = r#"{"name": "1", "description": "d", "starter_code": "def f(text, marks):\n\t",
        "sample_io": [{"input": "a #b\nc\n['#']", "output": ["a\nc"]}], "test_list": []}"#;
    assert_eq!(names(row), ["f('a #b\\nc', ['#']) == 'a\\nc'"]);
}

#[test]
fn arguments_with_defaults_may_be_left_out() {
    let row = r#"{"name": "1", "description": "d", "starter_code": "def f(n, d=0, base=pi):\n\t",
        "sample_io": [{"input": "13", "output": ["103"]}, {"input": "13\n3\n8", "output": ["15"]}], "test_list": []}"#;
    assert_eq!(names(row), ["f(13) == '103'", "f(13, 3, 8) == '15'"]);
}

#[test]
fn class_based_rows_name_class_and_method_and_do_not_wrap_answers() {
    let row = r#"{"problem_id": 7, "question": "Example:\nInput: nums = [3, 1]\nOutput: [3]\n",
        "starter_code": "\nclass Solution:\n    def top(self, xs: List[int]) -> List[int]:\n        ",
        "input_output": "{\"fn_name\": \"top\", \"inputs\": [[[3, 1]]], \"outputs\": [[3]]}"}"#;
    let read = read(row);
    assert_eq!(
        read.problem.entry,
        Entry::Function {
            name: "Solution.top".into(),
            signature: Some("def top(self, xs: List[int]) -> List[int]".into()),
        }
    );
    assert_eq!(names(row), ["Solution.top([3, 1]) == [3]"]);
    assert_eq!((read.problem.id.as_str(), read.hidden.len()), ("APPS/7", 1));
}

#[test]
fn programs_are_compared_by_tokens() {
    let row = r#"{"name": 3, "description": "d", "public_tests": {"input": ["1\n"], "output": ["2\n"]},
        "private_tests": {"input": ["1\n", "2\n"], "output": ["2\n", ["3", "4"]]}}"#;
    let read = read(row);
    assert_eq!(read.problem.entry, Entry::Stdio);
    let [case] = read.problem.visible.as_slice() else { panic!("one visible test") };
    assert!(matches!(&case.test, Test::Stdio { input, expected, .. } if input == "1\n" && expected == "2\n"));
    assert_eq!(read.hidden.len(), 2);
}

#[test]
fn a_test_with_the_wrong_number_of_arguments_is_an_error() {
    let text = r#"{"name": "1", "description": "d", "starter_code": "def f(a, b, c):\n\t",
        "sample_io": [], "test_list": [{"input": "1", "output": [1]}]}"#;
    let row = Row::parse(Path::new("apps.jsonl"), 1, text.as_bytes()).unwrap();
    let error = super::read(&row.root(), Protocol::Strict, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("gives 1 arguments to a function of 3"), "{error}");
}

#[test]
fn samples_stand_in_statements_in_two_forms() {
    let one = "text\n-----Examples-----\nInput\n1 2\n\n3\n\nOutput\n4\n\nInput\n5\n\nOutput\n6 \n\n\n-----Note-----\nx\n";
    let pair = |input: &str, output: &str| (input.to_owned(), output.to_owned());
    assert_eq!(examples::parse(one), [pair("1 2\n\n3\n", "4\n"), pair("5\n", "6\n")]);
    let two = "-----Input-----\nn\n-----Sample Input:-----\n1\n-----Sample Output:-----\n2\n-----Explanation-----\n3\n";
    assert_eq!(examples::parse(two), [pair("1\n", "2\n")]);
    assert_eq!(examples::parse("Input\n1\nOutput\n2\n"), []);
}

/// Inputs of the visible tests, and the number of hidden ones.
fn split(row: &str, protocol: Protocol) -> (Vec<String>, usize) {
    let (problem, _) = read_under(row, protocol);
    let input = |case: codeagent_sandbox::Case| match case.test {
        Test::Stdio { input, .. } => input,
        other => panic!("{other:?}"),
    };
    (problem.problem.visible.into_iter().map(input).collect(), problem.hidden.len())
}

#[test]
fn half_of_the_tests_are_visible_where_rethink_mcts_shows_them() {
    let row = r#"{"problem_id": 1, "question": "d\n\n-----Examples-----\nInput\n9\n\nOutput\n9\n",
        "input_output": "{\"inputs\": [\"1\", \"2\", \"3\", \"4\", \"5\"], \"outputs\": [\"1\", \"2\", \"3\", \"4\", \"5\"]}"}"#;
    assert_eq!(split(row, Protocol::Strict), (vec!["9\n".to_owned()], 5));
    assert_eq!(split(row, Protocol::RethinkCompat), (vec!["1".to_owned(), "2".to_owned()], 3));
    assert_eq!(split(row, Protocol::CodetreeCompat), split(row, Protocol::Strict));
}

#[test]
fn a_single_test_stays_hidden_and_is_warned_of() {
    let row = r#"{"problem_id": 1, "question": "d", "input_output": {"inputs": ["1"], "outputs": ["2"]}}"#;
    let (problem, warnings) = read_under(row, Protocol::RethinkCompat);
    assert_eq!((problem.problem.visible.len(), problem.hidden.len()), (0, 1));
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(warning.contains("apps.jsonl") && warning.contains("fewer than two tests"), "{warning}");
}

#[test]
fn generated_tests_are_hidden_unless_the_protocol_leaves_them_out() {
    let row = r#"{"name": "1", "description": "d", "public_tests": {"input": ["1"], "output": ["1"]},
        "private_tests": {"input": ["2"], "output": ["2"]},
        "generated_tests": {"input": ["3", "4"], "output": ["3", "4"]}}"#;
    assert_eq!(split(row, Protocol::Strict), (vec!["1".to_owned()], 3));
    assert_eq!(split(row, Protocol::CodetreeCompat), (vec!["1".to_owned()], 1));
}
