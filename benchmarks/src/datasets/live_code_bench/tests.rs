use std::io::Write as _;

use base64::Engine as _;
use codeagent::problem::Entry;
use codeagent_sandbox::case::Test;
use serde_json::{Value, json};

use crate::datasets::recognise::Format;
use crate::datasets::testing::Sample;

/// Tests as the owners pack them: a text, pickled, in zlib, in base64.
fn packed(tests: &Value) -> String {
    let text = tests.to_string();
    let mut pickle = b"\x80\x04\x8d".to_vec();
    pickle.extend((text.len() as u64).to_le_bytes());
    pickle.extend(text.as_bytes());
    pickle.extend(b"\x94.");
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&pickle).unwrap();
    base64::engine::general_purpose::STANDARD.encode(encoder.finish().unwrap())
}

fn stdin() -> Sample {
    let test = |input: &str, output: &str| json!([{"input": input, "output": output, "testtype": "stdin"}]);
    let row = json!({
        "question_title": "A", "question_content": "Twice.", "platform": "atcoder", "question_id": "abc900_a",
        "contest_date": "2024-01-01T00:00:00", "starter_code": "", "difficulty": "easy",
        "public_test_cases": test("1\n", "2\n").to_string(), "private_test_cases": packed(&test("2\n", "4\n")), "metadata": "{}",
    });
    Sample { format: Format::LiveCodeBench, row }
}

fn functional() -> Sample {
    let test = json!([{"input": "[1, 2]\n\"a\"", "output": "[3]", "testtype": "functional"}]).to_string();
    let starter =
        "class Solution:\n    def solve(self, numbers: List[int], name: str) -> List[int]:\n        ";
    stdin()
        .with("metadata", json!("{\"func_name\": \"solve\"}"))
        .with("starter_code", json!(starter))
        .with("public_test_cases", json!(test))
        .with("private_test_cases", json!("[]"))
}

#[test]
fn stdin_rows() {
    let read = stdin().strict();
    assert_eq!((read.problem.id.as_str(), &read.problem.entry), ("LiveCodeBench/abc900_a", &Entry::Stdio));
    assert_eq!((read.problem.visible.len(), read.hidden.len(), read.references.len()), (1, 2, 0));
}

#[test]
fn functional_rows() {
    let read = functional().strict();
    let signature = "def solve(self, numbers: List[int], name: str) -> List[int]".to_owned();
    assert_eq!(
        read.problem.entry,
        Entry::Function { name: "Solution.solve".into(), signature: Some(signature) }
    );
    assert_eq!(read.problem.visible[0].name, "Solution.solve([1, 2], 'a') == [3]");
    assert!(matches!(&read.problem.visible[0].test, Test::Call { args, .. } if args.len() == 2));
}

#[test]
fn private_tests_may_be_plain_json() {
    let plain = json!([{"input": "2", "output": "4", "testtype": "stdin"}]).to_string();
    assert_eq!(stdin().with("private_test_cases", json!(plain)).strict().hidden.len(), 2);
}

#[test]
fn bad_rows() {
    let foreign = "gASVHQAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAJpZJSFlFKULg==";
    stdin().refuses(&[
        ("question_id", json!([]), "`question_id`: expected a text"),
        ("question_content", json!(1), "`question_content`: expected a text"),
        ("starter_code", json!(1), "`starter_code`: expected a text"),
        ("public_test_cases", json!("[{]"), "`public_test_cases`: is not JSON"),
        ("public_test_cases", json!("[{\"input\": \"\"}]"), "the field `output` is missing"),
        ("private_test_cases", Value::Null, "the field `private_test_cases` is missing"),
        (
            "private_test_cases",
            json!("%"),
            "`private_test_cases`: is neither JSON nor packed tests: no base64",
        ),
        ("private_test_cases", json!(foreign), "is neither JSON nor packed tests: no zlib data"),
        ("private_test_cases", json!(packed(&json!(3))), "`private_test_cases`: expected a list"),
        ("metadata", json!("{"), "`metadata`: is not JSON"),
        ("metadata", json!("{\"func_name\": 1}"), "expected a text, found a number"),
        ("metadata", json!("{\"func_name\": \"a b\"}"), "`metadata`: `func_name` is not a Python identifier"),
        ("metadata", json!("{\"func_name\": \"f\"}"), "does not fit the row"),
    ]);
    let test = json!([{"input": "[1", "output": "1", "testtype": "functional"}]).to_string();
    functional().refuses(&[("public_test_cases", json!(test), "holds a value that is not JSON")]);
}
