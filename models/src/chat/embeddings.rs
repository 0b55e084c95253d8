//! Servers that speak the embeddings of `OpenAI`.

use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::classify::{Failure, from_error_value, transient};
use super::transport::Transport;
use super::wire::{Lenient, WireUsage};
use super::{ChatConfig, ConfigError, clean_error};
use crate::embedding;
use crate::error::{ErrorKind, ModelError};
use crate::price::prompt_tokens;
use crate::provider::{Capabilities, Provider, Reply, Request};

/// An embedding model behind an OpenAI-compatible server (`POST /embeddings`). One attempt per call.
#[derive(Debug)]
pub struct Embeddings {
    transport: Transport,
    config: ChatConfig,
}

#[derive(Serialize)]
struct WireRequest<'a> {
    model: &'a str,
    input: &'a str,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireReply {
    data: Vec<WireVector>,
    usage: Lenient<WireUsage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct WireVector {
    embedding: Vec<f32>,
}

impl Embeddings {
    /// An embedding model of a server; of the configuration only what concerns the connection counts. Nothing is sent
    /// before the first call.
    ///
    /// # Errors
    /// [`ConfigError`] names the field that can't be used.
    pub fn new(config: ChatConfig) -> Result<Self, ConfigError> {
        Ok(Self { transport: Transport::new(&config, "embeddings")?, config })
    }

    async fn run(&self, request: &Request) -> Result<Reply, ModelError> {
        let asked = self.transport.within(self.ask(request)).await;
        asked.map_err(|failure| clean_error(self.config.api_key.as_ref(), failure.error))
    }

    async fn ask(&self, request: &Request) -> Result<Reply, Failure> {
        let wire = WireRequest { model: &self.config.model, input: embedding::text_of(request)? };
        let body = serde_json::to_vec(&wire)
            .map_err(|error| ModelError::new(ErrorKind::BadRequest, error.to_string()))?;
        let site = self.transport.site();
        let reply: WireReply =
            serde_json::from_slice(&self.transport.bytes(body).await?).map_err(|error| {
                let place = format!("line {} column {}", error.line(), error.column());
                transient(format!("the answer of {site} is no embedding at {place}"))
            })?;
        if let Some(error) = &reply.error {
            return Err(from_error_value(site, error));
        }
        let [vector] = reply.data.as_slice() else {
            let count = reply.data.len();
            return Err(transient(format!("{site} gave {count} embeddings of one text")).into());
        };
        // No text is without tokens, and no token shorter than a byte.
        let bytes = wire.input.len() as u64;
        let said = reply.usage.0.and_then(|usage| usage.prompt_tokens.0).map(|count| count.0);
        let tokens = said.filter(|tokens| (1..=bytes + SPECIAL_TOKENS_MAX).contains(tokens));
        embedding::reply(
            &self.config.model,
            &vector.embedding,
            tokens.unwrap_or_else(|| prompt_tokens(request)),
        )
        .map_err(Failure::from)
    }
}

/// Tokens that a model may add around a text.
const SPECIAL_TOKENS_MAX: u64 = 64;

impl Provider for Embeddings {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(self.run(request))
    }

    fn capabilities(&self) -> Capabilities {
        embedding::CAPABILITIES
    }

    fn model(&self) -> &str {
        &self.config.model
    }
}
