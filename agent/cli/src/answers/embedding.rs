//! The embedding model beside a run's model: a server's, one in this process, or what a recording holds of one.

use std::path::Path;
use std::sync::Arc;

use codeagent::Strategy;
use codeagent::models::local::LocalEmbeddings;
use codeagent::models::{self, CacheMode, Embedder, Stack};

use super::{Recording, Source, not_here, open, recorded, recorded_on};
use crate::args::{CacheFlags, ModelFlags};
use crate::config::types::{Config, Provider};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::local_model;
use crate::model;

impl Source {
    /// Decides on what answers in searches by a strategy, and on the embedding model where it compares by one.
    ///
    /// # Errors
    /// As [`Source::decide`] and [`Source::with_embedding`].
    pub async fn find(
        strategy: &Strategy,
        model: &ModelFlags,
        cache: &CacheFlags,
        config: &Config,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let source = Self::decide(model, cache, config, environment).await?;
        if !strategy.compares_modules() {
            return Ok(source);
        }
        source.with_embedding(cache, config, environment).await
    }

    /// The same with the embedding model that is configured, if one is. It is recorded and replayed with the model.
    ///
    /// # Errors
    /// Exit 2 for a profile that is not complete, exit 3 for a missing key, files that make no model, or a recording
    /// without vectors.
    pub async fn with_embedding(
        mut self,
        cache: &CacheFlags,
        config: &Config,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        if let Some(profile) = &config.embedding.profile {
            let embedding = match &cache.replay {
                Some(path) => replayed(&environment.directory().join(path), cache.mode())?,
                None => {
                    let recording = self.recording.as_ref();
                    embedding(profile, recording, cache.mode(), config, environment).await?
                }
            };
            self.embedding = Some(Box::new(embedding));
        }
        Ok(self)
    }

    /// The embedding model as it is, for the identity of what rests on it.
    #[must_use]
    pub fn bare_embedder(&self) -> Option<Embedder> {
        self.embedding.as_ref().map(|source| Embedder::new(Arc::clone(&source.provider)))
    }

    /// The embedding model with what `stack` puts around it.
    pub fn embedder(&self, stack: impl FnOnce(&Self) -> Stack) -> Option<Embedder> {
        self.embedding.as_ref().map(|source| Embedder::new(stack(source).provider))
    }
}

/// The embedding model of a profile, alone.
///
/// # Errors
/// As [`Source::with_embedding`].
pub async fn embedding(
    profile: &str,
    recording: Option<&Arc<Recording>>,
    cache: CacheMode,
    config: &Config,
    environment: &Environment,
) -> Result<Source, Failure> {
    let chosen = model::profile(profile, config, environment, async || models::discover().await).await?;
    let provider = match (chosen.profile.provider, &chosen.profile.path) {
        (Provider::Replay, Some(path)) => return replayed(&environment.directory().join(path), cache),
        (Provider::Candle, _) => {
            let engine = local_model::engine(&chosen.profile, environment).await?;
            recorded_on(recording, LocalEmbeddings::new(engine))
        }
        _ => {
            let served = chosen.embeddings(environment)?.ok_or_else(|| not_here(&chosen))?;
            recorded_on(recording, served)
        }
    };
    Ok(Source {
        dialect: chosen.dialect(),
        limits: chosen.limits(config),
        retry: config.limits.retry(),
        is_local: chosen.profile.provider == Provider::Candle,
        ..Source::of(provider, cache)
    })
}

fn replayed(path: &Path, cache: CacheMode) -> Result<Source, Failure> {
    let replay = open(path)?.for_embeddings().ok_or_else(|| {
        Failure::new(Exit::Provider, format!("the recording {} holds no vectors", path.display()))
            .hint("record them with --record FILE and an embedding model, or leave the embedding model out")
    })?;
    Ok(recorded(replay, cache))
}
