//! Vectors of texts from a decoder: the mean of its hidden states.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::engine::Engine;
use super::provider::{bad, refused};
use super::request::{Hidden, Score};
use crate::embedding;
use crate::error::ModelError;
use crate::provider::{Capabilities, Provider, Reply, Request};

/// The text that is read before each other one, as a decoder reads nothing without one.
const BEFORE: &str = "\n";

/// A model in this process as an embedding model.
///
/// A text's vector is the mean over its tokens of the states behind the decoder's last norm, in f32, as wide as the model.
/// Of a text longer than the context the beginning is read. It depends on the weights and the
/// text alone.
#[derive(Debug, Clone)]
pub struct LocalEmbeddings {
    engine: Engine,
    name: Arc<str>,
}

impl LocalEmbeddings {
    /// An embedding model over an engine.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        let name = Arc::from(engine.model().name.as_str());
        Self { engine, name }
    }

    async fn run(&self, request: &Request) -> Result<Reply, ModelError> {
        let tokenizer = &self.engine.model().tokenizer;
        let text = tokenizer.defuse(embedding::text_of(request)?);
        let prefix = tokenizer.encode(BEFORE).map_err(|error| bad(&error))?;
        let mut tokens = tokenizer.encode(&text).map_err(|error| bad(&error))?;
        tokens.truncate(self.engine.context().saturating_sub(prefix.len() + 1));
        let count = tokens.len() as u64;
        let score = Score { prefix, continuations: vec![tokens], hidden: Hidden::All };
        let scored = self.engine.score(score).await.map_err(refused)?;
        let states = scored.first().map_or(&[][..], |scored| scored.hidden.as_slice());
        embedding::reply(&self.name, &mean(states), count)
    }
}

impl Provider for LocalEmbeddings {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(self.run(request))
    }

    fn capabilities(&self) -> Capabilities {
        embedding::CAPABILITIES
    }

    fn model(&self) -> &str {
        &self.name
    }
}

/// The mean of states of one width; empty of none.
fn mean(states: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; states.first().map_or(0, Vec::len)];
    for state in states {
        sum.iter_mut().zip(state).for_each(|(sum, number)| *sum += number);
    }
    #[expect(clippy::cast_precision_loss, reason = "texts are short")]
    sum.iter_mut().for_each(|sum| *sum /= states.len() as f32);
    sum
}
