//! What a search ends with.

use codeagent_search::budget::Cost;
use codeagent_search::policy::StopReason;
use codeagent_search::tree::NodeId;
use serde::{Deserialize, Serialize};

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The program passes every visible test.
    Solved,
    /// The method is done and no program passes every visible test.
    Unsolved,
    /// A budget, its own or one that it shared, the clock or the caller ended the search before that.
    Capped,
    /// A fault of model, sandbox or store ended it; the same command continues.
    #[default]
    Error,
}

impl Status {
    /// The status as one word, as in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::Unsolved => "unsolved",
            Self::Capped => "capped",
            Self::Error => "error",
        }
    }
}

/// The outcome of a search. Always a value: an unsolved or capped search carries its best program too.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// Why; `None` where an error ended it.
    pub stop_reason: Option<StopReason>,
    /// The chosen program; `None` only if no answer held one.
    pub solution: Option<Solution>,
    /// Visible tests that the program passes.
    pub passed: u32,
    /// Visible tests of the problem.
    pub total: u32,
    /// Nodes of the tree, the root included.
    #[serde(default)]
    pub nodes: u32,
    /// What the search spent, cached replies included as if they had been paid.
    pub cost: Cost,
    /// What of that was spent when the chosen program became the best.
    #[serde(default)]
    pub found: Cost,
    /// Prompt tokens that the server had cached.
    pub cached_tokens: u64,
    /// Whether every reply had a known price, so that the money is exact.
    pub priced: bool,
    /// Answers that ended cut for repeating themselves; those that the model was asked to continue are not among them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: u64,
    /// What ended it, where an error did.
    pub failure: Option<Failure>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Outcome {
    /// Whether the method did all that it does, so that there is nothing to continue.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        self.failure.is_none()
            && matches!(self.stop_reason, Some(StopReason::Accepted | StopReason::Exhausted))
    }
}

/// A chosen program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Solution {
    /// The node that holds it.
    pub node: NodeId,
    /// The whole program.
    pub program: String,
}

/// A fault that ended a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which part failed.
    pub kind: FailureKind,
    /// What happened, with its causes.
    pub message: String,
}

/// Which part failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The model or its server.
    Provider,
    /// The model's server refused the key, the quota is used up, or the server was away for too long: every other search
    /// would meet the same.
    Refused,
    /// A recording, or stored replies alone, have no answer to a question.
    NotRecorded,
    /// The sandbox.
    Sandbox,
    /// The store of the run.
    Store,
    /// The task itself: everybody who worked on it went down.
    Poison,
    /// A part of this program.
    Internal,
}

impl FailureKind {
    /// Its name, as in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Refused => "refused",
            Self::NotRecorded => "not_recorded",
            Self::Sandbox => "sandbox",
            Self::Store => "store",
            Self::Poison => "poison",
            Self::Internal => "internal",
        }
    }
}
