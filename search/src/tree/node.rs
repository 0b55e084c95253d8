//! One vertex of the tree and the statistics of the returns that went through it.

use serde::Serialize;

use super::{Evaluation, Evaluator, NodeId, NodeKind};
use crate::attempt::Attempt;
use crate::suite::SuiteRun;

/// One vertex of the tree. What it says (thought, program, reflection) is kept by the caller under its id.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Its parent; `None` for the root.
    pub parent: Option<NodeId>,
    /// What it holds.
    pub kind: NodeKind,
    /// Edges to the root.
    pub depth: u32,
    /// The proposer's probability, normalised over siblings, in `[0, 1]`.
    pub prior: f64,
    /// Name of the operator that made it; empty for the root.
    pub operator: String,
    /// Facts about its program, if it holds one.
    pub attempt: Option<Attempt>,
    /// Hash of its program's behaviour on probes, where it was probed.
    pub probed: Option<u64>,
    /// Every judgement of it, in order.
    pub evaluations: Vec<Evaluation>,
    /// The returns backed up through it.
    pub stats: Stats,
    /// How often it was rethought, taken-back times included.
    pub rethinks: u32,
    /// Versions of its payload that lead to the one in force, which is the last; 0 is the original.
    pub payloads: Vec<u32>,
    /// What came of its program on suites of tests, by suite, in the order of the first runs.
    pub runs: Vec<(NodeId, SuiteRun)>,
    /// Its children in the order of their making.
    pub children: Vec<NodeId>,
}

impl Node {
    /// The newest judgement of one kind.
    #[must_use]
    pub fn score(&self, evaluator: Evaluator) -> Option<f64> {
        let newest = self.evaluations.iter().rev().find(|evaluation| evaluation.evaluator == evaluator);
        newest.map(|evaluation| evaluation.score)
    }

    /// What came of its program on a suite; the root stands for the visible tests.
    #[must_use]
    pub fn run(&self, suite: NodeId) -> Option<&SuiteRun> {
        self.runs.iter().find(|(of, _)| *of == suite).map(|(_, run)| run)
    }
}

/// Statistics of the returns backed up through a node, each in `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Stats {
    /// Number of returns.
    pub visits: u32,
    /// Largest return; 0 where there is none.
    pub max: f64,
    /// Sum of the returns.
    pub sum: f64,
}

impl Stats {
    /// Mean return; `None` before the first.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.visits > 0).then(|| self.sum / f64::from(self.visits))
    }

    pub(super) fn add(&mut self, value: f64) {
        self.visits += 1;
        self.max = self.max.max(value);
        self.sum += value;
    }
}
