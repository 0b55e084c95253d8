//! A search: a policy, the tree that it grows, and the numbering of trials.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::budget::Cost;
use crate::choose;
use crate::policy::{SearchPolicy, StopReason, Trial, TrialId, TrialResult};
use crate::tree::{Change, NodeId, Tree};

#[cfg(test)]
mod tests;

/// One search under way: asked for trials and told what came of them.
///
/// Results may be told in any order. They reach the policy in the order of asking: one that comes early waits here
/// until those before it are in. So the tree depends on the seed and the results alone, never on which call
/// happened to be slow, at the price that a policy decides on an early result a little later.
pub struct Search {
    policy: Box<dyn SearchPolicy>,
    tree: Tree,
    seed: u64,
    next: u64,
    pending: BTreeMap<TrialId, Pending>,
}

struct Pending {
    trial: Trial,
    result: Option<(TrialResult, Cost)>,
}

/// What the telling of a result did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// Nodes that this trial made, in the order of its drafts. Empty while an earlier trial is still out, and for a
    /// trial that is unknown or was told before.
    pub nodes: Vec<NodeId>,
    /// Nodes of later trials that were told before and had to wait for this one.
    pub released: Vec<(TrialId, Vec<NodeId>)>,
    /// Every change of the tree, in order.
    pub changes: Vec<Change>,
}

impl Search {
    /// A search that has asked for nothing yet.
    #[must_use]
    pub fn new(policy: Box<dyn SearchPolicy>, seed: u64) -> Self {
        Self { policy, tree: Tree::new(), seed, next: 0, pending: BTreeMap::new() }
    }

    /// Up to `slots` trials to carry out now. Empty while the policy waits for results, and when it is done.
    ///
    /// Trials are numbered from 0 without gaps, and the seed of a trial is a function of the search's seed and the
    /// trial's number alone.
    pub fn ask(&mut self, slots: usize) -> Vec<Trial> {
        let decisions = self.policy.ask(&self.tree, slots);
        let mut trials = Vec::with_capacity(decisions.len());
        for decision in decisions {
            let trial = Trial {
                id: TrialId(self.next),
                node: decision.node,
                operator: decision.operator,
                temperature: decision.temperature,
                max_output_tokens: decision.max_output_tokens,
                seed: trial_seed(self.seed, self.next),
            };
            self.next += 1;
            self.pending.insert(trial.id, Pending { trial: trial.clone(), result: None });
            trials.push(trial);
        }
        trials
    }

    /// Takes the result of one trial. Telling a trial again, or one that was never asked for, does nothing.
    pub fn tell(&mut self, trial: TrialId, result: TrialResult) -> Told {
        self.tell_at_cost(trial, result, Cost::default())
    }

    /// Takes the result of one trial and what it has cost, for policies that weigh gains against costs.
    pub fn tell_at_cost(&mut self, trial: TrialId, result: TrialResult, cost: Cost) -> Told {
        let mut told = Told::default();
        match self.pending.get_mut(&trial) {
            Some(pending) if pending.result.is_none() => pending.result = Some((result, cost)),
            _ => return told,
        }
        while let Some((id, nodes)) = self.apply_next() {
            if id == trial {
                told.nodes = nodes;
            } else {
                told.released.push((id, nodes));
            }
        }
        told.changes = self.tree.take_changes();
        told
    }

    /// Why there is nothing more to ask for; `None` while the search goes on.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.policy.stop_reason(&self.tree)
    }

    /// The best program so far, by the selection ladder over everything found; `None` while there is none.
    #[must_use]
    pub fn best(&self) -> Option<NodeId> {
        choose::best(&self.tree)
    }

    /// The tree so far.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Trials that were asked for and whose results have not reached the tree yet.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.pending.len()
    }

    /// Gives the policy the oldest trial's result if it is in.
    fn apply_next(&mut self) -> Option<(TrialId, Vec<NodeId>)> {
        let oldest = self.pending.first_entry()?;
        oldest.get().result.as_ref()?;
        let Pending { trial, result } = oldest.remove();
        let (result, cost) = result?;
        self.policy.charge(&trial, &cost);
        let nodes = self.policy.tell(&mut self.tree, &trial, &result);
        Some((trial.id, nodes))
    }
}

/// The seed of one trial: one ChaCha stream per trial. Below 2^63, so that it fits the signed integers of servers.
fn trial_seed(search: u64, trial: u64) -> u64 {
    let mut stream = ChaCha8Rng::seed_from_u64(search);
    stream.set_stream(trial);
    stream.next_u64() >> 1
}
