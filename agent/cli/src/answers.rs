//! Where a run's answers come from: a model server, a recording, or the recording that comes with the examples; with
//! the run's store as reply cache around it.

use std::path::Path;
use std::sync::Arc;

use codeagent::models::{
    self, Dialect, MemoryStore, Provider, Recorder, Replay, ReplyStore, RetryPolicy, Stack, StackConfig,
};
use codeagent::store::Store;
use codeagent::{Sampling, StoredReplies};

use crate::args::{CacheFlags, ModelFlags};
use crate::config::types::{self, Config};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::model::{self, Chosen, Resolved};

/// The recording of the examples, made with the scripted model of our own tests.
const EXAMPLES: &str = include_str!("../../../examples/recording.jsonl");

/// What answers, before cache and retries.
pub struct Source {
    /// The model.
    pub provider: Arc<dyn Provider>,
    dialect: Dialect,
    limits: models::Limits,
    retry: RetryPolicy,
    /// Sampling settings of the model's profile.
    pub sampling: Sampling,
    /// A line for the user where the choice is not obvious.
    pub notice: Option<String>,
    cache: models::CacheMode,
}

impl Source {
    /// Decides on what answers.
    ///
    /// # Errors
    /// Exit 2 for a model that is not completely named, exit 3 for a missing key or an unreadable recording.
    pub async fn decide(
        model: &ModelFlags,
        cache: &CacheFlags,
        config: &Config,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        if let Some(path) = &cache.replay {
            return replay(&environment.directory().join(path), model.model.as_deref(), cache.mode());
        }
        let found = async || models::discover().await;
        let chosen = match model::resolve(model, config, environment, found).await? {
            Resolved::Model(chosen) => chosen,
            Resolved::Nothing => return bundled(cache),
        };
        match (chosen.profile.provider, &chosen.profile.path) {
            (types::Provider::Replay, Some(path)) => {
                replay(&environment.directory().join(path), chosen.profile.model.as_deref(), cache.mode())
            }
            (types::Provider::Replay | types::Provider::Candle, _) => Err(not_here(&chosen)),
            _ => server(&chosen, cache, config, environment),
        }
    }

    /// The model with cache, retries and limits around it. Replies are kept in `store`.
    #[must_use]
    pub fn stack(&self, store: Option<Arc<Store>>) -> Stack {
        match store {
            Some(store) => self.stack_over(StoredReplies::new(store)),
            None => self.stack_over(MemoryStore::default()),
        }
    }

    /// The model with cache, retries and limits around it. Replies are kept in `replies`.
    #[must_use]
    pub fn stack_over(&self, replies: impl ReplyStore + 'static) -> Stack {
        let config =
            StackConfig { dialect: self.dialect, cache: self.cache, retry: self.retry, limits: self.limits };
        Stack::build(Arc::clone(&self.provider), replies, config)
    }
}

fn server(
    chosen: &Chosen,
    cache: &CacheFlags,
    config: &Config,
    environment: &Environment,
) -> Result<Source, Failure> {
    let Some(chat) = chosen.chat(environment)? else { return Err(not_here(chosen)) };
    let provider: Arc<dyn Provider> = match &cache.record {
        Some(path) => {
            let path = environment.directory().join(path);
            let recorder = Recorder::open(chat, &path).map_err(|error| {
                Failure::usage(format!("the recording {} can't be written", path.display())).caused_by(&error)
            })?;
            Arc::new(recorder)
        }
        None => Arc::new(chat),
    };
    let notice = (chosen.reason == model::Reason::Discovered)
        .then(|| format!("model {} of the {} server found on this machine", provider.model(), chosen.name));
    let (dialect, limits) = (chosen.dialect(), chosen.limits(config));
    let retry = config.limits.retry();
    let mut sampling = Sampling::default();
    sampling.temperature = chosen.profile.temperature;
    sampling.max_output_tokens = chosen.profile.max_output_tokens;
    Ok(Source { provider, dialect, limits, retry, sampling, notice, cache: cache.mode() })
}

fn replay(path: &Path, model: Option<&str>, cache: models::CacheMode) -> Result<Source, Failure> {
    let replay = Replay::open(path).map_err(|error| {
        Failure::new(Exit::Provider, "the recording can't be replayed")
            .caused_by(&error)
            .hint("record one with --record FILE")
    })?;
    let replay = match model {
        Some(model) => replay.for_model(model),
        None => replay,
    };
    Ok(recorded(replay, None, cache))
}

fn bundled(cache: &CacheFlags) -> Result<Source, Failure> {
    let replay = Replay::from_lines(EXAMPLES).map_err(|error| {
        Failure::new(Exit::Internal, "the bundled recording is damaged").caused_by(&error)
    })?;
    let notice = "no model is configured: replaying the recording that comes with the examples (connect a model with --base-url and -m)";
    Ok(recorded(replay, Some(notice.to_owned()), cache.mode()))
}

fn recorded(replay: Replay, notice: Option<String>, cache: models::CacheMode) -> Source {
    let limits = models::Limits::default();
    let (retry, sampling) = (RetryPolicy::default(), Sampling::default());
    let provider = Arc::new(replay);
    Source { provider, dialect: Dialect::default(), limits, retry, sampling, notice, cache }
}

fn not_here(chosen: &Chosen) -> Failure {
    let provider = chosen.profile.provider.name();
    Failure::usage(format!("the model profile `{}` ({provider}) can't answer", chosen.name))
        .because("replay needs a `path`, and local candle models are not part of this version".to_owned())
        .hint("use a model server (--base-url and -m), or --replay FILE")
}
