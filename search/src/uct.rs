//! UCT: which program to go on from, from the mean of its returns and how often it was visited.

use serde::{Deserialize, Serialize};

use crate::checked;
use crate::tree::{Node, NodeId, NodeKind, Tree};

#[cfg(test)]
mod tests;

/// The constant of UCT: `score(a) = V(a) / n(a) + w · √(ln N / n(a))` with `V` the sum of the returns through the child,
/// `n` their number, and `N` the number of returns through its parent. A child without returns scores 0 and not
/// infinity, so that what nobody looked at is not looked at first.
///
/// Source: Zhou et al. 2024, *Language Agent Tree Search*, section 4.1, equation 1, and the published code (`w` = 1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Uct {
    /// Weight of exploration, not negative. Default 1.
    #[serde(deserialize_with = "checked::not_negative")]
    pub weight: f64,
}

impl Default for Uct {
    fn default() -> Self {
        Self { weight: 1.0 }
    }
}

impl Uct {
    /// The score of a child: `sum` is V, `visits` n, `parent_visits` N.
    #[must_use]
    pub fn score(&self, sum: f64, visits: u32, parent_visits: u32) -> f64 {
        if visits == 0 {
            return 0.0;
        }
        let (n, big_n) = (f64::from(visits), f64::from(parent_visits.max(1)));
        sum / n + self.weight * (big_n.ln() / n).sqrt()
    }

    /// Walks from the program `from` down to one that has no revisions; ties go to the older revision.
    #[must_use]
    pub fn select_leaf(&self, tree: &Tree, from: NodeId) -> NodeId {
        let mut node = from;
        while let Some(child) = self.select_child(tree, node) {
            node = child;
        }
        node
    }

    fn select_child(&self, tree: &Tree, node: NodeId) -> Option<NodeId> {
        let parent_visits = tree.node(node)?.stats.visits;
        let mut best: Option<(NodeId, f64)> = None;
        let is_program = |child: &&Node| child.kind == NodeKind::Revision && child.attempt.is_some();
        for child in tree.children(node).filter(is_program) {
            let score = self.score(child.stats.sum, child.stats.visits, parent_visits);
            if best.is_none_or(|(_, largest)| score > largest) {
                best = Some((child.id, score));
            }
        }
        best.map(|(child, _)| child)
    }
}
