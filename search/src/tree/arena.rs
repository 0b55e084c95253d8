//! The tree itself: an arena of nodes, and the one function that changes it.

use serde::Serialize;

use super::{Change, Evaluation, Evaluator, Node, NodeId, NodeKind, Stats};
use crate::attempt::Attempt;
use crate::suite::SuiteRun;

/// A search tree. [`Tree::apply`] is its only mutator and writes every change to a journal, so a tree and the
/// changes taken from it can never disagree.
///
/// Two trees are equal if their nodes are; the journal is what is left to store and does not count.
#[derive(Debug, Clone, Serialize)]
pub struct Tree {
    nodes: Vec<Node>,
    #[serde(skip)]
    journal: Vec<Change>,
}

/// Why a change does not fit a tree. The tree is left as it was.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The change names a node that does not exist.
    #[error("no node {} in the tree: changes must be applied in the order in which they were made", node.0)]
    UnknownNode {
        /// The missing node.
        node: NodeId,
    },
    /// A new node must have the next free id.
    #[error("node {} comes out of turn, the next is {}: a change is missing or came twice", found.0, expected.0)]
    OutOfTurn {
        /// The id in the change.
        found: NodeId,
        /// The id that is free.
        expected: NodeId,
    },
    /// A tree has one root, which is there from the start.
    #[error("node {} would be a second root", node.0)]
    SecondRoot {
        /// The node.
        node: NodeId,
    },
    /// Only thoughts can be replaced.
    #[error("node {} is no thought, so it can't be rethought", node.0)]
    NotAThought {
        /// The node.
        node: NodeId,
    },
    /// The node holds its original payload.
    #[error("node {} was not rethought, so there is nothing to take back", node.0)]
    NothingToRevert {
        /// The node.
        node: NodeId,
    },
    /// Programs run on suites of tests, and on the root's, which are the visible ones.
    #[error("node {} is no suite of tests, so no program can have run on it", node.0)]
    NotASuite {
        /// The node.
        node: NodeId,
    },
    /// A number lies outside its range, or is not a number.
    #[error("{what} of node {} is {value}, outside [{low}, {high}]", node.0)]
    OutOfRange {
        /// The node.
        node: NodeId,
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
        /// Least value allowed.
        low: f64,
        /// Largest value allowed.
        high: f64,
    },
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.nodes == other.nodes
    }
}

impl Tree {
    /// A tree that holds nothing but the root.
    #[must_use]
    pub fn new() -> Self {
        let root = Node {
            id: NodeId::ROOT,
            parent: None,
            kind: NodeKind::Root,
            depth: 0,
            prior: 1.0,
            operator: String::new(),
            attempt: None,
            probed: None,
            evaluations: Vec::new(),
            stats: Stats::default(),
            rethinks: 0,
            payloads: vec![0],
            runs: Vec::new(),
            children: Vec::new(),
        };
        Self { nodes: vec![root], journal: Vec::new() }
    }

    /// Rebuilds a tree from its whole history. Its journal is empty, for the history is stored already.
    ///
    /// # Errors
    /// The first change that does not fit.
    pub fn replay(changes: impl IntoIterator<Item = Change>) -> Result<Self, TreeError> {
        let mut tree = Self::new();
        for change in changes {
            tree.apply(change)?;
        }
        tree.journal.clear();
        Ok(tree)
    }

    /// Makes one change and writes it to the journal.
    ///
    /// # Errors
    /// [`TreeError`] if the change does not fit; the tree is then as before.
    pub fn apply(&mut self, change: Change) -> Result<(), TreeError> {
        match &change {
            Change::Added { .. } => self.push(&change)?,
            Change::Evaluated { node, evaluation } => {
                let low = if evaluation.evaluator == Evaluator::SelfEval { -1.0 } else { 0.0 };
                check_range(*node, "a score", evaluation.score, low)?;
                self.node_mut(*node)?.evaluations.push(*evaluation);
            }
            Change::Rethought { node } => self.rethink_node(*node)?,
            Change::Reverted { node } => self.revert_node(*node)?,
            Change::Forgotten { node } => self.node_mut(*node)?.stats = Stats::default(),
            Change::PriorSet { node, prior } => {
                check_range(*node, "the prior", *prior, 0.0)?;
                self.node_mut(*node)?.prior = *prior;
            }
            Change::Probed { node, behaviour } => self.node_mut(*node)?.probed = Some(*behaviour),
            Change::BackedUp { node, value } => {
                check_range(*node, "a return", *value, 0.0)?;
                self.node_mut(*node)?.stats.add(*value);
            }
            Change::Ran { node, suite, run } => self.keep_run(*node, *suite, run)?,
        }
        self.journal.push(change);
        Ok(())
    }

    /// Adds a node below `parent`.
    ///
    /// # Errors
    /// As [`Tree::apply`].
    pub fn add(
        &mut self,
        parent: NodeId,
        kind: NodeKind,
        operator: &str,
        prior: f64,
        attempt: Option<Attempt>,
    ) -> Result<NodeId, TreeError> {
        let node = self.next_id();
        let operator = operator.to_owned();
        self.apply(Change::Added { node, parent, kind, operator, prior, attempt })?;
        Ok(node)
    }

    /// Records a judgement of a node.
    ///
    /// # Errors
    /// As [`Tree::apply`].
    pub fn evaluate(&mut self, node: NodeId, evaluator: Evaluator, score: f64) -> Result<(), TreeError> {
        self.apply(Change::Evaluated { node, evaluation: Evaluation { evaluator, score } })
    }

    /// Adds a return to the statistics of one node.
    ///
    /// # Errors
    /// As [`Tree::apply`].
    pub fn back_up(&mut self, node: NodeId, value: f64) -> Result<(), TreeError> {
        self.apply(Change::BackedUp { node, value })
    }

    /// Notes that a thought was replaced in place.
    ///
    /// # Errors
    /// As [`Tree::apply`].
    pub fn rethink(&mut self, node: NodeId) -> Result<(), TreeError> {
        self.apply(Change::Rethought { node })
    }

    /// Puts the payload before the last replacement in force again.
    ///
    /// # Errors
    /// As [`Tree::apply`].
    pub fn revert(&mut self, node: NodeId) -> Result<(), TreeError> {
        self.apply(Change::Reverted { node })
    }

    /// The changes since the last time this was asked, oldest first.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.journal)
    }

    /// A node by its id.
    #[must_use]
    pub fn node(&self, node: NodeId) -> Option<&Node> {
        self.nodes.get(node.0 as usize)
    }

    /// All nodes in the order of their making, the root first.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> + DoubleEndedIterator {
        self.nodes.iter()
    }

    /// Number of nodes, the root included; never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a tree always has its root")]
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The children of a node in the order of their making; none for an unknown node.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = &Node> {
        self.node(node).into_iter().flat_map(|node| &node.children).filter_map(|child| self.node(*child))
    }

    /// A node, its parent, and so on up to the root.
    pub fn lineage(&self, node: NodeId) -> impl Iterator<Item = &Node> {
        std::iter::successors(self.node(node), |node| self.node(node.parent?))
    }

    /// Facts about the program of a node.
    #[must_use]
    pub fn attempt(&self, node: NodeId) -> Option<&Attempt> {
        self.node(node)?.attempt.as_ref()
    }

    fn next_id(&self) -> NodeId {
        NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX))
    }

    fn node_mut(&mut self, node: NodeId) -> Result<&mut Node, TreeError> {
        self.nodes.get_mut(node.0 as usize).ok_or(TreeError::UnknownNode { node })
    }

    fn push(&mut self, added: &Change) -> Result<(), TreeError> {
        let Change::Added { node, parent, kind, operator, prior, attempt } = added else {
            return Ok(());
        };
        let (id, expected) = (*node, self.next_id());
        if id != expected {
            return Err(TreeError::OutOfTurn { found: id, expected });
        }
        if *kind == NodeKind::Root {
            return Err(TreeError::SecondRoot { node: id });
        }
        check_range(id, "the prior", *prior, 0.0)?;
        let above = self.node_mut(*parent)?;
        above.children.push(id);
        let depth = above.depth + 1;
        self.nodes.push(Node {
            id,
            parent: Some(*parent),
            kind: *kind,
            depth,
            prior: *prior,
            operator: operator.clone(),
            attempt: attempt.clone(),
            probed: None,
            evaluations: Vec::new(),
            stats: Stats::default(),
            rethinks: 0,
            payloads: vec![0],
            runs: Vec::new(),
            children: Vec::new(),
        });
        Ok(())
    }

    fn rethink_node(&mut self, node: NodeId) -> Result<(), TreeError> {
        let thought = self.node_mut(node)?;
        if thought.kind != NodeKind::Thought {
            return Err(TreeError::NotAThought { node });
        }
        thought.rethinks += 1;
        thought.payloads.push(thought.rethinks);
        Ok(())
    }

    fn revert_node(&mut self, node: NodeId) -> Result<(), TreeError> {
        let thought = self.node_mut(node)?;
        if thought.payloads.len() < 2 {
            return Err(TreeError::NothingToRevert { node });
        }
        thought.payloads.pop();
        Ok(())
    }

    fn keep_run(&mut self, node: NodeId, suite: NodeId, run: &SuiteRun) -> Result<(), TreeError> {
        let of = self.node(suite).ok_or(TreeError::UnknownNode { node: suite })?;
        if !matches!(of.kind, NodeKind::Tests | NodeKind::Root) {
            return Err(TreeError::NotASuite { node: suite });
        }
        let runs = &mut self.node_mut(node)?.runs;
        match runs.iter_mut().find(|(of, _)| *of == suite) {
            Some((_, earlier)) => earlier.clone_from(run),
            None => runs.push((suite, run.clone())),
        }
        Ok(())
    }
}

fn check_range(node: NodeId, what: &'static str, value: f64, low: f64) -> Result<(), TreeError> {
    let high = 1.0;
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(TreeError::OutOfRange { node, what, value, low, high })
}
