//! Tests of sketches: reading, errors with their places, and edits that touch nothing else.

use proptest::prelude::*;

use super::*;

const SKETCH: &str = r#"{
  "v": 1,
  "root": "median",
  "holes": [
    {"id": "median", "signature": "def median(values)", "state": "pinned",
     "body": "def median(values):\n    # Sorted first.\n    return middle(order(values))\n"},
    {"id": "middle", "signature": "def middle(values)", "doc": "The middle value.",
     "tests": ["middle([1, 2, 9]) == 2"]},
    {"id": "order", "signature": "def order(values)", "state": "solved",
     "body": "def order(values):\n    return sorted(values , key = least)\n"},
    {"id": "least", "signature": "def least(value)", "state": "solved", "body": "least = lambda value: value"}
  ]
}"#;

fn sketch() -> Sketch {
    Sketch::parse(SKETCH).unwrap()
}

fn states(sketch: &Sketch) -> Vec<(&str, HoleState)> {
    sketch.holes.iter().map(|hole| (hole.id.as_str(), hole.state)).collect()
}

#[test]
fn a_sketch_is_read_and_written() {
    let sketch = sketch();
    assert_eq!(sketch.open().map(|hole| hole.id.as_str()).collect::<Vec<_>>(), ["middle"]);
    assert_eq!(Sketch::parse(&sketch.to_text()).unwrap(), sketch);
    let fixed = sketch.fixed_text();
    for hole in sketch.holes.iter().filter_map(|hole| hole.body.as_deref()) {
        assert!(fixed.contains(hole), "{fixed}");
    }
}

/// Replaces a piece of the sketch and expects an error there.
fn check(from: &str, to: &str, expected: &str) {
    assert!(SKETCH.contains(from), "{from}");
    let error = Sketch::parse(&SKETCH.replacen(from, to, 1)).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn errors_have_a_place_and_a_remedy() {
    check("\"v\": 1", "\"v\": 2", "line 2, column 8 (v): version 2 is not known; write 1");
    check(
        "\"root\": \"median\"",
        "\"root\": \"mean\"",
        "line 3, column 11 (root): there is no hole `mean`; name one of the holes, which holds the sketch itself",
    );
    check(
        "\"state\": \"pinned\"",
        "\"state\": \"open\"",
        "line 3, column 11 (root): the root `median` is open; give it a body that calls the holes, and the state `pinned`",
    );
    check(
        "\"id\": \"order\"",
        "\"id\": \"middle\"",
        "line 9, column 12 (holes[2].id): there are two holes `middle`; give each a name of its own",
    );
    check(
        "def middle(values)",
        "def centre(values)",
        "line 7, column 35 (holes[1].signature): the signature is no header of `middle`; write `def NAME(PARAMETERS) -> TYPE`",
    );
    check(
        "middle([1, 2, 9]) == 2",
        "middle(x) == 2",
        "line 8, column 16 (holes[1].tests[0]): `middle(x) == 2` is no test of `middle`; write a call with literal arguments, `==`, and a literal",
    );
    check(
        "def order(values):\\n",
        "def ordered(values):\\n",
        "line 10, column 14 (holes[2].body): the body does not define `order`; write the whole function",
    );
    check(
        "\"doc\": \"The middle value.\",",
        "\"state\": \"solved\",",
        "line 7, column 66 (holes[1].state): `middle` is fixed and has no body; give it a body, or the state `open`",
    );
}

#[test]
fn errors_in_a_body_name_its_line() {
    let broken = SKETCH.replace("return sorted(values , key = least)", "return sorted(values");
    let error = Sketch::parse(&broken).unwrap_err();
    assert_eq!((error.line, error.column, error.path.as_str()), (10, 14, "holes[2].body"));
    assert!(error.reason.starts_with("the body has a syntax error in its line "), "{error}");
}

#[test]
fn bodies_define_and_do_not_run() {
    for running in ["if __name__ == '__main__':\\n    print(1)", "print(order([1]))", "order([2, 1])"] {
        let sketch = SKETCH.replace("key = least)\\n", &format!("key = least)\\n\\n{running}\\n"));
        let error = Sketch::parse(&sketch).unwrap_err();
        assert_eq!((error.line, error.column, error.path.as_str()), (10, 14, "holes[2].body"), "{running}");
        assert_eq!(error.reason, "the body runs the program in its line 4", "{running}");
    }
    // What sets up what the program runs in, and what only looks alike.
    for fine in [
        "import sys\\nsys.setrecursionlimit(9999)",
        "ORDER = sorted([1])",
        "if True:\\n    N = len(__name__)",
    ] {
        let sketch = SKETCH.replace("key = least)\\n", &format!("key = least)\\n\\n{fine}\\n"));
        assert!(Sketch::parse(&sketch).is_ok(), "{fine}");
    }
}

#[test]
fn holes_may_depend_on_holes_that_they_do_not_call_yet() {
    check(
        "\"doc\": \"The middle value.\",",
        "\"depends_on\": [\"order\", \"none\"],",
        "line 7, column 81 (holes[1].depends_on[1]): `middle` can't depend on `none`; name another hole of the sketch",
    );
    check(
        "\"state\": \"pinned\",",
        "\"state\": \"pinned\", \"depends_on\": [\"median\"],",
        "line 5, column 91 (holes[0].depends_on[0]): `median` can't depend on `median`; name another hole of the sketch",
    );
    let needing = SKETCH.replace("\"doc\": \"The middle value.\",", "\"depends_on\": [\"order\"],");
    let mut sketch = Sketch::parse(&needing).unwrap();
    sketch.reopen("order").unwrap();
    assert_eq!(sketch.open().map(|hole| hole.id.as_str()).collect::<Vec<_>>(), ["order", "middle"]);
    assert_eq!(sketch.callers("least").into_iter().collect::<Vec<_>>(), ["median", "middle", "order"]);
    let circle = needing.replace(
        "\"state\": \"solved\",\n     \"body\": \"def order",
        "\"depends_on\": [\"middle\"],\n     \"body\": \"def order",
    );
    let error = Sketch::parse(&circle).unwrap_err();
    assert_eq!((error.line, error.reason.as_str()), (7, "the hole depends on itself through others"));
}

#[test]
fn json_errors_have_a_place_too() {
    for (text, line) in
        [("{", 1), ("", 1), ("{\n\"root\": 1}", 2), ("{\"root\": \"f\", \"holes\": [],\n\"extra\": 1}", 2)]
    {
        let error = Sketch::parse(text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.to_string().ends_with("see docs/sketches.md for the format"), "{error}");
    }
}

#[test]
fn quoted_sentences_are_holes() {
    let body = "def f(xs, n):\n    best = \"the longest run of equal values\"(xs, n + 1)\n    return \"its sum\"(best) + \"its sum\"(xs)\n";
    let text = serde_json::json!({"root": "f", "holes": [{"id": "f", "signature": "def f(xs, n)", "state": "pinned", "body": body}]});
    let sketch = Sketch::parse(&text.to_string()).unwrap();
    let [_, run, sum] = sketch.holes.as_slice() else { panic!("{sketch:?}") };
    assert_eq!((run.doc.as_str(), run.state), ("the longest run of equal values", HoleState::Open));
    assert!(run.id.starts_with("hole_the_longest_run_of_equal_"), "{}", run.id);
    assert_eq!(run.signature, format!("def {}(xs, argument_2)", run.id));
    assert_eq!(sketch.hole("f").unwrap().body.as_deref(), Some(body), "the file's text stays");
    let expected =
        body.replace("\"the longest run of equal values\"", &run.id).replace("\"its sum\"", &sum.id);
    assert_eq!(sketch.fixed_text(), expected);
    assert_eq!(Sketch::parse(&sketch.to_text()).unwrap(), sketch, "names are made once");
}

#[test]
fn a_new_promise_opens_the_solved_holes_that_rely_on_it() {
    let mut edited = sketch();
    edited.edit("least", Edit::Doc("The value negated.".into())).unwrap();
    let expected = [
        ("median", HoleState::Pinned),
        ("middle", HoleState::Open),
        ("order", HoleState::Rejected),
        ("least", HoleState::Rejected),
    ];
    assert_eq!(states(&edited), expected);
}

#[test]
fn reopening_and_tests_concern_one_hole_alone() {
    for edit in
        [Sketch::reopen, |sketch: &mut Sketch, id: &str| sketch.edit(id, Edit::Test("least(1) == 1".into()))]
    {
        let mut edited = sketch();
        edit(&mut edited, "least").unwrap();
        let changed: Vec<_> = edited
            .holes
            .iter()
            .zip(&sketch().holes)
            .filter(|(a, b)| a != b)
            .map(|(a, _)| a.id.clone())
            .collect();
        assert_eq!(changed, ["least"]);
        assert!(edited.hole("least").unwrap().is_open());
    }
}

#[test]
fn a_pinned_hole_stays_whatever_is_edited() {
    let mut edited = sketch();
    edited.pin("order").unwrap();
    edited.edit("least", Edit::Signature("def least(value, more=0)".into())).unwrap();
    assert_eq!(edited.hole("order").unwrap().state, HoleState::Pinned);
}

#[test]
fn a_hole_is_split_into_smaller_ones() {
    let mut split = sketch();
    let body = "def middle(values):\n    return (low(values) + high(values)) / 2\n\n\ndef low(values):\n    \"\"\"The lower of both middle values.\"\"\"\n    raise NotImplementedError()\n\n\ndef high(values):\n    ...\n";
    assert_eq!(split.split("middle", body).unwrap(), ["low", "high"]);
    let middle = split.hole("middle").unwrap();
    assert_eq!(middle.state, HoleState::Pinned);
    assert_eq!(
        middle.body.as_deref(),
        Some("def middle(values):\n    return (low(values) + high(values)) / 2\n")
    );
    assert_eq!(split.hole("low").unwrap().doc, "The lower of both middle values.");
    assert_eq!(split.open().count(), 2);
    assert_eq!(Sketch::parse(&split.to_text()).unwrap(), split);
}

#[test]
fn edits_that_do_not_fit_change_nothing() {
    let mut edited = sketch();
    assert!(edited.pin("middle").is_err(), "it has no body");
    assert!(edited.pin("none").is_err() && edited.reopen("none").is_err());
    assert!(edited.reopen("median").is_err(), "it is the sketch itself");
    assert!(edited.edit("order", Edit::Signature("def other(x)".into())).is_err());
    assert!(edited.edit("order", Edit::Body("def order(".into())).is_err());
    assert!(edited.edit("order", Edit::Test("order(x)".into())).is_err());
    assert!(edited.split("middle", "def low(x): pass\n").is_err());
    assert!(edited.split("middle", "def middle(").is_err());
    assert_eq!(edited, sketch());
    assert_eq!(
        edited.pin("none").unwrap_err().to_string(),
        "there is no hole `none`; name one of the sketch's holes"
    );
}

#[test]
fn a_program_fills_what_is_open() {
    let program = "import math\n\n\ndef middle(values):\n    return mean(values)\n\n\ndef mean(values):\n    return math.fsum(values)\n\n\ndef order(values):\n    return 0\n";
    let filled = sketch().filled(program);
    assert_eq!(filled.open().count(), 0);
    let middle = filled.hole("middle").unwrap();
    assert_eq!(
        (middle.state, middle.body.as_deref()),
        (
            HoleState::Solved,
            Some(
                "import math\n\n\ndef middle(values):\n    return mean(values)\n\n\ndef mean(values):\n    return math.fsum(values)\n"
            )
        )
    );
    for fixed in ["median", "order", "least"] {
        assert_eq!(filled.hole(fixed), sketch().hole(fixed));
    }
    assert_eq!(sketch().filled("def middle("), sketch());
}

/// An edit of one of the holes; most of them fit.
fn edits() -> impl Strategy<Value = (usize, usize)> {
    (0_usize..4, 0_usize..6)
}

fn apply(sketch: &mut Sketch, hole: usize, kind: usize) -> bool {
    let id = sketch.holes[hole].id.clone();
    let done = match kind {
        0 => sketch.pin(&id),
        1 => sketch.reopen(&id),
        2 => sketch.edit(&id, Edit::Doc(format!("Reworded: {id}."))),
        3 => sketch.edit(&id, Edit::Signature(format!("def {id}(a, b)"))),
        4 => sketch.edit(&id, Edit::Test(format!("{id}([1]) == 1"))),
        _ => sketch
            .split(&id, &format!("def {id}(x):\n    return part(x)\n\n\ndef part(x): ...\n"))
            .map(|_| ()),
    };
    done.is_ok()
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "(\\PC|[{}\\[\\]\":,\n]|\"holes\"|\"root\"|\"id\"|\"body\"){0,80}") {
        let _ = Sketch::parse(&text);
    }

    /// Damage anywhere gives a sketch or an error with a place inside the text.
    #[test]
    fn damage_has_a_place(at in 0..SKETCH.len(), length in 1_usize..9, with in "[a-z{}\":,]{0,4}") {
        let mut text = SKETCH.to_owned();
        text.replace_range(at..(at + length).min(SKETCH.len()), &with);
        if let Err(error) = Sketch::parse(&text) {
            prop_assert!((1..=text.lines().count().max(1)).contains(&error.line), "{}", error);
            prop_assert!(error.column > 0, "{}", error);
        }
    }

    /// Bodies that no edit names are the same bytes in the sketch, and those that stay fixed in the program, too.
    #[test]
    fn what_is_not_touched_stays_byte_for_byte(steps in proptest::collection::vec(edits(), 1..6)) {
        let before = sketch();
        let mut after = before.clone();
        let mut named = Vec::new();
        for (hole, kind) in steps {
            if apply(&mut after, hole, kind) {
                named.push(before.holes[hole].id.clone());
            }
        }
        let fixed = after.fixed_text();
        for hole in &before.holes {
            let now = after.hole(&hole.id).unwrap();
            if !named.contains(&hole.id) {
                prop_assert_eq!(&now.body, &hole.body);
            }
            if let Some(body) = now.body.as_deref().filter(|_| !now.is_open()) {
                prop_assert!(fixed.contains(body));
            }
            if hole.state == HoleState::Pinned {
                prop_assert!(!now.is_open(), "a pinned hole is never opened by an edit of another");
            }
        }
        prop_assert_eq!(Sketch::parse(&after.to_text()).unwrap(), after);
    }
}
