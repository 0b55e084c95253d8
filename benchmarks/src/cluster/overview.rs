//! How a run stands on the server, and what is to happen with it.

use std::time::Duration;

use async_nats::jetstream::kv;
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::ClusterError;
use super::link::{Link, RunNames};
use super::queue::{NatsQueue, read};
use crate::queue::{Control, WorkQueue as _};

/// How long is waited until every worker heard of a pause: longer than one that died counts as there.
const HEARD: Duration = Duration::from_secs(20);

/// How often is looked whether they did.
const LOOK: Duration = Duration::from_millis(200);

/// Somebody who works on a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// Name of the worker.
    pub name: String,
    /// How many tasks it works on at a time.
    pub slots: usize,
    /// Whether it heard of a pause, so that it takes no task before it hears of its end.
    #[serde(default)]
    pub rests: bool,
    /// Which model server it asks, of those that ask one the same.
    #[serde(default)]
    pub server: String,
    /// Requests that it may have in flight by now.
    #[serde(default)]
    pub in_flight_max: usize,
}

impl Present {
    /// Name of its entry: workers that ask one server are found by the start of it.
    pub(super) fn key(&self) -> String {
        format!("{}.{}", self.server, self.name)
    }
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

    /// Says what is to happen with the tasks of a run. A pause holds when this returns: from then on no worker takes a
    /// task, and those that are worked on go on to their ends.
    ///
    /// # Errors
    /// [`ClusterError::NoRun`] if it is not on the server, or finished; [`ClusterError::Deaf`] if a worker did not hear
    /// of a pause, which it may still do.
    pub async fn steer(link: &Link, names: &RunNames, control: Control) -> Result<(), ClusterError> {
        NatsQueue::bind(link, names).await?.steer(control).await?;
        if control == Control::Paused { rest(link, names).await } else { Ok(()) }
    }
}

/// Waits until every worker rests. One that died is forgotten meanwhile.
async fn rest(link: &Link, names: &RunNames) -> Result<(), ClusterError> {
    let Some(live) = link.live(names).await else { return Ok(()) };
    let until = Instant::now() + HEARD;
    loop {
        let workers = present(&live).await?;
        let mut busy = workers.into_iter().filter(|worker| !worker.rests).map(|worker| worker.name);
        let Some(name) = busy.next() else { return Ok(()) };
        if Instant::now() >= until {
            return Err(ClusterError::Deaf { name, more: busy.count() });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Who was heard of lately.
pub(super) async fn present(live: &kv::Store) -> Result<Vec<Present>, ClusterError> {
    let mut workers = Vec::new();
    for key in keys(live).await? {
        let text = live.get(key).await.map_err(|error| ClusterError::server("say who works", error))?;
        // One that has just left, or says something else, is not there.
        workers.extend(text.and_then(|text| serde_json::from_slice::<Present>(&text).ok()));
    }
    Ok(workers)
}

/// How many ask a server, those included that left within the last seconds.
pub(super) async fn sharers(live: &kv::Store, server: &str) -> Result<usize, ClusterError> {
    keys_below(live, &format!("{server}.")).await.map(|keys| keys.len())
}

/// The keys of a bucket, those included whose value was taken away.
pub(super) async fn keys(bucket: &kv::Store) -> Result<Vec<String>, ClusterError> {
    keys_below(bucket, "").await
}

async fn keys_below(bucket: &kv::Store, start: &str) -> Result<Vec<String>, ClusterError> {
    let failed = |error: &dyn std::fmt::Display| ClusterError::server("list what lies there", error);
    // One question with one answer, where the client's own list of keys is a stream that may never end.
    let found = bucket.stream.info_with_subjects(format!("{}{start}>", bucket.prefix)).await;
    let subjects: Vec<(String, usize)> =
        found.map_err(|error| failed(&error))?.try_collect().await.map_err(|error| failed(&error))?;
    let key = |(subject, _): (String, usize)| subject.strip_prefix(&bucket.prefix).map(str::to_owned);
    Ok(subjects.into_iter().filter_map(key).collect())
}
