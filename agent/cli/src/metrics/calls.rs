//! Counts what comes of each try to have a model answer, and how long it takes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use codeagent::models::{Capabilities, ModelError, Provider, Reply, Request};
use futures_core::future::BoxFuture;

use super::histogram::Histogram;
use super::page::Page;

/// Tries to have a model answer.
#[derive(Debug, Default)]
pub struct Calls {
    outcomes: Mutex<BTreeMap<&'static str, u64>>,
    in_flight: AtomicU64,
    input: AtomicU64,
    output: AtomicU64,
    seconds: Histogram,
}

impl Calls {
    /// Tokens of complete replies: of the prompts, and of the answers.
    #[must_use]
    pub fn tokens(&self) -> (u64, u64) {
        (self.input.load(Relaxed), self.output.load(Relaxed))
    }

    /// Shows them.
    pub fn show(&self, page: &mut Page) {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        page.by_label(
            (
                "codeagent_model_attempts_total",
                "counter",
                "Tries to have the model answer, by what came of them.",
            ),
            "outcome",
            outcomes,
        );
        page.number(
            "codeagent_model_requests_in_flight",
            "gauge",
            "Requests that wait for the model right now.",
            self.in_flight.load(Relaxed),
        );
        self.seconds.show(
            page,
            "codeagent_model_attempt_seconds",
            "Time of each try to have the model answer.",
        );
    }

    fn ended(&self, outcome: &'static str) {
        *self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).entry(outcome).or_default() += 1;
    }
}

/// A model whose tries are counted.
pub struct Counted {
    inner: Arc<dyn Provider>,
    calls: Arc<Calls>,
}

impl Counted {
    /// The model, counted by `calls`.
    #[must_use]
    pub fn new(inner: Arc<dyn Provider>, calls: Arc<Calls>) -> Self {
        Self { inner, calls }
    }
}

impl Provider for Counted {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(async move {
            let mut attempt = Attempt::start(&self.calls);
            let result = self.inner.complete(request).await;
            attempt.outcome = result.as_ref().map_or_else(|error| error.kind().name(), |_| "answered");
            if let Ok(reply) = &result {
                self.calls.input.fetch_add(reply.usage.input, Relaxed);
                self.calls.output.fetch_add(reply.usage.output, Relaxed);
            }
            result
        })
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }
}

/// One try under way; dropping it unfinished counts it as cancelled.
struct Attempt<'a> {
    calls: &'a Calls,
    started: Instant,
    outcome: &'static str,
}

impl<'a> Attempt<'a> {
    fn start(calls: &'a Calls) -> Self {
        calls.in_flight.fetch_add(1, Relaxed);
        Self { calls, started: Instant::now(), outcome: "cancelled" }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.calls.in_flight.fetch_sub(1, Relaxed);
        self.calls.ended(self.outcome);
        self.calls.seconds.observe(self.started.elapsed());
    }
}
