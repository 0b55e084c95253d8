use proptest::prelude::*;
use serde_json::json;

use super::*;

fn check(reply: &str, expected: Value) {
    let found = values(reply).unwrap();
    assert_eq!(found.iter().map(|found| &found.value).collect::<Vec<_>>(), [&expected], "{reply:?}");
}

fn check_cut(reply: &str, expected: Value) {
    assert_eq!(values(reply).unwrap(), [Found { value: expected, complete: false }], "{reply:?}");
}

#[test]
fn json_is_found_in_prose_and_fences() {
    check(r#"{"score": 0.5}"#, json!({ "score": 0.5 }));
    check("Sure:\n```json\n[{\"a\": 1}]\n```\nDone.", json!([{ "a": 1 }]));
    check("The set {x, y} gives {\"a\": [1, 2.5e3, -4]} here.", json!({ "a": [1, 2500.0, -4] }));
    assert_eq!(values("{\"a\":1}\n{\"a\":2}").unwrap().len(), 2);
    assert_eq!(values("no value here"), Ok(Vec::new()));
}

#[test]
fn mistakes_are_repaired() {
    check("[1, 2, 3,]", json!([1, 2, 3]));
    check("{'a': 'it''s', 'b': True, 'c': None}", json!({ "a": "it''s", "b": true, "c": null }));
    check("{'thought': 'don't sort', 'p': .5}", json!({ "thought": "don't sort", "p": 0.5 }));
    check(
        r#"{"thought": "use the "sliding window" trick", "p": +1}"#,
        json!({ "thought": "use the \"sliding window\" trick", "p": 1 }),
    );
    check("{thought: \"x\", // why\n p: 1 /* sure */ }", json!({ "thought": "x", "p": 1 }));
    check("[{\"a\": 1}\n {\"a\": 2}, ...]", json!([{ "a": 1 }, { "a": 2 }]));
    check("{\"a\": \"x\"\n\"b\": \"y\"}", json!({ "a": "x", "b": "y" }));
    check("{“a”: “b”}", json!({ "a": "b" }));
    check("{\"a\": \"two\nlines\"}", json!({ "a": "two\nlines" }));
    check(r#"{"a": "\d+ \u00e9 \ud83d\ude00 \ud800 \n"}"#, json!({ "a": "\\d+ é 😀 \u{fffd} \n" }));
    check("[{\"a\": [1, 2}, {\"a\": 3}]", json!([{ "a": [1, 2] }, { "a": 3 }]));
    check("{\"a\": NaN, \"b\": 1_000}", json!({ "a": null, "b": 1000 }));
}

#[test]
fn a_cut_end_keeps_what_is_there() {
    check_cut("[{\"a\": 1}, {\"a\": 2", json!([{ "a": 1 }, { "a": 2 }]));
    check_cut("{\"a\": \"hal", json!({ "a": "hal" }));
    check_cut("{\"a\": 1, \"b\"", json!({ "a": 1 }));
    check_cut("{\"a\": 1, \"b\": ", json!({ "a": 1 }));
    check_cut("{\"a\": tru", json!({ "a": null }));
    check_cut("{\"a\": \"x\\", json!({ "a": "x" }));
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(values(&nested(DEPTH_MAX)).unwrap().len(), 1);
    for deep in ["[".repeat(100_000), nested(100_000), format!("{}x", "{\"a\":".repeat(100_000))] {
        assert_eq!(values(&deep), Err(AnswerError::TooDeep { limit: DEPTH_MAX }));
    }
    let found = values(&format!("{} then {{\"a\": 1}}", nested(1000))).unwrap();
    assert_eq!(found, [Found { value: json!({ "a": 1 }), complete: true }]);
}

#[test]
fn long_text_takes_linear_time() {
    // Each of these would take hours if any byte were read more than a few dozen times.
    for unit in
        ["[", "{\"a\":", "{'", "[[[x", "{\"a\": \"b\" ", "{a ", "/*[", "[\"\\", "{\"a\":[1,", "\" \" "]
    {
        let text = format!("{{{}", unit.repeat(1_000_000 / unit.len()));
        let _ = values(&text);
    }
}

#[test]
fn the_last_complete_object_is_chosen() {
    let reply = "For example {\"score\": 0.1}. Mine: {\"score\": 0.7} {\"other\": 1} {\"score\": 0.9";
    let object = object(reply, |object| object.contains_key("score")).unwrap();
    assert_eq!(object.get("score"), Some(&json!(0.7)));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map("\\PC{0,8}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .prop_filter("a list or an object", |value| value.is_array() || value.is_object())
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(reply in "(\\PC|[\\[\\]{}:,\"'\\\\\n#/]){0,200}") {
        let _ = values(&reply);
    }

    #[test]
    fn correct_json_is_read_as_it_is(value in any_json()) {
        let text = format!("Here: {}\nThat is all.", serde_json::to_string_pretty(&value).unwrap());
        prop_assert_eq!(values(&text).unwrap(), [Found { value, complete: true }]);
    }

    #[test]
    fn a_prefix_of_json_is_still_read(value in any_json(), cut in any::<proptest::sample::Index>()) {
        let text = value.to_string();
        let end = text.floor_char_boundary(cut.index(text.len()).max(1));
        prop_assert!(values(&text[..end.max(1)]).is_ok());
    }
}
