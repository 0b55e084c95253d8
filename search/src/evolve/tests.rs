//! Tests of evolution on populations worked out by hand.

use super::*;
use crate::TrialResult::Unusable;
use crate::testing::{made, names, program, run};
use crate::{Attempt, NodeKind};

fn tree(programs: &[(u64, u32, u32)]) -> Tree {
    let mut tree = Tree::new();
    for (index, (behaviour, passed, length)) in programs.iter().enumerate() {
        let attempt = Attempt {
            fingerprint: index as u64,
            passed: *passed,
            total: 4,
            parses: true,
            behaviour: Some(*behaviour),
            length: *length,
            slow: 0,
            learned: None,
            mean_logprob: None,
        };
        tree.add(NodeId::ROOT, NodeKind::Solution, "resample", 1.0, Some(attempt)).unwrap();
    }
    tree
}

fn numbers(nodes: Vec<NodeId>) -> Vec<u32> {
    nodes.into_iter().map(|node| node.0).collect()
}

#[test]
fn a_cell_keeps_the_fittest_of_its_kind() {
    let tree = tree(&[
        (1, 1, 60),
        (1, 2, 99),
        (1, 2, 80),
        (1, 3, 100),
        (2, 0, 60),
        (1, 4, 9_999_999),
        (1, 0, 60_000),
    ]);
    let mut islands = Islands::new(2);
    for node in 1..=7 {
        islands.place(&tree, 0, NodeId(node));
    }
    // 1 yields to 2; 3 does no better; 4 is twice as long; 5 behaves otherwise; 6 and 7 are of the last class.
    assert_eq!(numbers(islands.elites(0)), [2, 4, 5, 6]);
    assert!(islands.elites(1).is_empty());
    islands.place(&tree, 9, NodeId(1));
    islands.place(&tree, 1, NodeId(99));
    assert_eq!(numbers(islands.all()), [2, 4, 5, 6]);
    assert_eq!(numbers(fittest_first(&tree, islands.all())), [6, 4, 2, 5]);
}

#[test]
fn the_fittest_migrate_to_both_neighbours_and_stay() {
    let tree = tree(&[(1, 1, 60), (2, 2, 60), (3, 3, 60), (1, 4, 60)]);
    let mut islands = Islands::new(4);
    for (island, node) in [(0, 1), (0, 2), (0, 3), (2, 4)] {
        islands.place(&tree, island, NodeId(node));
    }
    islands.migrate(&tree, 0.5);
    assert_eq!(numbers(islands.elites(0)), [1, 2, 3]);
    assert_eq!(numbers(islands.elites(1)), [2, 3, 4]);
    assert_eq!(numbers(islands.elites(2)), [4]);
    assert_eq!(numbers(islands.elites(3)), [2, 3, 4]);
    let mut alone = Islands::new(1);
    alone.place(&tree, 0, NodeId(1));
    alone.migrate(&tree, 0.0);
    assert_eq!(numbers(alone.elites(0)), [1]);
}

#[test]
fn every_island_is_sown_and_then_changed() {
    let config = EvolveConfig { islands: 3, programs: 8, ..EvolveConfig::default() };
    let (search, log) = run(Evolve::new(config), 5, 8, |trial| match trial.id.0 {
        1 => Unusable,
        id => made([program(id, 1, 4)]),
    });
    let expected = ["resample", "resample", "resample", "mutate", "resample", "mutate", "mutate", "mutate"];
    assert_eq!(names(&log), expected, "the second island is sown again");
    assert_eq!(search.stop_reason(), Some(StopReason::Exhausted));
}

#[test]
fn a_generation_with_a_pass_is_the_last() {
    let config = EvolveConfig { islands: 2, programs: 20, ..EvolveConfig::default() };
    let answer = |trial: &Trial| made([program(trial.id.0, if trial.id.0 == 2 { 4 } else { 1 }, 4)]);
    let (search, log) = run(Evolve::new(config.clone()), 5, 1, answer);
    assert_eq!((log.len(), search.stop_reason()), (4, Some(StopReason::Accepted)));
    let (_, log) = run(Evolve::new(EvolveConfig { exhaust: true, ..config }), 5, 1, answer);
    assert_eq!(log.len(), 20);
}

#[test]
fn what_is_known_already_takes_no_place() {
    let config = EvolveConfig { islands: 1, programs: 6, explore: 1.0, ..EvolveConfig::default() };
    let (_, log) = run(Evolve::new(config), 5, 1, |trial| {
        // Always the same program, though once it seems to pass more.
        made([program(7, trial.id.0 as u32 % 3, 4)])
    });
    assert!(log.iter().skip(1).all(|trial| trial.node == NodeId(1)), "{log:?}");
}

#[test]
fn parents_are_drawn_as_configured_and_inspirations_are_others() {
    let tree = tree(&[(1, 0, 60), (2, 1, 60), (3, 2, 60), (4, 3, 60), (5, 0, 60), (6, 0, 60)]);
    let policy = |explore: f64, exploit: f64, archive: usize| {
        let config = EvolveConfig {
            islands: 2,
            explore,
            exploit,
            archive,
            top: 2,
            diverse: 2,
            ..EvolveConfig::default()
        };
        let mut policy = Evolve::new(config);
        for (island, node) in [(0, 1), (0, 2), (0, 3), (0, 5), (0, 6), (1, 4)] {
            policy.islands.place(&tree, island, NodeId(node));
        }
        policy
    };
    let drawn = |policy: &Evolve| -> BTreeSet<u32> {
        let mut dice = Dice::new(1);
        (0..200).filter_map(|_| policy.parent(&tree, 0, &mut dice)).map(|node| node.0).collect()
    };
    assert_eq!(drawn(&policy(1.0, 0.0, 9)), [1, 2, 3, 5, 6].into(), "exploring: the island");
    assert_eq!(drawn(&policy(0.0, 1.0, 2)), [3].into(), "exploiting: its own of the archive 4, 3");
    assert_eq!(drawn(&policy(0.0, 1.0, 1)), [4].into(), "or the archive's, where none is its own");
    assert_eq!(drawn(&policy(0.0, 0.0, 9)), [1, 2, 3, 4, 5, 6].into(), "else all");
    let policy = policy(1.0, 0.0, 9);
    let mut dice = Dice::new(1);
    let shown = policy.inspirations(&tree, 0, NodeId(3), &mut dice);
    assert_eq!(numbers(shown.clone()).get(..2), Some(&[2, 1][..]));
    let rest: BTreeSet<u32> = numbers(shown).into_iter().skip(2).collect();
    assert_eq!(rest, [5, 6].into());
}
