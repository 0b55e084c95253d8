//! Tests that the model wrote: what came of a program on them, and which of them can be trusted.
//!
//! A suite is a node of kind [`NodeKind::Tests`]; what a program comes to on it is a [`SuiteRun`], kept at the
//! program's node and never mixed with the visible tests, which [`Attempt`] counts. Models are often wrong about
//! expected values (Shinn et al. 2023, *Reflexion*, section 4.3, count 16 % false positives on MBPP), so a test by
//! itself says little.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::attempt::{Attempt, Outcome};
use crate::tree::{Node, NodeId, NodeKind, Tree};

#[cfg(test)]
mod tests;

/// Distinct programs that it takes to trust a test.
const VOTERS_MIN: usize = 3;

/// One test of a suite. The root stands for the suite of the visible tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TestId {
    /// The suite.
    pub suite: NodeId,
    /// Position within it, from 0.
    pub index: u32,
}

/// What came of one program on one suite, test by test.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SuiteRun {
    /// One outcome per test, in the suite's order.
    pub outcomes: Vec<TestOutcome>,
}

/// What came of one test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TestOutcome {
    /// Whether the program gave the expected answer.
    pub passed: bool,
    /// Hash of what the program did: of its answer, or of how it failed to give one.
    pub answer: u64,
    /// How far the answer lies from the expected one, not negative: the sum of absolute differences where both are
    /// numbers, else the number of differing lines. 0 if it passed, `None` where there was no answer.
    pub distance: Option<f64>,
}

impl SuiteRun {
    /// Tests passed.
    #[must_use]
    pub fn passed(&self) -> u32 {
        count(self.outcomes.iter().filter(|outcome| outcome.passed).count())
    }

    /// Tests run.
    #[must_use]
    pub fn total(&self) -> u32 {
        count(self.outcomes.len())
    }

    /// Whether every test passed, and there was at least one.
    #[must_use]
    pub fn passes_all(&self) -> bool {
        !self.outcomes.is_empty() && self.outcomes.iter().all(|outcome| outcome.passed)
    }

    /// Whether one test passed.
    #[must_use]
    pub fn passes(&self, index: usize) -> bool {
        self.outcomes.get(index).is_some_and(|outcome| outcome.passed)
    }

    /// The sum of the distances; `None` if any test had no answer.
    #[must_use]
    pub fn distance(&self) -> Option<f64> {
        self.outcomes.iter().map(|outcome| outcome.distance).sum()
    }
}

/// What the visible tests and a suite together say of a program: it passes where it fails none of them, and ran on one.
#[must_use]
pub fn outcome(node: &Node, suite: Option<NodeId>) -> Outcome {
    let visible = node.attempt.as_ref().map_or(Outcome::Failed, Attempt::outcome);
    match suite.and_then(|suite| node.run(suite)).filter(|run| run.total() > 0) {
        Some(run) if visible != Outcome::Failed && run.passes_all() => Outcome::Passed,
        Some(_) => Outcome::Failed,
        None => visible,
    }
}

/// Share of the visible tests and of those of a suite that a program passes, in `[0, 1]`; 0 where it ran on none.
#[must_use]
pub fn pass_fraction(node: &Node, suite: Option<NodeId>) -> f64 {
    let visible = node.attempt.as_ref().map_or((0, 0), |attempt| (attempt.passed, attempt.total));
    let run = suite.and_then(|suite| node.run(suite));
    let generated = run.map_or((0, 0), |run| (run.passed(), run.total()));
    let (passed, total) = (visible.0 + generated.0, visible.1 + generated.1);
    if total == 0 { 0.0 } else { f64::from(passed) / f64::from(total) }
}

/// Share of a suite's tests that a program passes, in `[0, 1]`; 0 where it did not run on it.
#[must_use]
pub fn pass_fraction_of(tree: &Tree, program: NodeId, suite: NodeId) -> f64 {
    let run = tree.node(program).and_then(|node| node.run(suite));
    let (passed, total) = run.map_or((0, 0), |run| (run.passed(), run.total()));
    if total == 0 { 0.0 } else { f64::from(passed) / f64::from(total) }
}

/// All suites of a tree, in the order of their making.
pub fn suites(tree: &Tree) -> impl Iterator<Item = NodeId> {
    tree.nodes().filter(|node| node.kind == NodeKind::Tests).map(|node| node.id)
}

/// What every distinct program came to on a suite, by fingerprint; of copies, the first that ran.
#[must_use]
pub fn runs(tree: &Tree, suite: NodeId) -> BTreeMap<u64, (&Attempt, &SuiteRun)> {
    let mut runs = BTreeMap::new();
    for node in tree.nodes() {
        if let (Some(attempt), Some(run)) = (&node.attempt, node.run(suite)) {
            runs.entry(attempt.fingerprint).or_insert((attempt, run));
        }
    }
    runs
}

/// Which tests of a suite can be trusted, one flag per test; empty as long as no program can vote.
///
/// A test is trusted if the largest group of programs that behave alike, on the visible tests and on the whole suite,
/// passes it, and at least three distinct programs with a vote ran. Where several groups are the largest, all of them must
/// pass it. Programs that fail a visible test have no vote: that many wrong programs agree says nothing.
#[must_use]
pub fn trusted(tree: &Tree, suite: NodeId) -> Vec<bool> {
    let mut groups: BTreeMap<(Option<u64>, Vec<u64>), Vec<&SuiteRun>> = BTreeMap::new();
    for (attempt, run) in runs(tree, suite).into_values() {
        if attempt.outcome() != Outcome::Failed {
            let answers = run.outcomes.iter().map(|outcome| outcome.answer).collect();
            groups.entry((attempt.behaviour, answers)).or_default().push(run);
        }
    }
    let voters: usize = groups.values().map(Vec::len).sum();
    let largest = groups.values().map(Vec::len).max().unwrap_or(0);
    let leaders: Vec<&SuiteRun> = groups
        .values()
        .filter(|group| group.len() == largest)
        .filter_map(|group| group.first().copied())
        .collect();
    let tests = leaders.iter().map(|run| run.outcomes.len()).min().unwrap_or(0);
    let agreed = |index| voters >= VOTERS_MIN && leaders.iter().all(|run| run.passes(index));
    (0..tests).map(agreed).collect()
}

fn count(tests: usize) -> u32 {
    u32::try_from(tests).unwrap_or(u32::MAX)
}
