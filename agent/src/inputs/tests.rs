//! Properties of mutated inputs, and what is read from tests and answers.

use std::collections::BTreeSet;

use codeagent_sandbox::value::BigInt;
use proptest::prelude::*;

use super::*;
use crate::problem::Problem;

fn call(args: Vec<Value>) -> Input {
    Input::Call(Arguments { args, kwargs: Vec::new() })
}

/// The types in a value: a mutation may lose some (the last item of a list) and gain none.
fn types(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, "", &mut found);
    found
}

fn collect(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    let kind = match value {
        Value::None => "none",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Complex(..) => "complex",
        Value::Str(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "list",
        Value::Tuple(_) => "tuple",
        Value::Set(_) => "set",
        Value::FrozenSet(_) => "frozenset",
        Value::Dict(_) => "dict",
    };
    let path = format!("{path}/{kind}");
    found.insert(path.clone());
    match value {
        // The places of a tuple have types of their own.
        Value::Tuple(items) => items
            .iter()
            .enumerate()
            .for_each(|(place, item)| collect(item, &format!("{path}[{place} of {}]", items.len()), found)),
        Value::List(items) | Value::Set(items) | Value::FrozenSet(items) => {
            items.iter().for_each(|item| collect(item, &path, found));
        }
        Value::Dict(pairs) => {
            for (key, value) in pairs {
                collect(key, &format!("{path} key"), found);
                collect(value, &path, found);
            }
        }
        _ => {}
    }
}

fn any_value() -> impl proptest::strategy::Strategy<Value = Value> {
    let key = prop_oneof![any::<i64>().prop_map(Value::from), "[a-e ]{0,6}".prop_map(Value::str)];
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        (-50_i64..50).prop_map(Value::from),
        any::<f64>().prop_map(Value::Float),
        "[a-e ]{0,12}".prop_map(Value::str),
        proptest::collection::vec(any::<u8>(), 0..5).prop_map(Value::Bytes),
        Just(Value::Int(BigInt::from_le_bytes(true, &[9; 20]))),
    ];
    leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Tuple),
            proptest::collection::vec(key.clone(), 0..4).prop_map(Value::set),
            proptest::collection::vec((key.clone(), inner), 0..4).prop_map(Value::dict),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Types are kept, sizes and numbers are bounded, nothing repeats, and the seed fixes it all.
    #[test]
    fn mutations_are_like_what_they_come_from(seeds in proptest::collection::vec(any_value(), 1..4), seed: u64) {
        let given: Vec<Input> = seeds.iter().map(|value| call(vec![value.clone()])).collect();
        let found = mutate::inputs(&given, 24, seed);
        prop_assert_eq!(&found, &mutate::inputs(&given, 24, seed));
        prop_assert!(found.len() <= 24);
        let all: BTreeSet<Vec<u8>> = given.iter().chain(&found).map(Input::identity).collect();
        let distinct: BTreeSet<Vec<u8>> = given.iter().map(Input::identity).collect();
        prop_assert_eq!(all.len(), distinct.len() + found.len());
        let bounds = bounds::Bounds::around(&seeds);
        let largest = seeds.iter().map(bounds::size).max().unwrap_or(0);
        for input in &found {
            let Input::Call(Arguments { args, kwargs }) = input else { panic!("{input:?}") };
            prop_assert!(args.len() == 1 && kwargs.is_empty());
            prop_assert!(seeds.iter().any(|seed| types(&args[0]).is_subset(&types(seed))), "{:?} of {:?}", args, seeds);
            prop_assert!(bounds::size(&args[0]) <= 2 * largest + 32 && within(&args[0], &bounds), "{:?}", args);
        }
    }

    /// Lines and tokens of texts stay in number and kind.
    #[test]
    fn texts_keep_their_form(lines in proptest::collection::vec("( ?(-?[0-9]{1,4}|[a-z]{1,5}|[0-9]\\.[0-9]{2})){0,4}", 0..5), seed: u64) {
        let given = Input::Stdin(lines.join("\n"));
        let found = mutate::inputs(std::slice::from_ref(&given), 12, seed);
        prop_assert_eq!(&found, &mutate::inputs(std::slice::from_ref(&given), 12, seed));
        let form = |text: &str| {
            let kind = |token: &str| (token.parse::<i64>().is_ok(), token.parse::<f64>().is_ok());
            let mut kinds: Vec<_> = text.split_whitespace().map(kind).collect();
            kinds.sort_unstable();
            (text.split('\n').count(), kinds)
        };
        for input in found {
            let Input::Stdin(text) = input else { panic!("{input:?}") };
            prop_assert_eq!(form(&text), form(&lines.join("\n")), "{:?}", text);
        }
    }
}

/// Whether numbers and lengths are in bounds, or as far out as a given value was.
fn within(value: &Value, bounds: &bounds::Bounds) -> bool {
    let short = |length: usize| length <= bounds.length.max(16);
    match value {
        Value::Int(value) => value
            .to_i64()
            .is_none_or(|value| (bounds.low..=bounds.high).contains(&value) || value == i64::MIN),
        Value::Str(text) => short(text.to_string_lossy().chars().count()),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => {
            short(items.len()) && items.iter().all(|item| within(item, bounds))
        }
        Value::Dict(pairs) => {
            short(pairs.len())
                && pairs.iter().all(|(key, value)| within(key, bounds) && within(value, bounds))
        }
        _ => true,
    }
}

#[test]
fn numbers_below_zero_come_from_numbers_below_zero() {
    let signs = |seeds: &[i64]| {
        let given: Vec<Input> = seeds.iter().map(|seed| call(vec![(*seed).into()])).collect();
        mutate::inputs(&given, 20, 3).iter().any(|input| input.show(None).contains('-'))
    };
    assert!(!signs(&[3, 8]));
    assert!(signs(&[3, -8]));
}

#[test]
fn there_is_enough_to_tell_programs_apart() {
    let words = Value::List(vec!["ab".into(), "c".into()]);
    let given =
        [Input::Call(Arguments { args: vec![words, 2.into()], kwargs: vec![("deep".into(), true.into())] })];
    assert_eq!(mutate::inputs(&given, 32, 0).len(), 32);
    assert_eq!(mutate::inputs(&[], 32, 0), []);
    assert_eq!(mutate::inputs(&[call(vec![])], 32, 0), []);
    assert_eq!(mutate::inputs(&[call(vec![true.into()])], 32, 0), [call(vec![false.into()])]);
    assert_eq!(mutate::inputs(&[Input::Stdin(String::new())], 32, 0), []);
}

#[test]
fn inputs_of_visible_tests_are_read_once_each() {
    let problem = Problem::function("demo", "f", "").example("f(1, x=[2]) == 3").unwrap();
    let problem = problem.example("f(1, x=[2.0]) == 3").unwrap().example("f('a') == 0").unwrap();
    let shown: Vec<String> = visible(&problem).iter().map(|input| input.show(Some("f"))).collect();
    assert_eq!(shown, ["f(1, x=[2])", "f('a')"]);
    let mut code = Problem::function("demo", "f", "");
    let setup = "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(2) == 3\n";
    for (setup, code_) in [
        ("", "assert f(5) == 6"),
        (setup, "check(f)"),
        ("", "x = f(1); assert x"),
        ("", "assert f(f(1))"),
        ("", "assert helper(3) == 4"),
    ] {
        let test = Test::Code { setup: setup.into(), code: code_.into() };
        code.visible.push(Case { name: String::new(), test, time_limit: std::time::Duration::from_secs(1) });
    }
    let shown: Vec<String> = visible(&code).iter().map(|input| input.show(Some("f"))).collect();
    assert_eq!(shown, ["f(5)", "f(1)", "f(2)"]);
    assert_eq!(visible(&Problem::stdio("demo", "").prints("1 2\n", "3")), [Input::Stdin("1 2\n".into())]);
}

#[test]
fn what_models_write_is_read_as_inputs() {
    let problem = Problem::function("demo", "f", "");
    for text in ["f(1, [2])", "f(1, [2]) == 4", "f(1, [2])  # edge"] {
        assert_eq!(
            written(&problem, text),
            Some(call(vec![1.into(), Value::List(vec![2.into()])])),
            "{text}"
        );
    }
    for text in ["f(x)", "f([0] * 9)", "f(1", "", "f", "g(1)", "g(1) == 2"] {
        assert_eq!(written(&problem, text), None, "{text}");
    }
    let method = Problem::function("demo", "Solution.f", "");
    for text in ["f(1)", "Solution().f(1)", "candidate(1)"] {
        assert_eq!(written(&method, text), Some(call(vec![1.into()])), "{text}");
    }
    assert_eq!(written(&Problem::stdio("demo", ""), "1\n"), Some(Input::Stdin("1\n".into())));
}
