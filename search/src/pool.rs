//! The candidate pool: every program of a tree, equal ones once. A view: the tree is the only store.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Hash of its behaviour on probes, where it was probed.
    pub probed: Option<u64>,
    /// How many distinct programs of the pool behave like it on the visible tests and on probes, itself included; 0 if
    /// neither is known.
    pub cluster: u32,
    /// What speaks for it beside visible tests, not negative: the root of its cluster's size. Where there are no visible
    /// tests and programs ran on tests that a model wrote, times the share of those that it passes, so that this is
    /// CodeT's score (Chen et al. 2023, section 3.2) but for the number of tests.
    pub agreement: f64,
    /// The model's confidence in it, in `[-1, 1]`, where it was asked.
    pub self_eval: Option<f64>,
    /// Whether a critic accepted it, the last that was asked.
    pub accepted: Option<bool>,
    /// A critic's grade of its outputs, in `[0, 1]`, where one was given.
    pub grade: Option<f64>,
    /// Pairwise comparisons that it took part in.
    pub comparisons: u32,
    /// Points that they gave it.
    pub points: f64,
    /// Whether others that do the same on the visible tests were probed and it was not, or in vain.
    pub alone: bool,
    /// Share of its rivals that return the same, in `[0, 1]`, where functions were composed by consensus.
    pub consensus: Option<f64>,
    /// Trusted tests that a model wrote and it passed (see [`suite::trusted`]).
    pub trusted: u32,
    /// Tests that a model wrote and it passed, and how many of them it ran on.
    pub generated: (u32, u32),
}

/// How a program behaves, as far as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Behaviour {
    /// Hash of its outcomes on the visible tests.
    pub visible: Option<u64>,
    /// Hash of what it did on probes.
    pub probed: Option<u64>,
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
        pool.weigh_agreement();
        pool
    }

    /// The candidates in the order of first sight.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// As [`Self::candidates`], for who wants them for good.
    #[must_use]
    pub fn into_candidates(self) -> Vec<Candidate> {
        self.candidates
    }

    fn count_clusters(&mut self) {
        // Programs that probes told nothing of are no group beside those that they told apart.
        let probed: BTreeSet<Option<u64>> = self
            .candidates
            .iter()
            .filter(|candidate| candidate.probed.is_some())
            .map(|candidate| candidate.attempt.behaviour)
            .collect();
        for candidate in &mut self.candidates {
            candidate.alone = candidate.probed.is_none() && probed.contains(&candidate.attempt.behaviour);
        }
        let mut sizes: BTreeMap<Behaviour, u32> = BTreeMap::new();
        for behaviour in self.candidates.iter().filter_map(Candidate::behaviour) {
            *sizes.entry(behaviour).or_default() += 1;
        }
        for candidate in &mut self.candidates {
            let size = candidate.behaviour().and_then(|behaviour| sizes.get(&behaviour));
            candidate.cluster = size.copied().unwrap_or_else(|| u32::from(candidate.alone));
        }
    }

    fn weigh_agreement(&mut self) {
        let ran = self.candidates.iter().any(|candidate| candidate.generated.1 > 0);
        for candidate in &mut self.candidates {
            let asks_tests = ran && candidate.attempt.total == 0;
            let share = if asks_tests { candidate.generated_share() } else { 1.0 };
            candidate.agreement = f64::from(candidate.cluster).sqrt() * share;
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
        let mut new = Self {
            node: node.id,
            attempt: attempt.clone(),
            draws: 1,
            probed: node.probed,
            alone: false,
            consensus: node.score(Evaluator::Consensus),
            cluster: 0,
            agreement: 0.0,
            self_eval: node.score(Evaluator::SelfEval),
            accepted: verdict(node),
            grade: node.score(Evaluator::OutputGrade),
            comparisons: 0,
            points: 0.0,
            trusted: 0,
            generated: (0, 0),
        };
        new.add_points(node);
        new
    }

    /// What is known of how it behaves; equal within a cluster. `None` where nothing is known.
    #[must_use]
    pub fn behaviour(&self) -> Option<Behaviour> {
        if self.alone {
            return None;
        }
        let known = (self.attempt.behaviour, self.probed);
        (known != (None, None)).then_some(Behaviour { visible: known.0, probed: known.1 })
    }

    /// Share of the tests that a model wrote that it passes, in `[0, 1]`; 0 where it ran on none.
    #[must_use]
    pub fn generated_share(&self) -> f64 {
        let (passed, total) = self.generated;
        if total == 0 { 0.0 } else { f64::from(passed) / f64::from(total) }
    }

    fn add_points(&mut self, node: &Node) {
        for evaluation in node.evaluations.iter().filter(|it| it.evaluator == Evaluator::Comparison) {
            self.comparisons += 1;
            self.points += evaluation.score;
        }
    }

    fn absorb(&mut self, copy: &Node, attempt: &Attempt) {
        self.draws += 1;
        self.self_eval = self.self_eval.or_else(|| copy.score(Evaluator::SelfEval));
        self.accepted = verdict(copy).or(self.accepted);
        self.grade = self.grade.or_else(|| copy.score(Evaluator::OutputGrade));
        self.probed = self.probed.or(copy.probed);
        self.consensus = self.consensus.or_else(|| copy.score(Evaluator::Consensus));
        self.add_points(copy);
        if better(attempt, &self.attempt) {
            self.node = copy.id;
            self.attempt = attempt.clone();
        }
    }
}

fn verdict(node: &Node) -> Option<bool> {
    node.score(Evaluator::VerifyGeneral).map(|verdict| verdict > 0.5)
}

fn better(copy: &Attempt, first: &Attempt) -> bool {
    let evidence = |attempt: &Attempt| (attempt.passes_all(), attempt.parses);
    evidence(copy)
        .cmp(&evidence(first))
        .then_with(|| copy.pass_fraction().total_cmp(&first.pass_fraction()))
        .is_gt()
}
