//! Batches: samples of many problems by one agent, judged on the hidden tests, interrupted and continued at will.
//!
//! What came of a sample is stored before it is told. A sample whose search was cut short has no row: the same batch
//! goes on with it, from its stored replies.

mod results;
mod row;
mod spec;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use codeagent::search::{Cost, StopReason};
use codeagent::solution::FailureKind;
use codeagent::store::{Sample, Store, StoreError};
use codeagent::{AgentBuilder, BuildError, Event, Purse, RunHandle};
use codeagent_sandbox::{Judge, JudgeOptions, Report, SandboxError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use results::{AllPaid, BatchResults, Curves, Group, Money, Point};
pub use row::{Counted, Found, SampleError, SampleRow, SampleStatus, Tokens};
pub use spec::{BatchFile, Extent, NotTheSame, RunBudget, SampleBudget};

use crate::datasets::ProblemWithHidden;
use crate::verify::{verify_hidden, verify_visible};
use row::Identity;

/// So many samples that end in errors, one after the other and with no good one between, end the batch: something is
/// down that all of them need.
const ERRORS_IN_A_ROW_MAX: usize = 20;

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
    /// A sample is finished, and stored.
    Finished(Box<SampleRow>),
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Every sample has a row.
    Done,
    /// The caller cancelled it.
    Cancelled,
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
}

/// What came of one sample.
enum Drawn {
    Row(Box<SampleRow>),
    CutShort(StopReason),
}

type Tasks = JoinSet<Result<Drawn, BatchError>>;

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
        let mut waiting = VecDeque::from(units);
        let mut tasks = Tasks::new();
        let mut handles: Vec<RunHandle> = Vec::new();
        let mut ended = None;
        let mut errors_in_a_row = 0;
        tokio::pin!(stopped);
        loop {
            while ended.is_none() && tasks.len() < self.searches {
                let Some(unit) = waiting.pop_front() else { break };
                handles.push(self.start(unit, &mut tasks, news)?);
            }
            tokio::select! {
                joined = tasks.join_next() => match joined {
                    None => break,
                    Some(Ok(drawn)) => match drawn? {
                        Drawn::CutShort(StopReason::RunBudget) => ended = ended.or(Some(Ended::RunBudget)),
                        Drawn::CutShort(_) => ended = ended.or(Some(Ended::Cancelled)),
                        Drawn::Row(row) => {
                            errors_in_a_row = if row.is_resolved() { 0 } else { errors_in_a_row + 1 };
                            ended = ended.or_else(|| down(&row, errors_in_a_row));
                            news.send(News::Finished(row)).await.map_err(|_| BatchError::Untold)?;
                        }
                    },
                    // Its task broke down beside the search, which has its own net; the sample has no row.
                    Some(Err(error)) => {
                        let message = format!("a sample broke down: {error}");
                        ended = ended.or(Some(Ended::Down(SampleError { kind: FailureKind::Internal, message })));
                    }
                },
                () = &mut stopped, if ended.is_none() => ended = Some(Ended::Cancelled),
            }
            if ended.is_some() {
                handles.drain(..).for_each(|handle| handle.cancel());
            }
        }
        Ok(ended.unwrap_or(Ended::Done))
    }

    /// Starts one sample's search.
    fn start(
        &self,
        unit: Unit,
        tasks: &mut Tasks,
        news: &mpsc::Sender<News>,
    ) -> Result<RunHandle, BatchError> {
        let problem = &unit.problem.problem;
        let seed = sample_seed(self.seed, &problem.id, unit.sample);
        let agent = self
            .agent
            .clone()
            .seed(seed)
            .sample(unit.sample)
            .budget(self.per_sample.limits)
            .time_limit(self.per_sample.seconds.map(Duration::from_secs_f64))
            .purse(self.purse.clone())
            .store(Arc::clone(&self.store))
            .build()?;
        let spec = agent.run_spec(problem);
        let named = |key: &str| spec.spec.get(key).and_then(|it| it.as_str()).unwrap_or_default().to_owned();
        let identity = Identity {
            run_id: self.id.clone(),
            task_id: problem.id.clone(),
            sample: unit.sample,
            seed,
            strategy: named("strategy"),
            model: named("model"),
            search: spec.run_id().to_owned(),
            attempt: unit.attempt,
            budget: self.per_sample,
        };
        let run = agent.solve(problem.clone());
        let handle = run.handle();
        let (batch, news) = (self.clone(), self.tells_events.then(|| news.clone()));
        tasks.spawn(async move { batch.draw(run, unit, identity, news).await });
        Ok(handle)
    }

    async fn draw(
        self,
        mut run: codeagent::Run,
        unit: Unit,
        identity: Identity,
        news: Option<mpsc::Sender<News>>,
    ) -> Result<Drawn, BatchError> {
        let started = Instant::now();
        if let Some(news) = news {
            while let Some(event) = run.next().await {
                news.send(News::Event(Box::new(event))).await.map_err(|_| BatchError::Untold)?;
            }
        }
        let outcome = run.outcome().await;
        if let Some(reason @ (StopReason::Cancelled | StopReason::RunBudget)) = outcome.stop_reason {
            return Ok(Drawn::CutShort(reason));
        }
        let judged = match &outcome.solution {
            Some(solution) if outcome.failure.is_none() => self
                .judged(&solution.program, &unit.problem)
                .await
                .map(Some)
                .map_err(|error| SampleError { kind: FailureKind::Sandbox, message: error.to_string() }),
            _ => Ok(None),
        };
        let row = SampleRow::new(identity, outcome, judged, started.elapsed());
        let body = serde_json::to_string(&row).map_err(|source| BatchError::Row {
            task: row.task_id.clone(),
            sample: row.sample,
            source,
        })?;
        let sample = Sample { task: row.task_id.clone(), sample: row.sample, attempt: row.attempt, body };
        self.store.put_sample(&self.id, sample).await?;
        Ok(Drawn::Row(Box::new(row)))
    }

    async fn judged(&self, program: &str, problem: &ProblemWithHidden) -> Result<Report, SandboxError> {
        if problem.hidden.is_empty() {
            verify_visible(program, problem, &self.judge, &self.options).await
        } else {
            verify_hidden(program, problem, &self.judge, &self.options).await
        }
    }
}

/// Whether an error is one that every further sample would meet.
fn down(row: &SampleRow, errors_in_a_row: usize) -> Option<Ended> {
    let error = row.error.as_ref()?;
    let meets_all = matches!(error.kind, FailureKind::Refused | FailureKind::Store);
    (meets_all || errors_in_a_row >= ERRORS_IN_A_ROW_MAX).then(|| Ended::Down(error.clone()))
}

#[cfg(test)]
pub(crate) mod tests;
