//! Functional consensus: of several implementations of one function, the one that most others agree with.
//!
//! Source: Chen et al. 2024, *Divide-and-Conquer Meets Consensus: Unleashing the Power of Functions in Code Generation*
//! (FunCoder), section 2.3, with the penalties of the published code. Ties go to the earliest candidate and not to a
//! random one, so that a search can be repeated. The sequential test ([`is_settled`]) is ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::evidence::{Class, Evidence, ranked};

/// Points of a candidate for an input on which it returned nothing.
const CRASH: i64 = -100;
/// Points of a candidate that fails a test, once.
const FAILS: i64 = -10_000;

/// What an implementation did on the inputs that all its rivals got, too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outputs {
    /// Per input, the class of what it returned; equal numbers mean equal values. `None` where it returned nothing.
    pub outputs: Vec<Option<u32>>,
    /// Whether it fails a test whose right answer is known.
    pub fails: bool,
}

impl Outputs {
    fn output(&self, input: usize) -> Option<u32> {
        self.outputs.get(input).copied().flatten()
    }

    /// Share of the inputs on which it returned a value, in `[0, 1]`; 1 where there are no inputs.
    #[must_use]
    pub fn returned(&self) -> f64 {
        if self.outputs.is_empty() {
            return 1.0;
        }
        self.outputs.iter().flatten().count() as f64 / self.outputs.len() as f64
    }
}

/// Points of every candidate: per input, the number of others with the same output, or -100 without an output; and
/// -10000 for one that fails a test.
#[must_use]
pub fn scores(candidates: &[Outputs]) -> Vec<i64> {
    let inputs = inputs(candidates);
    let points = |candidate: &Outputs| {
        let votes: i64 = (0..inputs).map(|input| votes(candidates, candidate, input)).sum();
        votes + if candidate.fails { FAILS } else { 0 }
    };
    candidates.iter().map(points).collect()
}

/// Ranks classes of programs with the same answers to all shared inputs by the points of one of them. A program that
/// fails a visible test fails a test whose right answer is known.
#[must_use]
pub fn rank(evidence: &Evidence) -> Vec<Class> {
    let mut numbers = BTreeMap::new();
    let mut number = |answer: u64| {
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        *numbers.entry(answer).or_insert(next)
    };
    let mut outputs = |answers: &[Option<u64>]| answers.iter().map(|it| it.map(&mut number)).collect();
    let candidates: Vec<Outputs> = evidence
        .samples
        .iter()
        .map(|sample| Outputs {
            outputs: outputs(&sample.answers),
            fails: sample.visible_passed < sample.visible_total,
        })
        .collect();
    let scores = scores(&candidates);
    let class = |samples: Vec<usize>| {
        let score = samples.first().and_then(|first| scores.get(*first)).copied().unwrap_or(0);
        Class { score: score as f64, samples }
    };
    let classes = evidence.classes(|sample| (&sample.answers, sample.visible_passed < sample.visible_total));
    ranked(classes.into_iter().map(class).collect())
}

/// The candidate with the most points, the earliest of equals; `None` without candidates.
#[must_use]
pub fn leader(candidates: &[Outputs]) -> Option<usize> {
    let scores = scores(candidates);
    let best = scores.iter().max()?;
    scores.iter().position(|score| score == best)
}

/// Share of the other candidates that agree with this one, over all inputs, in `[0, 1]`. A candidate that fails a test
/// agrees with nobody.
#[must_use]
pub fn agreement(candidates: &[Outputs], index: usize) -> f64 {
    let Some(candidate) = candidates.get(index).filter(|candidate| !candidate.fails) else { return 0.0 };
    let most = inputs(candidates) * candidates.len().saturating_sub(1);
    let votes = (0..inputs(candidates)).map(|input| votes(candidates, candidate, input).max(0)).sum::<i64>();
    if most == 0 { 1.0 } else { (votes as f64 / most as f64).clamp(0.0, 1.0) }
}

/// Whether all candidates, and there are two at least, return the same on every input and fail no test.
#[must_use]
pub fn is_unanimous(candidates: &[Outputs]) -> bool {
    let same = |pair: &[Outputs]| matches!(pair, [one, other] if one.outputs == other.outputs);
    candidates.len() > 1
        && candidates
            .iter()
            .all(|candidate| !candidate.fails && candidate.outputs.iter().all(Option::is_some))
        && candidates.windows(2).all(same)
}

/// Whether `left` more candidates, whatever they are, can't get more points than the leader.
///
/// A newcomer, or a rival that all newcomers side with, gains on the leader only where an input's second largest class
/// and all that are still to come would outnumber the leader's class.
#[must_use]
pub fn is_settled(candidates: &[Outputs], left: usize) -> bool {
    let Some(leader) = leader(candidates).and_then(|index| candidates.get(index)) else { return left == 0 };
    if left == 0 {
        return true;
    }
    let holds = |input: usize| {
        let Some(class) = leader.output(input) else { return false };
        let size = |class: u32| candidates.iter().filter(|other| other.output(input) == Some(class)).count();
        let others =
            candidates.iter().filter_map(|other| other.output(input)).filter(|other| *other != class);
        let second = others.map(size).max().unwrap_or(0);
        second + left <= size(class)
    };
    !leader.fails && (0..inputs(candidates)).all(holds)
}

fn inputs(candidates: &[Outputs]) -> usize {
    candidates.iter().map(|candidate| candidate.outputs.len()).max().unwrap_or(0)
}

fn votes(candidates: &[Outputs], candidate: &Outputs, input: usize) -> i64 {
    let Some(class) = candidate.output(input) else { return CRASH };
    let same = candidates.iter().filter(|other| other.output(input) == Some(class)).count();
    i64::try_from(same).unwrap_or(i64::MAX) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::evidence::Sample;
    use super::*;

    const CRASHED: Option<u32> = None;

    fn behaviours(rows: &[&[Option<u32>]]) -> Vec<Outputs> {
        rows.iter().map(|row| Outputs { outputs: row.to_vec(), fails: false }).collect()
    }

    #[test]
    fn the_published_formula() {
        // Outputs [a, a, b, crash] on one input and [c, c, c, c] on the other.
        let (a, b, c) = (Some(0), Some(1), Some(0));
        let candidates = behaviours(&[&[a, c], &[a, c], &[b, c], &[CRASHED, c]]);
        assert_eq!(scores(&candidates), [1 + 3, 1 + 3, 3, -100 + 3]);
        assert_eq!(leader(&candidates), Some(0));
    }

    /// By hand: `a` twice, `b` once and a crash on one input, `c` everywhere on the other; the last fails a visible test.
    #[test]
    fn samples_that_answer_alike_share_their_points() {
        let (a, b, c) = (Some(10), Some(11), Some(12));
        let sample = |answers: [Option<u64>; 2], visible_passed| Sample {
            answers: answers.to_vec(),
            visible_passed,
            visible_total: 1,
            ..Sample::default()
        };
        let samples = vec![
            sample([b, c], 1),
            sample([a, c], 1),
            sample([None, c], 1),
            sample([a, c], 1),
            sample([a, c], 0),
        ];
        let found = rank(&Evidence { samples, tests: Vec::new() });
        let found: Vec<_> = found.iter().map(|class| (class.samples.as_slice(), class.score)).collect();
        assert_eq!(found, [(&[1, 3][..], 6.0), (&[0], 4.0), (&[2], -96.0), (&[4], -9_994.0)]);
        assert_eq!(rank(&Evidence::default()), []);
    }

    #[test]
    fn a_failed_test_costs_once() {
        let mut candidates = behaviours(&[&[Some(0), Some(0)], &[Some(0), Some(0)], &[Some(1), Some(0)]]);
        candidates[0].fails = true;
        candidates[1].fails = true;
        assert_eq!(scores(&candidates), [3 - 10_000, 3 - 10_000, 2]);
        assert_eq!(leader(&candidates), Some(2));
        assert_eq!(agreement(&candidates, 0), 0.0);
        assert_eq!(agreement(&candidates, 2), 0.5);
    }

    #[test]
    fn without_inputs_the_first_leads() {
        let candidates = behaviours(&[&[], &[]]);
        assert_eq!((leader(&candidates), agreement(&candidates, 0)), (Some(0), 1.0));
        assert_eq!(leader(&[]), None);
        assert!(is_settled(&candidates, 5) && !is_settled(&[], 5));
    }

    #[test]
    fn a_majority_of_all_that_will_be_is_settled() {
        let six = behaviours(&[&[Some(0)][..]; 6]);
        assert!(is_settled(&six, 5) && is_settled(&six, 6) && !is_settled(&six, 7));
        let split = behaviours(&[&[Some(0)], &[Some(0)], &[Some(0)], &[Some(1)]]);
        assert!(is_settled(&split, 2) && !is_settled(&split, 3));
        assert!(!is_settled(&behaviours(&[&[CRASHED]]), 1), "a crash can be beaten");
    }

    proptest! {
        /// Whoever is still to come, a settled leader stays in the lead.
        #[test]
        fn settled_means_settled(
            rows in proptest::collection::vec(proptest::collection::vec(proptest::option::weighted(0.8, 0u32..3), 2), 1..6),
            more in proptest::collection::vec(proptest::collection::vec(proptest::option::weighted(0.8, 0u32..4), 2), 0..4),
        ) {
            let row = |outputs: &Vec<Option<u32>>| Outputs { outputs: outputs.clone(), fails: false };
            let mut candidates: Vec<Outputs> = rows.iter().map(row).collect();
            let before = leader(&candidates);
            let settled = is_settled(&candidates, more.len());
            candidates.extend(more.iter().map(row));
            if settled {
                let scores = scores(&candidates);
                prop_assert_eq!(scores[before.unwrap()], *scores.iter().max().unwrap());
            }
        }

        #[test]
        fn agreement_is_a_share(rows in proptest::collection::vec(proptest::collection::vec(proptest::option::of(0u32..3), 0..4), 0..6)) {
            let candidates: Vec<Outputs> =
                rows.into_iter().map(|outputs| Outputs { outputs, fails: false }).collect();
            for index in 0..=candidates.len() {
                prop_assert!((0.0..=1.0).contains(&agreement(&candidates, index)));
            }
        }
    }
}
