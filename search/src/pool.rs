//! The candidate pool: every program of a tree, equal ones once. A view: the tree is the only store.

use std::collections::BTreeMap;

use crate::attempt::Attempt;
use crate::suite;
use crate::tree::{Evaluator, Node, NodeId, Tree};

/// Every distinct program of a tree, in the order of first sight.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pool {
    candidates: Vec<Candidate>,
}

/// One distinct program.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The node that stands for it: the first that holds it, or the first copy that did better (see [`Pool::of`]).
    pub node: NodeId,
    /// Facts about it, as found at that node.
    pub attempt: Attempt,
    /// How many nodes hold this program.
    pub draws: u32,
    /// How many distinct programs of the pool behave like it on the visible tests, itself included; 0 if unknown.
    pub cluster: u32,
    /// The model's confidence in it, in `[-1, 1]`, where it was asked.
    pub self_eval: Option<f64>,
    /// Trusted tests that a model wrote and it passed (see [`suite::trusted`]).
    pub trusted: u32,
    /// Tests that a model wrote and it passed, and how many of them it ran on.
    pub generated: (u32, u32),
}

impl Pool {
    /// The pool of a tree.
    ///
    /// Programs with the same fingerprint are one candidate and the first stands for it, unless a later copy passed
    /// more tests: tests can be flaky and fingerprints can collide, and a failing copy must never hide a passing one.
    #[must_use]
    pub fn of(tree: &Tree) -> Self {
        let mut pool = Self::default();
        let mut seen = BTreeMap::new();
        for node in tree.nodes() {
            let Some(attempt) = &node.attempt else { continue };
            let index = *seen.entry(attempt.fingerprint).or_insert(pool.candidates.len());
            match pool.candidates.get_mut(index) {
                Some(candidate) => candidate.absorb(node, attempt),
                None => pool.candidates.push(Candidate::new(node, attempt)),
            }
        }
        pool.count_clusters();
        pool.count_generated(tree);
        pool
    }

    /// The candidates in the order of first sight.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    fn count_clusters(&mut self) {
        let mut sizes: BTreeMap<u64, u32> = BTreeMap::new();
        for behaviour in self.candidates.iter().filter_map(|candidate| candidate.attempt.behaviour) {
            *sizes.entry(behaviour).or_default() += 1;
        }
        for candidate in &mut self.candidates {
            let size = candidate.attempt.behaviour.and_then(|behaviour| sizes.get(&behaviour));
            candidate.cluster = size.copied().unwrap_or(0);
        }
    }

    fn count_generated(&mut self, tree: &Tree) {
        for suite in suite::suites(tree) {
            let (runs, trusted) = (suite::runs(tree, suite), suite::trusted(tree, suite));
            for candidate in &mut self.candidates {
                let Some((_, run)) = runs.get(&candidate.attempt.fingerprint) else { continue };
                let good = run
                    .outcomes
                    .iter()
                    .zip(&trusted)
                    .filter(|(outcome, trusted)| outcome.passed && **trusted);
                candidate.trusted += u32::try_from(good.count()).unwrap_or(u32::MAX);
                candidate.generated.0 += run.passed();
                candidate.generated.1 += run.total();
            }
        }
    }
}

impl Candidate {
    fn new(node: &Node, attempt: &Attempt) -> Self {
        let self_eval = node.score(Evaluator::SelfEval);
        Self {
            node: node.id,
            attempt: attempt.clone(),
            draws: 1,
            cluster: 0,
            self_eval,
            trusted: 0,
            generated: (0, 0),
        }
    }

    fn absorb(&mut self, copy: &Node, attempt: &Attempt) {
        self.draws += 1;
        self.self_eval = self.self_eval.or_else(|| copy.score(Evaluator::SelfEval));
        if better(attempt, &self.attempt) {
            self.node = copy.id;
            self.attempt = attempt.clone();
        }
    }
}

fn better(copy: &Attempt, first: &Attempt) -> bool {
    let evidence = |attempt: &Attempt| (attempt.passes_all(), attempt.parses);
    evidence(copy)
        .cmp(&evidence(first))
        .then_with(|| copy.pass_fraction().total_cmp(&first.pass_fraction()))
        .is_gt()
}
