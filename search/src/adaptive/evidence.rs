//! What speaks for the programs that no visible test speaks against: the model's verdicts, and how many distinct programs
//! behave alike.

use std::collections::BTreeMap;

use super::experience::worth;
use crate::attempt::Outcome;
use crate::tree::{NodeId, Tree};

/// Verdicts that are asked for at most.
const CHECKS: u32 = 6;

/// The programs that stand, and the best of the others.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    standing: BTreeMap<u64, Standing>,
    clusters: BTreeMap<u64, u32>,
    failing: f64,
    checks: u32,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// The best program is accepted.
    Accepted,
    /// The best program has not been checked.
    Check(NodeId),
    /// More programs are needed.
    Open,
}

impl Evidence {
    pub(super) fn add(&mut self, tree: &Tree, node: NodeId) {
        let Some(attempt) = tree.attempt(node) else { return };
        if attempt.outcome() == Outcome::Failed {
            self.failing = self.failing.max(worth(attempt));
            return;
        }
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

    /// Whether any program stands.
    pub(super) fn stands(&self) -> bool {
        !self.standing.is_empty()
    }

    pub(super) fn settle(&self) -> Settled {
        match self.leader() {
            Some(leader) if !leader.checked && self.checks < CHECKS => Settled::Check(leader.node),
            Some(leader) if leader.accepted == Some(true) && self.agrees(leader) => Settled::Accepted,
            _ => Settled::Open,
        }
    }

    /// What the best program is worth, in `[0, 1]`: roughly how likely it is right.
    pub(super) fn best_worth(&self) -> f64 {
        let Some(leader) = self.leader() else { return self.failing };
        let verdict = match leader.accepted {
            Some(true) => 0.2,
            None => 0.0,
            Some(false) => -0.3,
        };
        0.7 + verdict + 0.1 * (1.0 - 1.0 / f64::from(self.agreeing(leader)))
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
        self.agreeing(leader) >= 2 && f64::from(self.agreeing(leader)) >= 0.6 * all
    }
}
