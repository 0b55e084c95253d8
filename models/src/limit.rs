//! How much may be asked at once: adaptive concurrency, requests per minute, tokens per minute.
//!
//! Concurrency goes up by one after a clean round at the limit and is halved on a rate limit (additive increase,
//! multiplicative decrease). All waiting is on tokio's clock.

mod bucket;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};

use self::bucket::Bucket;
use crate::error::{ErrorKind, ModelError};
use crate::price::worst_case;
use crate::provider::{Reply, Request};

/// Limits on what is asked of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Requests in flight.
    pub concurrency: Concurrency,
    /// Requests begun per minute; `None` for no limit.
    pub requests_per_minute: Option<u32>,
    /// Estimated tokens, prompt and answer, per minute; `None` for no limit.
    pub tokens_per_minute: Option<u64>,
}

impl Default for Limits {
    /// Concurrency between 1 and 64, no other limit.
    fn default() -> Self {
        Self { concurrency: Concurrency::AUTO, requests_per_minute: None, tokens_per_minute: None }
    }
}

/// Bounds of the number of requests in flight; the same twice for a fixed number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// Never fewer; at least 1.
    pub min: usize,
    /// Never more.
    pub max: usize,
}

impl Concurrency {
    /// 1 to 64.
    pub const AUTO: Self = Self { min: 1, max: 64 };

    /// Always `n`.
    #[must_use]
    pub const fn fixed(n: usize) -> Self {
        Self { min: n, max: n }
    }

    /// Where adaptation starts: 4, or the bound nearest to it.
    fn start(self) -> usize {
        4.clamp(self.floor(), self.ceiling())
    }

    fn floor(self) -> usize {
        self.min.max(1)
    }

    fn ceiling(self) -> usize {
        self.max.max(self.floor())
    }
}

/// Lets requests through, as many at once and per minute as its [`Limits`] say; first come, first served.
#[derive(Debug)]
pub struct Limiter {
    bounds: Concurrency,
    permits: Semaphore,
    adaptive: Mutex<Adaptive>,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

#[derive(Debug)]
struct Adaptive {
    limit: usize,
    /// Permits to withhold when they come back, after the limit went down.
    debt: usize,
    in_use: usize,
    /// Clean answers at the limit since it last changed.
    clean: usize,
    /// Rises with each halving: one burst of refusals halves once.
    epoch: u64,
}

impl Limiter {
    /// A limiter with nothing in flight yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let start = limits.concurrency.start();
        Self {
            bounds: limits.concurrency,
            permits: Semaphore::new(start),
            adaptive: Mutex::new(Adaptive { limit: start, debt: 0, in_use: 0, clean: 0, epoch: 0 }),
            requests: limits.requests_per_minute.map(|n| Bucket::per_minute(f64::from(n.max(1)))),
            tokens: limits.tokens_per_minute.map(|n| Bucket::per_minute(n.max(1) as f64)),
        }
    }

    /// How many requests may be in flight now.
    pub fn limit(&self) -> usize {
        self.adaptive().limit
    }

    /// Waits until the request may be sent. The slot is free again when dropped.
    ///
    /// # Cancellation
    /// Dropping the future gives back whatever it had taken.
    pub async fn enter(&self, request: &Request) -> Slot<'_> {
        // Closing the semaphore is the only way to an error, and nothing closes it.
        let permit = self.permits.acquire().await.ok();
        let epoch = {
            let mut adaptive = self.adaptive();
            adaptive.in_use += 1;
            adaptive.epoch
        };
        let (input, output) = worst_case(request);
        let slot = Slot { limiter: self, permit, epoch, tokens: (input + output) as f64 };
        if let Some(requests) = &self.requests {
            requests.take(1.0).await;
        }
        if let Some(tokens) = &self.tokens {
            tokens.take(slot.tokens).await;
        }
        slot
    }

    fn adaptive(&self) -> MutexGuard<'_, Adaptive> {
        self.adaptive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clean_answer(&self) {
        let mut adaptive = self.adaptive();
        if adaptive.in_use < adaptive.limit || adaptive.limit >= self.bounds.ceiling() {
            return;
        }
        adaptive.clean += 1;
        if adaptive.clean < adaptive.limit {
            return;
        }
        adaptive.clean = 0;
        adaptive.limit += 1;
        match adaptive.debt.checked_sub(1) {
            Some(less) => adaptive.debt = less,
            None => self.permits.add_permits(1),
        }
    }

    fn rate_limited(&self, epoch: u64) {
        let mut adaptive = self.adaptive();
        if epoch != adaptive.epoch {
            return;
        }
        let halved = (adaptive.limit / 2).max(self.bounds.floor());
        adaptive.debt += adaptive.limit - halved;
        adaptive.limit = halved;
        adaptive.clean = 0;
        adaptive.epoch += 1;
        let free = self.permits.forget_permits(adaptive.debt);
        adaptive.debt -= free;
    }
}

/// Leave to have one request in flight.
#[derive(Debug)]
pub struct Slot<'a> {
    limiter: &'a Limiter,
    permit: Option<SemaphorePermit<'a>>,
    epoch: u64,
    tokens: f64,
}

impl Slot<'_> {
    /// Gives the slot back and adapts the limits to what came of the request.
    pub fn settle(self, result: &Result<Reply, ModelError>) {
        let used = result.as_ref().map_or(0, |reply| reply.usage.input + reply.usage.output);
        if let Some(tokens) = &self.limiter.tokens {
            tokens.give_back((self.tokens - used as f64).max(0.0));
        }
        match result {
            Ok(_) => self.limiter.clean_answer(),
            Err(error) if error.kind() == ErrorKind::RateLimited => self.limiter.rate_limited(self.epoch),
            Err(_) => {}
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut adaptive = self.limiter.adaptive();
        adaptive.in_use -= 1;
        if let Some(less) = adaptive.debt.checked_sub(1) {
            adaptive.debt = less;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}
