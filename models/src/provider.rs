//! The seam to language models: requests, replies, and the trait that answers them.

use std::sync::Arc;

use codeagent_prompts::Message;
use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// Answers chat requests. Object-safe; `Arc<T>` of a provider is a provider.
pub trait Provider: Send + Sync {
    /// Asks for `request.n` answers. A reply has exactly that many choices.
    ///
    /// # Errors
    /// [`ModelError`], whose `kind()` says what to do about it.
    ///
    /// # Cancellation
    /// Dropping the future drops the connection; an answer that is not complete by then is lost.
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>>;

    /// What the model behind this provider can do.
    fn capabilities(&self) -> Capabilities;

    /// The model's name, as in price tables and reports.
    fn model(&self) -> &str;
}

impl<T: Provider + ?Sized> Provider for Arc<T> {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        (**self).complete(request)
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn model(&self) -> &str {
        (**self).model()
    }
}

/// One chat request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The conversation.
    pub messages: Vec<Message>,
    /// Sampling temperature, in `[0, 2]`.
    pub temperature: f64,
    /// Nucleus mass, in `(0, 1]`.
    pub top_p: Option<f64>,
    /// Longest answer, in tokens, per choice.
    pub max_output_tokens: u32,
    /// Answers wanted, at least 1.
    pub n: u32,
    /// Texts at which an answer ends.
    pub stop: Vec<String>,
    /// Seed for servers that honour one.
    pub seed: u64,
    /// Top log-probabilities wanted per token; `None` for no log-probabilities.
    pub logprobs: Option<u8>,
    /// Which draw of this same question it is; makes repeated sampling distinct and repeatable.
    pub draw: u32,
    /// Whether no two answers to this prompt and seed may be alike. `draw` then says how many were drawn before. Only for
    /// providers that can ([`Capabilities::distinct`]); others take no notice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub distinct: bool,
}

/// The answers to one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The answers, in the server's order.
    pub choices: Vec<Choice>,
    /// What it used.
    pub usage: Usage,
    /// The model that the server says answered.
    pub model: String,
    /// The server's id of the reply.
    pub id: Option<String>,
    /// Whether it came from the reply cache and so cost nothing now.
    #[serde(skip)]
    pub cached: bool,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The answer's text, without reasoning.
    pub text: String,
    /// Reasoning that the server gave apart or in a leading `<think>` block. Never parsed for code.
    pub reasoning: Option<String>,
    /// Why it ended.
    pub finish: Finish,
    /// Mean log-probability per token, in nats, where the server gave log-probabilities.
    pub mean_logprob: Option<f64>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done or met a stop text.
    Stop,
    /// The token limit cut it.
    Length,
    /// The server's content filter cut it.
    ContentFilter,
    /// It repeated itself over and over, and was cut behind the first copy.
    Repetition,
    /// Something else, in the server's word.
    Other(String),
}

/// Tokens of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input: u64,
    /// Prompt tokens that the server had cached.
    pub cached: u64,
    /// Tokens of all answers, reasoning included.
    pub output: u64,
    /// Output tokens that were reasoning.
    pub reasoning: u64,
    /// Whether the server gave no (or absurd) usage, and these are our estimate.
    pub estimated: bool,
}

/// What a model and its server can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// Several answers to one request.
    pub n: bool,
    /// Seeds.
    pub seed: bool,
    /// Log-probabilities.
    pub logprobs: bool,
    /// Server-sent events.
    pub stream: bool,
    /// Answers that are all different, drawn without replacement.
    pub distinct: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { n: true, seed: true, logprobs: false, stream: true, distinct: false }
    }
}
