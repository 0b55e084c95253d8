//! The usual layers around a provider, put together in one place.

use std::sync::Arc;

use crate::cache::{CacheMode, Cached, ReplyStore};
use crate::chat::Dialect;
use crate::continued::Continued;
use crate::decode::RepetitionRule;
use crate::limit::{Limiter, Limits, Sharing};
use crate::meter::{Meter, Metered};
use crate::provider::Provider;
use crate::retry::{Retry, RetryPolicy};
use crate::split::Split;

/// How the layers work.
#[derive(Debug, Clone, Default)]
pub struct StackConfig {
    /// Part of the cache keys: replies of one dialect are no answers in another.
    pub dialect: Dialect,
    /// What the reply cache is used for.
    pub cache: CacheMode,
    /// When failures are tried again.
    pub retry: RetryPolicy,
    /// How much is asked at once.
    pub limits: Limits,
    /// Whose these limits are.
    pub sharing: Sharing,
    /// What becomes of answers that repeat themselves. The provider cuts them or guards them; here they are continued, and
    /// replies that nobody cut are no answers where they are to be cut.
    pub repetition: RepetitionRule,
}

/// A provider with everything around it, and its totals.
#[derive(Clone)]
pub struct Stack {
    /// Answers requests.
    pub provider: Arc<dyn Provider>,
    /// Counts them.
    pub meter: Arc<Meter>,
    /// Lets them through.
    pub limiter: Arc<Limiter>,
}

impl Stack {
    /// Split, then continuation, cache, then retry and limits, then meter, then the provider itself.
    #[must_use]
    pub fn build(
        provider: impl Provider + 'static,
        store: impl ReplyStore + 'static,
        config: StackConfig,
    ) -> Self {
        let meter = Arc::<Meter>::default();
        let metered = Metered::new(provider, Arc::clone(&meter));
        let limiter = Arc::new(Limiter::sharing(config.limits, config.sharing));
        let retried = Retry::new(metered, config.retry, Arc::clone(&limiter), Arc::clone(&meter));
        let name = config.dialect.name();
        let dialect = match config.repetition {
            RepetitionRule::Off => format!("{name}, uncut"),
            _ => name.to_owned(),
        };
        let cached = Cached::new(retried, store, config.cache, dialect, Arc::clone(&meter));
        let provider: Arc<dyn Provider> = if config.repetition.continues() {
            Arc::new(Split::new(Continued::new(cached)))
        } else {
            Arc::new(Split::new(cached))
        };
        Self { provider, meter, limiter }
    }
}
