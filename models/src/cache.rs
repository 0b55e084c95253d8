//! The reply cache: an answer is stored before it is used, and the same draw is answered from the store.

mod flight;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};

use self::flight::Flights;
use crate::error::{ErrorKind, ModelError};
use crate::key::CacheKey;
use crate::meter::Meter;
use crate::provider::{Capabilities, Provider, Reply, Request};
use crate::trace;

/// A reply as a store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredReply {
    /// The model that was asked, by our name for it.
    pub model: String,
    /// Its reply.
    pub reply: Reply,
}

/// Keeps replies by key. A second `save` under one key replaces the first.
pub trait ReplyStore: Send + Sync {
    /// The reply stored under a key, if there is one.
    fn load<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<Option<StoredReply>, ModelError>>;

    /// Stores a reply; it is durable when this returns.
    fn save<'a>(&'a self, key: &'a CacheKey, reply: &'a StoredReply)
    -> BoxFuture<'a, Result<(), ModelError>>;
}

impl<T: ReplyStore + ?Sized> ReplyStore for Arc<T> {
    fn load<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<Option<StoredReply>, ModelError>> {
        (**self).load(key)
    }

    fn save<'a>(
        &'a self,
        key: &'a CacheKey,
        reply: &'a StoredReply,
    ) -> BoxFuture<'a, Result<(), ModelError>> {
        (**self).save(key, reply)
    }
}

/// What the cache is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheMode {
    /// Answer from it where possible; store what is new.
    #[default]
    Use,
    /// Answer from it alone: anything else is an error of kind `NotRecorded`.
    Only,
    /// Ask anew once per request and process, and replace what is stored.
    Refresh,
    /// Neither read nor write it.
    Off,
}

/// Answers from a store, and stores what it had to ask for before it gives it back.
///
/// Requests with the same key that come while one is under way wait for it and get its answer. Errors are never
/// stored.
pub struct Cached<P, S> {
    inner: P,
    store: S,
    mode: CacheMode,
    dialect: String,
    meter: Arc<Meter>,
    flights: Flights,
    /// Keys already asked anew in mode `Refresh`.
    fresh: Mutex<BTreeSet<CacheKey>>,
}

impl<P: Provider, S: ReplyStore> Cached<P, S> {
    /// A cache in front of a provider whose requests are written in a dialect.
    pub fn new(inner: P, store: S, mode: CacheMode, dialect: impl Into<String>, meter: Arc<Meter>) -> Self {
        Self {
            inner,
            store,
            mode,
            dialect: dialect.into(),
            meter,
            flights: Flights::default(),
            fresh: Mutex::default(),
        }
    }

    async fn run(&self, request: &Request) -> Result<Reply, ModelError> {
        if self.mode == CacheMode::Off {
            return self.inner.complete(request).await;
        }
        let key = CacheKey::of(&self.dialect, self.inner.model(), request);
        let _turn = self.flights.turn(key).await;
        if let Some(reply) = self.stored(&key).await? {
            return Ok(reply);
        }
        if self.mode == CacheMode::Only {
            return Err(missing(self.inner.model(), &key));
        }
        let reply = self.inner.complete(request).await?;
        let stored = StoredReply { model: self.inner.model().to_owned(), reply };
        self.store.save(&key, &stored).await?;
        if self.mode == CacheMode::Refresh {
            lock(&self.fresh).insert(key);
        }
        Ok(stored.reply)
    }

    async fn stored(&self, key: &CacheKey) -> Result<Option<Reply>, ModelError> {
        if self.mode == CacheMode::Refresh && !lock(&self.fresh).contains(key) {
            return Ok(None);
        }
        let Some(stored) = self.store.load(key).await? else { return Ok(None) };
        self.meter.cache_hit();
        trace::recalled(self.inner.model());
        Ok(Some(Reply { cached: true, ..stored.reply }))
    }
}

impl<P: Provider, S: ReplyStore> Provider for Cached<P, S> {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(self.run(request))
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }
}

fn missing(model: &str, key: &CacheKey) -> ModelError {
    ModelError::new(
        ErrorKind::NotRecorded,
        format!(
            "no stored answer of {model} for request {key}: use the settings and seed of the stored run, or \
             allow model calls"
        ),
    )
}

/// A store that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<CacheKey, StoredReply>>);

impl MemoryStore {
    /// How many replies it holds.
    pub fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ReplyStore for MemoryStore {
    fn load<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<Option<StoredReply>, ModelError>> {
        Box::pin(async move { Ok(lock(&self.0).get(key).cloned()) })
    }

    fn save<'a>(
        &'a self,
        key: &'a CacheKey,
        reply: &'a StoredReply,
    ) -> BoxFuture<'a, Result<(), ModelError>> {
        Box::pin(async move {
            lock(&self.0).insert(*key, reply.clone());
            Ok(())
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
