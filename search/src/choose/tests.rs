//! Tests of the ladder, rung by rung, and of what it promises for every pool.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;
use crate::attempt::Attempt;
use crate::testing::{add_program, add_run, add_suite, outcomes, passes};
use crate::tree::{Change, Evaluator, NodeKind};

/// A program that passes `passed` of 4 tests.
fn program(fingerprint: u64, passed: u32) -> Attempt {
    Attempt {
        fingerprint,
        passed,
        total: 4,
        parses: true,
        behaviour: Some(passed.into()),
        length: 100,
        slow: 0,
        learned: None,
        mean_logprob: None,
    }
}

fn untested(fingerprint: u64) -> Attempt {
    Attempt { fingerprint, parses: true, length: 100, ..Attempt::default() }
}

fn grow(tree: &mut Tree, attempt: Attempt, confidence: Option<f64>) -> NodeId {
    let node = tree.add(NodeId::ROOT, NodeKind::Solution, "resample", 1.0, Some(attempt)).unwrap();
    if let Some(confidence) = confidence {
        tree.evaluate(node, Evaluator::SelfEval, confidence).unwrap();
    }
    node
}

/// The chosen one of several programs, by position.
fn check(programs: Vec<(Attempt, Option<f64>)>, expected: Option<usize>) {
    let mut tree = Tree::new();
    let nodes: Vec<NodeId> =
        programs.into_iter().map(|(attempt, sure)| grow(&mut tree, attempt, sure)).collect();
    assert_eq!(best(&tree), expected.map(|index| nodes[index]), "{:#?}", Pool::of(&tree));
}

#[test]
fn programs_that_were_not_probed_are_no_group() {
    let mut tree = Tree::new();
    let probed: Vec<NodeId> = (1..4).map(|number| grow(&mut tree, program(number, 4), None)).collect();
    for node in &probed {
        tree.apply(Change::Probed { node: *node, behaviour: 7 }).unwrap();
    }
    // What came after the probe: more than those that are known to agree.
    for number in 4..9 {
        grow(&mut tree, program(number, 4), None);
    }
    assert_eq!(best(&tree), Some(probed[0]), "{:#?}", Pool::of(&tree));
}

#[test]
fn of_composed_programs_the_one_that_most_agree_with_is_chosen() {
    let mut tree = Tree::new();
    let nodes: Vec<NodeId> = (1..4).map(|number| grow(&mut tree, untested(number), None)).collect();
    for (node, agreement) in nodes.iter().zip([0.0, 0.5, 0.5]) {
        tree.evaluate(*node, Evaluator::Consensus, agreement).unwrap();
    }
    assert_eq!(best(&tree), Some(nodes[1]));
}

#[test]
fn an_empty_pool_has_no_best() {
    check(vec![], None);
}

#[test]
fn any_program_is_better_than_none() {
    check(vec![(Attempt::default(), None)], Some(0));
}

#[test]
fn passing_everything_comes_first_even_if_rejected() {
    check(vec![(program(1, 3), None), (program(2, 4), Some(-1.0)), (program(3, 0), None)], Some(1));
}

#[test]
fn a_rejected_program_yields_to_one_that_was_not() {
    check(vec![(program(1, 4), Some(-0.5)), (program(2, 4), None)], Some(1));
    check(vec![(program(1, 4), Some(0.0)), (program(2, 4), Some(0.1))], Some(1));
}

#[test]
fn a_program_that_a_critic_rejected_yields_to_one_that_none_did() {
    let verdicts = |verdicts: &[Option<f64>]| {
        let mut tree = Tree::new();
        for (index, verdict) in (0..).zip(verdicts) {
            let node = grow(&mut tree, program(index, 4), None);
            if let Some(verdict) = verdict {
                tree.evaluate(node, Evaluator::VerifyGeneral, *verdict).unwrap();
            }
        }
        best(&tree)
    };
    assert_eq!(verdicts(&[Some(0.0), None]), Some(NodeId(2)));
    assert_eq!(verdicts(&[Some(0.0), Some(1.0)]), Some(NodeId(2)));
    assert_eq!(verdicts(&[Some(0.0), Some(0.0)]), Some(NodeId(1)), "the best is kept, rejected or not");
}

#[test]
fn of_a_programs_verdicts_the_last_one_counts() {
    let mut tree = Tree::new();
    let [first, copy] = [1, 1].map(|fingerprint| grow(&mut tree, program(fingerprint, 4), None));
    let other = grow(&mut tree, program(2, 4), None);
    tree.evaluate(first, Evaluator::VerifyGeneral, 0.0).unwrap();
    assert_eq!(best(&tree), Some(other));
    tree.evaluate(copy, Evaluator::VerifyGeneral, 1.0).unwrap();
    assert_eq!(best(&tree), Some(first));
}

#[test]
fn among_failing_programs_of_one_share_the_better_grade_wins() {
    let grades = |grades: &[(u32, Option<f64>)]| {
        let mut tree = Tree::new();
        for (index, (passed, grade)) in (0..).zip(grades) {
            let node = grow(&mut tree, program(index, *passed), None);
            if let Some(grade) = grade {
                tree.evaluate(node, Evaluator::OutputGrade, *grade).unwrap();
            }
        }
        best(&tree)
    };
    assert_eq!(grades(&[(2, Some(0.4)), (2, Some(0.8))]), Some(NodeId(2)));
    assert_eq!(grades(&[(2, Some(0.2)), (2, None)]), Some(NodeId(2)), "no grade counts as the middle one");
    assert_eq!(grades(&[(3, Some(0.0)), (2, Some(0.8))]), Some(NodeId(1)), "tests come first");
}

#[test]
fn the_surer_program_wins() {
    check(vec![(program(1, 4), Some(0.3)), (program(2, 4), Some(0.9)), (program(3, 4), None)], Some(1));
}

#[test]
fn the_larger_cluster_wins_before_confidence() {
    let lone = Attempt { behaviour: Some(77), ..program(1, 4) };
    check(vec![(lone, Some(0.9)), (program(2, 4), Some(0.1)), (program(3, 4), Some(0.2))], Some(2));
}

#[test]
fn among_passing_programs_fast_then_short_then_early_wins() {
    let slow = Attempt { slow: 1, length: 10, ..program(1, 4) };
    let short = Attempt { length: 99, ..program(3, 4) };
    check(vec![(slow, None), (program(2, 4), None), (short, None)], Some(2));
    check(vec![(program(1, 4), None), (program(2, 4), None)], Some(0));
}

#[test]
fn among_failing_programs_the_share_passed_wins_then_the_cluster_and_never_the_length() {
    check(vec![(program(1, 1), None), (program(2, 3), None), (program(3, 2), None)], Some(1));
    let alone = Attempt { behaviour: Some(9), ..program(1, 2) };
    check(vec![(alone, None), (program(2, 2), None), (program(3, 2), None)], Some(1));
    let stub = Attempt { length: 3, ..program(2, 2) };
    check(vec![(program(1, 2), None), (stub, None)], Some(0));
}

#[test]
fn a_learned_score_breaks_ties_and_nothing_else() {
    let learned = |score, attempt| Attempt { learned: Some(score), ..attempt };
    check(vec![(learned(0.4, program(1, 4)), None), (learned(0.9, program(2, 4)), None)], Some(1));
    check(vec![(learned(0.4, program(1, 3)), None), (learned(0.9, program(2, 2)), None)], Some(0));
    check(vec![(program(1, 4), Some(0.5)), (learned(1.0, program(2, 4)), None)], Some(0));
    // Two draws of one program against a better score, without tests.
    let (twice, better) = (learned(0.2, untested(1)), learned(0.3, untested(2)));
    check(vec![(twice.clone(), None), (twice, None), (better, None)], Some(2));
}

#[test]
fn the_likelier_of_two_wins_before_the_shorter_and_after_everything_else() {
    let likely = |mean, attempt| Attempt { mean_logprob: Some(mean), ..attempt };
    let short = likely(-0.9, Attempt { length: 9, ..program(2, 4) });
    check(vec![(short.clone(), None), (likely(-0.1, program(1, 4)), None)], Some(1));
    check(vec![(short.clone(), Some(0.5)), (likely(-0.1, program(1, 4)), None)], Some(0));
    // Of one that nothing is known of it is not assumed.
    check(vec![(program(1, 4), None), (short, None)], Some(1));
}

#[test]
fn without_tests_a_learned_score_is_the_value() {
    let attempt = Attempt { learned: Some(0.7), ..untested(1) };
    assert_eq!((attempt.value(), untested(1).value()), (0.7, 0.0));
    assert_eq!(Attempt { learned: Some(0.7), ..program(1, 1) }.value(), 0.25);
    assert_eq!(Attempt { parses: false, ..attempt }.value(), 0.0);
}

#[test]
fn what_parses_beats_what_does_not() {
    let broken = Attempt { parses: false, ..program(1, 0) };
    check(vec![(broken, None), (program(2, 0), None)], Some(1));
}

#[test]
fn without_tests_the_program_drawn_most_often_wins() {
    check(vec![(untested(1), None), (untested(2), None), (untested(2), None)], Some(1));
    check(vec![(untested(1), None), (untested(2), None)], Some(0));
    let broken = Attempt { parses: false, ..untested(3) };
    check(vec![(broken.clone(), None), (broken, None), (untested(2), None)], Some(2));
}

#[test]
fn without_tests_confidence_speaks_before_the_majority() {
    check(vec![(untested(1), Some(-0.2)), (untested(1), None), (untested(2), Some(0.8))], Some(2));
}

#[test]
fn a_failing_copy_never_hides_a_passing_one() {
    check(vec![(program(1, 0), None), (program(1, 4), None), (program(1, 4), None)], Some(1));
}

#[test]
fn equal_programs_are_one_candidate_with_the_evidence_of_both() {
    let mut tree = Tree::new();
    let first = grow(&mut tree, program(1, 4), None);
    grow(&mut tree, program(1, 4), Some(0.5));
    grow(&mut tree, program(2, 4), None);
    let pool = Pool::of(&tree);
    let [one, other] = pool.candidates() else { panic!("{pool:?}") };
    assert_eq!((one.node, one.draws, one.cluster, one.self_eval), (first, 2, 2, Some(0.5)));
    assert_eq!((other.draws, other.self_eval), (1, None));
    assert_eq!(ranking(&tree), [one.node, other.node]);
}

fn any_program() -> impl Strategy<Value = (Attempt, Option<f64>)> {
    let scores = (proptest::option::of(0.0..=1.0), proptest::option::of(-2.0..=0.0));
    let attempt = (
        0_u64..8,
        0_u32..=3,
        0_u32..=3,
        any::<bool>(),
        proptest::option::of(0_u64..3),
        0_u32..3,
        0_u32..2,
        scores,
    );
    let attempt =
        attempt.prop_map(|(fingerprint, passed, total, parses, behaviour, length, slow, scores)| Attempt {
            fingerprint,
            passed: passed.min(total),
            total,
            parses,
            behaviour,
            length,
            slow,
            learned: scores.0,
            mean_logprob: scores.1,
        });
    (attempt, proptest::option::of(-1.0..=1.0))
}

proptest! {
    /// Best kept, and anytime: at every moment the best passes everything if anything does, else its share passed
    /// never falls; and under the ladder as it stands nothing that is there beats it.
    #[test]
    fn the_best_is_kept_at_every_moment(programs in proptest::collection::vec(any_program(), 1..25)) {
        let mut tree = Tree::new();
        let (mut anything_passed, mut share) = (false, 0.0_f64);
        for (attempt, confidence) in programs {
            let parses = |tree: &Tree| tree.nodes().filter_map(|node| node.attempt.as_ref()).any(|it| it.parses);
            let parsed_before = parses(&tree);
            anything_passed |= attempt.passes_all();
            grow(&mut tree, attempt, confidence);
            let found = best(&tree).and_then(|node| tree.attempt(node)).cloned().expect("a program exists");
            prop_assert_eq!(found.passes_all(), anything_passed);
            prop_assert!(found.parses || anything_passed || !parses(&tree));
            if parsed_before == parses(&tree) {
                prop_assert!(found.pass_fraction() >= share);
            }
            share = found.pass_fraction();
        }
    }

    /// The ladder is a total order: antisymmetric, transitive, and no two candidates are level.
    #[test]
    fn the_ladder_is_a_total_order(programs in proptest::collection::vec(any_program(), 1..12)) {
        let mut tree = Tree::new();
        for (attempt, confidence) in programs {
            grow(&mut tree, attempt, confidence);
        }
        let pool = Pool::of(&tree);
        let order = ranking(&tree);
        prop_assert_eq!(order.first().copied(), best(&tree));
        prop_assert_eq!(order.len(), pool.candidates().len());
        for one in pool.candidates() {
            for other in pool.candidates() {
                let by_ladder = ladder::compare(one, other);
                let place = |node| order.iter().position(|ranked| *ranked == node);
                prop_assert_eq!(by_ladder, place(other.node).cmp(&place(one.node)));
                prop_assert_eq!(by_ladder == Ordering::Equal, one.node == other.node);
            }
        }
    }
}

/// Programs that pass `passed` of 4 visible tests and give these answers to two tests that a model wrote, whose answers
/// are said to be 1 and 2; the chosen one, by position.
fn check_generated(programs: &[(u32, Option<[u64; 2]>)], expected: usize) {
    let mut tree = Tree::new();
    let suite = add_suite(&mut tree);
    let mut nodes = Vec::new();
    for (fingerprint, (passed, answers)) in (1..).zip(programs) {
        let node = add_program(&mut tree, fingerprint, *passed, 4);
        if let Some(answers) = answers {
            add_run(&mut tree, node, suite, outcomes(answers, &[1, 2]));
        }
        nodes.push(node);
    }
    assert_eq!(best(&tree), Some(nodes[expected]), "{:#?}", Pool::of(&tree));
}

#[test]
fn tests_that_a_model_wrote_never_beat_visible_ones() {
    check_generated(&[(3, Some([1, 2])), (4, Some([8, 9])), (2, None)], 1);
}

#[test]
fn among_equals_trusted_tests_decide_and_then_the_others() {
    // Two of three agree on the first test, so it counts, and not the second.
    check_generated(&[(4, Some([9, 2])), (4, Some([1, 9])), (4, Some([1, 9]))], 1);
    // Nothing is trusted with two programs; then the share decides.
    check_generated(&[(4, Some([9, 9])), (4, Some([1, 9]))], 1);
    check_generated(&[(4, None), (4, Some([9, 2]))], 1);
}

#[test]
fn without_visible_tests_agreement_is_with_programs_and_tests() {
    // By the root of the programs times the share of the tests that they pass: √2 · 1/2 against 1 · 1, then √2 · 3/4.
    let chosen = |passed: [u32; 3]| {
        let mut tree = Tree::new();
        let suite = add_suite(&mut tree);
        let programs: Vec<NodeId> = (0..3).map(|index| add_program(&mut tree, index, 0, 0)).collect();
        for (index, program) in programs.iter().enumerate() {
            let behaviour = u64::from(index == 2);
            tree.apply(Change::Probed { node: *program, behaviour }).unwrap();
            add_run(&mut tree, *program, suite, passes(passed[index], 4));
        }
        best(&tree).map(|best| programs.iter().position(|program| *program == best))
    };
    assert_eq!(chosen([2, 2, 4]), Some(Some(2)));
    assert_eq!(chosen([3, 3, 4]), Some(Some(0)));
}
