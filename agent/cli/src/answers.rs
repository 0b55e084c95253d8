//! Where a run's answers come from: a model server, a model in this process, or a recording; with the run's store as
//! reply cache around it.

use std::path::Path;
use std::sync::Arc;

use codeagent::models::local::embedded;
use codeagent::models::{
    self, Dialect, MemoryStore, PriceTable, Provider, Recorder, Replay, ReplyStore, RetryPolicy, Sharing,
    Stack, StackConfig,
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
    continue_repetition: bool,
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

    /// What its tokens cost.
    ///
    /// # Errors
    /// Exit 2 for a configured price that is none.
    pub fn prices(&self, config: &Config) -> Result<PriceTable, Failure> {
        if self.is_local {
            model::prices_with_free(self.provider.model(), config)
        } else {
            model::prices(config)
        }
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
            continue_repetition: self.continue_repetition,
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
    let provider: Arc<dyn Provider> = match &cache.record {
        Some(path) => {
            let path = environment.directory().join(path);
            let recorder = Recorder::open(model, &path).map_err(|error| {
                Failure::usage(format!("the recording {} can't be written", path.display())).caused_by(&error)
            })?;
            Arc::new(recorder)
        }
        None => Arc::new(model),
    };
    let notice = match chosen.reason {
        model::Reason::Discovered => {
            Some(format!("model {} of the {} server found on this machine", provider.model(), chosen.name))
        }
        model::Reason::Embedded => Some(format!(
            "no model is configured: the small one that comes with codeagent answers ({CONNECT})"
        )),
        _ => None,
    };
    let (dialect, limits) = (chosen.dialect(), chosen.limits(config));
    let retry = config.limits.retry();
    let mut sampling = Sampling::default();
    sampling.temperature = chosen.profile.temperature;
    sampling.max_output_tokens = chosen.profile.max_output_tokens;
    let continue_repetition = chosen.repetition() == types::Repetition::Continue;
    Ok(Source {
        provider,
        dialect,
        limits,
        retry,
        sampling,
        notice,
        is_local: chosen.profile.provider == types::Provider::Candle,
        is_embedded: chosen.is_embedded(),
        cache: cache.mode(),
        continue_repetition,
        #[cfg(feature = "nats")]
        server: chosen.server(),
    })
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
    Ok(recorded(replay, cache))
}

fn recorded(replay: Replay, cache: models::CacheMode) -> Source {
    let limits = models::Limits::default();
    let (retry, sampling) = (RetryPolicy::default(), Sampling::default());
    let provider = Arc::new(replay);
    // A recording holds the second answers, too, where there were any.
    let continue_repetition = true;
    Source {
        provider,
        dialect: Dialect::default(),
        limits,
        retry,
        sampling,
        notice: None,
        is_local: false,
        is_embedded: false,
        cache,
        continue_repetition,
        #[cfg(feature = "nats")]
        server: None,
    }
}

fn not_here(chosen: &Chosen) -> Failure {
    let provider = chosen.profile.provider.name();
    Failure::usage(format!("the model profile `{}` ({provider}) can't answer", chosen.name))
        .because("replay needs the `path` of a recording".to_owned())
        .hint("use a model server (--base-url and -m), or --replay FILE")
}
