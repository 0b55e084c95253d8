//! Every form of example, by its shape in the wild.

use codeagent_sandbox::case::Checker;

use super::{arity, cases, examples, parameters};

fn names(statement: &str, signature: &str) -> Vec<String> {
    let name = signature.trim_start_matches("def ").split('(').next().unwrap();
    let examples = examples(statement, name, &parameters(signature).unwrap_or_default());
    let cases = cases(examples, name, &Checker::Exact, std::time::Duration::from_secs(1));
    cases.into_iter().map(|case| case.name).collect()
}

fn check(statement: &str, expected: &[&str]) {
    assert_eq!(names(statement, "def f(a, b=1)"), expected, "{statement}");
}

#[test]
fn doctests() {
    check(
        ">>> f([1.0, 2], 'x)')\n    False\n    >>> f(2)\n    'a'\n",
        &["f([1.0, 2], 'x)') == False", "f(2) == 'a'"],
    );
    check("    >>> f(1) # comment\n    2\n", &["f(1) == 2"]);
    check(">>> f(1)\n[1,\n 2]\n\n>>> f(2)\n[]\n", &["f(1) == [1, 2]", "f(2) == []"]);
    check(">>> f(1)\n>>> f(2)\n3\n>>> f(4)\n\n>>> f(5)", &["f(1) == None", "f(2) == 3", "f(4) == None"]);
    check(">>> f(1) == 2\n>>> f(2)\nTrue\n", &["f(1) == 2", "f(2) == True"]);
    check(">>> round(f(1), 2) # why\n-0.5\n", &["round(f(1), 2) == -0.5"]);
    check(">>> f('''a''')\nx y\n>>> f(x)\n", &[]);
}

#[test]
fn arrows_and_signs() {
    for sign in
        [" ➞ ", " -> ", "==>", " => ", " == ", " = ", " returns ", " should return ", " # returns ", " # => "]
    {
        check(&format!("text\n  * f(1, [2]){sign}(3, 'a')\nmore"), &["f(1, [2]) == (3, 'a')"]);
    }
    check(
        "f(14,-15) should return 20.\nf(2) = 1.5.\nf(3) => true",
        &["f(14, -15) == 20", "f(2) == 1.5", "f(3) == True"],
    );
    check("f(1) -> 19 - 5 - 6 = 8\nf(2) == 1 + 9 = 10", &["f(1) == 8", "f(2) == 10"]);
    check("f(5) returns [1, 5] # since\nf(6) => 'No' (the name)", &["f(5) == [1, 5]", "f(6) == 'No'"]);
    check("assert f(1) => 2\nfor f(2) == 3", &["f(1) == 2", "f(2) == 3"]);
    check("f([\n [1],\n [2]\n], 1) == [(0, 0)]", &["f([[1], [2]], 1) == [(0, 0)]"]);
}

#[test]
fn what_is_no_complete_pair_is_left_out() {
    for text in [
        "f(a) => False",
        "f(1) => x",
        "f(1) == \"\"a\"",
        "f(n) = f(n - 1)",
        "f(1) = 1 + (2 / 2)",
        "f(1) and 2",
        "f(1",
        "f(1) == 2 apples",
        "of(1) == 2 ff(1) == 3 f[1] == 2",
        "",
    ] {
        check(&format!("def g(): pass\nf(9) == 9\n{text}"), &["f(9) == 9"]);
    }
}

#[test]
fn a_draft_name_counts_if_it_is_the_only_one() {
    check("assert g(1) => 2\nassert g(2) => 3", &["f(1) == 2", "f(2) == 3"]);
    check("g(1) == 2\nh(2) == 3", &[]);
}

#[test]
fn named_inputs() {
    check("For a = \"x\", b = 2, the result should be ('bcd',False)", &["f('x', 2) == ('bcd', False)"]);
    check("For b = 1, a = 2 the output should be 3.", &["f(2, 1) == 3"]);
    check("For a = 1 the output should be 3", &[]);
}

#[test]
fn blocks() {
    let text = "Example 1:\n  Input: a = [1, 2], k = 3\n  Output: 4 # why\n  Explanation: x\n\
        Example 2:\n  Input:\n    grid : [[0],\n  [1]]\n    capacity : 1\n  Output: 6\n\
        Example 3:\n  Input: 1, 'x'\n  Output: []\nInput: 1\nOutput: 2\nInput: x\nOutput: 3\n";
    check(text, &["f([1, 2], 3) == 4", "f([[0], [1]], 1) == 6", "f(1, 'x') == []"]);
}

#[test]
fn only_the_docstring_of_the_function_counts() {
    let text = "def g(x):\n    \"\"\"\n    >>> g(1)\n    2\n    \"\"\"\n\ndef f(a):\n    \"\"\" Doc.\n    >>> f(1)\n    3\n    \"\"\"\n";
    assert_eq!(names(text, "def f(a)"), ["f(1) == 3"]);
}

#[test]
fn the_last_heading_counts() {
    check("For example:\nf(2) = 2\nExamples:\nf(3) = [1]\n", &["f(3) == [1]"]);
}

#[test]
fn repetitions_count_once() {
    check("f(1) == 2\nf(1) == 2\n", &["f(1) == 2"]);
}

#[test]
fn parameters_of_signatures() {
    let names = |signature| parameters(signature).map(|names| names.join(" "));
    assert_eq!(names("def f(a: Dict[str, int], b='x,y', *, c=(1, 2)) -> int").as_deref(), None);
    assert_eq!(names("def f(a: Dict[str, int], b='x,y', c=(1, 2)) -> int").as_deref(), Some("a b c"));
    assert_eq!(names("def f(self, a)").as_deref(), Some("a"));
    assert_eq!(names("def f()").as_deref(), Some(""));
    assert_eq!(names("def f(*args)"), None);
    assert_eq!(names("nothing"), None);
    assert_eq!(arity("def f(self, a, b=1, c: int = 2)"), Some(1..=3));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "(?s)[f(){}\\[\\]'\"\\\\=>\\-# \n,1a➞:.]{0,60}|.{0,60}") {
        names(&text, "def f(a)");
        names(&format!("Input: {text} Output: {text} For a = {text}"), "def f(a)");
        parameters(&text);
    }
}
