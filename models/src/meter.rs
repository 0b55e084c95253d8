//! Live totals of what the providers of a run do, for progress displays.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use futures_core::future::BoxFuture;
use tracing::Instrument as _;

use crate::error::ModelError;
use crate::provider::{Capabilities, Provider, Reply, Request, Usage};
use crate::trace;

/// Counts what goes on; shared by the layers of a stack, read at any moment.
#[derive(Debug, Default)]
pub struct Meter {
    calls: AtomicU64,
    attempts: AtomicU64,
    retries: AtomicU64,
    cache_hits: AtomicU64,
    in_flight: AtomicU64,
    input: AtomicU64,
    cached: AtomicU64,
    output: AtomicU64,
}

/// A [`Meter`] read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Requests that the cache could not answer.
    pub calls: u64,
    /// Tries to have them answered, first tries included.
    pub attempts: u64,
    /// Tries after the first.
    pub retries: u64,
    /// Requests that the cache answered.
    pub cache_hits: u64,
    /// Tries that wait for the server right now.
    pub in_flight: u64,
    /// Prompt tokens of complete replies, cached ones included.
    pub input: u64,
    /// Prompt tokens that the server had cached.
    pub cached: u64,
    /// Output tokens of complete replies.
    pub output: u64,
}

impl Meter {
    /// The totals so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            calls: self.calls.load(Relaxed),
            attempts: self.attempts.load(Relaxed),
            retries: self.retries.load(Relaxed),
            cache_hits: self.cache_hits.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            input: self.input.load(Relaxed),
            cached: self.cached.load(Relaxed),
            output: self.output.load(Relaxed),
        }
    }

    pub(crate) fn call(&self) {
        self.calls.fetch_add(1, Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(crate) fn cache_hit(&self) {
        self.cache_hits.fetch_add(1, Relaxed);
    }

    fn tokens(&self, usage: &Usage) {
        self.input.fetch_add(usage.input, Relaxed);
        self.cached.fetch_add(usage.cached, Relaxed);
        self.output.fetch_add(usage.output, Relaxed);
    }
}

/// Counts the attempts that reach a provider, and the tokens of its replies.
#[derive(Debug)]
pub(crate) struct Metered<P> {
    inner: P,
    meter: Arc<Meter>,
}

impl<P: Provider> Metered<P> {
    pub(crate) const fn new(inner: P, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }

    async fn run(&self, request: &Request) -> Result<Reply, ModelError> {
        let _flight = Flight::start(&self.meter);
        let result = self.inner.complete(request).await;
        trace::ended(&result);
        let reply = result?;
        self.meter.tokens(&reply.usage);
        Ok(reply)
    }
}

impl<P: Provider> Provider for Metered<P> {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(self.run(request).instrument(trace::begun(self.model(), request)))
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }
}

/// One attempt under way; dropping it, also by cancellation, ends it.
struct Flight<'a>(&'a Meter);

impl<'a> Flight<'a> {
    fn start(meter: &'a Meter) -> Self {
        meter.attempts.fetch_add(1, Relaxed);
        meter.in_flight.fetch_add(1, Relaxed);
        Self(meter)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}
