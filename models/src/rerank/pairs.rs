//! Pairs of a passing and a failing program of one problem, to learn from.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::train::{Example, Outcome, shuffle, stream};

/// Failing programs per passing one.
const NEGATIVES: usize = 4;
/// Passing programs of one problem in one round; of more, some are drawn.
const POSITIVES: usize = 16;

/// Two programs of one problem, by their indices among the examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The one that passes.
    pub chosen: usize,
    /// The one that fails.
    pub rejected: usize,
    /// Whether the failing one was taken because it scores near the passing one, or above.
    pub hard: bool,
}

/// How pairs are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mining<'a> {
    /// Score of each example; empty before there is a reranker.
    pub scores: &'a [f64],
    /// A failing program is hard if it scores above the passing one less this much, in nats.
    pub margin: f64,
    /// Seed of the choice.
    pub seed: u64,
    /// Number of the round, from 0.
    pub round: u64,
}

/// The pairs of a round among the examples with these indices: each passing program with up to four failing ones, at most
/// half of these for being hard, hardest first, the others drawn. Of programs with one shape one is taken.
#[must_use]
pub fn mine(examples: &[Example], among: &[usize], mining: &Mining<'_>) -> Vec<Pair> {
    let mut problems: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for index in among {
        let Some(example) = examples.get(*index) else { continue };
        if !seen.insert((&example.problem_id, example.shape)) {
            continue;
        }
        let (passing, failing) = problems.entry(&example.problem_id).or_default();
        if example.outcome == Outcome::Passed { passing.push(*index) } else { failing.push(*index) }
    }
    let mut luck = stream(mining.seed, "pairs", mining.round);
    let mut pairs = Vec::new();
    for (mut passing, failing) in problems.into_values() {
        shuffle(&mut passing, &mut luck);
        for chosen in passing.into_iter().take(POSITIVES) {
            pairs.extend(against(chosen, &failing, mining, &mut luck));
        }
    }
    pairs
}

fn against(chosen: usize, failing: &[usize], mining: &Mining<'_>, luck: &mut ChaCha8Rng) -> Vec<Pair> {
    let score = |index: usize| mining.scores.get(index).copied();
    let count = NEGATIVES.min(failing.len());
    let is_hard = |index: &usize| {
        let near = |own: f64, it: f64| it > own - mining.margin;
        score(chosen).zip(score(*index)).is_some_and(|(own, it)| near(own, it))
    };
    let (mut hard, mut rest): (Vec<usize>, Vec<usize>) = failing.iter().partition(|index| is_hard(index));
    let value = |index: &usize| score(*index).unwrap_or(0.0);
    hard.sort_by(|one, other| value(other).total_cmp(&value(one)).then(one.cmp(other)));
    let hardest = hard.len().min(count / 2);
    rest.extend(hard.split_off(hardest));
    rest.sort_unstable();
    shuffle(&mut rest, luck);
    let hard = hard.into_iter().map(|rejected| Pair { chosen, rejected, hard: true });
    let drawn = rest.into_iter().map(|rejected| Pair { chosen, rejected, hard: false });
    hard.chain(drawn).take(count).collect()
}
