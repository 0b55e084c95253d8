//! The agent that flags and configuration ask for, but for its model, budget and store.

use std::sync::Arc;

use codeagent::models::Embedder;
use codeagent::sandbox::Sandbox;
use codeagent::store::Store;
use codeagent::{Agent, AgentBuilder, Strategy};

use crate::answers::Source;
use crate::config::types::Config;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::scorers;

/// Starts putting an agent together.
///
/// # Errors
/// Exit 2 for prices that are none, 6 for a scorer that is none.
pub fn builder(
    config: &Config,
    strategy: &Strategy,
    sandbox: &Arc<dyn Sandbox>,
    source: &Source,
    environment: &Environment,
) -> Result<AgentBuilder, Failure> {
    let builder = match &config.scorer.path {
        Some(path) => Agent::builder().scorer(scorers::open(path.as_ref(), environment)?),
        None => Agent::builder(),
    };
    Ok(with_embedder(builder, source.bare_embedder())
        .sandbox(Arc::clone(sandbox))
        .strategy(strategy.clone())
        .prices(source.prices(config)?)
        .sampling(source.sampling)
        .repetition(source.repetition())
        .limits(config.sandbox.limits())
        .seed(config.search.seed)
        .in_flight(usize::try_from(config.limits.jobs).unwrap_or(usize::MAX)))
}

/// The same with its models at work: with cache, retries and limits around them. Answers and vectors are kept in `store`.
#[must_use]
pub fn with_models(builder: AgentBuilder, source: &Source, store: &Arc<Store>) -> AgentBuilder {
    let embedder = source.embedder(|source| source.stack(Some(Arc::clone(store))));
    with_embedder(builder, embedder).provider(source.stack(Some(Arc::clone(store))).provider)
}

/// The same with an embedding model, where there is one.
#[must_use]
pub fn with_embedder(builder: AgentBuilder, embedder: Option<Embedder>) -> AgentBuilder {
    match embedder {
        Some(embedder) => builder.embedder(embedder),
        None => builder,
    }
}

/// Puts it together.
///
/// # Errors
/// Exit 2 where a part does not fit, such as a money limit without a price.
pub fn build(builder: AgentBuilder) -> Result<Agent, Failure> {
    builder.build().map_err(|error| {
        Failure::usage(error.to_string()).hint("add a [price.\"MODEL\"] table, or leave the money limit out")
    })
}
