//! What a worker says of a task: what the search found, with every step of it.

use codeagent::solution::{Failure, FailureKind};
use codeagent::{Attempt, Event, Outcome, RunSpec};
use serde::{Deserialize, Serialize};

use super::ClusterError;
use super::bills::Billed;
use super::shelf::{MESSAGE_BYTES_MAX, Shelf};
use crate::batch::BatchError;
use crate::batch::search::Finding;
use crate::queue::Ticket;
use codeagent::store::{NewRun, Store, StoreError};

/// Version of the report's form.
const VERSION: u8 = 1;

/// What came of one delivery of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) v: u8,
    /// The task.
    pub(super) ticket: Ticket,
    /// Who worked on it.
    pub(super) worker: String,
    /// How often it had been given out.
    pub(super) deliveries: u32,
    /// What it paid for; nothing was tried for a task that kills workers.
    pub(super) attempt: Option<Attempt>,
    pub(super) found: Parcel,
}

/// What was found, in the message itself or, where it is long, on the shelf.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Parcel {
    Here(Box<Traced>),
    Shelved(String),
}

/// What a search found, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Traced {
    pub(super) finding: Finding,
    pub(super) events: Vec<Event>,
}

/// Name of one delivery of a task to one worker.
pub(super) fn delivery(ticket: &Ticket, worker: &str, deliveries: u32) -> String {
    format!("{}-{worker}-{deliveries}", ticket.id())
}

impl Traced {
    /// Nothing: too many workers died over the task.
    pub(super) fn poison(deliveries: u32) -> Self {
        let message =
            format!("{} workers did not come to the end of this sample", deliveries.saturating_sub(1));
        let failure = Some(Failure { kind: FailureKind::Poison, message });
        Self {
            finding: Finding { outcome: Outcome { failure, ..Outcome::default() }, wall_ms: 0 },
            events: Vec::new(),
        }
    }

    /// Keeps the steps of the search as if it had been run here. What is there already stays.
    pub(super) async fn store(&self, search: &RunSpec, store: &Store) -> Result<(), BatchError> {
        let id = search.run_id();
        let run = NewRun {
            id: id.to_owned(),
            fingerprint: search.fingerprint.clone(),
            spec: search.spec.to_string(),
        };
        store.begin_run(&run).await?;
        let next = store.events(id).await?.last().map_or(0, |event| event.seq + 1);
        let fresh: Vec<(u64, String)> = self
            .events
            .iter()
            .filter(|event| event.seq >= next)
            .filter_map(|event| Some((event.seq, serde_json::to_string(event).ok()?)))
            .collect();
        store.append_events(id, &fresh).await?;
        let outcome = &self.finding.outcome;
        let done = if outcome.is_final() {
            let result = serde_json::to_string(outcome).unwrap_or_default();
            store.finish_run(id, outcome.status.word(), &result).await
        } else {
            store.set_run_status(id, outcome.status.word()).await
        };
        done.map_err(|error: StoreError| error.into())
    }
}

impl Report {
    pub(super) async fn new(
        ticket: Ticket,
        worker: String,
        deliveries: u32,
        attempt: Option<Attempt>,
        found: Traced,
        shelf: &Shelf,
    ) -> Result<Self, ClusterError> {
        let text =
            serde_json::to_vec(&found).map_err(|error| ClusterError::server("take a result", error))?;
        let found = if text.len() <= MESSAGE_BYTES_MAX {
            Parcel::Here(Box::new(found))
        } else {
            Parcel::Shelved(shelf.put_hashed(&text).await?)
        };
        let delivery = delivery(&ticket, &worker, deliveries);
        let attempt = attempt.map(|attempt| Attempt { delivery: Some(delivery), ..attempt });
        Ok(Self { v: VERSION, ticket, worker, deliveries, attempt, found })
    }

    /// The report of a message; `None` for anything else.
    pub(super) fn parse(message: &[u8]) -> Option<Self> {
        serde_json::from_slice(message).ok().filter(|report: &Self| report.v == VERSION)
    }

    /// One delivery by one worker is one report, however often it is sent.
    pub(super) fn id(&self) -> String {
        delivery(&self.ticket, &self.worker, self.deliveries)
    }

    /// What it was paid for.
    pub(super) fn billed(&self) -> Option<Billed> {
        let attempt = self.attempt.clone()?;
        Some(Billed { ticket: self.ticket.clone(), attempt })
    }

    /// Where on the shelf it is, if it is there.
    pub(super) fn shelved(&self) -> Option<&str> {
        match &self.found {
            Parcel::Here(_) => None,
            Parcel::Shelved(hash) => Some(hash),
        }
    }

    /// What was found; `None` if it was on the shelf and is lost.
    pub(super) async fn opened(self, shelf: &Shelf) -> Result<Option<Traced>, ClusterError> {
        match self.found {
            Parcel::Here(found) => Ok(Some(*found)),
            Parcel::Shelved(hash) => {
                let text = shelf.get_hashed(&hash).await?;
                Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
            }
        }
    }
}
