//! A session whose program runs in a worker process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::Semaphore;

use super::message::{FromWorker, ToWorker};
use super::pool::{Pool, Worker};
use crate::error::SandboxError;
use crate::session::{Ending, Exchange, Open, Session};

/// A worker keeps its program's time itself, at every tick. One that says nothing for this long after that is broken.
const GRACE: Duration = Duration::from_secs(10);
/// Bytes that a message may have beyond what the limits allow a program to say.
const MESSAGE_BYTES: usize = 1 << 20;

/// A session in a worker, which it takes when it is first asked something. Dropping it ends its program.
pub(super) struct RemoteSession {
    pool: Arc<Pool>,
    permits: Arc<Semaphore>,
    interpreter: PathBuf,
    message_bytes: usize,
    wall: Duration,
    state: State,
}

enum State {
    /// Nothing has been asked yet.
    Unopened(Open),
    /// Its program waits to be asked.
    Waiting(Worker),
    /// Its program has ended.
    Ended(Ending),
    /// An exchange failed or was given up.
    Broken,
}

impl RemoteSession {
    pub(super) fn new(pool: Arc<Pool>, permits: Arc<Semaphore>, interpreter: PathBuf, open: Open) -> Self {
        let limits = open.limits;
        let output = limits.output_bytes.saturating_mul(2);
        let message_bytes = output.saturating_add(limits.answer_bytes).saturating_add(MESSAGE_BYTES);
        let state = State::Unopened(open);
        Self { pool, permits, interpreter, message_bytes, wall: limits.wall, state }
    }

    /// Has the worker do something and waits for what it says. While this is not through, the worker belongs to this
    /// future, whose drop kills it.
    async fn ask(
        &mut self,
        ask: ToWorker,
        allowance: Duration,
    ) -> Result<(Worker, FromWorker), SandboxError> {
        let _permit = super::acquire(&self.permits).await?;
        let (mut worker, messages) = match std::mem::replace(&mut self.state, State::Broken) {
            State::Unopened(open) => {
                (self.pool.take(&self.interpreter)?, vec![ToWorker::Begin(Box::new(open)), ask])
            }
            State::Waiting(worker) => (worker, vec![ask]),
            State::Ended(_) | State::Broken => return Err(broken("its session is over")),
        };
        let patience = allowance.min(self.wall).saturating_add(GRACE);
        match tokio::time::timeout(patience, worker.talk(&messages, self.message_bytes)).await {
            Ok(Ok(FromWorker::Failed(reason))) => Err(SandboxError::Worker { reason }),
            Ok(Ok(said)) => Ok((worker, said)),
            Ok(Err(error)) => Err(broken(&format!("its process is gone ({error})"))),
            Err(_) => Err(broken("it does not answer")),
        }
    }
}

impl Session for RemoteSession {
    fn exchange<'a>(
        &'a mut self,
        request: &'a [u8],
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Exchange, SandboxError>> {
        Box::pin(async move {
            if matches!(self.state, State::Ended(_)) {
                return Ok(Exchange::Ended);
            }
            let ask = ToWorker::Request { allowance: deadline, request: request.to_vec() };
            match self.ask(ask, deadline).await? {
                (worker, FromWorker::Answer(answer)) => {
                    self.state = State::Waiting(worker);
                    Ok(Exchange::Answer(answer))
                }
                (worker, FromWorker::Ended(ending)) => {
                    self.pool.put(worker);
                    self.state = State::Ended(*ending);
                    Ok(Exchange::Ended)
                }
                (_, FromWorker::Failed(reason)) => Err(SandboxError::Worker { reason }),
            }
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<Ending, SandboxError>> {
        Box::pin(async move {
            if let State::Ended(ending) = &mut self.state {
                let ending = ending.clone();
                return Ok(ending);
            }
            match self.ask(ToWorker::Close, Duration::MAX).await? {
                (worker, FromWorker::Ended(ending)) => {
                    self.pool.put(worker);
                    Ok(*ending)
                }
                (_, FromWorker::Answer(_)) => Err(broken("it answered when nothing was asked")),
                (_, FromWorker::Failed(reason)) => Err(SandboxError::Worker { reason }),
            }
        })
    }
}

impl Drop for RemoteSession {
    fn drop(&mut self) {
        if let State::Waiting(mut worker) = std::mem::replace(&mut self.state, State::Broken)
            && worker.abandon().is_ok()
        {
            self.pool.put(worker);
        }
    }
}

fn broken(reason: &str) -> SandboxError {
    SandboxError::Worker { reason: reason.to_owned() }
}
