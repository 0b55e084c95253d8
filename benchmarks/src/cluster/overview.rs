//! How a run stands on the server, and what is to happen with it.

use async_nats::jetstream::kv;
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use super::ClusterError;
use super::link::{Link, RunNames};
use super::queue::{NatsQueue, read};
use crate::queue::{Control, WorkQueue as _};

/// Somebody who works on a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// Name of the worker.
    pub name: String,
    /// How many tasks it works on at a time.
    pub slots: usize,
}

/// How a run stands on the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// The run.
    pub run: String,
    /// What is to happen with its tasks.
    pub control: Control,
    /// Tasks that wait or are worked on.
    pub tasks: u64,
    /// Tasks that are worked on.
    pub leased: u64,
    /// Results that the coordinator has not stored yet.
    pub results: u64,
    /// Who works on it.
    pub workers: Vec<Present>,
}

impl Overview {
    /// Looks at a run.
    ///
    /// # Errors
    /// [`ClusterError::NoRun`] if it is not on the server.
    pub async fn of(link: &Link, names: &RunNames) -> Result<Self, ClusterError> {
        let state = link.state(names).await;
        let state = state.ok_or_else(|| ClusterError::NoRun { run: names.run.clone() })?;
        let control = read(&state).await.map_err(|error| ClusterError::server("show a run", error))?;
        let (tasks, leased) = match link.work(names).await {
            Ok((stream, consumer)) => {
                (stream.cached_info().state.messages, consumer.cached_info().num_ack_pending as u64)
            }
            Err(_) => (0, 0),
        };
        let results = link.results(names).await.map_or(0, |stream| stream.cached_info().state.messages);
        let workers = match link.live(names).await {
            Some(live) => present(&live).await?,
            None => Vec::new(),
        };
        Ok(Self {
            run: names.run.clone(),
            control: control.unwrap_or_default(),
            tasks,
            leased,
            results,
            workers,
        })
    }

    /// Says what is to happen with the tasks of a run.
    ///
    /// # Errors
    /// [`ClusterError::NoRun`] if it is not on the server, or finished.
    pub async fn steer(link: &Link, names: &RunNames, control: Control) -> Result<(), ClusterError> {
        NatsQueue::bind(link, names).await?.steer(control).await.map_err(Into::into)
    }
}

/// Who was heard of lately.
pub(super) async fn present(live: &kv::Store) -> Result<Vec<Present>, ClusterError> {
    let failed = |error: &dyn std::fmt::Display| ClusterError::server("say who works", error);
    let keys = live.keys().await.map_err(|error| failed(&error))?;
    let keys: Vec<String> = keys.try_collect().await.map_err(|error| failed(&error))?;
    let mut workers = Vec::new();
    for key in keys {
        let text = live.get(key).await.map_err(|error| failed(&error))?;
        // One that has just left, or says something else, is not there.
        workers.extend(text.and_then(|text| serde_json::from_slice::<Present>(&text).ok()));
    }
    Ok(workers)
}
