//! What is asked of an engine, and what it gives.

use std::sync::Arc;

use super::drawn::{DrawnTree, Share};
use super::sample::Sampling;
use crate::decode::LogitsProcessor;

/// Makes a row's processor. It is told the prompt's tokens and the drawn ones through
/// [`LogitsProcessor::accept`]; what it answers about the prompt's is not heeded.
pub type ProcessorFactory = dyn Fn(&RowStart<'_>) -> Box<dyn LogitsProcessor> + Send + Sync;

/// A row that is about to begin.
#[derive(Debug, Clone, Copy)]
pub struct RowStart<'a> {
    /// The tokens of the prompt.
    pub prompt: &'a [u32],
    /// Which row of its request it is.
    pub row: usize,
}

/// Answers to one prompt.
#[derive(Clone)]
pub struct Generate {
    /// The tokens of the prompt, at least one.
    pub prompt: Vec<u32>,
    /// One answer for each, drawn with it. Its text depends on nothing else.
    pub seeds: Vec<u64>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Most tokens of an answer, the one that ends it included.
    pub tokens_max: usize,
    /// Texts at which an answer ends; they are not part of it.
    pub stop: Vec<String>,
    /// Makes the processors of each row, applied in this order.
    pub processors: Vec<Arc<ProcessorFactory>>,
    /// Earlier answers to the prompt, drawn with the same settings, none of which comes again as long as there are others.
    pub without: Option<Arc<DrawnTree>>,
}

impl std::fmt::Debug for Generate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generate")
            .field("prompt", &self.prompt.len())
            .field("seeds", &self.seeds)
            .field("sampling", &self.sampling)
            .field("tokens_max", &self.tokens_max)
            .finish_non_exhaustive()
    }
}

/// The answers to one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// One per seed, in their order.
    pub answers: Vec<Answer>,
    /// Tokens of the prompt that were known from earlier ones.
    pub cached: usize,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its bytes, which are UTF-8 unless the model drew something else.
    pub text: Vec<u8>,
    /// The drawn tokens, the one that ended it included.
    pub tokens: Vec<u32>,
    /// Log-probability of each under the model itself, in nats: before processors, at temperature 1.
    pub logprobs: Vec<f64>,
    /// Where the request leaves out earlier answers, every drawn token, also those that were cut off, with its share of the
    /// probability; empty otherwise.
    pub shares: Vec<Share>,
    /// How many tokens were drawn; more than `tokens` where a processor cut some off.
    pub drawn: usize,
    /// Why it ended.
    pub end: End,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The model ended it.
    Token,
    /// A stop text came.
    Stop,
    /// It has as many tokens as were allowed, or as the context holds.
    Length,
    /// A processor cut it.
    Cut,
    /// No token had a finite logit: broken weights, or a processor that left nothing.
    Nothing,
}

/// Continuations of one prefix to score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// The tokens before each continuation, at least one.
    pub prefix: Vec<u32>,
    /// The continuations, none empty.
    pub continuations: Vec<Vec<u32>>,
    /// Which hidden states to give.
    pub hidden: Hidden,
}

/// Which hidden states to give: those behind the decoder's last norm, which the logits are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hidden {
    /// None.
    #[default]
    None,
    /// That at each continuation's last token.
    Last,
    /// Those at every token of each continuation.
    All,
}

/// The scores of one continuation.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Log-probability of each token, given all before it, in nats.
    pub logprobs: Vec<f64>,
    /// Entropy of the distribution that each token was drawn from, in nats.
    pub entropies: Vec<f64>,
    /// Hidden states as asked for: none, one, or one per token, each as wide as the model.
    pub hidden: Vec<Vec<f32>>,
}

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Prompt and answer do not fit the model's context.
    #[error("the prompt has {tokens} tokens and the model's context holds {context}; shorten it")]
    ContextTooLong {
        /// Tokens of the prompt, or of prefix and continuation.
        tokens: usize,
        /// Most tokens of a text.
        context: usize,
    },
    /// Keys and values of the request do not fit the budget.
    #[error(
        "the request needs {needed} MiB for keys and values, and {budget} MiB are allowed; raise `kv_budget_mib`, or ask for shorter answers"
    )]
    Budget {
        /// MiB that it needs.
        needed: usize,
        /// MiB that there are.
        budget: usize,
    },
    /// A prompt, prefix or continuation without tokens, or no answer asked for.
    #[error("{what} is empty")]
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// A token that the model does not have.
    #[error("token {token} is none of the model's {vocab}")]
    NoSuchToken {
        /// The token.
        token: u32,
        /// How many there are.
        vocab: usize,
    },
    /// A model is to guess for one that spells differently.
    #[error(
        "the draft model has another vocabulary: token {token} is not the same; take a smaller model of the same family"
    )]
    OtherVocabulary {
        /// The first token that differs.
        token: u32,
    },
    /// The device failed, or a library gave up.
    #[error("the model could not compute: {0}")]
    Device(String),
    /// The engine is gone.
    #[error("the engine has stopped")]
    Stopped,
}

impl From<candle_core::Error> for EngineError {
    fn from(error: candle_core::Error) -> Self {
        Self::Device(error.to_string())
    }
}
