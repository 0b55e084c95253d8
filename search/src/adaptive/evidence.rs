//! What speaks for the programs that no visible test speaks against: the model's verdicts, how many distinct programs
//! behave alike, and, where there are no visible tests, what tests of the model's own say.

use std::collections::{BTreeMap, BTreeSet};

use super::experience::worth;
use crate::attempt::Outcome;
use crate::choose::contest;
use crate::suite;
use crate::tree::{NodeId, Tree};

/// Verdicts that are asked for at most.
const CHECKS: u32 = 6;
/// Programs that must behave alike to be believed, and the least share of those that stand.
const AGREE: u32 = 2;
const SHARE: f64 = 0.6;
/// The share of programs that stand from which on a problem counts as easy.
const EASY: f64 = 0.5;
/// What the best program is worth before anything is known of it, with the verdicts that it needs, and with many others
/// that behave alike.
const UNSURE: f64 = 0.7;
const VERDICTS: f64 = 0.2;
const AGREEMENT: f64 = 0.1;
/// Which clusters are compared before the search ends: the three largest, whatever their sizes. What many programs do
/// alike may be a common mistake, and comparing costs little beside writing them: with clusters within 20 % of each
/// other only, 2 to 3 % fewer problems are solved (see `docs/strategies.md`).
const COMPARED: usize = 3;
/// Programs that are probed together at most.
const PROBED_MAX: usize = 32;
/// Comparisons that are asked for at most.
const COMPARISONS: u32 = 3;

/// The programs that stand, and the best of the others.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    standing: BTreeMap<u64, Standing>,
    clusters: BTreeMap<Cluster, Votes>,
    failing: f64,
    /// Programs that were written, and those of them that stand.
    written: u32,
    stood: u32,
    checks: u32,
    comparisons: u32,
    /// Distinct programs at the last probe.
    probed: usize,
    /// Whether a probe has found inputs that count.
    told_apart: bool,
    inputs: Inputs,
    /// Whether there are programs that no visible test could say anything about.
    untested: bool,
    tests: Tests,
}

/// Tests of the model's own, for problems without visible ones.
///
/// Where programs behave differently and nothing else says which is right, they are worth a call: of five programs each
/// that were recorded for HumanEval, agreement with tests chooses a right one in 84 % of tasks, agreement among programs
/// alone in 72 % (see `docs/ranking.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Tests {
    /// Nobody asked for them.
    #[default]
    Unwritten,
    /// The model wrote these, or nothing (`None`).
    Written(Option<NodeId>),
}

/// Where the inputs of probes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Inputs {
    /// Mutations of the visible tests' inputs are enough.
    #[default]
    Mutated,
    /// There are none that count, so the model has to write some.
    Wanted,
    /// The model wrote these, or nothing (`None`).
    Written(Option<NodeId>),
}

/// A program that no visible test speaks against.
#[derive(Debug, Clone, Copy)]
struct Standing {
    node: NodeId,
    /// Programs with the same cluster behave alike.
    cluster: Cluster,
    draws: u32,
    checked: bool,
    accepted: Option<bool>,
    /// Share of the model's tests that it passes, once it ran on them.
    passes: Option<f64>,
}

/// A behaviour, or the program itself where none is known; and which of both it is.
type Cluster = (u64, bool);

/// The size of a cluster.
#[derive(Debug, Clone, Copy, Default)]
struct Votes {
    /// Distinct programs.
    programs: u32,
    /// How often the model wrote one of them.
    draws: u32,
}

/// Where the choice among the programs stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Settled {
    /// The best program is accepted.
    Accepted,
    /// The best program has not been checked.
    Check(NodeId),
    /// It has not been seen which of these programs behave alike, on these inputs of the model's beside others.
    Probe(Vec<NodeId>, Vec<NodeId>),
    /// Programs can be told apart by inputs of the model's only.
    WriteInputs,
    /// Programs differ, and only tests of the model's can say which is right.
    WriteTests,
    /// These programs have not run on these tests of the model's.
    Test(Vec<NodeId>, NodeId),
    /// More programs are needed.
    Open,
}

impl Evidence {
    pub(super) fn add(&mut self, tree: &Tree, node: NodeId) {
        let Some(attempt) = tree.attempt(node) else { return };
        self.written += 1;
        if attempt.outcome() == Outcome::Failed {
            self.failing = self.failing.max(worth(attempt));
            return;
        }
        self.stood += 1;
        self.untested |= attempt.outcome() == Outcome::Untested;
        let cluster = cluster(tree, node, self.told_apart);
        let new = Standing { node, cluster, draws: 0, checked: false, accepted: None, passes: None };
        self.standing.entry(attempt.fingerprint).or_insert(new).draws += 1;
        self.count();
    }

    pub(super) fn judge(&mut self, tree: &Tree, node: NodeId, accepted: Option<bool>) {
        self.checks += 1;
        let fingerprint = tree.attempt(node).map(|attempt| attempt.fingerprint);
        if let Some(standing) = fingerprint.and_then(|fingerprint| self.standing.get_mut(&fingerprint)) {
            (standing.checked, standing.accepted) = (true, accepted);
        }
    }

    /// Takes what a probe of these programs found on so many inputs that count.
    pub(super) fn probe(&mut self, tree: &Tree, programs: &[NodeId], inputs: u32) {
        self.probed = programs.len();
        self.told_apart |= inputs > 0;
        let told_apart = self.told_apart;
        if inputs == 0 && self.inputs == Inputs::Mutated {
            self.inputs = Inputs::Wanted;
        }
        for standing in self.standing.values_mut() {
            standing.cluster = cluster(tree, standing.node, told_apart);
        }
        self.count();
    }

    /// Takes inputs that the model wrote, if it did: the programs are probed again.
    pub(super) fn take_inputs(&mut self, inputs: Option<NodeId>) {
        self.inputs = Inputs::Written(inputs);
        self.probed = if inputs.is_some() { 0 } else { self.probed };
    }

    /// Takes tests that the model wrote, if it did.
    pub(super) const fn take_tests(&mut self, tests: Option<NodeId>) {
        self.tests = Tests::Written(tests);
    }

    /// Takes what came of a program on the model's tests. One that could not be run passes none.
    pub(super) fn tested(&mut self, tree: &Tree, node: NodeId) {
        let Tests::Written(Some(suite)) = self.tests else { return };
        let passes = suite::pass_fraction_of(tree, node, suite);
        if let Some(standing) = self.standing.values_mut().find(|standing| standing.node == node) {
            standing.passes = Some(passes);
        }
    }

    fn count(&mut self) {
        self.clusters.clear();
        for standing in self.standing.values() {
            let votes = self.clusters.entry(standing.cluster).or_default();
            votes.programs += 1;
            votes.draws += standing.draws;
        }
    }

    /// Two programs between whose clusters nothing has decided. Counts the comparison.
    pub(super) fn rivals(&mut self, tree: &Tree) -> Option<(NodeId, NodeId)> {
        if self.comparisons >= COMPARISONS || self.clusters.len() < 2 {
            return None;
        }
        let pairs = contest::pairs(tree, COMPARED);
        let pair = pairs.get(self.comparisons as usize).copied();
        self.comparisons += 1;
        pair
    }

    /// Whether the model accepts the best program.
    pub(super) fn is_accepted(&self) -> bool {
        self.leader().is_some_and(|leader| leader.accepted == Some(true))
    }

    pub(super) fn settle(&self) -> Settled {
        let programs = self.standing.len().min(PROBED_MAX);
        if programs >= 2 && programs > self.probed {
            let oldest = self.standing.values().map(|standing| standing.node).collect::<BTreeSet<_>>();
            let written =
                if let Inputs::Written(Some(inputs)) = self.inputs { vec![inputs] } else { Vec::new() };
            return Settled::Probe(oldest.into_iter().take(PROBED_MAX).collect(), written);
        }
        if self.inputs == Inputs::Wanted {
            return Settled::WriteInputs;
        }
        match self.tests {
            Tests::Unwritten if self.untested && self.clusters.len() > 1 => return Settled::WriteTests,
            Tests::Written(Some(tests)) => {
                let untested = self.standing.values().filter(|standing| standing.passes.is_none());
                let programs: BTreeSet<NodeId> = untested.map(|standing| standing.node).collect();
                if !programs.is_empty() {
                    return Settled::Test(programs.into_iter().collect(), tests);
                }
            }
            Tests::Unwritten | Tests::Written(None) => {}
        }
        let Some(leader) = self.leader() else { return Settled::Open };
        let unchecked = self.members(leader).find(|member| !member.checked);
        let check = unchecked.filter(|_| self.checks < CHECKS).map(|member| Settled::Check(member.node));
        if !leader.checked {
            return check.unwrap_or(Settled::Open);
        }
        if leader.accepted != Some(true) || !self.agrees(leader) {
            return Settled::Open;
        }
        if self.balance(leader) >= self.needed() { Settled::Accepted } else { check.unwrap_or(Settled::Open) }
    }

    /// What the best program is worth, in `[0, 1]`: roughly how likely it is right.
    pub(super) fn best_worth(&self) -> f64 {
        let Some(leader) = self.leader() else { return self.failing };
        let verdicts = f64::from(self.balance(leader).clamp(-2, self.needed())) / f64::from(self.needed());
        UNSURE + VERDICTS * verdicts + AGREEMENT * (1.0 - 1.0 / f64::from(self.agreeing(leader).draws.max(1)))
    }

    /// Verdicts for a behaviour, less those against it.
    fn balance(&self, leader: &Standing) -> i32 {
        let verdict = |member: &Standing| member.accepted.map_or(0, |accepted| if accepted { 1 } else { -1 });
        self.members(leader).map(verdict).sum()
    }

    /// How many verdicts it takes: one where most programs stand, for then the problem is easy for the model. Where few
    /// do, those may as well have been lucky with the visible tests.
    fn needed(&self) -> i32 {
        if f64::from(self.stood) >= EASY * f64::from(self.written) { 1 } else { 2 }
    }

    /// The programs that behave like this one, itself included and first.
    fn members(&self, leader: &Standing) -> impl Iterator<Item = &Standing> {
        let (node, cluster) = (leader.node, leader.cluster);
        let mut members: Vec<&Standing> =
            self.standing.values().filter(|member| member.cluster == cluster).collect();
        members.sort_by_key(|member| (member.node != node, member.node));
        members.into_iter()
    }

    /// The best program: as the selection ladder has it down to the verdict, then drawn most often, then first.
    fn leader(&self) -> Option<&Standing> {
        let first = |it: &Standing| it.accepted != Some(false);
        let then = |it: &Standing| (it.accepted, it.draws, std::cmp::Reverse(it.node));
        self.standing.values().max_by(|one, other| {
            first(one)
                .cmp(&first(other))
                .then_with(|| self.agreement(one).total_cmp(&self.agreement(other)))
                .then_with(|| then(one).cmp(&then(other)))
        })
    }

    /// As the pool's ([`crate::pool::Candidate::agreement`]).
    fn agreement(&self, standing: &Standing) -> f64 {
        let share =
            if let Tests::Written(Some(_)) = self.tests { standing.passes.unwrap_or(0.0) } else { 1.0 };
        f64::from(self.agreeing(standing).programs).sqrt() * share
    }

    fn agreeing(&self, standing: &Standing) -> Votes {
        self.clusters.get(&standing.cluster).copied().unwrap_or_default()
    }

    /// Whether the model wrote what does the same often enough. The very same program, written twice, agrees, too.
    fn agrees(&self, leader: &Standing) -> bool {
        let all: u32 = self.clusters.values().map(|votes| votes.draws).sum();
        let draws = self.agreeing(leader).draws;
        draws >= AGREE && f64::from(draws) >= SHARE * f64::from(all)
    }
}

/// Once probes have told programs apart, those that they told nothing of are no group.
fn cluster(tree: &Tree, node: NodeId, told_apart: bool) -> Cluster {
    let Some((node, attempt)) = tree.node(node).and_then(|node| Some((node, node.attempt.as_ref()?))) else {
        return (0, false);
    };
    let behaviour = node.probed.or(attempt.behaviour.filter(|_| !told_apart));
    (behaviour.unwrap_or(attempt.fingerprint), behaviour.is_some())
}
