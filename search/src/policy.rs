//! The ask/tell contract between a search method and whoever carries its decisions out.
//!
//! A policy decides which operator to apply to which node and absorbs what came of it. It holds no clock, no
//! client and no program text: nodes are ids, outcomes are counts and scores. [`crate::Search`] pairs a policy
//! with the tree it grows.

use serde::{Deserialize, Serialize};

pub use crate::attempt::{Attempt, Outcome};
use crate::suite::{SuiteRun, TestId};
use crate::tree::{NodeId, NodeKind, Tree};

/// Number of a trial within one search, dense from 0 in the order of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrialId(pub u64);

/// One decision: apply `operator` to `node`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Identity, unique within the search.
    pub id: TrialId,
    /// The node that the operator is applied to.
    pub node: NodeId,
    /// What to do there.
    pub operator: Operator,
    /// Sampling temperature that the method prescribes for this step, in `[0, 2]`.
    pub temperature: f64,
    /// Longest answer that the method allows, in tokens.
    pub max_output_tokens: u32,
    /// Seed of this trial; a function of the search's seed and the trial's number alone.
    pub seed: u64,
}

/// An action that makes, replaces or scores nodes. Operators are shared between methods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operator {
    /// Root to `count` thoughts, each with a reasonableness (the prior).
    Propose {
        /// Thoughts asked for.
        count: usize,
    },
    /// Thought to `count` deeper thoughts. `after` is the thought's evaluated program, whose feedback the
    /// question shows if the program failed.
    Extend {
        /// Thoughts asked for.
        count: usize,
        /// The program that was written from the thought.
        after: NodeId,
    },
    /// Thought (or root) to one complete program.
    Implement,
    /// Root to `count` independent programs.
    Resample {
        /// Programs asked for, drawn from one request.
        count: usize,
        /// How the program is asked for.
        style: ProgramStyle,
    },
    /// Failed program to a diagnosis in words.
    Reflect,
    /// Failed program, with the reflection `on` it if there is one, to a revised program.
    /// The trial's node is the failed program.
    Refine {
        /// The reflection to follow.
        reflection: Option<NodeId>,
    },
    /// Failed program to `count` revised programs, given everything that was tried on the way to it (LATS). Named
    /// `refine`, as it does the same with a longer memory.
    RefineWithHistory {
        /// The failed programs, the oldest first and the trial's node last.
        path: Vec<PastAttempt>,
        /// Programs asked for, drawn from one request.
        count: usize,
    },
    /// Replaces the trial's thought in place, using the feedback on its failed program `after`.
    Rethink {
        /// The program whose feedback is shown.
        after: NodeId,
    },
    /// Root to `count` programs, given representative sub-modules of the `sources`.
    ReviseWithModules {
        /// Programs whose sub-modules are clustered.
        sources: Vec<NodeId>,
        /// Number of clusters, and so of representatives shown (K).
        clusters: usize,
        /// Programs asked for, drawn from one request.
        count: usize,
        /// Which module stands for its cluster.
        choice: ModuleChoice,
    },
    /// Asks the model how sure it is that a program which passes the visible tests passes all tests.
    Verify,
    /// Root to one thought: what the problem asks for, point by point, and why every visible test comes out as it does
    /// (AlphaCodium).
    Analyse,
    /// Root, or a thought on the problem, to `count` thoughts of which each is a whole solution in words (AlphaCodium).
    ProposeSolutions {
        /// Solutions asked for.
        count: usize,
    },
    /// Chooses one of several solutions in words and gives it once more, thought through (AlphaCodium).
    ChooseSolution {
        /// The solutions, at least one.
        among: Vec<NodeId>,
    },
    /// Root, or a thought on the problem, to test suites that the model writes: `suites` answers to one request.
    GenerateTests {
        /// Tests per suite at most.
        tests: usize,
        /// Suites asked for.
        suites: usize,
    },
    /// Runs the trial's program on suites of tests. Asks the model nothing.
    RunTests {
        /// The suites: nodes of kind [`NodeKind::Tests`], or the root for the visible tests.
        suites: Vec<NodeId>,
        /// What later questions on the program are told of it.
        shown: Shown,
    },
}

impl Operator {
    /// The operator's name in events and reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Propose { .. } => "propose",
            Self::Extend { .. } => "extend",
            Self::Implement => "implement",
            Self::Resample { .. } => "resample",
            Self::Reflect => "reflect",
            Self::Refine { .. } | Self::RefineWithHistory { .. } => "refine",
            Self::Rethink { .. } => "rethink",
            Self::ReviseWithModules { .. } => "revise_with_modules",
            Self::Verify => "verify",
            Self::Analyse => "analyse",
            Self::ProposeSolutions { .. } => "propose_solutions",
            Self::ChooseSolution { .. } => "choose_solution",
            Self::GenerateTests { .. } => "generate_tests",
            Self::RunTests { .. } => "run_tests",
        }
    }

    /// Complete programs that the operator makes at most, which is what the generations of a budget count.
    #[must_use]
    pub const fn generations(&self) -> u64 {
        match self {
            Self::Implement | Self::Refine { .. } => 1,
            Self::Resample { count, .. } | Self::ReviseWithModules { count, .. } => *count as u64,
            Self::RefineWithHistory { count, .. } => *count as u64,
            Self::Propose { .. }
            | Self::Extend { .. }
            | Self::Reflect
            | Self::Rethink { .. }
            | Self::Verify
            | Self::Analyse
            | Self::ProposeSolutions { .. }
            | Self::ChooseSolution { .. }
            | Self::GenerateTests { .. }
            | Self::RunTests { .. } => 0,
        }
    }

    /// What kind of node the operator makes, and how many at most; `None` if it makes none.
    #[must_use]
    pub const fn makes(&self) -> Option<(NodeKind, usize)> {
        match self {
            Self::Propose { count } | Self::Extend { count, .. } => Some((NodeKind::Thought, *count)),
            Self::Implement => Some((NodeKind::Solution, 1)),
            Self::Resample { count, .. } => Some((NodeKind::Solution, *count)),
            Self::Reflect => Some((NodeKind::Reflection, 1)),
            Self::Refine { .. } => Some((NodeKind::Revision, 1)),
            Self::ReviseWithModules { count, .. } => Some((NodeKind::Revision, *count)),
            Self::RefineWithHistory { count, .. } => Some((NodeKind::Revision, *count)),
            Self::Analyse | Self::ChooseSolution { .. } => Some((NodeKind::Thought, 1)),
            Self::ProposeSolutions { count } => Some((NodeKind::Thought, *count)),
            Self::GenerateTests { suites, .. } => Some((NodeKind::Tests, *suites)),
            Self::Rethink { .. } | Self::Verify | Self::RunTests { .. } => None,
        }
    }
}

/// A program that was tried, as [`Operator::RefineWithHistory`] tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastAttempt {
    /// The program.
    pub program: NodeId,
    /// The reflection on it, if there is one.
    pub reflection: Option<NodeId>,
}

/// How [`Operator::Resample`] asks for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramStyle {
    /// Just the program.
    Direct,
    /// The algorithm in pseudo-code first, then the program (AgentCoder).
    Pseudocode,
    /// An outline of sub-modules first, then the program built of them (CodeChain).
    Modular,
}

/// Which failed tests the feedback on a program shows after [`Operator::RunTests`].
///
/// Expected values that a model wrote are often wrong, so methods of ours show the visible tests and the trusted ones
/// ([`crate::suite::trusted`]); published methods that show all of them say so.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// The feedback stays as it is.
    #[default]
    Unchanged,
    /// The visible tests and all of the suites.
    All,
    /// These tests and no others, the visible ones among them only where they are named.
    Only(Vec<TestId>),
}

/// Which module of a cluster is shown to the model ([`Operator::ReviseWithModules`]).
///
/// `Centroid` is the paper's (CodeChain, section 3.3); the others are the controls that its claim needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ModuleChoice {
    /// The module nearest to the centre of its cluster.
    #[default]
    Centroid,
    /// Any modules, without clustering, drawn with the trial's seed.
    Random,
    /// A module of the best source.
    BestPassing,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum TrialResult {
    /// New nodes in the order in which the model gave them: at most as many as were asked for, perhaps none.
    Made {
        /// The new nodes.
        drafts: Vec<Draft>,
    },
    /// [`Operator::Rethink`] wrote a new thought; the node keeps its id.
    Replaced,
    /// [`Operator::Verify`] gave a score in `[-1, 1]`; `None` where the answer held none.
    Verified {
        /// The model's confidence.
        confidence: Option<f64>,
    },
    /// [`Operator::RunTests`] ran the program.
    Ran {
        /// What came of it on each suite, in the operator's order.
        runs: Vec<SuiteRun>,
    },
    /// Nothing usable came back: an unusable answer after one re-ask, or a filtered one.
    Unusable,
}

/// A node that an operator made, before it has an id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// What kind of node it is.
    pub kind: NodeKind,
    /// The proposer's own probability for it, in `[0, 1]`, where it gave one.
    pub prior: Option<f64>,
    /// Facts about the program, for nodes that hold one.
    pub attempt: Option<Attempt>,
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// A program passes all visible tests and the method's own check.
    Accepted,
    /// The method did all that it does.
    Exhausted,
    /// A budget ran out.
    Budget,
    /// The time limit passed.
    Time,
    /// The caller cancelled.
    Cancelled,
}

/// A search method: decides what to try next and absorbs results.
///
/// Decisions depend on nothing but the seed and the results told so far, and never on `slots`: asking for one
/// trial eight times gives the same trials as asking once for eight, so that the number of calls in flight cannot
/// change a search. A policy that needs a result before it can decide gives fewer trials, or none.
pub trait SearchPolicy: Send {
    /// Up to `slots` trials to carry out now. Empty while the policy waits for results, or when it is done.
    fn ask(&mut self, tree: &Tree, slots: usize) -> Vec<Decision>;

    /// Takes the result of one trial and grows the tree; returns the ids of the nodes that were made, in the order of
    /// the drafts. Called at most once per trial, in the order of asking.
    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId>;

    /// Why there is nothing more to ask for; `None` while the search goes on.
    fn stop_reason(&self, tree: &Tree) -> Option<StopReason>;
}

/// A trial before [`crate::Search`] gives it its number and seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The node that the operator is applied to.
    pub node: NodeId,
    /// What to do there.
    pub operator: Operator,
    /// Sampling temperature, in `[0, 2]`.
    pub temperature: f64,
    /// Longest answer, in tokens.
    pub max_output_tokens: u32,
}
