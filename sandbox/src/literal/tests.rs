//! Literals and assertions, on examples worked out with `ast.literal_eval`.

use proptest::prelude::*;

use super::*;
use crate::value::tests::any_value;
use crate::value::{BigInt, repr};

fn check(text: &str, expected: &str) {
    let read = parse(text).map(|value| repr(&value));
    assert_eq!(read.as_deref(), Ok(expected), "{text}");
}

fn check_error(text: &str, position: usize) {
    assert_eq!(parse(text).map_err(|error| error.position), Err(position), "{text}");
}

#[test]
fn numbers() {
    check("1_000", "1000");
    check("0xFF", "255");
    check("0b_101", "5");
    check("0o17", "15");
    check("-1", "-1");
    check("- -1", "1");
    check("00", "0");
    check("1.", "1.0");
    check(".5e-3", "0.0005");
    check("1e5", "100000.0");
    check("1e999", "inf");
    check("3j", "3j");
    check("-1+2j", "(-1+2j)");
    check("(1 - 2.5J)", "(1-2.5j)");
    check("123456789012345678901234567890", "123456789012345678901234567890");
    check("0xe", "14");
    check("0x_ffffffffffffffffffff", "1208925819614629174706175");
    for (text, position) in
        [("007", 0), ("1__0", 0), ("1_", 0), ("0x", 0), ("1+2", 3), ("- x", 2), ("1e", 0), ("1 2", 2)]
    {
        check_error(text, position);
    }
}

#[test]
fn strings() {
    check("'a' \"b\" '''c\nd'''", "'abc\\nd'");
    check(r"'\x41\u00e9\U0001F600\101\0\n\q\''", "\"Aé😀A\\x00\\n\\\\q'\"");
    check(r"r'\n\''", r#""\\n\\'""#);
    check(r"b'\xff\u0041'", r"b'\xff\\u0041'");
    check("rb'\\x' b'y'", r"b'\\xy'");
    check("'\\\n'", "''");
    check(r"'\ud800'", r"'\ud800'");
    check("u'x'", "'x'");
    check("('a'\n 'b')", "'ab'");
    for (text, position) in [
        ("'a", 2),
        ("'a\n'", 2),
        ("b'é'", 2),
        ("'a' b'b'", 4),
        (r"'\xg'", 1),
        ("f'x'", 0),
        (r"'\N{DASH}'", 1),
    ] {
        check_error(text, position);
    }
}

#[test]
fn containers() {
    check(
        "[1, (2,), (3), (), {4, 4.0}, {}, set(), {'a': 1, 'a': 2},]",
        "[1, (2,), 3, (), {4}, {}, set(), {'a': 2}]",
    );
    check("[ # why\n 1,\n\t2 ]", "[1, 2]");
    check("{(1, 2): None,}", "{(1, 2): None}");
    for (text, position) in [
        ("[1 2]", 3),
        ("{[1]}", 1),
        ("{[1]: 2}", 1),
        ("[,]", 1),
        ("(,)", 1),
        ("f(1)", 0),
        ("", 0),
        ("[1", 2),
        ("{1: }", 4),
    ] {
        check_error(text, position);
    }
    check_error(&"[".repeat(100_000), 100);
}

fn check_assertion(text: &str, expected: Option<&str>) {
    let shown = CallAssertion::parse(text).map(|assertion| {
        let args: Vec<_> = assertion.args.iter().map(repr).collect();
        let kwargs: Vec<_> =
            assertion.kwargs.iter().map(|(name, value)| format!("{name}={}", repr(value))).collect();
        format!("{}({}) {:?}", assertion.entry, [args, kwargs].concat().join(", "), assertion.expected)
    });
    match expected {
        Some(start) => {
            assert!(shown.as_deref().is_some_and(|shown| shown.starts_with(start)), "{text}: {shown:?}")
        }
        None => assert_eq!(shown, None, "{text}"),
    }
}

#[test]
fn assertions_that_are_calls() {
    check_assertion("assert f(1, x=[2]) == 3", Some("f(1, x=[2]) Equal(Int("));
    check_assertion(
        "  assert candidate([1.0, 2.0]) == True, 'why'\n",
        Some("candidate([1.0, 2.0]) Equal(Bool(true))"),
    );
    check_assertion("assert (f('a') == 'b')", Some("f('a') Equal(Str("));
    check_assertion("assert 3 == f()", Some("f() Equal(Int("));
    check_assertion("assert (1, 2) == f(1)", Some("f(1) Equal(Tuple("));
    check_assertion("assert f(x=1) is None", Some("f(x=1) Is(None)"));
    check_assertion("assert f(1) is True", Some("f(1) Is(Bool(true))"));
    check_assertion("assert f(1)", Some("f(1) Truth(true)"));
    check_assertion("assert not f(1), 'no'", Some("f(1) Truth(false)"));
    check_assertion("assert Solution().f(1,) == 2;", Some("Solution.f(1) Equal("));
    check_assertion("assert f(\n    1,\n    2,\n) == [\n    3,\n]", Some("f(1, 2) Equal(List("));
    check_assertion("assert\tf(-1) == 0x10", Some("f(-1) Equal("));
}

#[test]
fn assertions_that_are_more() {
    for text in [
        "assert f(x) == 1",
        "assert f(1) == g(2)",
        "assert f(1) == 1 + 1",
        "assert f(1) == 1 and f(2) == 2",
        "assert not f(1) == 2",
        "assert abs(f(1) - 2) < 1e-6",
        "assert f(f(1)) == 2",
        "assert f(1)[0] == 2",
        "assert f(1) is 1",
        "assert f(1) is not None",
        "assert f(1) == 2 == 3",
        "assert f(*[1]) == 2",
        "assert f(x=1, 2) == 2",
        "assert f(1) in [1]",
        "assert f(1) == 2, g()",
        "assert f(1) == 2; h()",
        "assert 1",
        "assertf(1) == 2",
        "f(1) == 2",
        "assert f(1 2) == 3",
        "assert x.f(1) == 3",
        "assert True, f(1)",
    ] {
        check_assertion(text, None);
    }
}

#[test]
fn calls() {
    let expected = Call { entry: "f".into(), args: vec![1.into()], kwargs: vec![("key".into(), "x".into())] };
    assert_eq!(Call::parse("f(1, key='x')"), Some(expected));
    assert_eq!(Call::parse("f(1) + 1"), None);
}

fn has_frozen_or_infinite(value: &Value) -> bool {
    let any = |items: &[Value]| items.iter().any(has_frozen_or_infinite);
    match value {
        Value::FrozenSet(_) => true,
        Value::Float(value) => value.is_infinite(),
        // `-0` as a real part and `-0.0 + 1j` don't read back: Python's own `repr` has the same flaw.
        Value::Complex(real, imaginary) => real.is_sign_negative() || imaginary.is_sign_negative(),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => any(items),
        Value::Dict(pairs) => {
            pairs.iter().any(|(key, value)| has_frozen_or_infinite(key) || has_frozen_or_infinite(value))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn what_is_printed_can_be_read(value in any_value()) {
        prop_assume!(!has_frozen_or_infinite(&value));
        prop_assert_eq!(parse(&repr(&value)), Ok(value));
    }

    #[test]
    fn any_text_is_a_value_or_an_error(text in "[\\[\\](){},:'\"\\\\0-9a-z._+\\- #\n]{0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!(error.position <= text.len());
        }
        let _ = CallAssertion::parse(&format!("assert {text}"));
    }
}

#[test]
fn large_integers_are_bounded() {
    assert!(parse(&"9".repeat(20_001)).is_err());
    assert_eq!(parse(&"9".repeat(40)), Ok(Value::Int(BigInt::try_from("9".repeat(40)).unwrap())));
}
