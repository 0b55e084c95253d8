use serde_json::{Value, json};

use crate::datasets::recognise::Format;
use crate::datasets::testing::Sample;
use crate::protocol::Protocol;

fn sample() -> Sample {
    let row = json!({
        "task_id": "ClassEval_900", "class_name": "Counter", "import_statement": ["import math"],
        "skeleton": "class Counter:\n    def add(self, number):\n        pass\n",
        "solution_code": "class Counter:\n    def add(self, number):\n        return number + 1\n",
        "test": "import unittest\n\nclass CounterTest(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(Counter().add(1), 2)\n",
        "test_classes": ["CounterTest"],
    });
    Sample { format: Format::ClassEval, row }
}

#[test]
fn every_class_of_tests_is_a_hidden_test() {
    let read = sample().strict();
    assert_eq!(
        (read.problem.entry.function(), read.problem.prelude.as_str()),
        (Some("Counter"), "import math\n")
    );
    assert_eq!((read.problem.visible.len(), read.hidden.len(), read.references.len()), (0, 1, 1));
    assert_eq!(sample().with("solution_code", Value::Null).strict().references.len(), 0);
}

#[test]
fn what_cannot_be_judged_is_a_warning() {
    let test = |code: &str| json!(format!("class CounterTest:\n    {code}\n"));
    for (field, value, reason) in [
        ("import_statement", json!(["from numpy.linalg import norm"]), "needs the package numpy"),
        ("test", test("import sqlite3"), "share a database"),
        ("test", test("open('a')"), "share files"),
        ("solution_code", json!("x = {\n    '+': lambda a: a,\n}"), "keep functions in their fields"),
    ] {
        let (_, warnings) = sample().with(field, value).read(Protocol::Strict).unwrap();
        assert!(warnings.len() == 1 && warnings[0].contains(reason), "{warnings:?}");
        assert!(warnings[0].starts_with("rows.jsonl:1:") && warnings[0].ends_with("right programs fail"));
    }
}

#[test]
fn bad_rows() {
    sample().refuses(&[
        ("task_id", json!({}), "`task_id`: expected a text"),
        ("class_name", json!("1"), "`class_name`: is not a Python identifier"),
        ("class_name", json!("Other"), "`skeleton`: does not define the class `Other`"),
        ("skeleton", json!(1), "`skeleton`: expected a text"),
        ("import_statement", json!([1]), "`import_statement[0]`: expected a text"),
        ("test", json!(1), "`test`: expected a text"),
        ("test_classes", json!([]), "`test_classes`: is empty"),
        ("test_classes", json!(["Absent"]), "`test_classes[0]`: is no class of the test"),
        ("solution_code", json!(1), "`solution_code`: expected a text"),
    ]);
}
