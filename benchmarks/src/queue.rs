//! Queues of samples to be drawn: in this process, or on a NATS server for many machines.
//!
//! A task is published once, pulled by somebody, kept alive by heartbeats, and acknowledged when what came of it is safe
//! elsewhere. A queue gives a task out at least once; that its result counts once is the business of whoever keeps the
//! results. Queues lose nothing by being lost: they are filled again from the store.

pub mod conformance;
mod local;
mod serve;

use std::time::Duration;

use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use local::LocalQueue;
pub use serve::{Disposal, Job, Work, serve};

use crate::batch::SampleBudget;

/// Version of a ticket's form.
pub const TICKET_VERSION: u8 = 1;

/// A task of a queue: one sample of one problem. Small, as the problem and what all tasks of a run share are named by
/// their hashes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Version of the form.
    pub v: u8,
    /// Identity of the batch.
    pub run: String,
    /// Id of the problem.
    pub task: String,
    /// Number of the sample, from 0.
    pub sample: u32,
    /// How many times the batch tried the sample, this one included.
    pub attempt: u32,
    /// How many times this attempt was published because an earlier ticket was lost, from 0.
    pub epoch: u32,
    /// Seed of the search.
    pub seed: u64,
    /// What the search may spend.
    pub budget: SampleBudget,
    /// BLAKE3 of what all tasks of the run share; empty where the work stays in this process.
    pub spec_hash: String,
    /// BLAKE3 of the problem, without its hidden tests; empty where the work stays in this process.
    pub problem_hash: String,
}

impl Ticket {
    /// What makes two tickets the same: a queue takes one of them. Letters, digits, `-` and `.` alone, whatever the problem
    /// is called.
    #[must_use]
    pub fn id(&self) -> String {
        let task = blake3::hash(self.task.as_bytes()).to_hex();
        let task = task.get(..24).unwrap_or_default();
        format!("{task}-{}-{}.{}", self.sample, self.attempt, self.epoch)
    }
}

/// A task that somebody has pulled.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// The task.
    pub ticket: Ticket,
    /// How many times it was given out, this one included.
    pub deliveries: u32,
    /// The queue's own name for this lease.
    pub id: u64,
}

/// What is to happen with the tasks of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// They are given out.
    #[default]
    Running,
    /// None is given out; those under way go on.
    Paused,
    /// None is given out, and those under way are given back.
    Cancelled,
    /// Nothing will be published any more: whoever finds nothing can leave.
    Finished,
}

/// What came of asking for tasks.
#[derive(Debug, Clone, PartialEq)]
pub enum Pulled {
    /// Tasks; none if there was none in time.
    Leases(Vec<Lease>),
    /// There is nothing and there will be nothing.
    Over,
}

/// A queue that can't go on. Passing troubles, such as a server that is away, are waited for and are no errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queue of run {run} failed: {reason}")]
pub struct QueueError {
    /// The run.
    pub run: String,
    /// What happened.
    pub reason: String,
}

/// Gives tasks to workers, each at least once.
pub trait WorkQueue: Send + Sync {
    /// Adds a task. Whether it was new: one with the same id may be there already.
    ///
    /// # Errors
    /// [`QueueError`] if it can't be taken.
    fn publish<'a>(&'a self, ticket: &'a Ticket) -> BoxFuture<'a, Result<bool, QueueError>>;

    /// Takes up to `most` tasks; waits up to `wait` for the first.
    ///
    /// # Errors
    /// [`QueueError`] if none can be given any more.
    ///
    /// # Cancellation
    /// Tasks that were about to be given may come later than otherwise.
    fn pull(&self, most: usize, wait: Duration) -> BoxFuture<'_, Result<Pulled, QueueError>>;

    /// Says that a task is still worked on.
    fn heartbeat<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, ()>;

    /// Takes a task off the queue: what came of it is safe. Whether the lease was still good; if not, somebody else may
    /// work on the task too.
    fn ack<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, bool>;

    /// Gives a task back, to be given out again after `delay`.
    fn nack<'a>(&'a self, lease: &'a Lease, delay: Duration) -> BoxFuture<'a, ()>;

    /// Says what is to happen with the tasks.
    ///
    /// # Errors
    /// [`QueueError`] if it can't be said.
    fn steer(&self, control: Control) -> BoxFuture<'_, Result<(), QueueError>>;

    /// Tells what was said by [`WorkQueue::steer`], anywhere.
    fn cancel_events(&self) -> watch::Receiver<Control>;

    /// How often a task under way needs a heartbeat.
    fn heartbeat_every(&self) -> Duration;
}
