//! Equality and printing, on examples worked out with CPython.

use proptest::prelude::*;

use super::*;

fn big(digits: &str) -> Value {
    Value::Int(BigInt::try_from(digits.to_owned()).unwrap())
}

fn check_eq(a: &Value, b: &Value, equal: bool) {
    assert_eq!(python_eq(a, b), equal, "{a:?} == {b:?}");
    assert_eq!(python_eq(b, a), equal, "{b:?} == {a:?}");
}

#[test]
fn numbers_compare_across_types_and_exactly() {
    check_eq(&1.into(), &1.0.into(), true);
    check_eq(&1.into(), &true.into(), true);
    check_eq(&0.0.into(), &(-0.0).into(), true);
    check_eq(&Value::Complex(1.0, 0.0), &true.into(), true);
    check_eq(&Value::Complex(1.0, 1.0), &1.into(), false);
    check_eq(&f64::NAN.into(), &f64::NAN.into(), false);
    check_eq(&((1 << 53) + 1).into(), &9_007_199_254_740_992.0.into(), false);
    check_eq(&(1 << 53).into(), &9_007_199_254_740_992.0.into(), true);
    check_eq(&big("1180591620717411303424"), &1_180_591_620_717_411_303_424.0.into(), true);
    check_eq(&big("-1180591620717411303425"), &(-1_180_591_620_717_411_303_424.0).into(), false);
    check_eq(&i64::MAX.into(), &9_223_372_036_854_775_808.0.into(), false);
    check_eq(&i64::MIN.into(), &(-9_223_372_036_854_775_808.0).into(), true);
    check_eq(&big("9223372036854775808"), &9_223_372_036_854_775_808.0.into(), true);
    check_eq(&1.into(), &f64::INFINITY.into(), false);
    check_eq(&0.into(), &0.5.into(), false);
    check_eq(&0.into(), &5e-324.into(), false);
    check_eq(&3.into(), &3.0.into(), true);
}

#[test]
fn containers_compare_as_in_python() {
    let (one, two) = (Value::from(1), Value::from(2));
    check_eq(&Value::List(vec![one.clone()]), &Value::Tuple(vec![one.clone()]), false);
    check_eq(
        &Value::Set(vec![one.clone(), two.clone()]),
        &Value::FrozenSet(vec![two.clone(), 1.0.into()]),
        true,
    );
    check_eq(&Value::Set(vec![one.clone(), one.clone()]), &Value::Set(vec![one.clone(), two.clone()]), false);
    let pairs = |a: &Value, b: &Value| Value::Dict(vec![(one.clone(), a.clone()), (two.clone(), b.clone())]);
    check_eq(
        &pairs(&one, &two),
        &Value::Dict(vec![(2.0.into(), two.clone()), (true.into(), one.clone())]),
        true,
    );
    check_eq(&pairs(&one, &two), &pairs(&two, &one), false);
    check_eq(&Value::str("a"), &Value::Bytes(b"a".to_vec()), false);
    check_eq(&Value::None, &false.into(), false);
}

#[test]
fn a_tolerance_is_for_floats_only() {
    assert!(close(&0.333_333_4.into(), &0.333_333_3.into(), 1e-6));
    assert!(close(&1_000_000.5.into(), &1_000_000.into(), 1e-6));
    assert!(!close(&1_000_001.into(), &1_000_000.into(), 1e-3));
    assert!(close(&Value::List(vec![1.0.into()]), &Value::List(vec![1.000_000_1.into()]), 1e-6));
    assert!(!close(&f64::NAN.into(), &1.0.into(), 1e9));
    assert!(!close(&f64::INFINITY.into(), &1.0.into(), 1e9));
    assert!(!close(&1.0.into(), &f64::INFINITY.into(), 1e-6));
    assert!(close(&f64::INFINITY.into(), &f64::INFINITY.into(), 1e-6));
}

fn check_repr(value: impl Into<Value>, expected: &str) {
    assert_eq!(repr(&value.into()), expected);
}

#[test]
fn floats_print_as_in_python() {
    for (value, expected) in [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e16, "1e+16"),
        (1e15, "1000000000000000.0"),
        (1234567890123456.7, "1234567890123456.8"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1.5e300, "1.5e+300"),
        (f64::INFINITY, "inf"),
        (f64::NAN, "nan"),
        (0.1 + 0.2, "0.30000000000000004"),
        (5e-324, "5e-324"),
    ] {
        check_repr(value, expected);
    }
    check_repr(Value::Complex(0.0, 3.0), "3j");
    check_repr(Value::Complex(-0.0, -2.5), "(-0-2.5j)");
    check_repr(Value::Complex(1.0, 1e16), "(1+1e+16j)");
}

#[test]
fn text_prints_as_in_python() {
    check_repr("it's", "\"it's\"");
    check_repr("it's \"x\"", "'it\\'s \"x\"'");
    check_repr(
        "a\n\t\\\u{7f}\u{e9}\u{ad}\u{301}\u{200b}😀\u{e0001}",
        "'a\\n\\t\\\\\\x7fé\\xad\u{301}\\u200b😀\\U000e0001'",
    );
    check_repr(Value::Bytes(b"a'\x00\xff\n".to_vec()), "b\"a'\\x00\\xff\\n\"");
    let surrogate = Text::from_bytes(b"a\xed\xa0\x80b".to_vec()).unwrap();
    check_repr(Value::Str(surrogate), "'a\\ud800b'");
    assert_eq!(Text::from_bytes(b"\xed\xa0".to_vec()), None);
    assert_eq!(Text::from_bytes(b"\xff".to_vec()), None);
    assert_eq!(Text::from_bytes(b"\xc0\x80".to_vec()), None);
}

#[test]
fn containers_print_as_in_python() {
    check_repr(Value::Tuple(vec![1.into()]), "(1,)");
    check_repr(Value::Tuple(vec![]), "()");
    check_repr(Value::Set(vec![]), "set()");
    check_repr(Value::FrozenSet(vec![1.into()]), "frozenset({1})");
    check_repr(
        Value::Dict(vec![("a".into(), Value::List(vec![Value::None, true.into()]))]),
        "{'a': [None, True]}",
    );
    check_repr(big("-123456789012345678901234567890"), "-123456789012345678901234567890");
    check_repr(Value::Int(BigInt::from_le_bytes(false, &[0xFF; 4096])), "<int of 32768 bits>");
}

#[test]
fn values_survive_json() {
    let text = Text::from_bytes(b"\xed\xa0\x80".to_vec()).unwrap();
    let value = Value::Dict(vec![
        (Value::Str(text), big("1180591620717411303424")),
        ("é".into(), Value::Tuple(vec![1.5.into(), Value::None])),
    ]);
    let json = serde_json::to_string(&value).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
}

/// Any plain data without NaN.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        (any::<bool>(), prop::collection::vec(any::<u8>(), 0..24))
            .prop_map(|(negative, bytes)| Value::Int(BigInt::from_le_bytes(negative, &bytes))),
        any::<f64>().prop_filter("NaN equals nothing", |value| !value.is_nan()).prop_map(Value::Float),
        (any::<i32>(), any::<i32>()).prop_map(|(a, b)| Value::Complex(a.into(), b.into())),
        any::<String>().prop_map(Value::str),
        prop::collection::vec(0_u32..0x11_0000, 0..6).prop_map(|codes| {
            let mut text = Text::from("");
            codes.into_iter().for_each(|code| assert!(text.push(code)));
            Value::Str(text)
        }),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let items = || prop::collection::vec(inner.clone(), 0..6);
        let keys = || prop::collection::vec(inner.clone().prop_filter("a key", Value::is_hashable), 0..6);
        prop_oneof![
            items().prop_map(Value::List),
            items().prop_map(Value::Tuple),
            keys().prop_map(Value::set),
            (keys(), items()).prop_map(|(keys, values)| Value::dict(keys.into_iter().zip(values).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_equals_itself_and_its_reverse(value in any_value()) {
        prop_assert!(python_eq(&value, &value));
        let reversed = match value.clone() {
            Value::Set(items) => Value::FrozenSet(items.into_iter().rev().collect()),
            Value::Dict(pairs) => Value::Dict(pairs.into_iter().rev().collect()),
            other => other,
        };
        prop_assert!(python_eq(&value, &reversed));
        prop_assert!(python_eq(&reversed, &value));
    }

    #[test]
    fn equality_agrees_both_ways(a in any_value(), b in any_value()) {
        prop_assert_eq!(python_eq(&a, &b), python_eq(&b, &a));
    }

    #[test]
    fn integers_keep_their_digits(value in any::<i128>()) {
        let text = value.to_string();
        let read = BigInt::try_from(text.clone()).unwrap();
        prop_assert_eq!(read.to_string(), text);
        prop_assert_eq!(BigInt::from_le_bytes(read.is_negative(), &read.to_le_bytes()), read);
    }

    #[test]
    fn integral_floats_become_their_integers(value in -1e30..1e30_f64) {
        let value = value.trunc();
        prop_assert_eq!(BigInt::from_f64(value).unwrap().to_string(), format!("{}", value as i128));
    }
}

proptest! {
    /// The canonical form agrees with equality, NaN aside, which is only the same as itself.
    #[test]
    fn equal_values_have_one_canonical_form(one in any_value(), other in any_value()) {
        if python_eq(&one, &other) {
            prop_assert_eq!(canonical(&one), canonical(&other));
        }
        prop_assert_eq!(python_eq(&one, &one) && canonical(&one) == canonical(&other), python_eq(&one, &other));
    }
}

#[test]
fn the_canonical_form_is_one_for_what_python_finds_equal() {
    let same = |one: &Value, other: &Value| assert_eq!(canonical(one), canonical(other), "{one:?} {other:?}");
    same(&1.into(), &1.0.into());
    same(&true.into(), &Value::Complex(1.0, -0.0));
    same(&(-0.0).into(), &0.into());
    same(&f64::NAN.into(), &(-f64::NAN).into());
    same(&big("1180591620717411303424"), &1_180_591_620_717_411_303_424.0.into());
    same(&Value::Set(vec![1.into(), 2.into()]), &Value::FrozenSet(vec![2.0.into(), true.into()]));
    let pairs = |one: (i64, &str), other: (i64, &str)| {
        Value::Dict([one, other].map(|(key, value)| (key.into(), value.into())).to_vec())
    };
    same(&pairs((1, "a"), (2, "b")), &pairs((2, "b"), (1, "a")));
    assert_ne!(canonical(&pairs((1, "a"), (2, "b"))), canonical(&pairs((1, "b"), (2, "a"))));
    assert_ne!(canonical(&Value::List(vec![])), canonical(&Value::Tuple(vec![])));
    assert_ne!(canonical(&1.into()), canonical(&Value::Int(BigInt::from(-1))));
    assert_ne!(canonical(&"1".into()), canonical(&1.into()));
}
