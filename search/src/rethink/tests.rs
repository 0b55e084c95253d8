//! Tests of RethinkMCTS: rollouts played by hand.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, names, obliging, play, program, run, sure, thoughts};

fn config() -> RethinkConfig {
    RethinkConfig { rollouts: 2, ..RethinkConfig::default() }
}

fn mcts(config: RethinkConfig) -> RethinkMcts {
    RethinkMcts::new(config)
}

const fn at(node: u32) -> NodeId {
    NodeId(node)
}

fn largest(tree: &Tree, node: u32) -> f64 {
    tree.node(at(node)).unwrap().stats.max
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
}

#[test]
fn a_sure_program_ends_the_search() {
    let script = vec![
        ("propose", thoughts(&[0.2, 0.6, 0.2])),
        ("implement", made([program(1, 4, 4)])),
        ("verify", sure(0.9)),
    ];
    let search = play(mcts(config()), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    let tree = search.tree();
    let solution = tree.node(at(4)).unwrap();
    assert_eq!(solution.parent, Some(at(2)), "the likeliest thought is tried first");
    assert_eq!(solution.score(Evaluator::SelfEval), Some(0.9));
    close(solution.score(Evaluator::Reward).unwrap(), 0.98);
    close(largest(tree, 2), 0.98);
    close(largest(tree, 0), 0.9 * 0.98);
}

#[test]
fn an_unsure_program_does_not_and_the_tree_grows_below_it() {
    let script = vec![
        ("propose", thoughts(&[0.2, 0.6, 0.2])),
        ("implement", made([program(1, 4, 4)])),
        ("verify", sure(0.5)),
        ("extend", thoughts(&[1.0])),
        ("implement", made([program(2, 2, 4)])),
    ];
    let mut search = play(mcts(config()), script);
    let [trial] = &search.ask(8)[..] else { panic!("a failed program is rethought") };
    assert_eq!(trial.operator, Operator::Rethink { after: at(6) });
    // Seen once with 0.9: 0.9 + (ln 1.3 + 4) * 0.6 * sqrt(ln 3) / 2 = 2.30 beats the others' 0.94.
    assert_eq!(trial.node, at(5));
}

#[test]
fn a_rethought_thought_weighs_more_and_the_better_program_counts() {
    let script = vec![
        ("propose", thoughts(&[0.5, 0.3, 0.2])),
        ("implement", made([program(1, 1, 4)])),
        ("rethink", TrialResult::Replaced),
        ("implement", made([program(2, 3, 4)])),
    ];
    let mut search = play(mcts(config()), script);
    let tree = search.tree();
    let thought = tree.node(at(1)).unwrap();
    assert_eq!((thought.rethinks, thought.payloads.as_slice()), (1, [0, 1].as_slice()));
    let priors: Vec<f64> = (1..4).map(|node| tree.node(at(node)).unwrap().prior).collect();
    for (prior, expected) in priors.iter().zip([1.0 / 1.5, 0.3 / 1.5, 0.2 / 1.5]) {
        close(*prior, expected);
    }
    close(largest(tree, 1), 0.75);
    assert_eq!(thought.stats.visits, 1, "a rollout backs up one return");
    assert_eq!(search.ask(1)[0].operator, Operator::Extend { count: 3, after: at(5) });
}

#[test]
fn a_rethink_that_made_things_worse_is_taken_back() {
    for worse in [made([program(2, 1, 4)]), Unusable, made([])] {
        let script = vec![
            ("propose", thoughts(&[0.5, 0.3, 0.2])),
            ("implement", made([program(1, 2, 4)])),
            ("rethink", TrialResult::Replaced),
            ("implement", worse),
        ];
        let mut search = play(mcts(config()), script);
        let thought = search.tree().node(at(1)).unwrap();
        assert_eq!((thought.payloads.as_slice(), thought.prior), ([0].as_slice(), 0.5));
        close(largest(search.tree(), 1), 0.5);
        assert_eq!(search.ask(1)[0].operator, Operator::Extend { count: 3, after: at(4) });
    }
}

#[test]
fn a_rethink_that_made_the_program_pass_stays_even_if_the_model_doubts_it() {
    let script = vec![
        ("propose", thoughts(&[1.0])),
        ("implement", made([program(1, 9, 10)])),
        ("rethink", TrialResult::Replaced),
        ("implement", made([program(2, 10, 10)])),
        ("verify", sure(-1.0)),
    ];
    let search = play(mcts(config()), script);
    assert_eq!(search.tree().node(at(1)).unwrap().payloads, [0, 1]);
    close(largest(search.tree(), 1), 0.9);
    assert_eq!(search.best(), Some(at(3)));
}

#[test]
fn a_nearly_passing_program_is_never_accepted() {
    let config = RethinkConfig { rethink: false, ..config() };
    let script = vec![("propose", thoughts(&[1.0])), ("implement", made([program(1, 99, 100)]))];
    assert_eq!(play(mcts(config), script).stop_reason(), None);
}

#[test]
fn a_thought_is_rethought_once_and_an_unusable_rethink_changes_nothing() {
    let script = vec![
        ("propose", thoughts(&[1.0])),
        ("implement", made([program(1, 1, 4)])),
        ("rethink", Unusable),
        ("extend", Unusable),
        // Without thoughts below it the thought is tried again, and may be rethought still.
        ("implement", made([program(2, 1, 4)])),
        ("rethink", TrialResult::Replaced),
        ("implement", made([program(3, 1, 4)])),
        ("extend", Unusable),
        ("implement", made([program(4, 1, 4)])),
    ];
    let search = play(mcts(RethinkConfig { rollouts: 3, ..config() }), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(search.tree().node(at(1)).unwrap().rethinks, 1);
}

#[test]
fn without_thoughts_programs_are_written_from_the_statement() {
    let script = vec![
        ("propose", Unusable),
        ("implement", made([program(1, 1, 4)])),
        ("propose", thoughts(&[1.0])),
        ("implement", Unusable),
    ];
    let search = play(mcts(config()), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    assert_eq!(search.best(), Some(at(1)));
    assert_eq!(search.tree().node(at(1)).unwrap().parent, Some(NodeId::ROOT), "the root is never rethought");
}

#[test]
fn a_program_that_was_judged_before_is_not_judged_again() {
    let script = vec![
        ("propose", thoughts(&[1.0])),
        ("implement", made([program(1, 4, 4)])),
        ("verify", sure(0.5)),
        ("extend", thoughts(&[1.0])),
        ("implement", made([program(1, 4, 4)])),
    ];
    let search = play(mcts(config()), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
    close(search.tree().node(at(4)).unwrap().score(Evaluator::Reward).unwrap(), 0.9);
}

#[test]
fn a_missing_confidence_counts_as_neither_yes_nor_no() {
    for missing in [TrialResult::Verified { confidence: None }, Unusable, sure(f64::NAN)] {
        let script =
            vec![("propose", thoughts(&[1.0])), ("implement", made([program(1, 4, 4)])), ("verify", missing)];
        let search = play(mcts(config()), script);
        let solution = search.tree().node(at(2)).unwrap();
        assert_eq!(solution.score(Evaluator::SelfEval), None);
        close(solution.score(Evaluator::Reward).unwrap(), 0.8);
    }
}

#[test]
fn confidence_beyond_its_range_is_clamped() {
    let script =
        vec![("propose", thoughts(&[1.0])), ("implement", made([program(1, 4, 4)])), ("verify", sure(85.0))];
    let search = play(mcts(config()), script);
    assert_eq!(search.tree().node(at(2)).unwrap().score(Evaluator::SelfEval), Some(1.0));
}

#[test]
fn without_visible_tests_self_evaluation_alone_decides() {
    let script = vec![
        ("propose", thoughts(&[1.0])),
        ("implement", made([program(1, 0, 0)])),
        ("verify", sure(0.2)),
        ("extend", thoughts(&[1.0])),
        ("implement", made([program(2, 0, 0)])),
        ("verify", sure(0.8)),
    ];
    let search = play(mcts(config()), script);
    assert_eq!(search.stop_reason(), Some(StopReason::Accepted));
    assert_eq!(search.best(), Some(at(4)));
    assert_eq!(search.tree().node(at(4)).unwrap().score(Evaluator::VisiblePassFraction), None);
}

/// The calls that the published method makes: 3 per rollout that passes, 5 per one that fails (the analysis of the
/// failure belongs to the program's own trial). The last rollout saves its thoughts.
#[test]
fn a_rollout_asks_for_what_the_paper_says() {
    let rollouts = 16;
    let exhaust = RethinkConfig { exhaust: true, ..RethinkConfig::default() };
    let (_, log) = run(mcts(exhaust.clone()), 1, 4, |trial| obliging(trial, 4));
    assert_eq!(log.len(), 1 + 3 * rollouts - 1);
    assert_eq!(names(&log)[..4], ["propose", "implement", "verify", "extend"]);
    let (_, log) = run(mcts(exhaust), 1, 4, |trial| obliging(trial, 2));
    assert_eq!(log.len(), 1 + 4 * rollouts - 1);
    assert_eq!(names(&log)[1..5], ["implement", "rethink", "implement", "extend"]);
}

/// Thought 2 was followed and passes (reward 0.9); thought 5 below it leads to node 6, which passes 2 of 4 tests.
fn failed_below() -> Vec<(&'static str, TrialResult)> {
    vec![
        ("propose", thoughts(&[0.2, 0.6, 0.2])),
        ("implement", made([program(1, 4, 4)])),
        ("verify", sure(0.5)),
        ("extend", thoughts(&[1.0])),
        ("implement", made([program(2, 2, 4)])),
    ]
}

fn blaming() -> RethinkMcts {
    mcts(RethinkConfig { rethink_target: RethinkTarget::Blame, ..config() })
}

fn blamed_place(place: Option<usize>) -> (&'static str, TrialResult) {
    ("blame", TrialResult::Blamed { place })
}

#[test]
fn a_blamed_ancestor_is_rewritten_and_what_was_learnt_below_it_dropped() {
    let mut search = play(blaming(), failed_below());
    let [trial] = &search.ask(1)[..] else { panic!("somebody is blamed") };
    assert_eq!((trial.node, &trial.operator), (at(6), &Operator::Blame));
    let mut script = failed_below();
    script.push(blamed_place(Some(0)));
    let mut search = play(blaming(), script.clone());
    let [trial] = &search.ask(1)[..] else { panic!("it is rewritten") };
    assert_eq!((trial.node, &trial.operator), (at(2), &Operator::Rethink { after: at(6) }));
    script.extend([("rethink", TrialResult::Replaced), ("implement", made([program(3, 3, 4)]))]);
    let search = play(blaming(), script);
    let tree = search.tree();
    assert_eq!(tree.node(at(7)).unwrap().parent, Some(at(5)), "the leaf is written anew");
    close(largest(tree, 5), 0.75);
    close(largest(tree, 2), 0.9 * 0.75);
    assert_eq!([2, 5].map(|node| tree.node(at(node)).unwrap().stats.visits), [1, 1]);
    close(largest(tree, 0), 0.9 * 0.9);
    let priors: f64 = [1, 2, 3].iter().map(|node| tree.node(at(*node)).unwrap().prior).sum();
    close(priors, 1.0);
    close(tree.node(at(2)).unwrap().prior, 1.0 / 1.4);
}

#[test]
fn a_rewritten_ancestor_that_did_worse_is_taken_back_with_all_that_was_learnt() {
    let mut script = failed_below();
    script.push(blamed_place(Some(0)));
    script.extend([("rethink", TrialResult::Replaced), ("implement", made([program(3, 1, 4)]))]);
    let search = play(blaming(), script);
    let tree = search.tree();
    let ancestor = tree.node(at(2)).unwrap();
    assert_eq!((&ancestor.payloads[..], ancestor.stats.visits), (&[0][..], 2));
    close(ancestor.stats.max, 0.9);
    close(ancestor.prior, 0.6);
    close(largest(tree, 5), 0.5);
}

#[test]
fn without_a_thought_to_blame_the_last_one_is_rewritten() {
    let check = |result: TrialResult| {
        let mut script = failed_below();
        script.push(("blame", result));
        let mut search = play(blaming(), script);
        assert_eq!(search.ask(1)[0].node, at(5));
    };
    check(TrialResult::Blamed { place: None });
    check(TrialResult::Blamed { place: Some(1) });
    check(TrialResult::Blamed { place: Some(9) });
    check(Unusable);
}

#[test]
fn an_only_thought_and_one_that_was_rewritten_before_are_not_blamed() {
    let script = vec![("propose", thoughts(&[0.4, 0.6])), ("implement", made([program(1, 1, 4)]))];
    let config = RethinkConfig { rollouts: 3, rethink_target: RethinkTarget::Blame, ..config() };
    let mut search = play(mcts(config.clone()), script.clone());
    assert_eq!(search.ask(1)[0].operator, Operator::Rethink { after: at(3) }, "there is no choice");
    let mut script = script;
    script.extend([
        ("rethink", TrialResult::Replaced),
        ("implement", made([program(2, 3, 4)])),
        ("extend", thoughts(&[1.0])),
        ("implement", made([program(3, 2, 4)])),
        blamed_place(Some(0)),
    ]);
    let mut search = play(mcts(config), script);
    let [trial] = &search.ask(1)[..] else { panic!("a thought is rewritten") };
    assert_eq!(trial.node, at(5), "thought 2 had its second chance");
}
