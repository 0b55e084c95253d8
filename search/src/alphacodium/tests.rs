//! Tests of AlphaCodium: flows played by hand.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, marked, names, passes, play, program, ran, suite, thoughts};
use crate::{Search, SuiteRun, TestOutcome};

type Script = Vec<(&'static str, TrialResult)>;

fn alphacodium() -> AlphaCodium {
    AlphaCodium::new(AlphaCodiumConfig::default())
}

/// The way to the first program. Nodes: 1 analysis, 2 to 4 solutions, 5 the chosen one, 6 the suite.
fn preparation() -> Script {
    vec![
        ("analyse", thoughts(&[1.0])),
        ("propose_solutions", thoughts(&[1.0; 3])),
        ("choose_solution", thoughts(&[1.0])),
        ("generate_tests", made([suite()])),
    ]
}

/// A first program, how it does on visible tests, and on all tests where it is the one to go on with.
fn first(number: u64, visible: &[bool]) -> Script {
    let passed = visible.iter().filter(|passed| **passed).count();
    let program = program(number, u32::try_from(passed).unwrap(), u32::try_from(visible.len()).unwrap());
    vec![("implement", made([program])), ("run_tests", ran([marked(visible)]))]
}

/// A fix and how it does.
fn fix(number: u64, visible: &[bool], generated: &[bool]) -> Script {
    let passed = visible.iter().filter(|passed| **passed).count();
    let program = program(number, u32::try_from(passed).unwrap(), u32::try_from(visible.len()).unwrap());
    vec![
        // The run that sets the feedback: what it finds is known already.
        ("run_tests", ran([])),
        ("refine", made([program])),
        ("run_tests", ran([marked(visible), marked(generated)])),
    ]
}

fn examined(visible: &[bool], generated: &[bool]) -> Script {
    vec![("run_tests", ran([marked(visible), marked(generated)]))]
}

const YES: bool = true;
const NO: bool = false;

#[test]
fn a_program_that_passes_everything_ends_the_flow() {
    let script = [preparation(), first(1, &[YES; 2]), examined(&[YES; 2], &[YES; 3])].concat();
    let search = play(alphacodium(), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn first_programs_follow_the_chosen_solution_twice_and_then_all_in_turn() {
    let (mut search, mut followed) = (play(alphacodium(), preparation()), Vec::new());
    for number in 0..8 {
        let trial = search.ask(1).remove(0);
        followed.push(trial.node.0);
        search.tell(trial.id, made([program(number, 0, 2)]));
        let trial = search.ask(1).remove(0);
        assert_eq!(trial.operator, run(vec![NodeId::ROOT], Shown::Unchanged));
        // The distances of the first programs are 8, 7, 6, 1, 4, ...: the fourth is the nearest.
        let distance = if number == 3 { 1.0 } else { (8 - number) as f64 };
        let outcome = TestOutcome { passed: false, answer: number, distance: Some(distance) };
        search.tell(trial.id, ran([SuiteRun { outcomes: vec![outcome] }]));
    }
    assert_eq!(followed, [5, 5, 4, 2, 3, 4, 2, 3]);
    let trial = search.ask(1).remove(0);
    assert_eq!(trial.node, NodeId(6 + 4), "{trial:?}");
    assert_eq!(trial.operator, run(vec![NodeId::ROOT, NodeId(6)], Shown::Unchanged));
}

/// Plays eight first programs that fail the second of two visible tests, and goes on with the first of them.
fn failing() -> Script {
    let mut script = preparation();
    for number in 1..=8 {
        script.extend(first(number, &[YES, NO]));
    }
    script.extend(examined(&[YES, NO], &[YES, NO]));
    script
}

fn told_apart(search: &mut Search) -> (NodeId, Operator) {
    let trial = search.ask(1).remove(0);
    (trial.node, trial.operator)
}

#[test]
fn a_fix_is_shown_its_test_and_the_anchors() {
    let mut search = play(alphacodium(), failing());
    let visible = |index| TestId { suite: NodeId::ROOT, index };
    let shown = Shown::Only(vec![visible(1), visible(0)]);
    assert_eq!(told_apart(&mut search), (NodeId(7), run(vec![NodeId::ROOT, NodeId(6)], shown)));
}

#[test]
fn a_fix_that_breaks_an_anchor_is_undone_and_one_that_does_not_stays() {
    // The first fix breaks visible test 0, the second holds but still fails, the third passes.
    let script = [failing(), fix(11, &[NO, YES], &[YES, YES]), fix(12, &[YES, NO], &[NO, NO])].concat();
    let mut search = play(alphacodium(), script);
    // Nodes: 7 to 14 first programs, 15 and 16 the fixes.
    assert_eq!(told_apart(&mut search).0, NodeId(16));
}

#[test]
fn a_test_gets_three_fixes_and_the_part_four() {
    let mut script = failing();
    for number in 11..14 {
        script.extend(fix(number, &[YES, NO], &[YES, NO]));
    }
    let mut search = play(alphacodium(), script);
    // The visible test has had its fixes; now comes the test of the model's that fails.
    let generated = |index| TestId { suite: NodeId(6), index };
    let shown = Shown::Only(vec![generated(1), TestId { suite: NodeId::ROOT, index: 0 }, generated(0)]);
    assert_eq!(told_apart(&mut search), (NodeId(17), run(vec![NodeId::ROOT, NodeId(6)], shown)));
}

#[test]
fn a_test_of_the_models_gets_one_fix_which_must_pass() {
    let mut script = [preparation(), first(1, &[YES, YES]), examined(&[YES, YES], &[NO, YES, NO])].concat();
    // Still failing: undone. The next one passes its test and holds the anchor: it stays.
    script.extend(fix(2, &[YES, YES], &[NO, YES, YES]));
    script.extend(fix(3, &[YES, YES], &[NO, YES, YES]));
    let search = play(alphacodium(), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted), "the first test still fails");
    let nodes: Vec<u32> = search.tree().children(NodeId(7)).map(|child| child.id.0).collect();
    assert_eq!(nodes, [8, 9], "both fixes started from the first program");
}

#[test]
fn visible_tests_that_still_fail_come_once_more() {
    let script = [
        failing(),
        fix(11, &[YES, NO], &[YES, NO]),
        fix(12, &[YES, NO], &[YES, NO]),
        fix(13, &[YES, NO], &[YES, NO]),
        fix(14, &[YES, NO], &[YES, YES]),
        fix(15, &[YES, YES], &[YES, YES]),
    ]
    .concat();
    let search = play(alphacodium(), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn parts_that_are_missing_are_done_without() {
    let script = vec![
        ("analyse", Unusable),
        ("propose_solutions", Unusable),
        ("generate_tests", Unusable),
        ("implement", Unusable),
        ("implement", made([program(1, 2, 2)])),
        ("run_tests", Unusable),
        ("run_tests", ran([passes(2, 2)])),
    ];
    assert_eq!(play(alphacodium(), script).stop_reason(), Some(StopReason::Accepted));
    let script: Script = vec![("analyse", thoughts(&[1.0])), ("propose_solutions", thoughts(&[1.0]))];
    let mut search = play(alphacodium(), script);
    assert_eq!(names(&search.ask(1)), ["generate_tests"], "one solution needs no choice");
}

#[test]
fn a_problem_without_any_test_gets_one_program() {
    let script = vec![
        ("analyse", thoughts(&[1.0])),
        ("propose_solutions", thoughts(&[1.0; 3])),
        ("choose_solution", Unusable),
        ("generate_tests", Unusable),
        ("implement", made([program(1, 0, 0)])),
        ("run_tests", ran([SuiteRun::default()])),
        ("run_tests", ran([SuiteRun::default()])),
    ];
    assert_eq!(play(alphacodium(), script).stop_reason(), Some(StopReason::Exhausted));
}
