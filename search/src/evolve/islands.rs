//! Islands of elites: the best program of each cell, by island.

use std::collections::BTreeMap;

use crate::tree::{NodeId, Tree};

/// Classes of length: the first up to 100 characters, each further one twice as long, the last without end.
const LENGTH_CLASSES: u32 = 10;
const LENGTH_UNIT: u32 = 50;

/// A kind of program: class of length, and behaviour on the visible tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    length: u32,
    behaviour: Option<u64>,
}

impl Cell {
    fn of(tree: &Tree, node: NodeId) -> Option<Self> {
        let attempt = tree.attempt(node)?;
        let length = (attempt.length / LENGTH_UNIT).max(1).ilog2().min(LENGTH_CLASSES - 1);
        Some(Self { length, behaviour: attempt.behaviour })
    }
}

/// All islands. They lie in a ring.
#[derive(Debug, Clone)]
pub(super) struct Islands(Vec<BTreeMap<Cell, NodeId>>);

impl Islands {
    pub(super) fn new(count: usize) -> Self {
        Self(vec![BTreeMap::new(); count])
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The elites of one island, oldest first.
    pub(super) fn elites(&self, island: usize) -> Vec<NodeId> {
        distinct(self.0.get(island).into_iter().flat_map(BTreeMap::values))
    }

    /// The elites of all islands, oldest first.
    pub(super) fn all(&self) -> Vec<NodeId> {
        distinct(self.0.iter().flat_map(BTreeMap::values))
    }

    /// Puts a program into its cell, if the cell is empty or holds a worse one.
    pub(super) fn place(&mut self, tree: &Tree, island: usize, node: NodeId) {
        let (Some(cell), Some(cells)) = (Cell::of(tree, node), self.0.get_mut(island)) else { return };
        let elite = cells.entry(cell).or_insert(node);
        if fitness(tree, node) > fitness(tree, *elite) {
            *elite = node;
        }
    }

    /// Copies the fittest `share` of each island, at least one, to both neighbours.
    pub(super) fn migrate(&mut self, tree: &Tree, share: f64) {
        let count = self.len();
        let leaving: Vec<Vec<NodeId>> =
            (0..count).map(|island| self.emigrants(tree, island, share)).collect();
        for (island, nodes) in leaving.into_iter().enumerate() {
            for node in nodes {
                self.place(tree, (island + 1) % count, node);
                self.place(tree, (island + count - 1) % count, node);
            }
        }
    }

    fn emigrants(&self, tree: &Tree, island: usize, share: f64) -> Vec<NodeId> {
        let mut elites = fittest_first(tree, self.elites(island));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a small count"
        )]
        let number = (share * elites.len() as f64).ceil() as usize;
        elites.truncate(number.max(1));
        elites
    }
}

fn distinct<'a>(nodes: impl Iterator<Item = &'a NodeId>) -> Vec<NodeId> {
    let mut nodes: Vec<NodeId> = nodes.copied().collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// Programs ordered by fitness, older ones first among equals.
pub(super) fn fittest_first(tree: &Tree, mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    nodes.sort_by(|one, other| fitness(tree, *other).total_cmp(&fitness(tree, *one)).then(one.cmp(other)));
    nodes
}

/// Share of visible tests passed, or what a trained scorer gives where there is none; below 0 for what does not even parse.
fn fitness(tree: &Tree, node: NodeId) -> f64 {
    tree.attempt(node).map_or(-1.0, |attempt| if attempt.parses { attempt.value() } else { -1.0 })
}
