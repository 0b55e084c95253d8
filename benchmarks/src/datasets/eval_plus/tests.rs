use codeagent::problem::Entry;
use serde_json::{Value, json};

use crate::datasets::recognise::Format;
use crate::datasets::testing::Sample;

fn human_eval() -> Sample {
    let row = json!({
        "task_id": "HumanEval/900", "entry_point": "halve", "atol": 1e-6,
        "prompt": "def halve(x):\n    \"\"\"Half of x.\n    >>> halve(3)\n    1.5\n    \"\"\"\n",
        "contract": "\n    assert isinstance(x, int)\n", "canonical_solution": "    return x / 2\n",
        "base_input": [[3], [4]], "plus_input": [[-1]],
    });
    Sample { format: Format::EvalPlus, row }
}

fn mbpp() -> Sample {
    let row = json!({
        "task_id": "Mbpp/900", "entry_point": "first", "atol": 0,
        "prompt": "\"\"\"\nThe first item.\nassert first((1, 2)) == 1\n\"\"\"\n",
        "canonical_solution": "\ndef first(items):\n    return items[0]\n",
        "base_input": [[[1, 2]]], "plus_input": [[["a"]]], "assertion": "assert first((1, 2)) == 1",
    });
    Sample { format: Format::EvalPlus, row }
}

#[test]
fn a_row_has_a_test_of_base_and_one_of_plus_inputs() {
    let read = human_eval().strict();
    assert_eq!((read.hidden.len(), read.references.len()), (2, 1));
    assert_eq!(
        read.problem.visible.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(),
        ["halve(3) == 1.5"]
    );
    assert_eq!(human_eval().with("plus_input", Value::Null).strict().hidden.len(), 1);
    assert_eq!(format!("{:?}", read.references), "References(1)");
}

#[test]
fn mbpp_plus_shows_its_prompt_and_the_assertion_in_it() {
    let read = mbpp().strict();
    assert_eq!(read.problem.statement, "The first item.\nassert first((1, 2)) == 1");
    let signature = Some("def first(arg1)".to_owned());
    assert_eq!(read.problem.entry, Entry::Function { name: "first".into(), signature });
    assert_eq!(read.problem.visible.len(), 1);
    let hidden = mbpp().with("entry_point", json!("check_str")).strict();
    assert_eq!(hidden.problem.visible, []);
}

#[test]
fn bad_rows() {
    human_eval().refuses(&[
        ("prompt", json!(1), "`prompt`: expected a text"),
        ("entry_point", json!("a b"), "`entry_point`: is not a Python identifier"),
        ("canonical_solution", json!([]), "`canonical_solution`: expected a text"),
        ("base_input", json!({}), "`base_input`: expected a list"),
        ("base_input", json!([3]), "`base_input[0]`: expected a list"),
        ("plus_input", json!([[1], "x"]), "`plus_input[1]`: expected a list"),
        ("atol", json!("0"), "`atol`: expected a number"),
        ("atol", json!(-1), "`atol`: -1 is negative"),
    ]);
    mbpp().refuses(&[("task_id", json!("Mbpp/x"), "`task_id`: has no number")]);
}
