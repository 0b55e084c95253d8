//! Texts as vectors.
//!
//! An embedding model is a [`Provider`] whose answers are vectors, so that all that stands around models stands around it,
//! too: reply cache, retries, limits, meter, recording and replay. [`Embedder`] puts texts as requests and reads vectors
//! from replies. [`Embeddings`](crate::chat::Embeddings) asks servers, [`LocalEmbeddings`](crate::local::LocalEmbeddings) a
//! model in this process.
//!
//! A request holds one text: what is stored is found again whatever other texts it is asked with.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use codeagent_prompts::Message;
use futures_util::future::join_all;

use crate::error::{ErrorKind, ModelError};
use crate::provider::{Capabilities, Choice, Finish, Provider, Reply, Request, Usage};
use crate::split::sum;

/// What embedding models do besides: nothing.
pub(crate) const CAPABILITIES: Capabilities =
    Capabilities { n: false, seed: false, logprobs: false, stream: false, distinct: false };

/// Most numbers of a vector.
const LENGTH_MAX: usize = 1 << 16;

/// Shortest text, in bytes, that is not cut any more to fit a model's context.
const TEXT_BYTES_MIN: usize = 64;

/// Turns texts into vectors.
#[derive(Clone)]
pub struct Embedder {
    provider: Arc<dyn Provider>,
}

/// The vectors of some texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// One per text, in order; all as long as each other, each of Euclidean length 1 (or 0, where a model says so).
    pub vectors: Vec<Vec<f64>>,
    /// What they took together; equal texts are asked for once.
    pub usage: Usage,
}

impl Embedder {
    /// An embedder over a provider whose answers are vectors. Wrap that with [`crate::stack`] for retries, limits and the
    /// reply cache.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        Self { provider }
    }

    /// The provider, to put layers around it.
    #[must_use]
    pub const fn provider(&self) -> &Arc<dyn Provider> {
        &self.provider
    }

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> &str {
        self.provider.model()
    }

    /// The vectors of texts. Of a text that is longer than the model's context the beginning is read.
    ///
    /// # Errors
    /// [`ModelError`] of the first text that has no vector; those of the others are stored, if there is a cache.
    pub async fn embed(&self, texts: &[&str]) -> Result<Embedded, ModelError> {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for text in texts {
            let next = places.len();
            places.entry(text).or_insert(next);
        }
        let mut distinct: Vec<(&str, usize)> = places.iter().map(|(text, place)| (*text, *place)).collect();
        distinct.sort_by_key(|(_, place)| *place);
        // All are awaited, also after one has failed: they are paid for and get stored.
        let asked = join_all(distinct.iter().map(|(text, _)| self.one(text))).await;
        let found = asked.into_iter().collect::<Result<Vec<_>, _>>()?;
        let lengths = || found.iter().map(|(vector, _)| vector.len());
        if lengths().min() != lengths().max() {
            let reason = format!("the embedding model {} gave vectors of different lengths", self.model());
            return Err(ModelError::new(ErrorKind::BadRequest, reason));
        }
        let usage = found.iter().fold(Usage::default(), |all, (_, usage)| sum(all, *usage));
        let vector = |text: &&str| found.get(*places.get(text)?).map(|(vector, _)| vector.clone());
        Ok(Embedded { vectors: texts.iter().filter_map(vector).collect(), usage })
    }

    async fn one(&self, text: &str) -> Result<(Vec<f64>, Usage), ModelError> {
        let mut text = text;
        loop {
            match self.provider.complete(&request(text)).await {
                Err(error) if error.kind() == ErrorKind::ContextTooLong && text.len() > TEXT_BYTES_MIN => {
                    text = text.get(..text.floor_char_boundary(text.len() / 2)).unwrap_or_default();
                }
                Err(error) => return Err(error),
                Ok(reply) => return Ok((self.read(&reply)?, reply.usage)),
            }
        }
    }

    fn read(&self, reply: &Reply) -> Result<Vec<f64>, ModelError> {
        let text = reply.choices.first().map_or("", |choice| choice.text.as_str());
        let vector: Vec<f32> = serde_json::from_str(text).map_err(|error| {
            let reason = format!("the answer of {} is no vector", self.model());
            ModelError::new(ErrorKind::BadRequest, reason).with_source(error)
        })?;
        check(self.model(), &vector)?;
        Ok(scaled(&vector))
    }
}

/// The request for the vector of a text. That no answer's token is wanted tells it from every request for a text.
pub(crate) fn request(text: &str) -> Request {
    Request {
        messages: vec![Message::user(text)],
        temperature: 0.0,
        top_p: None,
        max_output_tokens: 0,
        n: 1,
        stop: Vec::new(),
        seed: 0,
        logprobs: None,
        draw: 0,
        distinct: false,
    }
}

/// Whether a request is for a vector.
pub(crate) const fn is_request(request: &Request) -> bool {
    request.max_output_tokens == 0
}

/// The text whose vector is asked for.
///
/// # Errors
/// Where the request is for a text and not for a vector.
pub(crate) fn text_of(request: &Request) -> Result<&str, ModelError> {
    match request.messages.as_slice() {
        [message] if is_request(request) => Ok(&message.content),
        _ => Err(ModelError::new(ErrorKind::BadRequest, "an embedding model gives vectors, and no answers")),
    }
}

/// The reply that says a vector.
///
/// # Errors
/// Kind `Transient` for a vector without numbers, or with one that is none.
pub(crate) fn reply(model: &str, vector: &[f32], tokens: u64) -> Result<Reply, ModelError> {
    check(model, vector)?;
    let text = serde_json::to_string(vector)
        .map_err(|error| ModelError::new(ErrorKind::Transient, error.to_string()))?;
    let choice = Choice { text, reasoning: None, finish: Finish::Stop, mean_logprob: None };
    let usage = Usage { input: tokens, ..Usage::default() };
    Ok(Reply { choices: vec![choice], usage, model: model.to_owned(), id: None, cached: false })
}

fn check(model: &str, vector: &[f32]) -> Result<(), ModelError> {
    let fault =
        |what: &str| Err(ModelError::new(ErrorKind::Transient, format!("{model} gave a vector {what}")));
    match vector {
        [] => fault("without numbers"),
        long if long.len() > LENGTH_MAX => fault("of more than 65536 numbers"),
        numbers if !numbers.iter().all(|number| number.is_finite()) => {
            fault("with a number that is not finite")
        }
        _ => Ok(()),
    }
}

/// The vector with Euclidean length 1.
fn scaled(vector: &[f32]) -> Vec<f64> {
    let numbers = || vector.iter().map(|number| f64::from(*number));
    let length = numbers().map(|number| number * number).sum::<f64>().sqrt();
    numbers().map(|number| if length > 0.0 { number / length } else { 0.0 }).collect()
}
