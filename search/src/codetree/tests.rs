//! Tests of CodeTree: trees played by hand, the rule of pruning, and what unreadable answers do.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{grade, made, names, obliging, play, program, reflections, run, thoughts, verdict};
use crate::{NodeKind, Search};

fn codetree(generations: usize) -> CodeTree {
    CodeTree::new(CodeTreeConfig { generations, ..CodeTreeConfig::default() })
}

/// The one decision that follows.
fn next(search: &mut Search) -> (NodeId, Operator) {
    let trials = search.ask(4);
    let [trial] = trials.as_slice() else { panic!("one trial follows, not {trials:?}") };
    (trial.node, trial.operator.clone())
}

fn score(search: &Search, node: u32, evaluator: Evaluator) -> Option<f64> {
    search.tree().node(NodeId(node))?.score(evaluator)
}

const fn refine(reflection: u32) -> Operator {
    Operator::Refine { reflection: Some(NodeId(reflection)), count: 1 }
}

#[test]
fn a_branch_is_followed_to_its_end_before_the_next_one() {
    let mut script = vec![
        ("propose", thoughts(&[0.5, 0.5])), // nodes 1, 2
        ("implement", made([program(3, 1, 4)])),
        ("grade", grade(3)),
        ("reflect", reflections(2)), // nodes 4, 5
        ("refine", made([program(6, 2, 4)])),
        ("grade", grade(3)),
        ("reflect", reflections(1)), // node 7
        ("refine", made([program(8, 3, 4)])),
    ];
    let mut search = play(codetree(20), script.clone());
    assert_eq!(next(&mut search), (NodeId(3), refine(5)), "the third program in a line is not followed");
    script.extend([("refine", made([program(9, 0, 4)])), ("grade", grade(0))]);
    let mut search = play(codetree(20), script);
    assert_eq!(next(&mut search), (NodeId(2), Operator::Implement), "what got worse is not followed");
    let parents: Vec<u32> = search.tree().nodes().filter_map(|node| Some(node.parent?.0)).collect();
    assert_eq!(parents, [0, 0, 1, 3, 3, 3, 6, 6, 3]);
}

#[test]
fn a_programs_worth_is_its_tests_and_a_third_of_its_grade() {
    let script =
        vec![("propose", thoughts(&[1.0])), ("implement", made([program(2, 1, 2)])), ("grade", grade(4))];
    let search = play(codetree(20), script);
    // 1/2 + 4/15, as a share of 4/3.
    let expected = (0.5 + 4.0 / 15.0) * 0.75;
    assert!((score(&search, 2, Evaluator::Reward).unwrap() - expected).abs() < 1e-12);
    assert_eq!(score(&search, 2, Evaluator::OutputGrade), Some(0.8));
}

#[test]
fn worse_programs_and_deep_ones_of_equal_worth_are_pruned() {
    let check = |value: f64, parent: f64, depth: usize, grade: u8, expected: bool| {
        let found = is_pruned(value, parent, depth, f64::from(grade) / 5.0);
        assert_eq!(found, expected, "{value} below {parent} at depth {depth} with grade {grade}");
    };
    check(0.2, 0.3, 1, 5, true);
    check(0.4, 0.3, 2, 0, false);
    check(0.3, 0.3, 2, 1, true);
    check(0.3, 0.3, 2, 2, false);
    check(0.0, 0.0, 1, 0, true);
    // A third of the tests with the best grade is worth as much as two thirds with the worst.
    check(1.0 / 3.0 + GRADE_WEIGHT, 2.0 / 3.0, 2, 5, false);
    check(2.0 / 3.0, 1.0 / 3.0 + GRADE_WEIGHT, 2, 0, true);
}

#[test]
fn an_accepted_program_ends_the_search() {
    let script = vec![
        ("propose", thoughts(&[0.5, 0.5])),
        ("implement", made([program(3, 4, 4)])),
        ("verify", verdict(true)),
    ];
    let search = play(codetree(20), script);
    assert_eq!((search.stop_reason(), search.best()), (Some(StopReason::Accepted), Some(NodeId(3))));
    assert_eq!(score(&search, 3, Evaluator::Reward), Some(1.0));
}

#[test]
fn a_rejected_program_is_reflected_on_and_what_follows_must_match_it() {
    let script = vec![
        ("propose", thoughts(&[0.5, 0.5])),
        ("implement", made([program(3, 4, 4)])),
        ("verify", verdict(false)),
        ("reflect", reflections(1)), // node 4
        ("refine", made([program(5, 3, 4)])),
        ("grade", grade(4)), // 3/4 + 4/15 is less than 4/3
    ];
    let mut search = play(codetree(20), script);
    assert_eq!(next(&mut search), (NodeId(2), Operator::Implement));
    assert_eq!(search.best(), Some(NodeId(3)), "the best is kept, and not the last that failed");
}

#[test]
fn at_the_largest_depth_a_second_program_in_a_line_overrules_the_critic() {
    let mut script = vec![
        ("propose", thoughts(&[0.5, 0.5])),
        ("implement", made([program(3, 4, 4)])),
        ("verify", verdict(false)),
        ("reflect", reflections(1)),
        ("refine", made([program(5, 4, 4)])),
        ("verify", verdict(false)),
    ];
    let mut search = play(codetree(20), script.clone());
    let reflect = Operator::Reflect { count: 10, style: ReflectionStyle::Open };
    assert_eq!(next(&mut search), (NodeId(5), reflect), "there is room for a third");
    script.extend([
        ("reflect", reflections(1)),
        ("refine", made([program(7, 4, 4)])),
        ("verify", TrialResult::Judged { accepted: None }),
    ]);
    let search = play(codetree(20), script);
    assert_eq!((search.stop_reason(), search.best()), (Some(StopReason::Accepted), Some(NodeId(7))));
}

#[test]
fn a_rejected_program_at_the_largest_depth_is_not_reflected_on() {
    let script = vec![
        ("propose", thoughts(&[0.5, 0.5])),
        ("implement", made([program(3, 4, 4)])),
        ("verify", verdict(false)),
    ];
    let config = CodeTreeConfig { max_depth: 1, ..CodeTreeConfig::default() };
    let mut search = play(CodeTree::new(config), script);
    assert_eq!(next(&mut search), (NodeId(2), Operator::Implement));
}

#[test]
fn what_cannot_be_read_counts_as_two_as_no_and_as_nothing_said() {
    let script = vec![
        ("propose", Unusable),
        ("implement", made([program(1, 1, 2)])),
        ("grade", TrialResult::Graded { grade: None }),
        ("reflect", Unusable),
        ("refine", made([program(2, 2, 2)])),
        ("verify", TrialResult::Judged { accepted: None }),
    ];
    let mut search = play(codetree(20), script);
    assert_eq!(score(&search, 1, Evaluator::OutputGrade), None);
    assert!((score(&search, 1, Evaluator::Reward).unwrap() - (0.5 + 2.0 / 15.0) * 0.75).abs() < 1e-12);
    assert_eq!(search.tree().node(NodeId(2)).unwrap().parent, Some(NodeId(1)));
    assert_eq!(score(&search, 2, Evaluator::VerifyGeneral), None, "no verdict is written down");
    assert_eq!(next(&mut search).1.name(), "reflect");
}

#[test]
fn an_unusable_program_counts_and_ends_its_branch() {
    let script = vec![("propose", thoughts(&[0.5, 0.5])), ("implement", Unusable), ("implement", Unusable)];
    let search = play(codetree(20), script);
    assert_eq!((search.stop_reason(), search.best()), (Some(StopReason::Exhausted), None));
}

#[test]
fn without_tests_the_critic_judges_every_program_that_parses() {
    let script = vec![
        ("propose", thoughts(&[1.0])),
        ("implement", made([program(2, 0, 0)])),
        ("verify", verdict(false)),
        ("reflect", reflections(1)),
        ("refine", made([program(4, 0, 0)])),
        ("verify", verdict(true)),
    ];
    let search = play(codetree(20), script);
    assert_eq!((search.stop_reason(), search.best()), (Some(StopReason::Accepted), Some(NodeId(4))));
}

#[test]
fn programs_are_counted_and_nothing_is_asked_after_the_last() {
    let (search, log) = run(codetree(5), 1, 1, |trial| obliging(trial, 1));
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(log.iter().map(|trial| trial.operator.generations()).sum::<u64>(), 5);
    assert_eq!(names(&log)[..4], ["propose", "implement", "grade", "reflect"]);
    let tokens = |name| log.iter().find(|trial| trial.operator.name() == name).unwrap().max_output_tokens;
    assert_eq!([tokens("implement"), tokens("refine"), tokens("grade")], [4096, 4096, 2048]);
}

#[test]
fn more_strategies_than_asked_for_are_cut() {
    let search = play(codetree(20), vec![("propose", thoughts(&[0.1; 12]))]);
    assert_eq!(search.tree().nodes().filter(|node| node.kind == NodeKind::Thought).count(), 10);
}
