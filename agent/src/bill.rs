//! What one time that a search is carried out pays for. Answers from the reply cache were paid for before.
//!
//! A search's own budget counts them as if they were paid now, so that a continued search stops where an uninterrupted one
//! does. Here is what the bill says.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use codeagent_models::{Capabilities, ModelError, Price, Provider, Reply, Request};
use codeagent_search::policy::StopReason;
use codeagent_store::{Store, StoreError};
use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::solution::Outcome;

/// Version of the form of stored attempts.
const ATTEMPT_VERSION: u8 = 1;

/// How an attempt ended that was cut short, or goes on.
pub(crate) const RUNNING: &str = "running";

/// What was paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Paid {
    /// Model calls that were answered.
    pub calls: u64,
    /// Prompt tokens.
    pub input_tokens: u64,
    /// Prompt tokens that the server had cached.
    pub cached_tokens: u64,
    /// Answer tokens.
    pub output_tokens: u64,
    /// Money, in millionths of a US dollar; `None` where the model's price is unknown.
    pub micro_usd: Option<u64>,
}

/// A stored attempt at a run: how it ended and what it paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Version of the form.
    pub v: u8,
    /// `solved`, `unsolved`, `capped`, `error`, or `running` where it was cut short to be continued.
    pub ended: String,
    /// What it paid for.
    #[serde(flatten)]
    pub paid: Paid,
    /// Wall-clock milliseconds.
    pub wall_ms: u64,
    /// Name of the delivery of a task that it came of, where it was carried out elsewhere. Several attempts of one delivery
    /// are parts of what it paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
}

impl Attempt {
    /// An attempt that came to `outcome`.
    #[must_use]
    pub fn of(outcome: &Outcome, paid: Paid, wall_ms: u64) -> Self {
        let ended = left_as(outcome).to_owned();
        Self { v: ATTEMPT_VERSION, ended, paid, wall_ms, delivery: None }
    }

    /// An attempt that goes on, or of which nobody will say how it ended: one that was killed.
    #[must_use]
    pub fn open(paid: Paid, wall_ms: u64) -> Self {
        Self { v: ATTEMPT_VERSION, ended: RUNNING.to_owned(), paid, wall_ms, delivery: None }
    }
}

/// How a run is left that can be continued. One that was asked to stop is as one that was killed.
pub(crate) const fn left_as(outcome: &Outcome) -> &'static str {
    match outcome.stop_reason {
        Some(StopReason::Cancelled | StopReason::RunBudget) => RUNNING,
        _ => outcome.status.word(),
    }
}

impl Paid {
    /// The sum of several. Its money is known where that of each is.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_tokens: self.cached_tokens.saturating_add(other.cached_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            micro_usd: self.micro_usd.zip(other.micro_usd).map(|(one, more)| one.saturating_add(more)),
        }
    }

    /// What was paid for since it was `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(earlier.calls),
            input_tokens: self.input_tokens.saturating_sub(earlier.input_tokens),
            cached_tokens: self.cached_tokens.saturating_sub(earlier.cached_tokens),
            output_tokens: self.output_tokens.saturating_sub(earlier.output_tokens),
            micro_usd: self.micro_usd.zip(earlier.micro_usd).map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

/// What models are paid for. Clones are the same bill.
#[derive(Debug, Clone)]
pub(crate) struct Bill {
    paid: Arc<Mutex<Paid>>,
    entry: Arc<OnceLock<Entry>>,
}

/// The attempt in a store under which a bill is entered.
#[derive(Debug)]
struct Entry {
    store: Arc<Store>,
    run: String,
    number: u32,
    began: Instant,
    /// What the store was told last. Held while it is told more, so that it is never told less.
    told: tokio::sync::Mutex<Paid>,
}

/// What is asked of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Answers: each request is a call.
    Answers,
    /// Vectors, which no budget counts as calls.
    Vectors,
}

impl Bill {
    /// A bill of nothing, whose money is known if that of the search's model is.
    pub(crate) fn new(price: Option<Price>) -> Self {
        let paid = Paid { micro_usd: price.map(|_| 0), ..Paid::default() };
        Self { paid: Arc::new(Mutex::new(paid)), entry: Arc::default() }
    }

    /// Enters it in `store`, as an attempt at `run` that begins now. From now on the store has what stands on it before
    /// an answer is used, so that it is known of an attempt that is killed.
    pub(crate) async fn enter(&self, store: &Arc<Store>, run: &str) -> Result<(), StoreError> {
        let began = Instant::now();
        let paid = self.paid();
        let number = store.add_attempt(run, &text(&Attempt::open(paid, 0))).await?;
        let (store, run, told) = (Arc::clone(store), run.to_owned(), paid.into());
        self.entry.get_or_init(|| Entry { store, run, number, began, told });
        Ok(())
    }

    /// Enters how the attempt ended.
    pub(crate) async fn close(&self, outcome: &Outcome) -> Result<(), StoreError> {
        let Some(entry) = self.entry.get() else { return Ok(()) };
        let attempt = Attempt::of(outcome, self.paid(), entry.wall_ms());
        entry.store.put_attempt(&entry.run, entry.number, &text(&attempt)).await
    }

    async fn enter_by_now(&self) {
        let Some(entry) = self.entry.get() else { return };
        let mut told = entry.told.lock().await;
        let paid = self.paid();
        if *told != paid {
            let body = text(&Attempt::open(paid, entry.wall_ms()));
            // What could not be stored is said again with the next answer, and at the end, whose errors count.
            if entry.store.put_attempt(&entry.run, entry.number, &body).await.is_ok() {
                *told = paid;
            }
        }
    }

    /// What stands on it.
    pub(crate) fn paid(&self) -> Paid {
        *self.paid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same model, which writes on this bill what it is asked for at its price.
    pub(crate) fn at(
        &self,
        provider: Arc<dyn Provider>,
        price: Option<Price>,
        asked: Asked,
    ) -> Arc<dyn Provider> {
        Arc::new(Billed { bill: self.clone(), price, asked, provider })
    }
}

impl Entry {
    fn wall_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn text(attempt: &Attempt) -> String {
    // Plain data of ours, which JSON can always write.
    serde_json::to_string(attempt).unwrap_or_default()
}

struct Billed {
    bill: Bill,
    price: Option<Price>,
    asked: Asked,
    provider: Arc<dyn Provider>,
}

impl Billed {
    fn count(&self, reply: &Reply) {
        let one = Paid {
            calls: u64::from(self.asked == Asked::Answers),
            input_tokens: reply.usage.input,
            cached_tokens: reply.usage.cached,
            output_tokens: reply.usage.output,
            micro_usd: self.price.map(|price| price.cost_micro_usd(&reply.usage)),
        };
        let mut paid = self.bill.paid.lock().unwrap_or_else(PoisonError::into_inner);
        *paid = paid.and(one);
    }
}

impl Provider for Billed {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(async move {
            let reply = self.provider.complete(request).await?;
            if !reply.cached {
                self.count(&reply);
                self.bill.enter_by_now().await;
            }
            Ok(reply)
        })
    }

    fn capabilities(&self) -> Capabilities {
        self.provider.capabilities()
    }

    fn model(&self) -> &str {
        self.provider.model()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_know_their_money_where_each_part_does() {
        let one = Paid { calls: 1, input_tokens: 2, cached_tokens: 1, output_tokens: 3, micro_usd: Some(4) };
        let twice =
            Paid { calls: 2, input_tokens: 4, cached_tokens: 2, output_tokens: 6, micro_usd: Some(8) };
        assert_eq!(one.and(one), twice);
        assert_eq!(one.and(Paid { micro_usd: None, ..one }).micro_usd, None);
        assert_eq!(twice.since(one), one);
    }
}
