use serde_json::json;

use crate::datasets::recognise::Format;
use crate::datasets::testing::Sample;

fn pack() -> Sample {
    let row = json!({
        "task_id": "Python/900", "entry_point": "twice", "prompt": "def twice(x):\n    \"\"\"Doc\n    >>> twice(1)\n    2\n    \"\"\"\n",
        "canonical_solution": "    return 2 * x\n", "buggy_solution": "    return x\n",
        "test": "def check(twice):\n    assert twice(1) == 2\n\ncheck(twice)", "bug_type": "missing logic",
    });
    Sample { format: Format::HumanEvalPack, row }
}

fn quix_bugs() -> Sample {
    let row = json!({
        "name": "twice", "buggy_program": "def twice(x):\n    return x", "solution": "def twice(x):\n    return 2 * x",
        "docstring": "\"\"\"\nTwice.\n    >>> twice(1)\n    2\n    >>> twice(one)\n    2\n\"\"\"", "tests": "assert twice(*[1]) == 2",
    });
    Sample { format: Format::QuixBugs, row }
}

#[test]
fn a_row_brings_the_program_to_repair() {
    let read = pack().strict();
    let buggy = "def twice(x):\n    \"\"\"Doc\n    >>> twice(1)\n    2\n    \"\"\"\n    return x\n";
    assert_eq!(read.problem.buggy.as_deref(), Some(buggy));
    assert_eq!((read.problem.visible.len(), read.hidden.len(), read.references.len()), (1, 1, 1));
    let read = quix_bugs().strict();
    assert_eq!(
        (read.problem.id.as_str(), read.problem.statement.lines().next()),
        ("QuixBugs/twice", Some("Twice."))
    );
    assert_eq!(read.problem.buggy.as_deref(), Some("def twice(x):\n    return x"));
    assert_eq!((read.problem.visible.len(), read.hidden.len(), read.references.len()), (1, 1, 1));
}

#[test]
fn the_examples_of_a_generator_are_no_tests() {
    let generator = quix_bugs().with("buggy_program", json!("def twice(x):\n    yield x"));
    assert_eq!(generator.strict().problem.visible, []);
}

#[test]
fn bad_rows() {
    pack().refuses(&[
        ("task_id", json!("Rust/1"), "`task_id`: the language `Rust` is not supported"),
        ("prompt", json!(1), "`prompt`: expected a text"),
        ("entry_point", json!("def"), "`entry_point`: is a keyword"),
        ("buggy_solution", json!(1), "`buggy_solution`: expected a text"),
        ("canonical_solution", json!({}), "`canonical_solution`: expected a text"),
        ("test", json!([]), "`test`: expected a text"),
    ]);
    quix_bugs().refuses(&[
        ("name", json!("a-b"), "`name`: is not a Python identifier"),
        ("docstring", serde_json::Value::Null, "the field `docstring` is missing"),
        ("buggy_program", json!(1), "`buggy_program`: expected a text"),
        ("solution", json!(1), "`solution`: expected a text"),
        ("tests", json!(["x"]), "`tests`: expected a text"),
    ]);
}
