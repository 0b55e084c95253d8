//! The connection to the NATS servers, and what a run is called there.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use async_nats::jetstream::context::CreateStreamErrorKind;
use async_nats::jetstream::object_store::{self, ObjectStore};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, Stream};
use async_nats::jetstream::{Context, ErrorCode, Message, kv};
use async_nats::{Client, ServerAddr};
use futures_util::StreamExt as _;

use super::{Access, ClusterError};

/// Longest wait for a connection, and for one answer.
const ANSWER: Duration = Duration::from_secs(5);

/// For so long a message with a known id is taken for the same one.
const DUPLICATES: Duration = Duration::from_secs(600);

/// A worker that is silent for so long counts as gone.
const SILENCE: Duration = Duration::from_secs(15);

/// A result that was given out for so long and is not stored was lost on its way, as when a server went down.
const LOST: Duration = Duration::from_secs(30);

/// Copies of everything, where there are so many servers.
const REPLICAS: usize = 3;

/// Name of the workers' consumer.
const WORKERS: &str = "workers";

/// Name of the coordinator's consumer.
const COORDINATOR: &str = "coordinator";

/// Start of the names of the buckets that say what is to happen.
const RUN_BUCKET: &str = "CA_RUN_";

/// A connection to NATS servers. Clones share it; it connects again by itself.
#[derive(Debug, Clone)]
pub struct Link {
    client: Client,
    jetstream: Context,
}

/// What the parts of a run are called on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunNames {
    /// The run.
    pub run: String,
}

impl RunNames {
    fn work(&self) -> String {
        format!("CA_WORK_{}", self.run)
    }

    pub(super) fn work_subject(&self) -> String {
        format!("ca.{}.work", self.run)
    }

    fn results(&self) -> String {
        format!("CA_RES_{}", self.run)
    }

    pub(super) fn results_subject(&self) -> String {
        format!("ca.{}.res", self.run)
    }

    /// Where it is told how far searches for a problem are. Its name in there has no more letters than subjects may have.
    pub(super) fn step_subject(&self, task: &str) -> String {
        let task = blake3::hash(task.as_bytes()).to_hex();
        format!("ca.{}.ev.{}", self.run, task.get(..24).unwrap_or_default())
    }

    pub(super) fn step_subjects(&self) -> String {
        format!("ca.{}.ev.>", self.run)
    }

    fn state(&self) -> String {
        format!("{RUN_BUCKET}{}", self.run)
    }

    fn live(&self) -> String {
        format!("CA_LIVE_{}", self.run)
    }

    pub(super) fn bills(&self) -> String {
        format!("CA_BILL_{}", self.run)
    }

    pub(super) fn parcels(&self) -> String {
        format!("CA_BOX_{}", self.run)
    }

    pub(super) fn replies(&self) -> String {
        format!("CA_REP_{}", self.run)
    }
}

impl Link {
    /// Connects to the first of `servers` that answers: `HOST`, `nats://HOST:PORT` or `tls://HOST:PORT`, with a user and a
    /// password where they are asked for, and with the files of `access`.
    ///
    /// # Errors
    /// [`ClusterError::Unreachable`], which quotes no password; [`ClusterError::Access`].
    pub async fn connect(servers: &[String], access: &Access) -> Result<Self, ClusterError> {
        let addresses: Vec<Result<ServerAddr, _>> = servers.iter().map(|server| server.parse()).collect();
        let shown: Vec<String> = addresses
            .iter()
            .map(|address: &Result<ServerAddr, std::io::Error>| match address {
                Ok(address) => format!("{}:{}", address.host(), address.port()),
                Err(_) => "(not an address)".to_owned(),
            })
            .collect();
        let unreachable = |reason: String| ClusterError::Unreachable { servers: shown.join(", "), reason };
        let addresses = addresses.into_iter().collect::<Result<Vec<_>, _>>();
        let addresses =
            addresses.map_err(|_| unreachable("write nats://HOST:PORT or tls://HOST:PORT".to_owned()))?;
        let options = async_nats::ConnectOptions::new()
            .name("codeagent")
            .connection_timeout(ANSWER)
            .request_timeout(Some(ANSWER))
            .event_callback(async |event| tracing::debug!(%event, "NATS"));
        let options = access.apply(options).await?;
        let client = options.connect(addresses).await.map_err(|error| unreachable(error.to_string()))?;
        Ok(Self { jetstream: async_nats::jetstream::new(client.clone()), client })
    }

    /// The names of the runs on the server, finished ones included.
    ///
    /// # Errors
    /// [`ClusterError::Server`].
    pub async fn runs(&self) -> Result<Vec<RunNames>, ClusterError> {
        let mut names = self.jetstream.stream_names();
        let mut runs = Vec::new();
        while let Some(name) = names.next().await {
            let name = name.map_err(|error| ClusterError::server("list its streams", error))?;
            if let Some(run) = name.strip_prefix("KV_").and_then(|name| name.strip_prefix(RUN_BUCKET)) {
                runs.push(RunNames { run: run.to_owned() });
            }
        }
        runs.sort_by(|one, other| one.run.cmp(&other.run));
        Ok(runs)
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(super) const fn jetstream(&self) -> &Context {
        &self.jetstream
    }

    /// The stream of tasks and its workers' consumer, made where they are missing. A worker that is silent for `lease`
    /// loses its task to another one.
    pub(super) async fn make_work(
        &self,
        names: &RunNames,
        lease: Duration,
    ) -> Result<(Stream, Consumer<pull::Config>), ClusterError> {
        let stream = self.stream(names.work(), names.work_subject()).await?;
        let config = pull::Config {
            durable_name: Some(WORKERS.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: lease,
            // The worker that gets a task too often says so: a limit here would leave it lying, unseen.
            max_deliver: -1,
            // Workers ask for no more than they have room for.
            max_ack_pending: 100_000,
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(WORKERS, config).await;
        let consumer = consumer.map_err(|error| ClusterError::server("make a consumer of tasks", error))?;
        Ok((stream, consumer))
    }

    /// The stream of results, made where it is missing, and a fresh consumer, which gives whatever is not acknowledged.
    pub(super) async fn make_results(
        &self,
        names: &RunNames,
    ) -> Result<Consumer<pull::Config>, ClusterError> {
        let stream = self.stream(names.results(), names.results_subject()).await?;
        // The one of an earlier coordinator holds on to what that one was about to judge. It need not exist.
        drop(stream.delete_consumer(COORDINATOR).await);
        let config = pull::Config {
            durable_name: Some(COORDINATOR.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: LOST,
            max_ack_pending: 10_000,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await;
        consumer.map_err(|error| ClusterError::server("make a consumer of results", error))
    }

    /// The tasks' stream and consumer, which must be there.
    pub(super) async fn work(
        &self,
        names: &RunNames,
    ) -> Result<(Stream, Consumer<pull::Config>), ClusterError> {
        let no_run = || ClusterError::NoRun { run: names.run.clone() };
        let stream = self.jetstream.get_stream(names.work()).await.map_err(|_| no_run())?;
        let consumer = stream.get_consumer(WORKERS).await.map_err(|_| no_run())?;
        Ok((stream, consumer))
    }

    /// The stream of results, which must be there.
    pub(super) async fn results(&self, names: &RunNames) -> Option<Stream> {
        self.jetstream.get_stream(names.results()).await.ok()
    }

    /// Whether the stream of results is there with its consumer. A server that is away has neither.
    pub(super) async fn has_results(&self, names: &RunNames) -> bool {
        match self.results(names).await {
            Some(stream) => stream.get_consumer::<pull::Config>(COORDINATOR).await.is_ok(),
            None => false,
        }
    }

    /// The bucket that says what is to happen, made where it is missing.
    pub(super) async fn make_state(&self, names: &RunNames) -> Result<kv::Store, ClusterError> {
        self.make_bucket(names.state(), Duration::ZERO).await
    }

    /// The bucket that says what is to happen, if it is there.
    pub(super) async fn state(&self, names: &RunNames) -> Option<kv::Store> {
        self.jetstream.get_key_value(names.state()).await.ok()
    }

    /// The bucket of those who work on a run, made where it is missing.
    pub(super) async fn make_live(&self, names: &RunNames) -> Result<kv::Store, ClusterError> {
        self.make_bucket(names.live(), SILENCE).await
    }

    /// The bucket of those who work on a run, if it is there.
    pub(super) async fn live(&self, names: &RunNames) -> Option<kv::Store> {
        self.jetstream.get_key_value(names.live()).await.ok()
    }

    /// A bucket by name, made where it is missing. What is in it goes after `max_age`, or never.
    pub(super) async fn make_bucket(
        &self,
        bucket: String,
        max_age: Duration,
    ) -> Result<kv::Store, ClusterError> {
        if let Ok(found) = self.jetstream.get_key_value(&bucket).await {
            return Ok(found);
        }
        // The client's own way of making one asks for the account first, in a form that older servers do not know.
        let config = |num_replicas| stream::Config {
            name: format!("KV_{bucket}"),
            subjects: vec![format!("$KV.{bucket}.>")],
            max_messages_per_subject: 1,
            max_age,
            discard: DiscardPolicy::New,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            duplicate_window: if max_age.is_zero() { DUPLICATES } else { max_age },
            num_replicas,
            ..stream::Config::default()
        };
        self.make(config).await?;
        let made = self.jetstream.get_key_value(&bucket).await;
        made.map_err(|error| ClusterError::server(format!("make the bucket {bucket}"), error))
    }

    /// An object store by name, made where it is missing.
    pub(super) async fn make_objects(&self, bucket: String) -> Result<ObjectStore, ClusterError> {
        if let Ok(found) = self.jetstream.get_object_store(&bucket).await {
            return Ok(found);
        }
        let mut failed = String::new();
        for num_replicas in [REPLICAS, 1] {
            let config = object_store::Config {
                bucket: bucket.clone(),
                num_replicas,
                ..object_store::Config::default()
            };
            match self.jetstream.create_object_store(config).await {
                Ok(made) => return Ok(made),
                Err(error) => {
                    failed = with_causes(&error);
                    if !failed.contains("10074") {
                        break;
                    }
                }
            }
        }
        Err(ClusterError::server(format!("make the object store {bucket}"), failed))
    }

    async fn stream(&self, name: String, subject: String) -> Result<Stream, ClusterError> {
        let config = |num_replicas| stream::Config {
            name: name.clone(),
            subjects: vec![subject.clone()],
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            duplicate_window: DUPLICATES,
            num_replicas,
            ..stream::Config::default()
        };
        if let Ok(found) = self.jetstream.get_stream(&name).await {
            return Ok(found);
        }
        self.make(config).await
    }

    /// Makes a stream with as many copies as there can be.
    async fn make(&self, config: impl Fn(usize) -> stream::Config) -> Result<Stream, ClusterError> {
        let made = match self.jetstream.create_stream(config(REPLICAS)).await {
            // On a single server nothing is kept three times; elsewhere one copy would be too few.
            Err(error)
                if matches!(error.kind(), CreateStreamErrorKind::JetStream(error)
                    if error.error_code() == ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED) =>
            {
                self.jetstream.create_stream(config(1)).await
            }
            made => made,
        };
        made.map_err(|error| ClusterError::server(format!("make the stream {}", config(1).name), error))
    }

    /// Deletes what is on the server of a run that is finished: all but what it is to do, and the replies.
    pub(super) async fn clear(&self, names: &RunNames) {
        for stream in [names.work(), names.results()] {
            // It may be gone already.
            drop(self.jetstream.delete_stream(stream).await);
        }
        drop(self.jetstream.delete_key_value(names.bills()).await);
        drop(self.jetstream.delete_key_value(names.parcels()).await);
        drop(self.jetstream.delete_object_store(names.parcels()).await);
    }

    /// Deletes everything of a run from the server. The coordinator's store keeps what was finished; a coordinator that
    /// runs makes it all again.
    ///
    /// # Errors
    /// [`ClusterError::NoRun`] if there is nothing.
    pub async fn reset(&self, names: &RunNames) -> Result<(), ClusterError> {
        if self.state(names).await.is_none() && self.work(names).await.is_err() {
            return Err(ClusterError::NoRun { run: names.run.clone() });
        }
        self.clear(names).await;
        drop(self.jetstream.delete_key_value(names.replies()).await);
        drop(self.jetstream.delete_object_store(names.replies()).await);
        drop(self.jetstream.delete_key_value(names.live()).await);
        drop(self.jetstream.delete_key_value(names.state()).await);
        Ok(())
    }
}

/// Up to `most` messages: those that are there, else the first that comes within `wait`.
pub(super) async fn take(
    consumer: &Consumer<pull::Config>,
    most: usize,
    wait: Duration,
) -> Result<Vec<Message>, async_nats::Error> {
    // Without a time limit on the server's side: with one it would wait for more.
    let mut there = consumer.fetch().max_messages(most).messages().await?;
    let mut messages = Vec::new();
    while let Some(message) = tokio::time::timeout(ANSWER, there.next()).await? {
        match message {
            Ok(message) => messages.push(message),
            // Those that came are ours, whatever happened then.
            Err(_) if !messages.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    if !messages.is_empty() || wait.is_zero() {
        return Ok(messages);
    }
    let mut later = consumer.batch().max_messages(1).expires(wait).messages().await?;
    // The server may have lost the consumer that it was to answer for.
    while let Some(message) = tokio::time::timeout(wait + ANSWER, later.next()).await? {
        messages.push(message?);
    }
    Ok(messages)
}

/// An error with what caused it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
