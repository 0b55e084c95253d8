//! Servers that speak the chat completions of `OpenAI`, in any of its dialects.
//!
//! One attempt per call: retries, limits, cache and splitting are layers around it (see [`crate::stack`]). We read
//! with our own tolerant types instead of a vendor's client, which would refuse what many servers send, and hide
//! `Retry-After` and the limits on bodies, lines and silence.

mod classify;
mod collect;
mod config;
mod dialect;
mod embeddings;
pub mod sse;
mod transport;
mod usage;
mod wire;

use std::error::Error;

use futures_core::future::BoxFuture;

pub use self::config::{ChatConfig, ConfigError, Timeouts};
pub use self::dialect::{Dialect, MaxTokensField};
pub use self::embeddings::Embeddings;
pub(crate) use self::transport::client;

use self::classify::Failure;
pub(crate) use self::collect::{printable, split_thought};
use self::dialect::Habits;
use self::transport::Transport;
use crate::error::{ErrorKind, ModelError};
use crate::provider::{Capabilities, Finish, Provider, Reply, Request};
use crate::secret::ApiKey;
use crate::trace;

/// Times that one call changes its wording after the server named a field that it doesn't take. Such refusals
/// are free, so they count as one attempt.
const REWORDINGS_MAX: usize = 4;

/// A model behind an OpenAI-compatible server.
#[derive(Debug)]
pub struct Chat {
    transport: Transport,
    config: ChatConfig,
    habits: Habits,
}

impl Chat {
    /// A model of a server. Nothing is sent before the first call.
    ///
    /// # Errors
    /// [`ConfigError`] names the field that can't be used.
    pub fn new(config: ChatConfig) -> Result<Self, ConfigError> {
        let transport = Transport::new(&config, "chat/completions")?;
        let habits = Habits::new(&config);
        Ok(Self { transport, config, habits })
    }

    async fn run(&self, request: &Request) -> Result<Reply, ModelError> {
        trace::asked(self.config.dialect.name(), Some(self.transport.endpoint()));
        let mut rewordings = 0;
        loop {
            let failure = match self.attempt(request).await {
                Ok(reply) => return Ok(self.clean(reply)),
                Err(failure) => failure,
            };
            if rewordings == REWORDINGS_MAX || !self.habits.learn(&failure) {
                return Err(clean_error(self.config.api_key.as_ref(), failure.error));
            }
            rewordings += 1;
        }
    }

    async fn attempt(&self, request: &Request) -> Result<Reply, Failure> {
        let body = serde_json::to_vec(&self.habits.word(&self.config, request))
            .map_err(|error| ModelError::new(ErrorKind::BadRequest, error.to_string()))?;
        let collected = self.transport.within(self.transport.answer(body, request.n)).await?;
        collected.finish(self.transport.site(), &self.config.model, request)
    }

    /// The reply without the key, should a server have echoed it.
    fn clean(&self, mut reply: Reply) -> Reply {
        let Some(key) = &self.config.api_key else { return reply };
        for choice in &mut reply.choices {
            redact(key, &mut choice.text);
            if let Finish::Other(word) = &mut choice.finish {
                redact(key, word);
            }
        }
        let thoughts = reply.choices.iter_mut().filter_map(|choice| choice.reasoning.as_mut());
        for text in thoughts.chain(reply.id.as_mut()).chain([&mut reply.model]) {
            redact(key, text);
        }
        reply
    }
}

/// The error without the key; a cause that names it is left out.
fn clean_error(key: Option<&ApiKey>, error: ModelError) -> ModelError {
    let Some(key) = key else { return error };
    let names_key = |text: &str| key.redact(text) != text;
    let mut causes = std::iter::successors(Some(&error as &dyn Error), |&error| error.source());
    if !causes.any(|cause| names_key(&cause.to_string()) || names_key(&format!("{cause:?}"))) {
        return error;
    }
    ModelError::new(error.kind(), key.redact(&error.to_string())).with_retry_after(error.retry_after())
}

fn redact(key: &ApiKey, text: &mut String) {
    if let std::borrow::Cow::Owned(redacted) = key.redact(text) {
        *text = redacted;
    }
}

impl Provider for Chat {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(self.run(request))
    }

    fn capabilities(&self) -> Capabilities {
        self.habits.capabilities()
    }

    fn model(&self) -> &str {
        &self.config.model
    }
}
