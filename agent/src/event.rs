//! Events: the one record of a search. Stored, streamed, replayed; replaying the tree events rebuilds the tree exactly.
//!
//! The log is written when a trial's result is told, in the order of asking, so it is the same for the same seed and
//! answers whatever the number of calls in flight. Times and whether a reply came from the cache differ between such
//! runs; [`Event::canonical`] leaves them out.

use codeagent_models::{Finish, Message};
use codeagent_search::policy::{Attempt, StopReason};
use codeagent_search::tree::{Change, Evaluation, Evaluator, NodeId, NodeKind};
use serde::{Deserialize, Serialize};

use crate::solution::Status;

/// Version of the event format.
pub const VERSION: u8 = 1;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Version of the format.
    pub v: u8,
    /// Position in the run, from 0 without gaps.
    pub seq: u64,
    /// Microseconds since the run started in this process.
    pub t_us: u64,
    /// The run.
    pub run: String,
    /// The problem's id.
    pub task: String,
    /// Which sample of the problem.
    pub sample: u32,
    /// The node that the event is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The search began.
    TaskStarted {
        /// Name of the strategy.
        strategy: String,
        /// Name of the model.
        model: String,
        /// Seed of the search.
        seed: u64,
        /// Number of visible tests.
        visible_tests: u32,
    },
    /// A question went to the model.
    LlmRequest {
        /// Name of the question.
        question: String,
        /// Estimated tokens of the prompt.
        est_tokens: u64,
    },
    /// The model answered.
    LlmReply {
        /// Whether the reply cache answered.
        cached: bool,
        /// Prompt tokens.
        input_tokens: u64,
        /// Prompt tokens that the server had cached.
        cached_tokens: u64,
        /// Answer tokens.
        output_tokens: u64,
        /// Cost in micro-USD; `None` where the model's price is unknown.
        cost_micro_usd: Option<u64>,
        /// Why each answer ended.
        finish: Vec<Finish>,
    },
    /// Sub-modules of programs were turned into vectors by an embedding model. Comes once a round, whoever asked for them.
    ModulesEmbedded {
        /// Name of the model.
        model: String,
        /// Number of modules.
        modules: u32,
        /// Tokens read, those of equal modules once.
        input_tokens: u64,
        /// Cost in micro-USD; `None` where the model's price is unknown.
        cost_micro_usd: Option<u64>,
    },
    /// A program ran on the visible tests, or on tests that the model wrote.
    ExecFinished {
        /// Class of the first verdict that is not `passed`, else `passed`.
        verdict: String,
        /// Tests passed.
        passed: u32,
        /// Tests run.
        total: u32,
        /// Wall-clock milliseconds of the tests.
        ms: u64,
    },
    /// Programs ran on inputs whose right answers nobody knows.
    ProbeFinished {
        /// Programs that ran.
        programs: u32,
        /// Inputs that they ran on.
        inputs: u32,
        /// Inputs that count.
        counting: u32,
    },
    /// A node was added to the tree.
    NodeAdded {
        /// Its parent.
        parent: NodeId,
        /// What it holds.
        kind: NodeKind,
        /// Name of the operator that made it.
        action: String,
        /// The proposer's probability, in `[0, 1]`.
        prior: f64,
        /// Facts about its program, if it holds one.
        attempt: Option<Attempt>,
        /// First line of its content.
        summary: String,
    },
    /// What a node holds, and the question and answer that it came from. Comes again when a thought is replaced.
    NodeContent {
        /// The question.
        prompt: Vec<Message>,
        /// The model's answer.
        answer: String,
        /// The thought, reflection or tests, for nodes that hold text.
        text: Option<String>,
        /// The program, for nodes that hold one.
        program: Option<String>,
        /// What the tests said of the program, as shown to models.
        feedback: Option<String>,
        /// The visible tests that the program fails, the first hundred of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        failed: Vec<TestFailed>,
    },
    /// A critic remarked on a node's program, which whoever reflects on it is told.
    NodeReviewed {
        /// Who: `critic` or `verifier`.
        author: String,
        /// The remark; may be empty.
        text: String,
        /// The question.
        prompt: Vec<Message>,
        /// The critic's answer.
        answer: String,
    },
    /// What later questions are told of a program's tests changed, for it ran on tests that the model wrote.
    NodeFeedback {
        /// The feedback; `None` if nothing that is shown failed.
        feedback: Option<String>,
    },
    /// A node was judged.
    NodeEvaluated {
        /// Who judged.
        evaluator: Evaluator,
        /// The score.
        score: f64,
    },
    /// A thought was replaced in place.
    NodeRethought {
        /// First line of the new thought.
        summary: String,
    },
    /// A replaced thought was taken back.
    NodeReverted,
    /// A return was added to a node's statistics.
    Backup {
        /// The return, in `[0, 1]`.
        value: f64,
    },
    /// A change of the tree that has no event of its own.
    TreeChanged {
        /// The change.
        change: Change,
    },
    /// A better program than any before.
    CandidateBest {
        /// Visible tests that it passes.
        passed: u32,
        /// Visible tests.
        total: u32,
    },
    /// What has been spent so far.
    Budget {
        /// Model calls.
        calls: u64,
        /// Complete programs asked for.
        generations: u64,
        /// Prompt and answer tokens.
        tokens: u64,
        /// Micro-USD.
        micro_usd: u64,
    },
    /// The search ended.
    TaskFinished {
        /// How.
        status: Status,
        /// Why.
        stop_reason: Option<StopReason>,
    },
    /// Something to know that stopped nothing.
    Warning {
        /// What.
        message: String,
    },
}

/// A visible test that a program fails. Texts are cut to 400 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFailed {
    /// Position of the test among the visible ones, from 0.
    pub test: u32,
    /// Class of the verdict.
    pub verdict: String,
    /// What was expected, where the program gave another answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came, or what went wrong.
    pub actual: String,
}

impl EventKind {
    /// The event of a tree change, with the node that it is about. `summary` is for new nodes.
    #[must_use]
    pub fn of_change(change: Change, summary: impl FnOnce(NodeId) -> String) -> (Option<NodeId>, Self) {
        match change {
            Change::Added { node, parent, kind, operator, prior, attempt } => {
                let summary = summary(node);
                (Some(node), Self::NodeAdded { parent, kind, action: operator, prior, attempt, summary })
            }
            Change::Evaluated { node, evaluation: Evaluation { evaluator, score } } => {
                (Some(node), Self::NodeEvaluated { evaluator, score })
            }
            Change::Rethought { node } => (Some(node), Self::NodeRethought { summary: summary(node) }),
            Change::Reverted { node } => (Some(node), Self::NodeReverted),
            Change::BackedUp { node, value } => (Some(node), Self::Backup { value }),
            other => (None, Self::TreeChanged { change: other }),
        }
    }
}

impl Event {
    /// The tree change that this event records; `None` for events that changed no tree.
    #[must_use]
    pub fn change(&self) -> Option<Change> {
        if let EventKind::TreeChanged { change } = &self.kind {
            return Some(change.clone());
        }
        let node = self.node?;
        match &self.kind {
            EventKind::NodeAdded { parent, kind, action, prior, attempt, .. } => Some(Change::Added {
                node,
                parent: *parent,
                kind: *kind,
                operator: action.clone(),
                prior: *prior,
                attempt: attempt.clone(),
            }),
            EventKind::NodeEvaluated { evaluator, score } => Some(Change::Evaluated {
                node,
                evaluation: Evaluation { evaluator: *evaluator, score: *score },
            }),
            EventKind::NodeRethought { .. } => Some(Change::Rethought { node }),
            EventKind::NodeReverted => Some(Change::Reverted { node }),
            EventKind::Backup { value } => Some(Change::BackedUp { node, value: *value }),
            _ => None,
        }
    }

    /// The event without what may differ between two runs of the same search: times and cache hits.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.t_us = 0;
        match &mut self.kind {
            EventKind::LlmReply { cached, .. } => *cached = false,
            EventKind::ExecFinished { ms, .. } => *ms = 0,
            _ => {}
        }
        self
    }
}
