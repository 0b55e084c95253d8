//! Backup: how a return moves up the tree.

use crate::grow::record;
use crate::tree::{Change, NodeId, Tree};

/// Adds a return to the leaf's statistics and, `gamma` times smaller per level, to those of all nodes above it.
///
/// Each node keeps the maximum, the sum and the number of its returns, so the policy chooses what to read.
/// `value` and `gamma` lie in `[0, 1]`.
///
/// Source: Li et al. 2025, *RethinkMCTS*, section 3.5, and the published code (gamma 0.9).
pub(crate) fn discounted(tree: &mut Tree, leaf: NodeId, value: f64, gamma: f64) {
    let path: Vec<NodeId> = tree.lineage(leaf).map(|node| node.id).collect();
    let mut value = value;
    for node in path {
        record(tree, Change::BackedUp { node, value });
        value *= gamma;
    }
}
