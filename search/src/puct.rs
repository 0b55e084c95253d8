//! P-UCB: which thought to follow, from its best return, its prior and how often it was followed.

use serde::{Deserialize, Serialize};

use crate::checked;
use crate::tree::{NodeId, NodeKind, Tree};

#[cfg(test)]
mod tests;

/// The constants of P-UCB.
///
/// `score(s, a) = Q(s, a) + β(s) · p(a|s) · √(ln N(s)) / (1 + n(s, a))` with
/// `β(s) = ln((N(s) + c_base + 1) / c_base) + c`, all terms dimensionless: `Q` the largest return seen through the
/// child (0 before the first), `p` its prior, `n` its returns, and `N(s)` the parent's returns plus 1.
///
/// Source: Li et al. 2025, *RethinkMCTS*, section 3.2, equations 1 and 2, and the published code.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Puct {
    /// How slowly the weight of the prior grows with visits, above 0. Default 10.
    #[serde(deserialize_with = "checked::positive")]
    pub c_base: f64,
    /// The weight of the prior at the start, not negative. Default 4.
    #[serde(deserialize_with = "checked::not_negative")]
    pub c: f64,
    /// Which form of the formula. Default [`PuctFormula::PriorAware`].
    pub formula: PuctFormula,
}

/// What stands under the root of [`Puct`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PuctFormula {
    /// `ln(N + 1)`: the prior has its say from the first visit on.
    #[default]
    PriorAware,
    /// `ln N`, as published. At the first visit it is 0, so the thought that was listed first always wins and the
    /// prior does not matter.
    Published,
}

impl Default for Puct {
    fn default() -> Self {
        Self { c_base: 10.0, c: 4.0, formula: PuctFormula::default() }
    }
}

impl Puct {
    /// The score of a child: `quality` is Q, `parent_visits` N (at least 1), `visits` n.
    #[must_use]
    pub fn score(&self, quality: f64, prior: f64, parent_visits: u32, visits: u32) -> f64 {
        let (big_n, n) = (f64::from(parent_visits), f64::from(visits));
        let beta = ((big_n + self.c_base + 1.0) / self.c_base).ln() + self.c;
        let under_root = match self.formula {
            PuctFormula::PriorAware => (big_n + 1.0).ln(),
            PuctFormula::Published => big_n.ln(),
        };
        quality + beta * prior * under_root.sqrt() / (1.0 + n)
    }

    /// The child thought with the largest score; ties go to the one that was proposed first. `None` if the node has
    /// no thoughts below it.
    #[must_use]
    pub fn select_child(&self, tree: &Tree, node: NodeId) -> Option<NodeId> {
        let parent_visits = tree.node(node)?.stats.visits + 1;
        let mut best: Option<(NodeId, f64)> = None;
        for child in tree.children(node).filter(|child| child.kind == NodeKind::Thought) {
            let score = self.score(child.stats.max, child.prior, parent_visits, child.stats.visits);
            if best.is_none_or(|(_, largest)| score > largest) {
                best = Some((child.id, score));
            }
        }
        best.map(|(child, _)| child)
    }

    /// Walks from the root to a node without thoughts below it.
    #[must_use]
    pub fn select_leaf(&self, tree: &Tree) -> NodeId {
        let mut node = NodeId::ROOT;
        while let Some(child) = self.select_child(tree, node) {
            node = child;
        }
        node
    }
}
