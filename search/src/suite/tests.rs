//! Tests of trust, with runs written by hand.

use super::*;
use crate::testing::{add_program, add_run, add_suite, outcomes, passes};

/// Programs by what they answer to the three tests of one suite, whose right answers are said to be 1, 2 and 3; which
/// tests are then trusted.
fn check(answers: &[[u64; 3]], expected: &[bool]) {
    let mut tree = Tree::new();
    let suite = add_suite(&mut tree);
    for (fingerprint, answers) in (1..).zip(answers) {
        let node = add_program(&mut tree, fingerprint, 4, 4);
        add_run(&mut tree, node, suite, outcomes(answers, &[1, 2, 3]));
    }
    assert_eq!(trusted(&tree, suite), expected, "{answers:?}");
}

#[test]
fn the_majority_must_agree_with_the_test() {
    check(&[[1, 2, 9], [1, 2, 9], [1, 7, 3]], &[true, true, false]);
    check(&[[1, 2, 3], [1, 2, 3], [1, 2, 3]], &[true, true, true]);
    check(&[[9, 9, 9], [9, 9, 9], [1, 2, 3]], &[false, false, false]);
}

#[test]
fn two_programs_are_too_few() {
    check(&[[1, 2, 3], [1, 2, 3]], &[false, false, false]);
    check(&[], &[]);
}

#[test]
fn groups_of_equal_size_must_all_agree() {
    check(&[[1, 2, 8], [1, 2, 8], [1, 7, 3], [1, 7, 3]], &[true, false, false]);
    check(&[[1, 2, 3], [1, 2, 9], [1, 8, 9]], &[true, false, false]);
}

#[test]
fn copies_and_programs_that_fail_visible_tests_have_no_vote() {
    let mut tree = Tree::new();
    let suite = add_suite(&mut tree);
    for (fingerprint, passed) in [(1, 4), (1, 4), (2, 4), (3, 3), (4, 0)] {
        let node = add_program(&mut tree, fingerprint, passed, 4);
        add_run(&mut tree, node, suite, outcomes(&[1, 2, 3], &[1, 2, 3]));
    }
    assert_eq!(trusted(&tree, suite), [false; 3], "two distinct programs voted");
    let third = add_program(&mut tree, 5, 4, 4);
    add_run(&mut tree, third, suite, outcomes(&[1, 2, 9], &[1, 2, 3]));
    assert_eq!(trusted(&tree, suite), [true; 3]);
    assert_eq!(runs(&tree, suite).len(), 5);
}

#[test]
fn distances_add_up_where_every_test_has_an_answer() {
    let outcome = |distance| TestOutcome { passed: distance == Some(0.0), answer: 0, distance };
    let run =
        |distances: &[Option<f64>]| SuiteRun { outcomes: distances.iter().copied().map(outcome).collect() };
    assert_eq!(run(&[Some(0.0), Some(2.5)]).distance(), Some(2.5));
    assert_eq!(run(&[Some(0.0), None]).distance(), None);
    assert_eq!((run(&[]).distance(), run(&[]).passes_all()), (Some(0.0), false));
    assert_eq!((run(&[Some(0.0), None]).passed(), run(&[Some(0.0)]).passes_all()), (1, true));
}

#[test]
fn visible_tests_and_a_suite_judge_together() {
    let check = |visible: (u32, u32), run: Option<(u32, u32)>, expected: Outcome, fraction: f64| {
        let mut tree = Tree::new();
        let suite = add_suite(&mut tree);
        let program = add_program(&mut tree, 1, visible.0, visible.1);
        if let Some((passed, total)) = run {
            add_run(&mut tree, program, suite, passes(passed, total));
        }
        let node = tree.node(program).unwrap();
        assert_eq!(outcome(node, Some(suite)), expected, "{visible:?} {run:?}");
        assert!((pass_fraction(node, Some(suite)) - fraction).abs() < 1e-12, "{visible:?} {run:?}");
    };
    check((4, 4), Some((3, 3)), Outcome::Passed, 1.0);
    check((4, 4), Some((1, 4)), Outcome::Failed, 5.0 / 8.0);
    check((3, 4), Some((4, 4)), Outcome::Failed, 7.0 / 8.0);
    check((0, 0), Some((2, 2)), Outcome::Passed, 1.0);
    check((0, 0), Some((0, 0)), Outcome::Untested, 0.0);
    check((0, 0), None, Outcome::Untested, 0.0);
    check((4, 4), None, Outcome::Passed, 1.0);
}
