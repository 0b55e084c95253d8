//! What a store needs of a database.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_core::future::BoxFuture;
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::run::{Attempt, Event, Failure, NewRun, Run, RunHead, Sample};

/// Whether somebody waits for a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Somebody does.
    Now,
    /// Nobody does.
    Later,
}

/// What can be written.
#[derive(Debug)]
pub(crate) enum Write {
    BeginRun(NewRun),
    RunStatus { id: String, status: String },
    FinishRun { id: String, status: String, result: String },
    Reply { key: String, body: Vec<u8> },
    Execution { key: String, body: Vec<u8> },
    Events { run: String, events: Vec<(u64, String)> },
    Failure { run: String, unit: String, body: String },
    Sample { batch: String, sample: Sample },
    NewAttempt { run: String, body: String },
    Attempt { run: String, number: u32, body: String },
    Close,
}

/// Which run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RunKey<'k> {
    /// The one with this id.
    Id(&'k str),
    /// The one with this fingerprint.
    Fingerprint(&'k str),
}

/// A table of bodies under keys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keyed {
    /// Answers of models.
    Replies,
    /// Results of executions.
    Executions,
}

impl Keyed {
    /// Name of the table.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Replies => "replies",
            Self::Executions => "executions",
        }
    }
}

/// What is on its way: a value or an error.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A database that keeps a store. Bodies are verified when they are read.
pub(crate) trait Database: fmt::Debug + Send + Sync {
    /// Gives a write in. It is durable once the [`Pending`] is done, and before whatever is given in after it.
    fn write(&self, write: Write, urgency: Urgency) -> Answer<'_, Pending>;
    /// Keeps others from claiming the same name until the store is closed or this process ends.
    fn claim<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;
    /// One run.
    fn run<'a>(&'a self, key: RunKey<'a>) -> Answer<'a, Option<Run>>;
    /// All runs, oldest first.
    fn runs(&self) -> Answer<'_, Vec<Run>>;
    /// All runs without their texts, oldest first.
    fn run_heads(&self) -> Answer<'_, Vec<RunHead>>;
    /// The body under a key.
    fn keyed<'a>(&'a self, table: Keyed, key: &'a str) -> Answer<'a, Option<Vec<u8>>>;
    /// At most `limit` events of a run, from the number `first` on.
    fn events<'a>(&'a self, run: &'a str, first: u64, limit: usize) -> Answer<'a, Vec<Event>>;
    /// All failures of a run, by unit and attempt.
    fn failures<'a>(&'a self, run: &'a str) -> Answer<'a, Vec<Failure>>;
    /// All samples of a batch, by problem and number.
    fn samples<'a>(&'a self, batch: &'a str) -> Answer<'a, Vec<Sample>>;
    /// All attempts at all runs, by run and number.
    fn attempts(&self) -> Answer<'_, Vec<Attempt>>;
    /// Waits for all writes and closes the connections.
    fn close(&self) -> Answer<'_, ()>;
}

/// A write that was given in and perhaps not written yet. Dropping it changes nothing but that its error goes unseen.
#[derive(Debug)]
#[must_use = "the error of a write that nobody looks at is lost"]
pub struct Pending {
    answer: oneshot::Receiver<Result<u64, StoreError>>,
    path: Arc<PathBuf>,
}

impl Pending {
    /// A write to the store at `path` whose answer comes through a channel.
    pub(crate) const fn new(answer: oneshot::Receiver<Result<u64, StoreError>>, path: Arc<PathBuf>) -> Self {
        Self { answer, path }
    }

    /// Whether it is durable by now.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored.
    pub fn is_done(&mut self) -> Result<bool, StoreError> {
        match self.answer.try_recv() {
            Ok(answer) => answer.map(|_| true),
            Err(oneshot::error::TryRecvError::Empty) => Ok(false),
            Err(oneshot::error::TryRecvError::Closed) => Err(self.closed()),
        }
    }

    /// Waits until it is durable.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored.
    pub async fn done(self) -> Result<(), StoreError> {
        self.answer().await.map(drop)
    }

    /// The number of rows that it made or changed; of a new attempt, its own number.
    pub(crate) async fn answer(self) -> Result<u64, StoreError> {
        let closed = self.closed();
        self.answer.await.map_err(|_| closed)?
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed { path: self.path.as_ref().clone() }
    }
}

/// Microseconds since 1970 UTC. Recorded for people; nothing is decided by it.
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
