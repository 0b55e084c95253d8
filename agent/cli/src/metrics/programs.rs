//! Counts how long contained programs run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use codeagent::sandbox::session::Capabilities;
use codeagent::sandbox::{Ending, Exchange, Open, Sandbox, SandboxError, Session};
use futures_core::future::BoxFuture;

use super::histogram::Histogram;

/// A sandbox whose sessions are counted, from the wish for one to its end.
pub struct Timed {
    inner: Arc<dyn Sandbox>,
    seconds: Arc<Histogram>,
}

impl Timed {
    /// The sandbox, counted by `seconds`.
    #[must_use]
    pub fn new(inner: Arc<dyn Sandbox>, seconds: Arc<Histogram>) -> Self {
        Self { inner, seconds }
    }
}

impl Sandbox for Timed {
    fn open(&self, open: Open) -> BoxFuture<'_, Result<Box<dyn Session>, SandboxError>> {
        Box::pin(async move {
            let clock = Clock { seconds: Arc::clone(&self.seconds), started: Instant::now() };
            let inner = self.inner.open(open).await?;
            let session: Box<dyn Session> = Box::new(TimedSession { inner, clock });
            Ok(session)
        })
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}

struct TimedSession {
    inner: Box<dyn Session>,
    clock: Clock,
}

impl Session for TimedSession {
    fn exchange<'a>(
        &'a mut self,
        request: &'a [u8],
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Exchange, SandboxError>> {
        self.inner.exchange(request, deadline)
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Ending, SandboxError>> {
        let Self { inner, clock } = *self;
        Box::pin(async move {
            let ending = inner.finish().await;
            drop(clock);
            ending
        })
    }
}

/// Counts the time from its making to its drop.
struct Clock {
    seconds: Arc<Histogram>,
    started: Instant,
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.seconds.observe(self.started.elapsed());
    }
}
