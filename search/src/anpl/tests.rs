//! Tests of ANPL: sketches filled and mended by hand.

use proptest::prelude::*;

use super::*;
use crate::TrialResult::Unusable;
use crate::choose::consensus::Outputs;
use crate::testing::{made, modules, names, play, program, run};

fn config() -> AnplConfig {
    AnplConfig { tries: 2, rounds: 3, sketches: 2, ..AnplConfig::default() }
}

fn anpl(by: SketchBy) -> Anpl {
    Anpl::new(config(), by)
}

fn sketch(holes: usize) -> TrialResult {
    made(modules(holes + 1))
}

/// Implementations of a hole that fit its tests, or do not.
fn hole(fits: &[bool]) -> TrialResult {
    let behaviours = fits.iter().map(|fits| Outputs { outputs: Vec::new(), fails: !fits }).collect();
    TrialResult::Composed { drafts: modules(fits.len()), behaviours }
}

fn whole(passed: u32) -> TrialResult {
    let behaviours = vec![Outputs { outputs: Vec::new(), fails: passed < 4 }];
    TrialResult::Composed { drafts: vec![program(u64::from(passed), passed, 4)], behaviours }
}

const fn blames(hole: Option<usize>) -> TrialResult {
    TrialResult::HoleBlamed { hole }
}

#[test]
fn holes_are_filled_in_order_and_the_whole_is_run() {
    let script = vec![
        ("decompose", sketch(2)),    // 1 with holes 2 and 3
        ("compose", hole(&[true])),  // 4
        ("compose", hole(&[false])), // 5
        ("compose", hole(&[true])),  // 6
    ];
    let mut search = play(anpl(SketchBy::User), script);
    let trials = search.ask(2);
    let pieces = Pieces { draft: Some(NodeId(1)), parts: vec![NodeId(4), NodeId(6)], ..Pieces::default() };
    assert_eq!(
        (trials[0].node, &trials[0].operator),
        (NodeId::ROOT, &Operator::Compose { count: 0, pieces })
    );
    search.tell(trials[0].id, whole(4));
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
}

#[test]
fn every_try_is_warmer_than_the_one_before_and_none_is_lost() {
    let mut search = play(anpl(SketchBy::User), vec![("decompose", sketch(1)), ("compose", hole(&[false]))]);
    let trial = search.ask(1).remove(0);
    assert_eq!((trial.node, trial.temperature), (NodeId(2), 0.1));
    search.tell(trial.id, Unusable);
    let trials = search.ask(1);
    let Operator::Compose { count: 0, pieces } = &trials[0].operator else { panic!("{trials:?}") };
    assert_eq!(pieces.parts, [NodeId(3)], "tries used up, the hole keeps what it got");
}

#[test]
fn the_blamed_hole_is_written_anew_and_a_worse_whole_is_taken_back() {
    let script = vec![
        ("decompose", sketch(2)),   // 1, holes 2 and 3
        ("compose", hole(&[true])), // 4
        ("compose", hole(&[true])), // 5
        ("compose", whole(2)),      // 6
        ("blame_hole", blames(Some(1))),
        ("compose", hole(&[false, true])), // 7, 8
        ("compose", whole(1)),             // 9: worse
        ("blame_hole", blames(None)),      // the holes in turn: the second, by the round
        ("compose", hole(&[true])),        // 10
        ("compose", whole(3)),             // 11
    ];
    let mut search = play(anpl(SketchBy::User), script);
    let trials = search.ask(1);
    assert_eq!(
        (trials[0].node, &trials[0].operator),
        (NodeId(11), &Operator::BlameHole { holes: vec![NodeId(2), NodeId(3)] })
    );
    search.tell(trials[0].id, blames(Some(0)));
    let trials = search.ask(1);
    let pieces = Pieces { parts: vec![NodeId(10)], after: Some(NodeId(11)), ..Pieces::default() };
    assert_eq!((trials[0].node, &trials[0].operator), (NodeId(2), &Operator::Compose { count: 5, pieces }));
    search.tell(trials[0].id, Unusable);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted), "a user's sketch is the only one");
    assert_eq!(search.best(), Some(NodeId(11)));
}

#[test]
fn a_model_may_sketch_again() {
    let (search, log) = run(anpl(SketchBy::Model), 1, 1, |trial| match trial.operator {
        Operator::Decompose { .. } => sketch(0),
        _ => whole(1),
    });
    assert_eq!(names(&log), ["decompose", "compose", "decompose", "compose"]);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(log[2].temperature, 0.1);
}

#[test]
fn a_user_s_sketch_has_as_many_holes_as_it_likes() {
    for (by, holes) in [(SketchBy::User, 30), (SketchBy::Model, 8)] {
        let search = play(anpl(by), vec![("decompose", sketch(30))]);
        assert_eq!(search.tree().len(), 2 + holes);
    }
}

#[test]
fn without_visible_tests_the_first_whole_ends_it() {
    let untested = TrialResult::Composed { drafts: vec![program(1, 0, 0)], behaviours: Vec::new() };
    let search = play(anpl(SketchBy::User), vec![("decompose", sketch(0)), ("compose", untested)]);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(search.best(), Some(NodeId(2)));
}

proptest! {
    #[test]
    fn it_ends(dice in proptest::collection::vec(0u32..7, 30), by_user in any::<bool>()) {
        let answer = |trial: &Trial| {
            let die = dice[trial.id.0 as usize % dice.len()];
            match &trial.operator {
                _ if die == 0 => Unusable,
                Operator::Decompose { .. } => sketch(die as usize),
                Operator::BlameHole { .. } => blames((die > 2).then_some(die as usize)),
                _ if trial.node == NodeId::ROOT => whole(die % 4),
                _ => hole(&[die > 3, die > 1]),
            }
        };
        let by = if by_user { SketchBy::User } else { SketchBy::Model };
        let (one, log) = run(anpl(by), 1, 1, answer);
        let (other, again) = run(anpl(by), 1, 8, answer);
        prop_assert_eq!(one.tree(), other.tree());
        prop_assert_eq!(log, again);
    }
}
