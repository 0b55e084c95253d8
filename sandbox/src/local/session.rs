//! A session as the caller sees it.

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::{Semaphore, oneshot};

use super::supervisor::{Command, Link, gone};
use crate::error::SandboxError;
use crate::session::{Ending, Exchange, Session};

/// One contained program and the thread that watches it.
#[derive(Debug)]
pub(super) struct LocalSession {
    pub(super) link: Link,
    pub(super) slots: Arc<Semaphore>,
}

/// Wakes the supervisor when a future is dropped, so that it notices that nobody waits any more.
struct WakeOnDrop<'a>(&'a Link);

impl Drop for WakeOnDrop<'_> {
    fn drop(&mut self) {
        self.0.wake();
    }
}

impl Session for LocalSession {
    fn exchange<'a>(
        &'a mut self,
        request: &'a [u8],
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Exchange, SandboxError>> {
        Box::pin(async move {
            // Held while the program works and not while the session waits: a judge that holds one session while it
            // asks another could otherwise wait for itself.
            let _slot = self.slots.acquire().await.map_err(|_| gone())?;
            let (reply, answer) = oneshot::channel();
            self.link.send(Command::Exchange { request: request.to_vec(), deadline, reply })?;
            let _wake = WakeOnDrop(&self.link);
            answer.await.map_err(|_| gone())?
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Ending, SandboxError>> {
        Box::pin(async move {
            let (reply, ending) = oneshot::channel();
            self.link.send(Command::Finish { reply })?;
            ending.await.map_err(|_| gone())?
        })
    }
}
