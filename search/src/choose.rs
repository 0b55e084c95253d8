//! Choosing the program to submit: always separate from the policy that found it, always from the whole pool.

use crate::pool::Pool;
use crate::tree::{NodeId, Tree};

pub mod dual_agreement;
pub mod evidence;
pub mod ladder;
pub mod rpc;
pub mod votes;
pub mod weighted_agreement;
#[cfg(test)]
mod tests;

/// The best program of a tree so far; `None` only while there is no program at all.
///
/// If any program passes all visible tests, the chosen one does.
#[must_use]
pub fn best(tree: &Tree) -> Option<NodeId> {
    let pool = Pool::of(tree);
    // `max_by` keeps the last of equals, but no two candidates are equal: the ladder ends with their age.
    pool.candidates().iter().max_by(|one, other| ladder::compare(one, other)).map(|candidate| candidate.node)
}

/// Every distinct program of a tree, the best first.
#[must_use]
pub fn ranking(tree: &Tree) -> Vec<NodeId> {
    let mut candidates = Pool::of(tree).candidates().to_vec();
    candidates.sort_by(|one, other| ladder::compare(other, one));
    candidates.into_iter().map(|candidate| candidate.node).collect()
}
