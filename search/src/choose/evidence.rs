//! What is known of the programs that were drawn for one problem, and the order that a method puts them in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The samples of one problem, and the tests that a model wrote for it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// One per draw, equal programs included: how often a program was drawn is evidence too.
    pub samples: Vec<Sample>,
    /// The distinct generated tests.
    pub tests: Vec<GeneratedTest>,
}

/// What is known of one sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sample {
    /// Equal for equal programs.
    pub fingerprint: u64,
    /// Whether it parses.
    pub parses: bool,
    /// Visible tests passed.
    pub visible_passed: u32,
    /// Visible tests in all.
    pub visible_total: u32,
    /// Whether it passes each generated test; a missing one counts as failed.
    pub passed: Vec<bool>,
    /// Its answer to each shared input, as a number that is equal for equal answers; `None` where it gave none (it
    /// raised, ran out of time, can't be loaded).
    pub answers: Vec<Option<u64>>,
    /// Mean log-probability of its tokens, in nats, where the model told.
    pub log_prob: Option<f64>,
    /// Its length in characters.
    pub length: u32,
}

/// A generated test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedTest {
    /// How often it was drawn.
    pub draws: u32,
    /// The shared input that it is about: index into [`Sample::answers`].
    pub input: Option<usize>,
}

/// Samples that a method does not tell apart, and their score.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Indices of samples, ascending.
    pub samples: Vec<usize>,
    /// The higher, the better; comparable within one ranking only.
    pub score: f64,
}

impl Evidence {
    /// Draws of generated tests that a sample passes.
    #[must_use]
    pub fn tests_passed(&self, sample: &Sample) -> u64 {
        let passed = self.tests.iter().zip(&sample.passed).filter(|(_, passed)| **passed);
        passed.map(|(test, _)| u64::from(test.draws)).sum()
    }

    /// The samples in classes of equal keys, classes in the order of their first samples.
    pub fn classes<'a, Key: Ord>(&'a self, key: impl Fn(&'a Sample) -> Key) -> Vec<Vec<usize>> {
        let mut numbers: BTreeMap<Key, usize> = BTreeMap::new();
        let mut classes: Vec<Vec<usize>> = Vec::new();
        for (index, sample) in self.samples.iter().enumerate() {
            let number = *numbers.entry(key(sample)).or_insert(classes.len());
            match classes.get_mut(number) {
                Some(class) => class.push(index),
                None => classes.push(vec![index]),
            }
        }
        classes
    }
}

/// Classes with the best first; of equal scores the one whose first sample was drawn first.
#[must_use]
pub fn ranked(mut classes: Vec<Class>) -> Vec<Class> {
    let first = |class: &Class| class.samples.first().copied();
    classes
        .sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| first(one).cmp(&first(other))));
    classes
}

/// The order in which a ranking gives samples away: the first of every class, the best class first, then the second of
/// every class that has one, and so on. So the first few differ in what they do. Where 0 is the lowest score, nothing speaks
/// for the classes that have it, and they wait until the others are used up.
#[must_use]
pub fn draws(ranking: &[Class]) -> Vec<usize> {
    let lowest_is_zero = ranking.last().is_some_and(|class| class.score.total_cmp(&0.0).is_eq());
    let supported = ranking.partition_point(|class| class.score > 0.0 || !lowest_is_zero);
    let (supported, others) = ranking.split_at(supported);
    [supported, others].into_iter().flat_map(in_turns).collect()
}

fn in_turns(classes: &[Class]) -> Vec<usize> {
    let longest = classes.iter().map(|class| class.samples.len()).max().unwrap_or(0);
    let round = |turn| classes.iter().filter_map(move |class| class.samples.get(turn).copied());
    (0..longest).flat_map(round).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_speaks_for_waits_and_what_something_speaks_against_comes_last() {
        let ranking = |scores: [f64; 3]| {
            let class = |(first, score)| Class { samples: vec![first, first + 1], score };
            [0, 2, 4].into_iter().zip(scores).map(class).collect::<Vec<_>>()
        };
        assert_eq!(draws(&ranking([2.0, 1.0, 0.5])), [0, 2, 4, 1, 3, 5]);
        assert_eq!(draws(&ranking([2.0, 1.0, 0.0])), [0, 2, 1, 3, 4, 5]);
        assert_eq!(draws(&ranking([0.0, 0.0, 0.0])), [0, 2, 4, 1, 3, 5]);
        assert_eq!(draws(&ranking([2.0, 0.0, -96.0])), [0, 2, 4, 1, 3, 5]);
        assert_eq!(draws(&ranking([0.0, -96.0, -100.0])), [0, 2, 4, 1, 3, 5]);
        assert!(draws(&[]).is_empty());
    }
}
