//! Batches: samples of many problems by one agent, judged on the hidden tests, interrupted and continued at will.
//!
//! The samples go through a queue, here one in this process; `cluster` has one for many machines. What came of a sample is stored before it is told. A sample whose search was cut short has no row: the same batch
//! goes on with it, from its stored replies.

mod activity;
mod ledger;
mod results;
mod row;
pub(crate) mod search;
mod spec;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use codeagent::search::Cost;
use codeagent::solution::FailureKind;
use codeagent::store::{Sample, Store, StoreError};
use codeagent::{Agent, AgentBuilder, BuildError, Event, Purse, RunSpec};
use codeagent_sandbox::{Judge, JudgeOptions, Report, SandboxError};
use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

pub use activity::{Activity, Moment};
pub(crate) use ledger::{Drawn, Ledger};
pub use results::{AllPaid, BatchResults, Curves, Group, Money, Point, Repetition};
pub use row::{Counted, Found, SampleError, SampleRow, SampleStatus, Tokens};
#[cfg(feature = "nats")]
pub(crate) use spec::differing;
pub use spec::{BatchFile, Extent, NotTheSame, RunBudget, SampleBudget};

use crate::datasets::ProblemWithHidden;
use crate::queue::{
    Control, Disposal, Job, Lease, LocalQueue, QueueError, TICKET_VERSION, Ticket, Work, WorkQueue, serve,
};
use crate::verify::{verify_hidden, verify_visible};
use row::Identity;
use search::{Finding, Listener};

/// Seeds fit the integers that every JSON reader keeps exact.
const SEED_BITS: u64 = (1 << 53) - 1;

/// A batch that could not go on. What was finished is stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The store failed.
    #[error("the store of the batch failed")]
    Store(#[from] StoreError),
    /// The parts of the agent do not fit together.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A row of the store is none that this version understands.
    #[error("the stored row of sample {sample} of {task} can't be read")]
    Row {
        /// Id of the problem.
        task: String,
        /// Number of the sample.
        sample: u32,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// Nobody takes the news any more.
    #[error("what came of a sample could not be told")]
    Untold,
    /// The queue of its samples failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// One sample that is still to be drawn.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The problem.
    pub problem: Arc<ProblemWithHidden>,
    /// Number of the sample, from 0.
    pub sample: u32,
    /// How many times it was tried, this one included.
    pub attempt: u32,
}

/// What there is to tell while a batch runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum News {
    /// A step of a search.
    Event(Box<Event>),
    /// How far a search is that goes on elsewhere. Not all of them are told.
    Step(Box<Step>),
    /// A sample is finished, and stored.
    Finished(Box<SampleRow>),
}

/// How far a search is that goes on elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Step {
    /// Who searches.
    pub worker: String,
    /// Id of the problem.
    pub task: String,
    /// Number of the sample.
    pub sample: u32,
    /// Nodes of its tree, without the root.
    pub nodes: u32,
    /// Model calls so far.
    pub calls: u64,
    /// The visible tests that its best program passes, and how many there are.
    pub best: Option<(u32, u32)>,
    /// Whether it ended.
    pub ended: bool,
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Every sample has a row.
    Done,
    /// The caller cancelled it.
    Cancelled,
    /// Somebody called it off from elsewhere.
    CalledOff,
    /// What the samples may spend together is spent.
    RunBudget,
    /// Something is down that all samples need.
    Down(SampleError),
}

/// A batch: what draws and judges its samples.
#[derive(Clone)]
pub struct Batch {
    /// Identity of the batch.
    pub id: String,
    /// The agent, but for seed, sample, budget and purse.
    pub agent: AgentBuilder,
    /// What one sample may spend.
    pub per_sample: SampleBudget,
    /// What all samples together may spend.
    pub purse: Purse,
    /// Seed of the batch, from which those of the samples come.
    pub seed: u64,
    /// Judges the programs.
    pub judge: Judge,
    /// How it judges.
    pub options: JudgeOptions,
    /// Where rows, replies and events are kept.
    pub store: Arc<Store>,
    /// Samples searched at a time.
    pub searches: usize,
    /// Whether events are told.
    pub tells_events: bool,
    /// What it is at, for whoever watches.
    pub activity: Activity,
}

/// The rows of a batch that are stored, by problem and number.
///
/// # Errors
/// [`BatchError`] if the store can't be read.
pub async fn stored_rows(store: &Store, batch: &str) -> Result<Vec<SampleRow>, BatchError> {
    let samples = store.samples(batch).await?;
    samples
        .into_iter()
        .map(|Sample { task, sample, body, .. }| {
            serde_json::from_str(&body).map_err(|source| BatchError::Row { task, sample, source })
        })
        .collect()
}

/// The rows that stand: those of samples that are not drawn again.
#[must_use]
pub fn standing<'r>(rows: &'r [SampleRow], units: &[Unit]) -> Vec<&'r SampleRow> {
    let again: BTreeSet<(&str, u32)> =
        units.iter().map(|unit| (unit.problem.problem.id.as_str(), unit.sample)).collect();
    rows.iter().filter(|row| !again.contains(&(row.task_id.as_str(), row.sample))).collect()
}

/// What the samples of these rows have cost. That of others is charged when they are continued from their stored replies.
#[must_use]
pub fn spent<'r>(rows: impl IntoIterator<Item = &'r SampleRow>) -> Cost {
    rows.into_iter().fold(Cost::default(), |sum, row| sum + row.cost())
}

/// The seed of one sample's search.
#[must_use]
pub fn sample_seed(seed: u64, task: &str, sample: u32) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(&sample.to_le_bytes()).update(task.as_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    u64::from_le_bytes(bytes) & SEED_BITS
}

/// The samples that have no row yet, or one that a further attempt may better: those that ended in errors, and those
/// whose budget ran out when they were allowed something else. First samples of all problems before second ones.
#[must_use]
pub fn pending(
    problems: &[Arc<ProblemWithHidden>],
    samples: u32,
    allowed: SampleBudget,
    rows: &[SampleRow],
) -> Vec<Unit> {
    let rows: BTreeMap<(&str, u32), &SampleRow> =
        rows.iter().map(|row| ((row.task_id.as_str(), row.sample), row)).collect();
    let units = (0..samples).flat_map(|sample| problems.iter().map(move |problem| (sample, problem)));
    units
        .filter_map(|(sample, problem)| {
            let row = rows.get(&(problem.problem.id.as_str(), sample));
            let is_open = row
                .is_none_or(|row| !row.is_resolved() || row.allowed.is_some_and(|before| before != allowed));
            let attempt = row.map_or(1, |row| row.attempt.saturating_add(1));
            is_open.then(|| Unit { problem: Arc::clone(problem), sample, attempt })
        })
        .collect()
}

impl Batch {
    /// Draws and judges samples, some at a time, and tells what comes of them. `stopped` asks for an end: no new samples,
    /// a few seconds for those in flight.
    ///
    /// # Errors
    /// [`BatchError`]; what was told is stored.
    pub async fn run(
        &self,
        units: Vec<Unit>,
        stopped: impl Future<Output = ()>,
        news: &mpsc::Sender<News>,
    ) -> Result<Ended, BatchError> {
        let queue = LocalQueue::default();
        for unit in &units {
            queue.publish(&self.ticket(unit)).await?;
        }
        queue.steer(Control::Finished).await?;
        self.activity.set_queued(units.len());
        let (told, mut drawn) = mpsc::channel(self.searches.max(1));
        let bench = Bench {
            batch: self,
            problems: by_id(&units),
            told,
            events: self.tells_events.then(|| news.clone()),
        };
        let stop = CancellationToken::new();
        let serving = serve(&queue, self.searches, &stop, &bench);
        let mut ledger = Ledger::new(news);
        tokio::pin!(serving, stopped);
        loop {
            tokio::select! {
                biased;
                Some(drawn) = drawn.recv() => ledger.note(drawn).await?,
                served = &mut serving => {
                    served?;
                    break;
                }
                () = &mut stopped, if ledger.ended.is_none() => ledger.ended = Some(Ended::Cancelled),
            }
            if ledger.ended.is_some() {
                queue.steer(Control::Cancelled).await?;
            }
        }
        while let Ok(drawn) = drawn.try_recv() {
            ledger.note(drawn).await?;
        }
        Ok(ledger.ended.unwrap_or(Ended::Done))
    }

    /// The task of a unit, for a queue in this process.
    pub(crate) fn ticket(&self, unit: &Unit) -> Ticket {
        let task = unit.problem.problem.id.clone();
        Ticket {
            v: TICKET_VERSION,
            run: self.id.clone(),
            seed: sample_seed(self.seed, &task, unit.sample),
            task,
            sample: unit.sample,
            attempt: unit.attempt,
            epoch: 0,
            budget: self.per_sample,
            spec_hash: String::new(),
            problem_hash: String::new(),
        }
    }

    /// The agent that draws a sample.
    pub(crate) fn agent_of(&self, ticket: &Ticket) -> Result<Agent, BuildError> {
        let agent = ticket.agent(self.agent.clone()).purse(self.purse.clone());
        agent.store(Arc::clone(&self.store)).build()
    }

    /// Judges what a search found and stores what came of the sample.
    pub(crate) async fn conclude(
        &self,
        ticket: &Ticket,
        problem: &ProblemWithHidden,
        search: &RunSpec,
        found: Finding,
    ) -> Result<SampleRow, BatchError> {
        let started = Instant::now();
        let outcome = found.outcome;
        let judged = match &outcome.solution {
            Some(solution) if outcome.failure.is_none() => self
                .judged(&solution.program, problem)
                .await
                .map(Some)
                .map_err(|error| SampleError { kind: FailureKind::Sandbox, message: error.to_string() }),
            _ => Ok(None),
        };
        let wall = Duration::from_millis(found.wall_ms) + started.elapsed();
        let row = SampleRow::new(Identity::of(ticket, search), outcome, judged, wall);
        let body = serde_json::to_string(&row).map_err(|source| BatchError::Row {
            task: row.task_id.clone(),
            sample: row.sample,
            source,
        })?;
        let sample = Sample { task: row.task_id.clone(), sample: row.sample, attempt: row.attempt, body };
        self.store.put_sample(&self.id, sample).await?;
        Ok(row)
    }

    async fn judged(&self, program: &str, problem: &ProblemWithHidden) -> Result<Report, SandboxError> {
        if problem.hidden.is_empty() {
            verify_visible(program, problem, &self.judge, &self.options).await
        } else {
            verify_hidden(program, problem, &self.judge, &self.options).await
        }
    }
}

impl Ticket {
    /// An agent made to draw this sample.
    pub(crate) fn agent(&self, agent: AgentBuilder) -> AgentBuilder {
        agent
            .seed(self.seed)
            .sample(self.sample)
            .budget(self.budget.limits)
            .time_limit(self.budget.seconds.map(Duration::from_secs_f64))
    }
}

/// The problems of units by their ids.
pub(crate) fn by_id(units: &[Unit]) -> BTreeMap<String, Arc<ProblemWithHidden>> {
    units.iter().map(|unit| (unit.problem.problem.id.clone(), Arc::clone(&unit.problem))).collect()
}

/// Draws and judges in this process.
struct Bench<'b> {
    batch: &'b Batch,
    problems: BTreeMap<String, Arc<ProblemWithHidden>>,
    told: mpsc::Sender<Drawn>,
    events: Option<mpsc::Sender<News>>,
}

impl Work for Bench<'_> {
    type Error = BatchError;

    fn begin(&self, lease: &Lease, cancel: CancellationToken) -> Result<Job<BatchError>, BatchError> {
        let ticket = lease.ticket.clone();
        // Tickets are made of these problems.
        let Some(problem) = self.problems.get(&ticket.task).map(Arc::clone) else {
            return Ok(Box::pin(std::future::ready(Ok(Disposal::Done))));
        };
        let agent = self.batch.agent_of(&ticket)?;
        let (batch, told, events) = (self.batch.clone(), self.told.clone(), self.events.clone());
        Ok(Box::pin(async move {
            let _busy = batch.activity.begin_queued();
            let search = agent.run_spec(&problem.problem);
            let mut listener = events.map_or(Listener::Nobody, Listener::News);
            let found = search::found(agent.solve(problem.problem.clone()), cancel, &mut listener).await?;
            let drawn = match found.cut_short() {
                Some(reason) => Drawn::CutShort(reason),
                None => Drawn::Row(Box::new(batch.conclude(&ticket, &problem, &search, found).await?)),
            };
            let disposal = drawn.disposal();
            told.send(drawn).await.map_err(|_| BatchError::Untold)?;
            Ok(disposal)
        }))
    }

    fn broken<'a>(&'a self, _: &'a Lease, error: &'a JoinError) -> BoxFuture<'a, ()> {
        // Beside the search, which has its own net; the sample has no row. Nobody is told who no longer listens.
        let drawn = Drawn::Broken(format!("a sample broke down: {error}"));
        Box::pin(async move { drop(self.told.send(drawn).await) })
    }
}

#[cfg(test)]
pub(crate) mod tests;
