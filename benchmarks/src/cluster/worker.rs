//! A worker: draws samples for a run, one per task, and reports what its searches found.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::kv;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use codeagent::models::Limiter;
use codeagent::{AgentBuilder, Attempt, Problem};
use futures_core::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::bills::{Bills, Tabs};
use super::link::{Link, RunNames};
use super::order::Order;
use super::overview::{Present, sharers};
use super::queue::{NatsQueue, read};
use super::replies::SharedReplies;
use super::report::{Report, Traced, delivery};
use super::shelf::Shelf;
use super::steps::{self, Teller};
use super::{ClusterError, PAUSE, patiently};
use crate::batch::search::{self, Listener};
use crate::batch::{Activity, BatchError, Step};
use crate::queue::{Control, Disposal, Job, Lease, Ticket, Work, WorkQueue as _, serve};

/// So often a task is given out before it counts as one that kills workers.
pub(super) const DELIVERIES_MAX: u32 = 5;

/// How often a worker says that it is there.
const PRESENCE: Duration = Duration::from_secs(5);

/// How long a worker that was told to stop tries to report what it has found.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// Problems that a worker keeps at hand.
const PROBLEMS_MAX: usize = 4_096;

/// A run as a worker finds it on the server.
pub struct Site {
    link: Link,
    names: RunNames,
    queue: NatsQueue,
    parcels: Shelf,
    replies: Shelf,
    live: kv::Store,
    bills: Bills,
    order_hash: String,
    /// What is asked for.
    pub order: Order,
}

/// The model server that a worker asks, whose limits it shares with others of the run.
pub struct Share {
    /// Whoever asks the same server has the same name here: letters, digits and `-`.
    pub server: String,
    /// Keeps to the worker's part.
    pub limiter: Arc<Limiter>,
}

/// Draws samples of one run.
pub struct Worker {
    desk: Desk,
    teller: Teller,
}

struct Desk {
    shared: Arc<Shared>,
    queue: NatsQueue,
    live: kv::Store,
    bills: Bills,
    present: Present,
    share: Share,
}

struct Shared {
    link: Link,
    names: RunNames,
    name: String,
    agent: AgentBuilder,
    parcels: Shelf,
    order_hash: String,
    /// Cancelled once there is another order.
    stale: CancellationToken,
    /// Cancelled once every sample has its result: whatever goes on is done a second time.
    over: CancellationToken,
    /// What its searches pay for.
    tabs: Tabs,
    /// How far they are.
    steps: mpsc::Sender<Step>,
    problems: Mutex<BTreeMap<String, Arc<Problem>>>,
    activity: Activity,
}

impl Site {
    /// A run on which there is something to do, once there is one: the one of this name, or the first that goes on. `None`
    /// if there is none and whoever asks does not `wait`.
    ///
    /// # Errors
    /// [`ClusterError::Server`], if no server answers for long.
    pub async fn find(link: &Link, run: Option<&str>, wait: bool) -> Result<Option<Self>, ClusterError> {
        loop {
            let names = match run {
                Some(run) => vec![RunNames { run: run.to_owned() }],
                None => patiently("list its runs", || link.runs()).await?,
            };
            for names in names {
                if let Some(site) = Self::open(link, names).await {
                    return Ok(Some(site));
                }
            }
            if !wait {
                return Ok(None);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The run, if its coordinator has prepared everything and wants tasks to be done.
    async fn open(link: &Link, names: RunNames) -> Option<Self> {
        let state = link.state(&names).await?;
        let control = read(&state).await.ok()??;
        if matches!(control, Control::Finished | Control::Cancelled) {
            return None;
        }
        let queue = NatsQueue::bind(link, &names).await.ok()?;
        let parcels = Shelf::find(link, &names.parcels()).await?;
        let replies = Shelf::find(link, &names.replies()).await?;
        let live = link.live(&names).await?;
        let bills = Bills::find(link, &names).await?;
        let text = parcels.get(ORDER).await.ok()??;
        let order = serde_json::from_slice(&text).ok()?;
        let order_hash = blake3::hash(&text).to_hex().to_string();
        Some(Self { link: link.clone(), names, queue, parcels, replies, live, bills, order_hash, order })
    }

    /// The replies that the workers of the run share.
    #[must_use]
    pub fn replies(&self) -> SharedReplies {
        SharedReplies(self.replies.clone())
    }

    /// A worker for this run. `base` has a model, with [`Site::replies`] as its cache and the limits of `share`, and a
    /// sandbox; `name` is letters, digits and `-`, and no other worker's.
    ///
    /// # Errors
    /// [`ClusterError::Mismatch`] if it would give other results than the run asks for.
    pub fn worker(
        self,
        base: AgentBuilder,
        name: String,
        slots: usize,
        share: Share,
    ) -> Result<Worker, ClusterError> {
        let agent = self.order.agent(base)?;
        let (server, in_flight_max) = (share.server.clone(), share.limiter.limit());
        let present = Present { name: name.clone(), slots, rests: false, server, in_flight_max };
        let (teller, steps) = Teller::new(&self.link, self.names.clone());
        let shared = Shared {
            link: self.link,
            names: self.names,
            name,
            agent,
            parcels: self.parcels,
            order_hash: self.order_hash,
            stale: CancellationToken::new(),
            over: CancellationToken::new(),
            tabs: Tabs::default(),
            steps,
            problems: Mutex::default(),
            activity: Activity::default(),
        };
        let desk = Desk {
            shared: Arc::new(shared),
            queue: self.queue,
            live: self.live,
            bills: self.bills,
            present,
            share,
        };
        Ok(Worker { desk, teller })
    }
}

/// Name of the order among the parcels.
pub(super) const ORDER: &str = "order";

impl Worker {
    /// What it is at, for whoever watches.
    #[must_use]
    pub fn activity(&self) -> Activity {
        self.desk.shared.activity.clone()
    }

    /// Works until the run is over or asks for something else, or `stop` is cancelled; then gives back what is under way,
    /// within half a minute.
    ///
    /// # Errors
    /// [`ClusterError`] if it can't go on. What it had under way comes to others.
    pub async fn work(self, stop: &CancellationToken) -> Result<(), ClusterError> {
        let Self { desk, mut teller } = self;
        tokio::select! {
            worked = desk.work(stop) => worked,
            never = teller.tell() => match never {},
        }
    }
}

impl Desk {
    async fn work(&self, stop: &CancellationToken) -> Result<(), ClusterError> {
        let drawer = Drawer { shared: Arc::clone(&self.shared) };
        let (stop, stale) = (stop.child_token(), &self.shared.stale);
        // Before anything is asked, so that nobody begins with the parts of all.
        self.announce(&self.present).await;
        let serving = serve(&self.queue, self.present.slots.max(1), &stop, &drawer);
        tokio::pin!(serving);
        let present = self.be_present();
        let telling = self.shared.tabs.tell(&self.present.name, &self.bills);
        tokio::pin!(present, telling);
        let mut control = self.queue.cancel_events();
        loop {
            tokio::select! {
                served = &mut serving => {
                    drop(tokio::time::timeout(PRESENCE, self.leave()).await);
                    return served;
                }
                () = stale.cancelled(), if !stop.is_cancelled() => stop.cancel(),
                Ok(_) = control.wait_for(|control| *control == Control::Finished), if !stop.is_cancelled() => {
                    self.shared.over.cancel();
                    stop.cancel();
                }
                () = &mut present => {}
                () = &mut telling => {}
            }
        }
    }

    /// Says what was paid for without a report, and that this worker is no longer there.
    async fn leave(&self) {
        self.shared.tabs.leave(&self.present.name, &self.bills).await;
        // It would be forgotten anyhow.
        drop(self.live.delete(self.present.key()).await);
    }

    /// Says again and again that this worker is there, and at once when a pause begins or ends for it. Never returns.
    async fn be_present(&self) {
        let mut present = self.present.clone();
        loop {
            self.announce(&present).await;
            let changed = tokio::time::timeout(PRESENCE, self.queue.changed_rest(present.rests)).await;
            present.rests = changed.unwrap_or(present.rests);
        }
    }

    /// Says that this worker is there, and takes its part of the limits of its model server.
    async fn announce(&self, present: &Present) {
        let present = Present { in_flight_max: self.share.limiter.limit(), ..present.clone() };
        let text = serde_json::to_vec(&present).unwrap_or_default();
        // A server that is away hears the next one.
        drop(self.live.put(present.key(), text.into()).await);
        if let Ok(sharers) = sharers(&self.live, &present.server).await {
            self.share.limiter.divide(sharers);
        }
    }
}

struct Drawer {
    shared: Arc<Shared>,
}

impl Work for Drawer {
    type Error = ClusterError;

    fn begin(&self, lease: &Lease, cancel: CancellationToken) -> Result<Job<ClusterError>, ClusterError> {
        let (shared, lease) = (Arc::clone(&self.shared), lease.clone());
        Ok(Box::pin(async move { shared.draw(lease, cancel).await }))
    }

    fn broken<'a>(&'a self, lease: &'a Lease, error: &'a JoinError) -> BoxFuture<'a, ()> {
        tracing::error!(task = lease.ticket.task, sample = lease.ticket.sample, %error, "a sample broke down");
        Box::pin(std::future::ready(()))
    }
}

impl Shared {
    async fn draw(&self, lease: Lease, cancel: CancellationToken) -> Result<Disposal, ClusterError> {
        let _busy = self.activity.begin();
        let Lease { ticket, deliveries, .. } = lease;
        if ticket.spec_hash != self.order_hash {
            self.stale.cancel();
            return Ok(Disposal::Returned);
        }
        let name = delivery(&ticket, &self.name, deliveries);
        let (found, attempt) = if deliveries > DELIVERIES_MAX {
            (Traced::poison(deliveries), None)
        } else {
            let Some(problem) = self.problem(&ticket.problem_hash).await? else {
                // The coordinator puts it there again when it finds that it is lost.
                drop(tokio::time::timeout(PRESENCE, cancel.cancelled()).await);
                return Ok(Disposal::Returned);
            };
            let agent = ticket.agent(self.agent.clone()).build().map_err(BatchError::from)?;
            let look = steps::look(&ticket, &self.name, self.steps.clone());
            let mut trace = Listener::Trace(Vec::new(), look);
            let run = agent.solve((*problem).clone());
            let handle = run.handle();
            self.tabs.open(&name, ticket.clone(), handle.clone());
            let finding = search::found(run, cancel.clone(), &mut trace).await?;
            let attempt = Attempt::of(&finding.outcome, handle.paid(), finding.wall_ms);
            self.tabs.end(&name, attempt.clone());
            if finding.cut_short().is_some() {
                return Ok(Disposal::Returned);
            }
            let Listener::Trace(events, _) = trace else { return Ok(Disposal::Returned) };
            (Traced { finding, events }, Some(attempt))
        };
        let reporting = self.report(ticket, deliveries, attempt, found);
        tokio::select! {
            reported = reporting => reported,
            () = after(&cancel, LAST_WORDS) => Ok(Disposal::Returned),
            () = self.over.cancelled() => Ok(Disposal::Returned),
        }
    }

    /// Sends a report; it is safe when this returns.
    async fn report(
        &self,
        ticket: Ticket,
        deliveries: u32,
        attempt: Option<Attempt>,
        found: Traced,
    ) -> Result<Disposal, ClusterError> {
        let worker = self.name.clone();
        let report = Report::new(ticket, worker, deliveries, attempt, found, &self.parcels).await?;
        let text = serde_json::to_vec(&report);
        let text = Bytes::from(text.map_err(|error| ClusterError::server("take a result", error))?);
        let id = report.id();
        patiently("take a result", || self.send(&id, text.clone())).await?;
        self.tabs.close(&id);
        Ok(Disposal::Done)
    }

    async fn send(&self, id: &str, report: Bytes) -> Result<(), PublishError> {
        let message = PublishMessage::build().payload(report).message_id(id);
        let sent = self.link.jetstream().send_publish(self.names.results_subject(), message).await?;
        sent.await.map(drop)
    }

    async fn problem(&self, hash: &str) -> Result<Option<Arc<Problem>>, ClusterError> {
        let at_hand = self.at_hand().get(hash).cloned();
        if at_hand.is_some() {
            return Ok(at_hand);
        }
        let Some(text) = self.parcels.get_hashed(hash).await? else { return Ok(None) };
        let Ok(problem) = serde_json::from_slice::<Problem>(&text) else { return Ok(None) };
        let problem = Arc::new(problem);
        let mut problems = self.at_hand();
        if problems.len() >= PROBLEMS_MAX {
            problems.pop_first();
        }
        problems.insert(hash.to_owned(), Arc::clone(&problem));
        Ok(Some(problem))
    }

    fn at_hand(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Problem>>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn after(cancel: &CancellationToken, time: Duration) {
    cancel.cancelled().await;
    tokio::time::sleep(time).await;
}
