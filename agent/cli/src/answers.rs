//! Where a run's answers come from: a model server, a model in this process, or a recording; with the run's store as
//! reply cache around it.

pub mod embedding;

use std::path::Path;
use std::sync::Arc;

use codeagent::models::decode::RepetitionRule;
use codeagent::models::local::embedded;
use codeagent::models::{
    self, Dialect, MemoryStore, PriceTable, Provider, Recorder, Recording, Replay, ReplyStore, RetryPolicy,
    Sharing, Stack, StackConfig,
};
use codeagent::store::Store;
use codeagent::{Sampling, StoredReplies};

use crate::args::{CacheFlags, ModelFlags};
use crate::config::types::{self, Config};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::local_model;
use crate::model::{self, Chosen, Resolved};

/// How to connect a model.
const CONNECT: &str = "connect a real model with --base-url and -m, or a local one with -m candle:PATH";

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
    /// Whether a model in this process answers, and whether it is the one that comes with the program.
    is_local: bool,
    is_embedded: bool,
    cache: models::CacheMode,
    repetition: RepetitionRule,
    /// Where answers are recorded, if they are.
    recording: Option<Arc<Recording>>,
    /// The embedding model beside it.
    embedding: Option<Box<Self>>,
    /// What those who ask the same server have in common; `None` for models in this process.
    #[cfg(feature = "nats")]
    pub server: Option<String>,
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
            Resolved::Nothing => model::embedded(),
        };
        match (chosen.profile.provider, &chosen.profile.path) {
            (types::Provider::Replay, Some(path)) => {
                replay(&environment.directory().join(path), chosen.profile.model.as_deref(), cache.mode())
            }
            (types::Provider::Candle, _) => {
                let provider = local_model::provider(&chosen.profile, environment).await?;
                source(provider, &chosen, cache, config, environment)
            }
            (types::Provider::Replay, None) => Err(not_here(&chosen)),
            _ => server(&chosen, cache, config, environment),
        }
    }

    /// A source with the usual settings.
    fn of(provider: Arc<dyn Provider>, cache: models::CacheMode) -> Self {
        Self {
            provider,
            dialect: Dialect::default(),
            limits: models::Limits::default(),
            retry: RetryPolicy::default(),
            sampling: Sampling::default(),
            notice: None,
            is_local: false,
            is_embedded: false,
            cache,
            repetition: RepetitionRule::default(),
            recording: None,
            embedding: None,
            #[cfg(feature = "nats")]
            server: None,
        }
    }

    /// What its tokens cost, and those of the embedding model beside it.
    ///
    /// # Errors
    /// Exit 2 for a configured price that is none.
    pub fn prices(&self, config: &Config) -> Result<PriceTable, Failure> {
        let sources = [Some(self), self.embedding.as_deref()].into_iter().flatten();
        let free = sources.filter(|source| source.is_local).map(|source| source.provider.model());
        model::prices_with_free(free, config)
    }

    /// What becomes of its answers that repeat themselves.
    #[must_use]
    pub const fn repetition(&self) -> RepetitionRule {
        self.repetition
    }

    /// A line for the user where a problem is not of the kind that the embedded model was made for, if that one answers.
    #[must_use]
    pub fn out_of_range(&self, statement: &str) -> Option<String> {
        (self.is_embedded && !embedded::is_within(statement)).then(|| {
            format!("this problem is outside what the embedded model was made for, so expect no solution ({CONNECT})")
        })
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
        self.stacked(replies, Sharing::Alone)
    }

    /// The same, with limits of which this process has a part.
    #[cfg(feature = "nats")]
    #[must_use]
    pub fn shared_stack(&self, replies: impl ReplyStore + 'static) -> Stack {
        self.stacked(replies, Sharing::OneOfMany)
    }

    fn stacked(&self, replies: impl ReplyStore + 'static, sharing: Sharing) -> Stack {
        let config = StackConfig {
            dialect: self.dialect,
            cache: self.cache,
            retry: self.retry,
            limits: self.limits,
            sharing,
            repetition: self.repetition,
        };
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
    source(chat, chosen, cache, config, environment)
}

/// A model with the settings of its profile, recorded where that is asked for.
fn source(
    model: impl Provider + 'static,
    chosen: &Chosen,
    cache: &CacheFlags,
    config: &Config,
    environment: &Environment,
) -> Result<Source, Failure> {
    let recording = recording(cache, environment)?;
    let provider = recorded_on(recording.as_ref(), model);
    let notice = match chosen.reason {
        model::Reason::Discovered => {
            Some(format!("model {} of the {} server found on this machine", provider.model(), chosen.name))
        }
        model::Reason::Embedded => Some(format!(
            "no model is configured: the small one that comes with codeagent answers ({CONNECT})"
        )),
        _ => None,
    };
    let mut sampling = Sampling::default();
    sampling.temperature = chosen.profile.temperature;
    sampling.max_output_tokens = chosen.profile.max_output_tokens;
    Ok(Source {
        dialect: chosen.dialect(),
        limits: chosen.limits(config),
        retry: config.limits.retry(),
        sampling,
        notice,
        is_local: chosen.profile.provider == types::Provider::Candle,
        is_embedded: chosen.is_embedded(),
        repetition: chosen.rule(),
        recording,
        #[cfg(feature = "nats")]
        server: chosen.server(),
        ..Source::of(provider, cache.mode())
    })
}

/// The recording that is asked for, if one is.
fn recording(cache: &CacheFlags, environment: &Environment) -> Result<Option<Arc<Recording>>, Failure> {
    let Some(path) = &cache.record else { return Ok(None) };
    let path = environment.directory().join(path);
    let recording = Recording::open(&path).map_err(|error| {
        Failure::usage(format!("the recording {} can't be written", path.display())).caused_by(&error)
    })?;
    Ok(Some(Arc::new(recording)))
}

fn recorded_on(recording: Option<&Arc<Recording>>, model: impl Provider + 'static) -> Arc<dyn Provider> {
    match recording {
        Some(recording) => Arc::new(Recorder::onto(model, Arc::clone(recording))),
        None => Arc::new(model),
    }
}

fn open(path: &Path) -> Result<Replay, Failure> {
    Replay::open(path).map_err(|error| {
        Failure::new(Exit::Provider, "the recording can't be replayed")
            .caused_by(&error)
            .hint("record one with --record FILE")
    })
}

fn replay(path: &Path, model: Option<&str>, cache: models::CacheMode) -> Result<Source, Failure> {
    let replay = open(path)?;
    let replay = match model {
        Some(model) => replay.for_model(model),
        None => replay,
    };
    Ok(recorded(replay, cache))
}

fn recorded(replay: Replay, cache: models::CacheMode) -> Source {
    // A recording holds the second answers, too, where there were any.
    Source { repetition: RepetitionRule::continued(), ..Source::of(Arc::new(replay), cache) }
}

fn not_here(chosen: &Chosen) -> Failure {
    let provider = chosen.profile.provider.name();
    Failure::usage(format!("the model profile `{}` ({provider}) can't answer", chosen.name))
        .because("replay needs the `path` of a recording".to_owned())
        .hint("use a model server (--base-url and -m), or --replay FILE")
}
