//! The queue of a run on the server.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{AckKind, Message, kv};
use futures_core::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::link::{self, Link, RunNames};
use super::{ClusterError, PAUSE, patiently};
use crate::queue::{Control, Lease, Pulled, QueueError, TICKET_VERSION, Ticket, WorkQueue};

/// How often is looked whether tasks are paused or cancelled.
const LOOK: Duration = Duration::from_secs(1);

/// Name of what is to happen, in its bucket.
const CONTROL: &str = "control";

/// How often an acknowledgement is tried.
const ACKS: u32 = 3;

/// The tasks of a run as a work queue.
pub struct NatsQueue {
    link: Link,
    names: RunNames,
    stream: Stream,
    consumer: Consumer<pull::Config>,
    state: kv::Store,
    lease: Duration,
    held: Mutex<Held>,
    control: watch::Sender<Control>,
    /// Pulls that the server may still answer with tasks.
    pulls: watch::Sender<usize>,
    /// Looks what is to happen, for as long as the queue lives.
    _looking: JoinSet<()>,
}

#[derive(Default)]
struct Held {
    messages: BTreeMap<u64, Message>,
    count: u64,
}

/// A pull under way.
struct Pull<'q>(&'q watch::Sender<usize>);

impl<'q> Pull<'q> {
    fn begin(pulls: &'q watch::Sender<usize>) -> Self {
        pulls.send_modify(|count| *count += 1);
        Self(pulls)
    }
}

impl Drop for Pull<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// Where a ticket lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Posted {
    pub(super) sequence: u64,
    pub(super) is_new: bool,
}

impl NatsQueue {
    /// The queue of a run, made where it is missing. A worker that is silent for `lease` loses its task.
    ///
    /// # Errors
    /// [`ClusterError::Server`].
    pub async fn make(link: &Link, names: &RunNames, lease: Duration) -> Result<Self, ClusterError> {
        let (stream, consumer) = link.make_work(names, lease).await?;
        let state = link.make_state(names).await?;
        Ok(Self::over(link.clone(), names.clone(), stream, consumer, state))
    }

    /// The queue of a run that somebody made.
    ///
    /// # Errors
    /// [`ClusterError::NoRun`] if nobody did.
    pub async fn bind(link: &Link, names: &RunNames) -> Result<Self, ClusterError> {
        let (stream, consumer) = link.work(names).await?;
        let state = link.state(names).await;
        let state = state.ok_or_else(|| ClusterError::NoRun { run: names.run.clone() })?;
        Ok(Self::over(link.clone(), names.clone(), stream, consumer, state))
    }

    fn over(
        link: Link,
        names: RunNames,
        stream: Stream,
        consumer: Consumer<pull::Config>,
        state: kv::Store,
    ) -> Self {
        let control = watch::Sender::new(Control::Running);
        let mut looking = JoinSet::new();
        let (bucket, heard) = (state.clone(), control.clone());
        looking.spawn(async move {
            loop {
                // A server that is away says nothing new.
                if let Ok(Some(now)) = read(&bucket).await {
                    heard.send_if_modified(|control| std::mem::replace(control, now) != now);
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        let lease = consumer.cached_info().config.ack_wait;
        Self {
            link,
            names,
            stream,
            consumer,
            state,
            lease,
            held: Mutex::default(),
            control,
            pulls: watch::Sender::new(0),
            _looking: looking,
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn message(&self, lease: &Lease) -> Option<Message> {
        self.held().messages.get(&lease.id).cloned()
    }

    /// Returns once it has changed whether tasks can still come from here; gives whether none can before it is resumed:
    /// the pause was heard, and whatever was asked for before has come.
    pub(super) async fn changed_rest(&self, rested: bool) -> bool {
        let (mut control, mut pulls) = (self.control.subscribe(), self.pulls.subscribe());
        loop {
            let rests = *control.borrow_and_update() == Control::Paused && *pulls.borrow_and_update() == 0;
            if rests != rested {
                return rests;
            }
            // Both senders live as long as the queue.
            tokio::select! {
                _ = control.changed() => {}
                _ = pulls.changed() => {}
            }
        }
    }

    /// Makes what is missing of the queue, as after a reset.
    pub(super) async fn mend(&self) -> Result<(), ClusterError> {
        self.link.make_work(&self.names, self.lease).await?;
        self.link.make_state(&self.names).await?;
        let said = read(&self.state).await;
        if said.map_err(|error| ClusterError::server("say what is to happen", error))?.is_none() {
            // Read in a statement of its own: saying it writes what would still be borrowed here.
            let control = *self.control.borrow();
            self.say(control).await?;
        }
        Ok(())
    }

    /// Adds a task and says where it lies. Tries once.
    pub(super) async fn post(&self, ticket: &Ticket) -> Result<Posted, ClusterError> {
        let failed = |error: &dyn std::fmt::Display| ClusterError::server("take a task", error);
        let text = serde_json::to_vec(ticket).map_err(|error| failed(&error))?;
        let message = PublishMessage::build().payload(text.into()).message_id(ticket.id());
        let sent = self.link.jetstream().send_publish(self.names.work_subject(), message).await;
        let ack = sent.map_err(|error| failed(&error))?.await.map_err(|error| failed(&error))?;
        Ok(Posted { sequence: ack.sequence, is_new: !ack.duplicate })
    }

    /// The ticket that lies at `sequence`; `None` if none does any more.
    pub(super) async fn ticket_at(&self, sequence: u64) -> Result<Option<Ticket>, ClusterError> {
        use async_nats::jetstream::stream::LastRawMessageErrorKind as Kind;
        match self.stream.get_raw_message(sequence).await {
            Ok(message) => Ok(serde_json::from_slice(&message.payload).ok()),
            Err(error) if matches!(error.kind(), Kind::NoMessageFound) => Ok(None),
            Err(error) => Err(ClusterError::server("show a task", error)),
        }
    }

    /// All tickets that lie here, by their places.
    pub(super) async fn tickets(&self) -> Result<BTreeMap<u64, Ticket>, ClusterError> {
        let info = self.stream.get_info().await.map_err(|error| ClusterError::server("show tasks", error))?;
        let mut tickets = BTreeMap::new();
        if info.state.messages == 0 {
            return Ok(tickets);
        }
        for sequence in info.state.first_sequence..=info.state.last_sequence {
            if tickets.len() as u64 == info.state.messages {
                break;
            }
            if let Some(ticket) = self.ticket_at(sequence).await? {
                tickets.insert(sequence, ticket);
            }
        }
        Ok(tickets)
    }

    /// Takes a ticket away, wherever it is.
    pub(super) async fn withdraw(&self, sequence: u64) {
        drop(self.stream.delete_message(sequence).await);
    }

    async fn say(&self, control: Control) -> Result<(), ClusterError> {
        let text = serde_json::to_vec(&control).unwrap_or_default();
        patiently("say what is to happen", || self.write(text.clone())).await?;
        self.control.send_replace(control);
        Ok(())
    }

    /// Writes what is to happen, in its bucket, which is made again where it is gone: the end of a run may come before
    /// anybody mends.
    async fn write(&self, text: Vec<u8>) -> Result<(), ClusterError> {
        self.link.make_state(&self.names).await?;
        let written = self.state.put(CONTROL, text.into()).await;
        written.map(drop).map_err(|error| ClusterError::server("say what is to happen", error))
    }

    async fn leases(&self, most: usize, wait: Duration) -> Result<Vec<Lease>, async_nats::Error> {
        let _pull = Pull::begin(&self.pulls);
        let messages = link::take(&self.consumer, most, wait).await?;
        let mut leases = Vec::new();
        for message in messages {
            let ticket: Option<Ticket> = serde_json::from_slice(&message.payload).ok();
            let Some(ticket) = ticket.filter(|ticket| ticket.v == TICKET_VERSION) else {
                // Nobody of this version can do anything with it; its coordinator misses it in time.
                message.ack_with(AckKind::Term).await?;
                continue;
            };
            let deliveries =
                message.info().map_or(1, |info| u32::try_from(info.delivered).unwrap_or(u32::MAX));
            let mut held = self.held();
            held.count += 1;
            let id = held.count;
            held.messages.insert(id, message);
            leases.push(Lease { ticket, deliveries, id });
        }
        Ok(leases)
    }

    /// Whether no task lies here, given out or not. A queue that is gone has none.
    async fn is_empty(&self) -> bool {
        self.link.work(&self.names).await.map_or(true, |(stream, _)| stream.cached_info().state.messages == 0)
    }
}

/// What is to happen.
pub(super) async fn read(state: &kv::Store) -> Result<Option<Control>, kv::EntryError> {
    Ok(state.get(CONTROL).await?.and_then(|text| serde_json::from_slice(&text).ok()))
}

impl WorkQueue for NatsQueue {
    fn publish<'a>(&'a self, ticket: &'a Ticket) -> BoxFuture<'a, Result<bool, QueueError>> {
        Box::pin(async move {
            let posted = patiently("take a task", || self.post(ticket)).await;
            posted.map(|posted| posted.is_new).map_err(|error| self.failed(&error))
        })
    }

    fn pull(&self, most: usize, wait: Duration) -> BoxFuture<'_, Result<Pulled, QueueError>> {
        Box::pin(async move {
            let mut control = self.control.subscribe();
            let now = *control.borrow_and_update();
            match now {
                Control::Cancelled => return Ok(Pulled::Over),
                Control::Paused => {
                    // Either way there is nothing; whoever asks again sees which it was.
                    drop(tokio::time::timeout(wait, control.changed()).await);
                    return Ok(Pulled::Leases(Vec::new()));
                }
                Control::Running | Control::Finished => {}
            }
            match self.leases(most, wait).await {
                Ok(leases) if leases.is_empty() && now == Control::Finished && self.is_empty().await => {
                    Ok(Pulled::Over)
                }
                Ok(leases) => Ok(Pulled::Leases(leases)),
                Err(error) => {
                    tracing::debug!(%error, "no tasks can be had");
                    if now == Control::Finished && self.is_empty().await {
                        return Ok(Pulled::Over);
                    }
                    tokio::time::sleep(PAUSE.min(wait)).await;
                    Ok(Pulled::Leases(Vec::new()))
                }
            }
        })
    }

    fn heartbeat<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Some(message) = self.message(lease) {
                // The next one may come through.
                drop(message.ack_with(AckKind::Progress).await);
            }
        })
    }

    fn ack<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let message = self.held().messages.remove(&lease.id);
            let Some(message) = message else { return false };
            for _ in 0..ACKS {
                if message.double_ack().await.is_ok() {
                    return true;
                }
            }
            false
        })
    }

    fn nack<'a>(&'a self, lease: &'a Lease, delay: Duration) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let message = self.held().messages.remove(&lease.id);
            let delay = (!delay.is_zero()).then_some(delay);
            if let Some(message) = message {
                // If it is not heard, the lease ends in its time. Waited for, since whoever gives back may leave.
                drop(message.double_ack_with(AckKind::Nak(delay)).await);
            }
        })
    }

    fn steer(&self, control: Control) -> BoxFuture<'_, Result<(), QueueError>> {
        Box::pin(async move { self.say(control).await.map_err(|error| self.failed(&error)) })
    }

    fn cancel_events(&self) -> watch::Receiver<Control> {
        self.control.subscribe()
    }

    fn heartbeat_every(&self) -> Duration {
        self.lease / 4
    }
}

impl NatsQueue {
    fn failed(&self, error: &ClusterError) -> QueueError {
        QueueError { run: self.names.run.clone(), reason: error.to_string() }
    }
}
