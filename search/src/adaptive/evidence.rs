//! What speaks for the programs that no visible test speaks against: the model's verdicts, and how many distinct programs
//! behave alike.

use std::collections::{BTreeMap, BTreeSet};

use super::experience::worth;
use crate::attempt::Outcome;
use crate::choose::contest::{self, Contest};
use crate::tree::{NodeId, Tree};

/// Verdicts that are asked for at most.
const CHECKS: u32 = 6;
/// Distinct programs that must behave alike to be believed, and the least share of those that stand.
const AGREE: u32 = 2;
const SHARE: f64 = 0.6;
/// The share of programs that stand from which on a problem counts as easy.
const EASY: f64 = 0.6;
/// What the best program is worth before anything is known of it, with the verdicts that it needs, and with many others
/// that behave alike.
const UNSURE: f64 = 0.7;
const VERDICTS: f64 = 0.2;
const AGREEMENT: f64 = 0.1;
/// How far behind the largest cluster another may be that is compared with it.
const WITHIN: f64 = 0.2;
/// Programs that are probed together at most.
const PROBED_MAX: usize = 32;
/// Comparisons that are asked for at most.
const COMPARISONS: u32 = 3;

/// The programs that stand, and the best of the others.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    standing: BTreeMap<u64, Standing>,
    clusters: BTreeMap<u64, u32>,
    failing: f64,
    /// Programs that were written, and those of them that stand.
    written: u32,
    stood: u32,
    checks: u32,
    comparisons: u32,
    /// Distinct programs at the last probe.
    probed: usize,
}

/// A program that no visible test speaks against.
#[derive(Debug, Clone, Copy)]
struct Standing {
    node: NodeId,
    /// Programs with the same cluster behave alike.
    cluster: u64,
    draws: u32,
    checked: bool,
    accepted: Option<bool>,
}

/// Where the choice among the programs stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Settled {
    /// The best program is accepted.
    Accepted,
    /// The best program has not been checked.
    Check(NodeId),
    /// It has not been seen which of these behave alike.
    Probe(Vec<NodeId>),
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
        let cluster = attempt.behaviour.unwrap_or(attempt.fingerprint);
        let new = Standing { node, cluster, draws: 0, checked: false, accepted: None };
        let standing = self.standing.entry(attempt.fingerprint).or_insert(new);
        standing.draws += 1;
        if standing.draws == 1 {
            *self.clusters.entry(cluster).or_default() += 1;
        }
    }

    pub(super) fn judge(&mut self, tree: &Tree, node: NodeId, accepted: Option<bool>) {
        self.checks += 1;
        let fingerprint = tree.attempt(node).map(|attempt| attempt.fingerprint);
        if let Some(standing) = fingerprint.and_then(|fingerprint| self.standing.get_mut(&fingerprint)) {
            (standing.checked, standing.accepted) = (true, accepted);
        }
    }

    /// Takes what a probe of these programs found.
    pub(super) fn probe(&mut self, tree: &Tree, programs: &[NodeId]) {
        self.probed = programs.len();
        self.clusters.clear();
        for standing in self.standing.values_mut() {
            let node = tree.node(standing.node);
            let behaviour = node.and_then(|node| node.probed.or(node.attempt.as_ref()?.behaviour));
            standing.cluster = behaviour.unwrap_or(standing.cluster);
            *self.clusters.entry(standing.cluster).or_default() += 1;
        }
    }

    /// Two programs between whose clusters nothing has decided. Counts the comparison.
    pub(super) fn rivals(&mut self, tree: &Tree) -> Option<(NodeId, NodeId)> {
        if self.comparisons >= COMPARISONS || self.clusters.len() < 2 {
            return None;
        }
        let pairs = contest::pairs(tree, &Contest { clusters: 3, within: WITHIN });
        let pair = pairs.get(self.comparisons as usize).copied();
        self.comparisons += 1;
        pair
    }

    /// Whether any program stands.
    pub(super) fn stands(&self) -> bool {
        !self.standing.is_empty()
    }

    pub(super) fn settle(&self) -> Settled {
        let programs = self.standing.len().min(PROBED_MAX);
        if programs >= 2 && programs > self.probed {
            let oldest = self.standing.values().map(|standing| standing.node).collect::<BTreeSet<_>>();
            return Settled::Probe(oldest.into_iter().take(PROBED_MAX).collect());
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
        UNSURE + VERDICTS * verdicts + AGREEMENT * (1.0 - 1.0 / f64::from(self.agreeing(leader)))
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

    /// The program that the selection ladder prefers.
    fn leader(&self) -> Option<&Standing> {
        let rank = |standing: &&Standing| {
            (standing.accepted != Some(false), self.agreeing(standing), standing.accepted, standing.draws, std::cmp::Reverse(standing.node))
        };
        self.standing.values().max_by_key(rank)
    }

    fn agreeing(&self, standing: &Standing) -> u32 {
        self.clusters.get(&standing.cluster).copied().unwrap_or(1)
    }

    fn agrees(&self, leader: &Standing) -> bool {
        let all = self.standing.len() as f64;
        self.agreeing(leader) >= AGREE && f64::from(self.agreeing(leader)) >= SHARE * all
    }
}
