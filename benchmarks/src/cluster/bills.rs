//! What searches of workers pay for, told while they go on, so that the coordinator knows it though a worker dies.
//!
//! Each worker has one entry in the bucket: its deliveries of tasks of which no report was sent. What a delivery pays for
//! only grows. So an entry may be read again and again, and a report may come after it: what counts is what was added.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::jetstream::kv;
use codeagent::store::NewRun;
use codeagent::{Attempt, Paid, RunHandle};
use serde::{Deserialize, Serialize};
use tokio::time::error::Elapsed;

use super::link::{Link, RunNames};
use super::overview::{keys, present};
use super::{ClusterError, patiently};
use crate::batch::{Batch, BatchError};
use crate::datasets::ProblemWithHidden;
use crate::queue::Ticket;

/// How long is waited, when all is done, for workers to say what they still paid for: they hear of the end within a
/// second, and their searches end within five.
const LAST_BILLS: Duration = Duration::from_secs(8);

/// Pause between looks for them.
const LOOK: Duration = Duration::from_millis(250);

/// Longest wait for a server that may be away.
const ANSWER: Duration = Duration::from_secs(10);

/// How often a worker tells what was paid for since.
const TELL: Duration = Duration::from_millis(200);

/// What one delivery of a task has paid for so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Billed {
    pub(super) ticket: Ticket,
    pub(super) attempt: Attempt,
}

/// The entries of all workers.
#[derive(Clone)]
pub(super) struct Bills(kv::Store);

impl Bills {
    /// The bucket of a run, made where it is missing.
    pub(super) async fn make(link: &Link, names: &RunNames) -> Result<Self, ClusterError> {
        link.make_bucket(names.bills(), Duration::ZERO).await.map(Self)
    }

    /// The bucket of a run, which must be there.
    pub(super) async fn find(link: &Link, names: &RunNames) -> Option<Self> {
        link.jetstream().get_key_value(names.bills()).await.ok().map(Self)
    }

    /// What workers have told, by their names.
    pub(super) async fn all(&self) -> Result<BTreeMap<String, Vec<Billed>>, ClusterError> {
        let mut all = BTreeMap::new();
        for worker in keys(&self.0).await? {
            let text = patiently("say what was paid for", || self.0.get(&worker)).await?;
            // Whatever else lies there is nobody's bill.
            let told = text.and_then(|text| serde_json::from_slice(&text).ok());
            all.extend(told.map(|told| (worker, told)));
        }
        Ok(all)
    }

    /// Takes away what a worker has told.
    pub(super) async fn remove(&self, worker: &str) {
        // What stays is read again, and adds nothing.
        drop(self.0.purge(worker).await);
    }

    async fn tell(&self, worker: &str, told: &[Billed]) -> bool {
        let Ok(text) = serde_json::to_vec(told) else { return false };
        self.0.put(worker, text.into()).await.is_ok()
    }
}

/// The deliveries of one worker that no report was sent of.
#[derive(Default)]
pub(super) struct Tabs(Mutex<BTreeMap<String, Tab>>);

struct Tab {
    ticket: Ticket,
    began: Instant,
    handle: RunHandle,
    ended: Option<Attempt>,
}

impl Tabs {
    /// Notes that a search of a delivery begins.
    pub(super) fn open(&self, delivery: &str, ticket: Ticket, handle: RunHandle) {
        let tab = Tab { ticket, began: Instant::now(), handle, ended: None };
        self.tabs().insert(delivery.to_owned(), tab);
    }

    /// Notes how it ended.
    pub(super) fn end(&self, delivery: &str, attempt: Attempt) {
        if let Some(tab) = self.tabs().get_mut(delivery) {
            tab.ended = Some(attempt);
        }
    }

    /// Forgets a delivery, of which a report was sent.
    pub(super) fn close(&self, delivery: &str) {
        self.tabs().remove(delivery);
    }

    /// Tells again and again what was paid for. Never returns.
    pub(super) async fn tell(&self, worker: &str, bills: &Bills) {
        let mut said = BTreeMap::new();
        loop {
            tokio::time::sleep(TELL).await;
            let (told, paid) = self.told();
            if paid != said && bills.tell(worker, &told).await {
                said = paid;
            }
        }
    }

    /// Tells it for the last time.
    pub(super) async fn leave(&self, worker: &str, bills: &Bills) {
        let (told, _) = self.told();
        if told.is_empty() {
            bills.remove(worker).await;
        } else {
            // If it is not heard, what was told before counts.
            bills.tell(worker, &told).await;
        }
    }

    /// What is to be told, and what was paid for by delivery.
    fn told(&self) -> (Vec<Billed>, BTreeMap<String, Paid>) {
        let (mut told, mut paid) = (Vec::new(), BTreeMap::new());
        for (delivery, tab) in self.tabs().iter() {
            let attempt = tab.ended.clone().unwrap_or_else(|| tab.so_far());
            if attempt.paid.calls > 0 {
                paid.insert(delivery.clone(), attempt.paid);
                let attempt = Attempt { delivery: Some(delivery.clone()), ..attempt };
                told.push(Billed { ticket: tab.ticket.clone(), attempt });
            }
        }
        (told, paid)
    }

    fn tabs(&self) -> MutexGuard<'_, BTreeMap<String, Tab>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tab {
    fn so_far(&self) -> Attempt {
        let wall_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Attempt::open(self.handle.paid(), wall_ms)
    }
}

/// Whose bills are entered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those of workers that are no longer there.
    Gone,
    /// Everybody's.
    All,
}

/// The attempts of workers in the coordinator's store.
pub(super) struct Account {
    batch: Batch,
    problems: Arc<BTreeMap<String, Arc<ProblemWithHidden>>>,
    bills: Bills,
    live: kv::Store,
    /// What the rows of each delivery add up to.
    entered: Mutex<BTreeMap<String, Paid>>,
}

impl Account {
    /// The account of a batch, with what is in its store.
    pub(super) async fn open(
        batch: Batch,
        problems: Arc<BTreeMap<String, Arc<ProblemWithHidden>>>,
        bills: Bills,
        live: kv::Store,
    ) -> Result<Self, BatchError> {
        let mut entered = BTreeMap::new();
        for stored in batch.store.attempts().await? {
            // Those of another version were made by no worker of ours.
            let Ok(attempt) = serde_json::from_str::<Attempt>(&stored.body) else { continue };
            if let Some(delivery) = attempt.delivery {
                add(&mut entered, delivery, attempt.paid);
            }
        }
        Ok(Self { batch, problems, bills, live, entered: Mutex::new(entered) })
    }

    /// Enters what a delivery paid for, as far as it is not entered yet. What belongs to no open problem of the batch is
    /// left out.
    pub(super) async fn enter(&self, billed: Billed) -> Result<(), BatchError> {
        let Billed { ticket, attempt } = billed;
        let Some(problem) = self.problems.get(&ticket.task).filter(|_| ticket.run == self.batch.id) else {
            return Ok(());
        };
        let Some(attempt) = self.fresh(attempt) else { return Ok(()) };
        let search = self.batch.agent_of(&ticket)?.run_spec(&problem.problem);
        let (id, spec) = (search.run_id().to_owned(), search.spec.to_string());
        self.batch.store.begin_run(&NewRun { id, fingerprint: search.fingerprint.clone(), spec }).await?;
        let body = serde_json::to_string(&attempt).unwrap_or_default();
        self.batch.store.add_attempt(search.run_id(), &body).await?;
        Ok(())
    }

    /// Enters what workers told of searches that no report came of. Whether one that is there may tell more.
    pub(super) async fn settle(&self, whose: Whose) -> Result<bool, ClusterError> {
        let there: BTreeSet<String> = present(&self.live).await?.into_iter().map(|it| it.name).collect();
        let mut is_open = false;
        for (worker, told) in self.bills.all().await? {
            let is_there = there.contains(&worker);
            is_open |= is_there && !told.is_empty();
            if is_there && whose == Whose::Gone {
                continue;
            }
            for billed in told {
                self.enter(billed).await?;
            }
            if !is_there {
                self.bills.remove(&worker).await;
            }
        }
        Ok(is_open)
    }

    /// Enters everything that is told of when the workers of a run that is done have left, or when that takes too long.
    pub(super) async fn settle_to_the_end(&self) -> Result<(), BatchError> {
        let until = Instant::now() + LAST_BILLS;
        let settling = async {
            while self.settle(Whose::Gone).await? && Instant::now() < until {
                tokio::time::sleep(LOOK).await;
            }
            self.settle(Whose::All).await
        };
        unless_away(tokio::time::timeout(LAST_BILLS + ANSWER, settling).await)
    }

    /// Enters everything that was told by now; what is told later is for the next coordinator.
    pub(super) async fn settle_by_now(&self) -> Result<(), BatchError> {
        unless_away(tokio::time::timeout(ANSWER, self.settle(Whose::All)).await)
    }

    /// The part of an attempt that is new, which counts as entered from now on.
    fn fresh(&self, attempt: Attempt) -> Option<Attempt> {
        let delivery = attempt.delivery.clone()?;
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = entered.get(&delivery).copied() else {
            entered.insert(delivery, attempt.paid);
            return Some(attempt);
        };
        let paid = attempt.paid.since(before);
        if paid.calls == 0 {
            return None;
        }
        add(&mut entered, delivery, paid);
        Some(Attempt { paid, ..attempt })
    }
}

/// Leaves it at that where the server is away; the store must take what is entered.
fn unless_away(settled: Result<Result<bool, ClusterError>, Elapsed>) -> Result<(), BatchError> {
    let reason = match settled {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(ClusterError::Batch(error))) => return Err(error),
        Ok(Err(error)) => error.to_string(),
        Err(late) => late.to_string(),
    };
    tracing::warn!(reason, "what workers paid for could not be seen to the end");
    Ok(())
}

fn add(sums: &mut BTreeMap<String, Paid>, delivery: String, paid: Paid) {
    sums.entry(delivery).and_modify(|sum| *sum = sum.and(paid)).or_insert(paid);
}
