//! Replay: answers from a cassette, and from nothing else.

mod nearest;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_core::future::BoxFuture;

use self::nearest::nearest;
use crate::cassette::{Cassette, recording_key, storage};
use crate::embedding;
use crate::error::{ErrorKind, ModelError};
use crate::key::CacheKey;
use crate::provider::{Capabilities, Provider, Reply, Request};
use crate::record::io_fault;
use crate::trace;

/// A cassette as a provider. The same draw of the same request gets the same reply, as often as it is asked.
#[derive(Debug, Clone)]
pub struct Replay {
    name: String,
    cassette: Cassette,
    /// Place in the cassette by key; of several recordings of one request the last counts.
    places: BTreeMap<CacheKey, usize>,
    model: String,
    latency: Duration,
}

impl Replay {
    /// Loads a recording; see [`Cassette::parse`] for what is checked.
    ///
    /// # Errors
    /// Kind `Storage`, with path and line.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| io_fault("read", path, error))?;
        let name = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|error| {
            storage(format!("{name}: no UTF-8 from byte {}", error.utf8_error().valid_up_to()))
        })?;
        Self::load(name, &text)
    }

    /// A recording that comes with the program.
    ///
    /// # Errors
    /// Kind `Storage`, with the line.
    pub fn from_lines(text: &str) -> Result<Self, ModelError> {
        Self::load("recording in memory".into(), text)
    }

    /// The same recording, answering for another of its models than the first.
    #[must_use]
    pub fn for_model(mut self, model: impl Into<String>) -> Self {
        self.model = model.into();
        self
    }

    /// The same recording, answering for its embedding model; `None` where it holds no vectors.
    #[must_use]
    pub fn for_embeddings(self) -> Option<Self> {
        let mut entries = self.cassette.entries.iter();
        let model = entries.find(|entry| embedding::is_request(&entry.request))?.model.clone();
        Some(self.for_model(model))
    }

    /// The same recording, each answer after a wait on tokio's clock.
    #[must_use]
    pub const fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Whether the recording's last line was cut off in writing and is left out.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cassette.cut
    }

    /// How many requests it can answer.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it can answer none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn load(name: String, text: &str) -> Result<Self, ModelError> {
        let cassette = Cassette::parse(&name, text)?;
        if cassette.cut {
            tracing::warn!(recording = %name, "the last line was cut off in writing and is left out");
        }
        let key_of =
            |(i, entry): (usize, &crate::cassette::Entry)| (recording_key(&entry.model, &entry.request), i);
        let places = cassette.entries.iter().enumerate().map(key_of).collect();
        let answers = cassette.entries.iter().find(|entry| !embedding::is_request(&entry.request));
        let model = answers.map_or_else(|| "replay".into(), |entry| entry.model.clone());
        Ok(Self { name, cassette, places, model, latency: Duration::ZERO })
    }

    fn find(&self, request: &Request) -> Result<Reply, ModelError> {
        let place = self.places.get(&recording_key(&self.model, request));
        match place.and_then(|i| self.cassette.entries.get(*i)) {
            Some(entry) => Ok(entry.reply.clone()),
            None => Err(self.miss(request)),
        }
    }

    fn miss(&self, request: &Request) -> ModelError {
        let nearest = nearest(&self.cassette.entries, &self.model, request);
        ModelError::new(
            ErrorKind::NotRecorded,
            format!(
                "{} has no answer to this request ({nearest}): replay with the settings, seed and version that \
                 recorded it, or record it again",
                self.name
            ),
        )
    }
}

impl Provider for Replay {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(async move {
            trace::asked("replay", None);
            if !self.latency.is_zero() {
                tokio::time::sleep(self.latency).await;
            }
            self.find(request)
        })
    }

    /// All: what was recorded was possible. Distinct answers only where some were recorded, for their requests are others.
    fn capabilities(&self) -> Capabilities {
        let distinct = self.cassette.entries.iter().any(|entry| entry.request.distinct);
        Capabilities { n: true, seed: true, logprobs: true, stream: true, distinct }
    }

    fn model(&self) -> &str {
        &self.model
    }
}
