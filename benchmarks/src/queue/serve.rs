//! A worker's day: pulls tasks for its free slots, keeps them alive, and gives each back or takes it off the queue.

use std::collections::HashMap;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Control, Lease, Pulled, QueueError, WorkQueue};

/// How long a pull waits for a task.
const PULL_WAIT: Duration = Duration::from_secs(2);

/// How long a task that broke its worker waits before another one may have it.
const BROKEN_DELAY: Duration = Duration::from_secs(1);

/// What is to become of a task that was worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposal {
    /// What came of it is safe: off the queue with it.
    Done,
    /// It was cut short: somebody else may have it.
    Returned,
}

/// The work on one task.
pub type Job<E> = BoxFuture<'static, Result<Disposal, E>>;

/// What is done with tasks.
pub trait Work: Send + Sync {
    /// Why the worker as a whole can't go on.
    type Error: From<QueueError> + Send + 'static;

    /// Begins a task. Once `cancel` is cancelled it has a few seconds to come to an end.
    ///
    /// # Errors
    /// Whatever ends the worker.
    fn begin(&self, lease: &Lease, cancel: CancellationToken) -> Result<Job<Self::Error>, Self::Error>;

    /// Takes note of a task whose work broke down; it is given back.
    fn broken<'a>(&'a self, lease: &'a Lease, error: &'a JoinError) -> BoxFuture<'a, ()>;
}

struct Crew<'a, W: Work> {
    queue: &'a dyn WorkQueue,
    work: &'a W,
    jobs: JoinSet<Result<Disposal, W::Error>>,
    leases: HashMap<Id, Lease>,
}

/// Works on tasks of `queue`, up to `slots` at a time, until it is over or `stop` is cancelled; then gives back what is
/// under way.
///
/// # Errors
/// Those of the work, and [`QueueError`]. What else was under way is dropped, and comes back to the queue in its time.
pub async fn serve<W: Work>(
    queue: &dyn WorkQueue,
    slots: usize,
    stop: &CancellationToken,
    work: &W,
) -> Result<(), W::Error> {
    let mut crew = Crew { queue, work, jobs: JoinSet::new(), leases: HashMap::new() };
    let mut control = queue.cancel_events();
    let mut heartbeat = tokio::time::interval(queue.heartbeat_every());
    let (stop, mut is_over) = (stop.child_token(), false);
    let mut pulling: Option<BoxFuture<'_, Result<Pulled, QueueError>>> = None;
    loop {
        let free = slots.saturating_sub(crew.jobs.len());
        if pulling.is_none() && free > 0 && !is_over && !stop.is_cancelled() {
            pulling = Some(queue.pull(free, PULL_WAIT));
        }
        if pulling.is_none() && crew.jobs.is_empty() {
            return Ok(());
        }
        tokio::select! {
            biased;
            Some(joined) = crew.jobs.join_next_with_id() => crew.dispose(joined).await?,
            pulled = pulled(&mut pulling) => {
                pulling = None;
                match pulled? {
                    Pulled::Over => is_over = true,
                    Pulled::Leases(leases) if stop.is_cancelled() => crew.give_back(leases).await,
                    Pulled::Leases(leases) => crew.begin(leases, &stop)?,
                }
            }
            () = cancelled(&mut control), if !stop.is_cancelled() => stop.cancel(),
            _ = heartbeat.tick() => crew.keep_alive().await,
        }
    }
}

impl<W: Work> Crew<'_, W> {
    fn begin(&mut self, leases: Vec<Lease>, stop: &CancellationToken) -> Result<(), W::Error> {
        for lease in leases {
            let job = self.work.begin(&lease, stop.clone())?;
            self.leases.insert(self.jobs.spawn(job).id(), lease);
        }
        Ok(())
    }

    async fn dispose(
        &mut self,
        joined: Result<(Id, Result<Disposal, W::Error>), JoinError>,
    ) -> Result<(), W::Error> {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(lease) = self.leases.remove(&id) else { return Ok(()) };
        match joined {
            Ok((_, Ok(Disposal::Done))) => drop(self.queue.ack(&lease).await),
            Ok((_, Ok(Disposal::Returned))) => self.queue.nack(&lease, Duration::ZERO).await,
            Ok((_, Err(error))) => return Err(error),
            Err(error) => {
                self.work.broken(&lease, &error).await;
                self.queue.nack(&lease, BROKEN_DELAY).await;
            }
        }
        Ok(())
    }

    async fn give_back(&self, leases: Vec<Lease>) {
        for lease in leases {
            self.queue.nack(&lease, Duration::ZERO).await;
        }
    }

    async fn keep_alive(&self) {
        for lease in self.leases.values() {
            self.queue.heartbeat(lease).await;
        }
    }
}

async fn pulled(
    pulling: &mut Option<BoxFuture<'_, Result<Pulled, QueueError>>>,
) -> Result<Pulled, QueueError> {
    match pulling {
        Some(pulling) => pulling.await,
        None => std::future::pending().await,
    }
}

/// Returns once the queue's tasks are cancelled.
async fn cancelled(control: &mut tokio::sync::watch::Receiver<Control>) {
    if control.wait_for(|control| *control == Control::Cancelled).await.is_err() {
        // The queue says nothing any more.
        std::future::pending::<()>().await;
    }
}
