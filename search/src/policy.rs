//! The ask/tell contract between a search method and whoever carries its decisions out.
//!
//! A policy decides which operator to apply to which node and absorbs what came of it. It holds no clock, no
//! client and no program text: nodes are ids, outcomes are counts and scores. [`crate::Search`] pairs a policy
//! with the tree it grows.

use serde::{Deserialize, Serialize};

pub use crate::attempt::{Attempt, Outcome};
use crate::budget::Cost;
use crate::choose::consensus::Outputs;
use crate::suite::{SuiteRun, TestId};
use crate::tree::{NodeId, NodeKind, Tree};
pub use crate::trie::PlannedStep;

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
    /// Root to at most `count` thoughts.
    Propose {
        /// Thoughts asked for.
        count: usize,
        /// How they are asked for.
        style: ThoughtStyle,
    },
    /// Thought to `count` deeper thoughts. `after` is the thought's evaluated program, whose feedback the
    /// question shows if the program failed.
    Extend {
        /// Thoughts asked for.
        count: usize,
        /// The program that was written from the thought.
        after: NodeId,
    },
    /// Root to at most `count` thoughts, each of which recalls a similar problem with its solution.
    Recall {
        /// Similar problems asked for.
        count: usize,
    },
    /// Recalled problem (or root) to a plan for this problem.
    Plan,
    /// Asks the model how sure it is that a plan solves the problem.
    RatePlan,
    /// Thought, plan or root to one complete program.
    Implement,
    /// Root to `count` programs straight from the statement.
    Resample {
        /// Programs asked for, drawn from one request.
        count: usize,
        /// How the program is asked for.
        style: ProgramStyle,
        /// `None` for independent programs. `Some` where all shall be different, if the model can do that: how many were
        /// drawn before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        drawn: Option<usize>,
    },
    /// Failed or rejected program to at most `count` reflections on what to change.
    Reflect {
        /// Reflections asked for.
        count: usize,
        /// How they are asked for.
        style: ReflectionStyle,
    },
    /// Failed or rejected program, with the reflection on it if there is one, to `count` revised programs.
    /// The trial's node is the failed program.
    Refine {
        /// The reflection to follow.
        reflection: Option<NodeId>,
        /// Programs asked for, drawn from one request.
        count: usize,
    },
    /// Failed program to `count` revised programs, given everything that was tried on the way to it (LATS). Named
    /// `refine`, as it does the same with a longer memory.
    RefineWithHistory {
        /// The failed programs, the oldest first and the trial's node last.
        path: Vec<PastAttempt>,
        /// Programs asked for, drawn from one request.
        count: usize,
    },
    /// Failed program to a revised program and, where that must change, the plan that it follows.
    RefineWithPlan,
    /// Replaces the trial's thought in place, using the feedback on the failed program `after`, which was written from it
    /// or from a thought below it.
    Rethink {
        /// The program whose feedback is shown.
        after: NodeId,
    },
    /// Failed program to the thought above it that is at fault.
    Blame,
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
        /// Whether it is the first request of its round, the one that is charged for what finding the modules costs.
        opens_round: bool,
    },
    /// Has a critic grade how near a failed program's outputs are to the expected ones. What it says is shown with the
    /// program's feedback to whoever reflects on it.
    Grade,
    /// Asks the model whether a program which passes the visible tests passes all tests.
    Verify {
        /// How it is asked, and what it answers with.
        style: VerifyStyle,
    },
    /// Root to one node that holds up to `count` test inputs of the model's own, without right answers.
    WriteInputs {
        /// Inputs asked for.
        count: usize,
    },
    /// Runs programs on inputs whose right answers nobody knows: mutations of the visible tests' inputs, and those that
    /// the nodes `inputs` hold. Asks no model. What programs do there tells them apart where the visible tests do not.
    ///
    /// An input counts if at least half of the programs that pass all visible tests return from it without an error
    /// (of all `programs` where none passes). So behaviours of one trial are comparable with each other only, and all
    /// programs that are to be compared belong into one. What a program answered to the same inputs before is recalled
    /// where the run has a store.
    Probe {
        /// The programs.
        programs: Vec<NodeId>,
        /// Nodes made by [`Operator::WriteInputs`]; may be empty.
        inputs: Vec<NodeId>,
    },
    /// Judges between the trial's program and `other` (S*): the model writes inputs that tell them apart, both run on
    /// them, and it judges both outputs twice, in either order.
    Compare {
        /// The other program.
        other: NodeId,
    },
    /// A set of observations to thoughts that follow from them together (PlanSearch). The trial's node is the parent of
    /// what is made.
    Combine {
        /// The observations; none of them for thoughts from the problem alone.
        observations: Vec<NodeId>,
        /// What the thoughts should be.
        wanted: Combined,
        /// Thoughts asked for.
        count: usize,
    },
    /// A program, with others to be inspired by, to a changed program (evolution). The trial's node is the program.
    Mutate {
        /// Programs shown besides, with what they reached.
        inspirations: Vec<NodeId>,
    },
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
    /// Function (the root stands for the entry point) to a draft of it and stubs of the new functions that it calls.
    /// The first draft is the implementation; the others are the stubs.
    Decompose {
        /// New functions at most.
        helpers: usize,
        /// Implementations of finished functions, which the draft may call.
        known: Vec<NodeId>,
    },
    /// Function whose helpers are finished to `count` implementations, tried on the same inputs.
    Compose {
        /// New implementations asked for, drawn from one request; 0 to put finished ones together only.
        count: usize,
        /// What they are composed with.
        pieces: Pieces,
    },
    /// Program to `count` programs that keep its lines up to the last one that is sure to be right (critical sampling).
    RefineFromPrefix {
        /// Programs asked for, drawn from one request.
        count: usize,
    },
    /// Root to `count` plans, drawn from one request and merged by common prefix. A step is a function to write.
    ProposePlans {
        /// Plans asked for.
        count: usize,
    },
    /// Asks which of several steps of a plan to take next.
    Decide {
        /// The steps to choose from.
        options: Vec<NodeId>,
        /// What was tried and failed just before.
        after: Option<NodeId>,
        /// Answers that vote.
        votes: u32,
    },
    /// Failed program to the one of its holes that is to blame.
    BlameHole {
        /// The holes to choose from.
        holes: Vec<NodeId>,
    },
}

impl Operator {
    /// The operator's name in events and reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Propose { .. } => "propose",
            Self::Extend { .. } => "extend",
            Self::Recall { .. } => "recall",
            Self::Plan => "plan",
            Self::RatePlan => "rate_plan",
            Self::Implement => "implement",
            Self::Resample { .. } => "resample",
            Self::Reflect { .. } => "reflect",
            Self::Refine { .. } | Self::RefineWithHistory { .. } => "refine",
            Self::RefineWithPlan => "refine_with_plan",
            Self::Rethink { .. } => "rethink",
            Self::Blame => "blame",
            Self::ReviseWithModules { .. } => "revise_with_modules",
            Self::Grade => "grade",
            Self::Verify { .. } => "verify",
            Self::WriteInputs { .. } => "write_inputs",
            Self::Probe { .. } => "probe",
            Self::Compare { .. } => "compare",
            Self::Combine { .. } => "combine",
            Self::Mutate { .. } => "mutate",
            Self::Analyse => "analyse",
            Self::ProposeSolutions { .. } => "propose_solutions",
            Self::ChooseSolution { .. } => "choose_solution",
            Self::GenerateTests { .. } => "generate_tests",
            Self::RunTests { .. } => "run_tests",
            Self::Decompose { .. } => "decompose",
            Self::Compose { .. } => "compose",
            Self::RefineFromPrefix { .. } => "refine_from_prefix",
            Self::ProposePlans { .. } => "propose_plans",
            Self::Decide { .. } => "decide",
            Self::BlameHole { .. } => "blame_hole",
        }
    }

    /// The same for at most `most` programs, where it draws several independent ones from one request.
    #[must_use]
    pub fn narrowed(self, most: usize) -> Self {
        match self {
            Self::Resample { count, style, drawn } => Self::Resample { count: count.min(most), style, drawn },
            Self::Refine { reflection, count } => Self::Refine { reflection, count: count.min(most) },
            other => other,
        }
    }

    /// Complete programs that the operator makes at most, which is what the generations of a budget count.
    #[must_use]
    pub const fn generations(&self) -> u64 {
        match self {
            Self::Implement | Self::RefineWithPlan | Self::Mutate { .. } => 1,
            Self::Refine { count, .. } => *count as u64,
            Self::Resample { count, .. } | Self::ReviseWithModules { count, .. } => *count as u64,
            Self::RefineWithHistory { count, .. } => *count as u64,
            // An implementation of one function costs what a program costs, a draft that calls others as well.
            Self::Decompose { .. } => 1,
            Self::Compose { count, .. } | Self::RefineFromPrefix { count } => *count as u64,
            Self::ProposePlans { .. } | Self::Decide { .. } | Self::BlameHole { .. } => 0,
            Self::Propose { .. }
            | Self::Extend { .. }
            | Self::Recall { .. }
            | Self::Plan
            | Self::RatePlan
            | Self::Reflect { .. }
            | Self::Rethink { .. }
            | Self::Blame
            | Self::Grade
            | Self::Verify { .. }
            | Self::WriteInputs { .. }
            | Self::Probe { .. }
            | Self::Compare { .. }
            | Self::Combine { .. }
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
            Self::Propose { count, .. } | Self::Extend { count, .. } | Self::Combine { count, .. } => {
                Some((NodeKind::Thought, *count))
            }
            Self::Recall { count } => Some((NodeKind::Thought, *count)),
            Self::Plan => Some((NodeKind::Plan, 1)),
            Self::Implement => Some((NodeKind::Solution, 1)),
            Self::Resample { count, .. } => Some((NodeKind::Solution, *count)),
            Self::Reflect { count, .. } => Some((NodeKind::Reflection, *count)),
            Self::RefineWithPlan | Self::Mutate { .. } => Some((NodeKind::Revision, 1)),
            Self::Refine { count, .. } => Some((NodeKind::Revision, *count)),
            Self::ReviseWithModules { count, .. } => Some((NodeKind::Revision, *count)),
            Self::RefineWithHistory { count, .. } => Some((NodeKind::Revision, *count)),
            Self::Analyse | Self::ChooseSolution { .. } => Some((NodeKind::Thought, 1)),
            Self::ProposeSolutions { count } => Some((NodeKind::Thought, *count)),
            Self::GenerateTests { suites, .. } => Some((NodeKind::Tests, *suites)),
            Self::WriteInputs { .. } => Some((NodeKind::Inputs, 1)),
            Self::Decompose { helpers, .. } => Some((NodeKind::Module, helpers.saturating_add(1))),
            Self::Compose { count, pieces } => {
                Some((NodeKind::Module, count.saturating_add(if pieces.draft.is_some() { 1 } else { 0 })))
            }
            Self::RefineFromPrefix { count } => Some((NodeKind::Revision, *count)),
            Self::ProposePlans { .. } => Some((NodeKind::PlanStep, usize::MAX)),
            Self::RatePlan
            | Self::Rethink { .. }
            | Self::Blame
            | Self::Grade
            | Self::Verify { .. }
            | Self::Probe { .. }
            | Self::Compare { .. }
            | Self::RunTests { .. }
            | Self::Decide { .. }
            | Self::BlameHole { .. } => None,
        }
    }
}

/// How [`Operator::Propose`] asks for thoughts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ThoughtStyle {
    /// Exactly so many, each with a reasonableness, which is its prior (RethinkMCTS).
    Rated,
    /// Exactly so many strategies, in order of preference (CodeTree's fixed-width variants).
    Listed,
    /// As many strategies as the problem needs, up to so many (CodeTree).
    Open,
}

/// How [`Operator::Reflect`] asks for reflections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReflectionStyle {
    /// One diagnosis in a few sentences (Reflexion).
    Diagnosis,
    /// Exactly so many, each a different way to mend the program (CodeTree's fixed-width variants).
    Listed,
    /// One, or several where there are several ways, up to so many (CodeTree).
    Open,
}

/// How [`Operator::Verify`] asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VerifyStyle {
    /// A score of how sure the model is; answered by [`TrialResult::Verified`] (RethinkMCTS).
    Confidence,
    /// Accept or reject, with reasons; answered by [`TrialResult::Judged`] (CodeTree). The reasons are shown with the
    /// program's feedback to whoever reflects on it.
    Verdict,
    /// Several such verdicts, drawn from one request; answered by [`TrialResult::Verified`] with the share of those that
    /// accept, less that of those that reject (generative verification: Singhi et al. 2025, *When To Solve, When To
    /// Verify*). Answers without a verdict do not count.
    Verdicts {
        /// Verdicts asked for, at least 1.
        count: u32,
    },
}

/// What [`Operator::Combine`] asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Combined {
    /// New observations.
    Observations,
    /// A plan: the solution in words.
    Plan,
    /// Another plan than the one of this node, after saying what is wrong with it.
    OtherPlan(NodeId),
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
/// Expected values that a model wrote are often wrong, so the choice among programs hears those first that can be trusted
/// ([`crate::suite::trusted`]). Published methods that show all of them say so.
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
    /// As `Centroid`, with as many clusters, up to the number asked for, as part the modules best by their silhouette.
    Silhouette,
}

/// Whom a pairwise comparison prefers ([`Operator::Compare`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// The trial's program, in both orders.
    Node,
    /// The other program, in both orders.
    Other,
    /// Neither, in both orders: half a point each.
    Tie,
    /// One order contradicts the other: no point.
    Inconsistent,
}

/// What a function is composed with ([`Operator::Compose`]).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pieces {
    /// An implementation that is there already; it becomes the first candidate.
    pub draft: Option<NodeId>,
    /// Implementations of the finished functions that the program consists of beside this one.
    pub parts: Vec<NodeId>,
    /// Candidates of earlier requests for the same function, whose inputs the new ones are tried on, too.
    pub earlier: Vec<NodeId>,
    /// A whole program that failed and is to be mended by this function.
    pub after: Option<NodeId>,
    /// Inputs asked for, if earlier candidates bring none; 0 to try candidates on known tests alone.
    pub inputs: usize,
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
    /// [`VerifyStyle::Confidence`] or [`VerifyStyle::Verdicts`] gave a score in `[-1, 1]`; `None` where no answer held one.
    Verified {
        /// The model's confidence.
        confidence: Option<f64>,
    },
    /// [`VerifyStyle::Verdict`] gave a verdict; `None` where the answer held none, which is neither yes nor no.
    Judged {
        /// Whether the program was accepted.
        accepted: Option<bool>,
    },
    /// [`Operator::Grade`] or [`Operator::RatePlan`] gave a grade as a share of the best one, in `[0, 1]`; `None` where the answer held none.
    Graded {
        /// The grade.
        grade: Option<f64>,
    },
    /// What [`Operator::Probe`] saw.
    Probed {
        /// Hash of what each program did, in the order of the operator's programs: equal for programs that answered all
        /// counting inputs alike. `None` for a program that could not be probed.
        behaviours: Vec<Option<u64>>,
        /// Inputs that count. With 0 of them nothing was learned and all behaviours are `None`.
        inputs: u32,
    },
    /// [`Operator::Compare`] came to a judgement.
    Compared {
        /// Whom it prefers.
        preference: Preference,
    },
    /// [`Operator::Blame`] named a thought: its place in the chain from the root down to the program, from 0. `None`
    /// where none is at fault, and where the answer says neither.
    Blamed {
        /// The place.
        place: Option<usize>,
    },
    /// [`Operator::RunTests`] ran the program.
    Ran {
        /// What came of it on each suite, in the operator's order.
        runs: Vec<SuiteRun>,
    },
    /// [`Operator::Compose`] made candidates.
    Composed {
        /// The candidates, the draft first where there is one.
        drafts: Vec<Draft>,
        /// What each of them did on the inputs.
        behaviours: Vec<Outputs>,
    },
    /// [`Operator::ProposePlans`] gave plans, merged by common prefix.
    Planned {
        /// Their steps, parents before children.
        steps: Vec<PlannedStep>,
    },
    /// [`Operator::Decide`] chose between steps.
    Chosen {
        /// Votes per option.
        votes: Vec<u32>,
    },
    /// [`Operator::BlameHole`] looked at a failure.
    HoleBlamed {
        /// Which of the holes is to blame, by its place in the list; `None` where it is none of them.
        hole: Option<usize>,
    },
    /// Nothing usable came back: an unusable answer after one re-ask, or a filtered one.
    Unusable,
}

impl TrialResult {
    /// The grade, in `[0, 1]`; `None` where there is none.
    #[must_use]
    pub fn grade(&self) -> Option<f64> {
        let Self::Graded { grade } = self else { return None };
        grade.filter(|grade| !grade.is_nan()).map(|grade| grade.clamp(0.0, 1.0))
    }

    /// Whether the program was accepted; `None` where nobody said.
    #[must_use]
    pub const fn verdict(&self) -> Option<bool> {
        if let Self::Judged { accepted } = self { *accepted } else { None }
    }
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
    /// What several searches may spend together ran out, before this one was done with its own.
    RunBudget,
    /// The time limit passed.
    Time,
    /// The caller cancelled.
    Cancelled,
}

impl StopReason {
    /// How a method ends that has done all that it does.
    pub(crate) const fn done(passes: bool) -> Self {
        if passes { Self::Accepted } else { Self::Exhausted }
    }
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

    /// Learns what a trial has cost, just before its result is told. Most methods count programs only and do not ask.
    fn charge(&mut self, _trial: &Trial, _cost: &Cost) {}
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
