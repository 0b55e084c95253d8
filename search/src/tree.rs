//! The search tree: an arena that changes only by [`Change`]s, so that the changes of a search are its whole history.

use serde::{Deserialize, Serialize};

pub use self::arena::{Tree, TreeError};
pub use self::node::{Node, Stats};
use crate::attempt::Attempt;
use crate::suite::SuiteRun;

mod arena;
mod node;
#[cfg(test)]
mod tests;

/// Index of a node in its tree; the root is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The root of every tree.
    pub const ROOT: Self = Self(0);
}

/// What a node holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeKind {
    /// The problem.
    Root,
    /// A strategy, observation or hint.
    Thought,
    /// An ordered list of steps that lead to a program.
    Plan,
    /// A complete program.
    Solution,
    /// A complete program derived from another one.
    Revision,
    /// A diagnosis of a failed program.
    Reflection,
    /// Test inputs without right answers.
    Inputs,
    /// A suite of tests that the model wrote.
    Tests,
    /// One function: a stub with signature and documentation, or an implementation of it.
    Module,
    /// One step of a sampled plan.
    PlanStep,
}

/// Who judged a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evaluator {
    /// Share of visible tests passed, in `[0, 1]`.
    VisiblePassFraction,
    /// The model's own confidence that unseen tests pass, in `[-1, 1]`.
    SelfEval,
    /// A critic's verdict on a program that no visible test speaks against: 1 accepted, 0 rejected.
    VerifyGeneral,
    /// A critic's grade of how near a failed program's outputs are to the expected ones, in `[0, 1]`.
    OutputGrade,
    /// The model's confidence that a plan solves the problem, in `[0, 1]`.
    PlanConfidence,
    /// The method's combination of the other parts, in `[0, 1]`.
    Reward,
    /// Points of one pairwise comparison: 1 for the preferred program, 0.5 each for a tie, else 0. They add up.
    Comparison,
    /// Share of the tests that the model wrote and the program last ran on passed, in `[0, 1]`.
    GeneratedPassFraction,
    /// Share of rival implementations that return the same, in `[0, 1]`.
    Consensus,
}

/// One judgement of a node.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Who judged.
    pub evaluator: Evaluator,
    /// The score; its range is the evaluator's.
    pub score: f64,
}

/// One step of a tree's history. Applying the changes of a search in order rebuilds its tree exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A node was added.
    Added {
        /// Its id: the number of nodes before it.
        node: NodeId,
        /// Its parent.
        parent: NodeId,
        /// What it holds.
        kind: NodeKind,
        /// Name of the operator that made it.
        operator: String,
        /// The proposer's probability, normalised over siblings, in `[0, 1]`.
        prior: f64,
        /// Facts about its program, if it holds one.
        attempt: Option<Attempt>,
    },
    /// A node was judged.
    Evaluated {
        /// The node.
        node: NodeId,
        /// The judgement.
        evaluation: Evaluation,
    },
    /// A thought was replaced in place; its earlier payload stays in the history.
    Rethought {
        /// The thought.
        node: NodeId,
    },
    /// A rethink made things worse and was taken back: the payload before it is in force again.
    Reverted {
        /// The thought.
        node: NodeId,
    },
    /// The returns that went through a node were dropped, since a thought above it is another one now.
    Forgotten {
        /// The node.
        node: NodeId,
    },
    /// A node's prior was weighed anew against its siblings'.
    PriorSet {
        /// The node.
        node: NodeId,
        /// The new prior, in `[0, 1]`.
        prior: f64,
    },
    /// It was seen how a node's program behaves on probes; what was seen before is superseded.
    Probed {
        /// The node.
        node: NodeId,
        /// Hash of what it did, equal for programs that did the same.
        behaviour: u64,
    },
    /// A return was added to a node's statistics.
    BackedUp {
        /// The node.
        node: NodeId,
        /// The return, in `[0, 1]`.
        value: f64,
    },
    /// A program ran on a suite. A later run on the same suite takes the place of this one.
    Ran {
        /// The program's node.
        node: NodeId,
        /// The suite; the root for the visible tests.
        suite: NodeId,
        /// What came of it.
        run: SuiteRun,
    },
}
