//! Tests of likeness, of what counts, and of behaviours.

use super::*;

fn value(text: &str) -> Answer {
    Answer::Value(codeagent_sandbox::literal::parse(text).unwrap())
}

fn error() -> Answer {
    Answer::Error("ValueError".into())
}

fn check_like(one: &Answer, other: &Answer, checker: &Checker, expected: bool) {
    assert_eq!(one.is_like(other, checker), expected, "{one:?} {other:?}");
    assert_eq!(other.is_like(one, checker), expected, "{other:?} {one:?}");
}

#[test]
fn likeness_is_what_the_judge_would_see() {
    let (exact, near) = (&Checker::Exact, &Checker::Float { atol: 1e-3 });
    check_like(&value("{1, 2}"), &value("{2.0, 1}"), exact, true);
    check_like(&value("[1, 2]"), &value("(1, 2)"), exact, false);
    check_like(&value("0.1"), &value("0.1001"), exact, false);
    check_like(&value("0.1"), &value("0.1001"), near, true);
    check_like(&Answer::Value(f64::NAN.into()), &Answer::Value(f64::NAN.into()), exact, true);
    check_like(&error(), &Answer::Error("timeout".into()), exact, true);
    check_like(&error(), &value("None"), exact, false);
    let output = |text: &str| Answer::Output(text.into());
    check_like(&output("1 \n2\n\n"), &output("1\n2"), exact, true);
    check_like(&output("1\n2"), &output("1 2"), exact, false);
    check_like(&output("1\n2"), &output("1 2.0000001"), &Checker::Tokens, true);
    check_like(&output("1 2"), &output("1 2 3"), &Checker::Tokens, false);
}

#[test]
fn inputs_count_where_half_of_the_judges_return() {
    let (one, two, three) =
        ([value("1"), error(), error()], [value("1"), value("2"), error()], [error(), error(), value("3")]);
    assert_eq!(counting(&[&one, &two], 3), [0, 1]);
    assert_eq!(counting(&[&one, &two, &three], 3), [0]);
    assert_eq!(counting(&[], 3), Vec::<usize>::new());
    assert_eq!(counting(&[&one[..1], &two[..1]], 3), [0]);
}

#[test]
fn programs_that_did_alike_have_one_behaviour() {
    let programs: [&[Answer]; 5] = [
        &[value("1"), value("[1.0]"), error()],
        &[value("True"), value("[1]"), value("7")],
        &[value("1"), value("[2]"), error()],
        &[value("1"), error(), error()],
        &[],
    ];
    let seen = behaviours(&programs, &[0, 1], &Checker::Exact);
    assert_eq!(seen[0], seen[1], "the third input does not count");
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), 4);
    assert_eq!(
        behaviours(&programs[1..3], &[0, 1], &Checker::Exact),
        seen[1..3],
        "whatever runs beside them"
    );
}
