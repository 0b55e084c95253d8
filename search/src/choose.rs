//! Choosing the program to submit: always separate from the policy that found it, always from the whole pool.

use crate::pool::{Candidate, Pool};
use crate::tree::{NodeId, Tree};

pub mod consensus;
pub mod contest;
pub mod dual_agreement;
pub mod evidence;
pub mod ladder;
pub mod learned;
pub mod rpc;
pub mod supported_agreement;
#[cfg(test)]
mod tests;
pub mod votes;

/// The best program of a tree so far; `None` only while there is no program at all.
///
/// If any program passes all visible tests, the chosen one does.
#[must_use]
pub fn best(tree: &Tree) -> Option<NodeId> {
    ranking(tree).first().copied()
}

/// Every distinct program of a tree, the best first: in the order of the [`ladder`], but for the winner of a
/// [`contest`] if there was one, which comes first.
#[must_use]
pub fn ranking(tree: &Tree) -> Vec<NodeId> {
    let mut ranked = by_ladder(tree);
    if let Some(winner) = contest::winner(&ranked) {
        ranked.get_mut(..=winner).unwrap_or_default().rotate_right(1);
    }
    ranked.into_iter().map(|candidate| candidate.node).collect()
}

fn by_ladder(tree: &Tree) -> Vec<Candidate> {
    let mut candidates = Pool::of(tree).into_candidates();
    candidates.sort_by(|one, other| ladder::compare(other, one));
    candidates
}
