//! The library's front door: puts the parts of an agent together and checks them at once.

use std::sync::Arc;
use std::time::Duration;

use codeagent_models::decode::RepetitionRule;
use codeagent_models::{Embedder, PriceTable, Provider, Scorer};
use codeagent_sandbox::{Limits, Sandbox};
use codeagent_search::BudgetLimits;
use codeagent_store::Store;

use crate::operators::Sampling;
use crate::pause::Pause;
use crate::problem::Problem;
use crate::purse::Purse;
use crate::run::{Run, RunSpec, spec_of};
use crate::strategy::Strategy;

/// Solves problems: a model, a sandbox, a strategy and a budget, put together by [`Agent::builder`].
///
/// Cheap to clone. Needs a tokio runtime when it runs; starts none.
#[derive(Clone)]
pub struct Agent {
    pub(crate) parts: Arc<Parts>,
}

pub(crate) struct Parts {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) sandbox: Arc<dyn Sandbox>,
    pub(crate) strategy: Strategy,
    pub(crate) protocol: Option<String>,
    pub(crate) budget: BudgetLimits,
    pub(crate) purse: Option<Purse>,
    pub(crate) pause: Pause,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) prices: PriceTable,
    pub(crate) sampling: Sampling,
    pub(crate) repetition: Option<RepetitionRule>,
    pub(crate) limits: Limits,
    pub(crate) seed: u64,
    pub(crate) sample: Option<u32>,
    pub(crate) in_flight: usize,
    pub(crate) store: Option<Arc<Store>>,
    pub(crate) scorer: Option<Arc<dyn Scorer>>,
    pub(crate) embedder: Option<Embedder>,
}

impl Parts {
    /// The embedding model that sub-modules are compared by, where the strategy compares any.
    pub(crate) fn compared_by(&self) -> Option<&Embedder> {
        self.embedder.as_ref().filter(|_| self.strategy.compares_modules())
    }
}

/// Collects the parts of an [`Agent`].
#[derive(Clone, Default)]
pub struct AgentBuilder {
    provider: Option<Arc<dyn Provider>>,
    sandbox: Option<Arc<dyn Sandbox>>,
    strategy: Strategy,
    protocol: Option<String>,
    budget: BudgetLimits,
    purse: Option<Purse>,
    pause: Pause,
    time_limit: Option<Duration>,
    prices: PriceTable,
    sampling: Sampling,
    repetition: Option<RepetitionRule>,
    limits: Limits,
    seed: u64,
    sample: Option<u32>,
    in_flight: Option<usize>,
    store: Option<Arc<Store>>,
    scorer: Option<Arc<dyn Scorer>>,
    embedder: Option<Embedder>,
}

/// A part of an agent is missing or does not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A part is missing.
    #[error("the agent needs a {field}: call `.{field}(…)` before `.build()`")]
    Missing {
        /// The builder's method.
        field: &'static str,
    },
    /// A money limit needs a known price.
    #[error("a money limit needs the price of model `{model}`, and the price table has none")]
    UnknownPrice {
        /// The model.
        model: String,
    },
    /// A value is out of range.
    #[error("`{field}` is out of range: {reason}")]
    OutOfRange {
        /// The builder's method.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl Agent {
    /// Starts putting an agent together.
    #[must_use]
    pub fn builder() -> AgentBuilder {
        AgentBuilder::default()
    }

    /// Solves a problem. The search starts when the run is first polled; dropping the run cancels it.
    #[must_use]
    pub fn solve(&self, problem: Problem) -> Run {
        Run::new(self.clone(), problem)
    }

    /// What identifies this agent's runs, but for the problem, as a JSON object.
    #[must_use]
    pub fn spec(&self) -> serde_json::Value {
        spec_of(&self.parts)
    }

    /// What identifies a run of this agent on `problem`: everything that its result depends on but the budget, so that
    /// a larger budget continues the run.
    #[must_use]
    pub fn run_spec(&self, problem: &Problem) -> RunSpec {
        RunSpec::of(&self.parts, problem)
    }
}

impl AgentBuilder {
    /// The model to ask. Wrap it with [`codeagent_models::stack`] for retries, limits and the reply cache.
    #[must_use]
    pub fn provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Where candidate programs run.
    #[must_use]
    pub fn sandbox(mut self, sandbox: Arc<dyn Sandbox>) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// The search method. Default: [`Strategy::default`].
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Name of the rule by which the problems' tests are visible, as benchmarks have one; part of a run's identity.
    /// Default: none.
    #[must_use]
    pub fn protocol(mut self, name: impl Into<String>) -> Self {
        self.protocol = Some(name.into());
        self
    }

    /// What the search may spend. Default: no limits but the method's own.
    #[must_use]
    pub const fn budget(mut self, budget: BudgetLimits) -> Self {
        self.budget = budget;
        self
    }

    /// What the search may spend together with others. Default: no such limit.
    #[must_use]
    pub fn purse(mut self, purse: Purse) -> Self {
        self.purse = Some(purse);
        self
    }

    /// What holds the search up for a while, together with others. Default: nothing does.
    #[must_use]
    pub fn pause(mut self, pause: Pause) -> Self {
        self.pause = pause;
        self
    }

    /// Longest wall-clock time of the search, pauses left out. Default: none.
    #[must_use]
    pub const fn time_limit(mut self, limit: Option<Duration>) -> Self {
        self.time_limit = limit;
        self
    }

    /// Prices, needed for a money limit and for costs in reports.
    #[must_use]
    pub fn prices(mut self, prices: PriceTable) -> Self {
        self.prices = prices;
        self
    }

    /// Sampling settings that override the method's own.
    #[must_use]
    pub const fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// What the provider does with answers that repeat themselves; part of a run's identity, for it changes answers. Default:
    /// not known.
    #[must_use]
    pub const fn repetition(mut self, rule: RepetitionRule) -> Self {
        self.repetition = Some(rule);
        self
    }

    /// Limits of candidate programs; each problem's own time and memory limits go first.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Seed of the search. Default: 0.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Which sample of a problem this is, where several are drawn; part of a run's identity. Give each a seed of its own.
    /// Default: none.
    #[must_use]
    pub const fn sample(mut self, index: u32) -> Self {
        self.sample = Some(index);
        self
    }

    /// Most trials in flight at once. Changes speed only, never the search. Default: 4.
    #[must_use]
    pub const fn in_flight(mut self, trials: usize) -> Self {
        self.in_flight = Some(trials);
        self
    }

    /// Where events and reports are kept, so that an interrupted run continues.
    #[must_use]
    pub fn store(mut self, store: Arc<Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// What gives programs learned scores: they decide between programs that nothing else tells apart, a critic says where
    /// programs are cut to be written on, and where no test can run the scores are the programs' values. Part of a run's
    /// identity. Default: none.
    #[must_use]
    pub fn scorer(mut self, scorer: Arc<dyn Scorer>) -> Self {
        self.scorer = Some(scorer);
        self
    }

    /// What compares the sub-modules of programs, in strategies that do; part of their runs' identity. Wrap its provider as
    /// that of [`Self::provider`]. Default: none, and they are compared by the features of their syntax.
    #[must_use]
    pub fn embedder(mut self, embedder: Embedder) -> Self {
        self.embedder = Some(embedder);
        self
    }

    /// Checks the parts and puts them together.
    ///
    /// # Errors
    /// [`BuildError`], naming the part.
    pub fn build(self) -> Result<Agent, BuildError> {
        let provider = self.provider.ok_or(BuildError::Missing { field: "provider" })?;
        let sandbox = self.sandbox.ok_or(BuildError::Missing { field: "sandbox" })?;
        let shared = self.purse.as_ref().and_then(|purse| purse.limits().micro_usd);
        if self.budget.micro_usd.or(shared).is_some() {
            let embedder = self.embedder.as_ref().filter(|_| self.strategy.compares_modules());
            let mut asked = std::iter::once(provider.model()).chain(embedder.map(Embedder::model));
            if let Some(model) = asked.find(|model| self.prices.price(model).is_none()) {
                return Err(BuildError::UnknownPrice { model: model.to_owned() });
            }
        }
        let in_flight = self.in_flight.unwrap_or(4);
        if in_flight == 0 {
            return Err(BuildError::OutOfRange {
                field: "in_flight",
                reason: "must be at least 1".to_owned(),
            });
        }
        let parts = Parts {
            provider,
            sandbox,
            strategy: self.strategy,
            protocol: self.protocol,
            budget: self.budget,
            purse: self.purse,
            pause: self.pause,
            time_limit: self.time_limit,
            prices: self.prices,
            sampling: self.sampling,
            repetition: self.repetition,
            limits: self.limits,
            seed: self.seed,
            sample: self.sample,
            in_flight,
            store: self.store,
            scorer: self.scorer,
            embedder: self.embedder,
        };
        Ok(Agent { parts: Arc::new(parts) })
    }
}
