//! How much may be asked at once: adaptive concurrency, requests per minute, tokens per minute.
//!
//! Concurrency goes up by one after a clean round at the limit and is lowered on a rate limit (additive increase,
//! multiplicative decrease). Processes that ask one server may share its limits: each has an equal part, feels its way up
//! from a fifth of it, and yields less at a time, as the others yield too. All waiting is on tokio's clock.

mod bucket;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use self::bucket::Bucket;
use crate::error::{ErrorKind, ModelError};
use crate::price::worst_case;
use crate::provider::{Reply, Request};

/// Where one of several begins, as a divisor of its part.
const START_DIVISOR: usize = 5;

/// One of several lowers its concurrency once in so long, unless the server says for how long it is to wait.
const CALM: Duration = Duration::from_secs(15);

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

    /// What one of `parts` has of it. A number that is fixed for all is no longer fixed for each.
    const fn part(self, parts: usize) -> Self {
        Self { min: 1, max: self.max / parts }
    }

    fn floor(self) -> usize {
        self.min.max(1)
    }

    fn ceiling(self) -> usize {
        self.max.max(self.floor())
    }
}

/// Whose the limits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// This process's alone. Concurrency starts at 4 and is halved on a rate limit.
    #[default]
    Alone,
    /// Those of several processes, of which each has a part ([`Limiter::divide`]). Concurrency starts at a fifth of it and
    /// goes down to four fifths on a rate limit, once in 15 s or in the time that the server asks for.
    OneOfMany,
}

impl Sharing {
    /// Where adaptation starts.
    fn start(self, bounds: Concurrency) -> usize {
        let start = match self {
            Self::Alone => 4,
            Self::OneOfMany => bounds.ceiling().div_ceil(START_DIVISOR),
        };
        start.clamp(bounds.floor(), bounds.ceiling())
    }

    /// The concurrency after a rate limit.
    const fn lowered(self, limit: usize) -> usize {
        match self {
            Self::Alone => limit / 2,
            Self::OneOfMany => limit * 4 / 5,
        }
    }
}

/// Lets requests through, as many at once and per minute as its [`Limits`] say; first come, first served.
#[derive(Debug)]
pub struct Limiter {
    whole: Limits,
    sharing: Sharing,
    permits: Semaphore,
    adaptive: Mutex<Adaptive>,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

#[derive(Debug)]
struct Adaptive {
    bounds: Concurrency,
    limit: usize,
    /// Permits to withhold when they come back, after the limit went down.
    debt: usize,
    in_use: usize,
    /// Clean answers at the limit since it last changed.
    clean: usize,
    /// Rises each time it goes down: one burst of refusals lowers it once.
    epoch: u64,
    /// Whether anything was asked.
    is_used: bool,
    /// Until when refusals are those of what was asked before.
    calm_until: Option<Instant>,
}

impl Limiter {
    /// A limiter with nothing in flight yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::sharing(limits, Sharing::Alone)
    }

    /// A limiter of limits that may be shared; its part is the whole until it is told otherwise.
    #[must_use]
    pub fn sharing(limits: Limits, sharing: Sharing) -> Self {
        let bounds = match sharing {
            Sharing::Alone => limits.concurrency,
            Sharing::OneOfMany => limits.concurrency.part(1),
        };
        let start = sharing.start(bounds);
        let adaptive = Adaptive {
            bounds,
            limit: start,
            debt: 0,
            in_use: 0,
            clean: 0,
            epoch: 0,
            is_used: false,
            calm_until: None,
        };
        Self {
            whole: limits,
            sharing,
            permits: Semaphore::new(start),
            adaptive: Mutex::new(adaptive),
            requests: limits.requests_per_minute.map(|n| Bucket::per_minute(f64::from(n.max(1)))),
            tokens: limits.tokens_per_minute.map(|n| Bucket::per_minute(n.max(1) as f64)),
        }
    }

    /// Says how many share the limits, this one included: from now on it keeps to an equal part of them. Each may have one
    /// request in flight, however many there are. Nothing for limits that are shared with nobody.
    pub fn divide(&self, parts: usize) {
        if self.sharing == Sharing::Alone {
            return;
        }
        let parts = parts.max(1);
        let mut adaptive = self.adaptive();
        adaptive.bounds = self.whole.concurrency.part(parts);
        let most = match adaptive.is_used {
            true => adaptive.bounds.ceiling(),
            false => self.sharing.start(adaptive.bounds),
        };
        let limit = adaptive.limit.min(most);
        self.lower(&mut adaptive, limit);
        drop(adaptive);
        let share = |whole: f64| whole.max(1.0) / parts as f64;
        if let (Some(bucket), Some(whole)) = (&self.requests, self.whole.requests_per_minute) {
            bucket.set_per_minute(share(f64::from(whole)));
        }
        if let (Some(bucket), Some(whole)) = (&self.tokens, self.whole.tokens_per_minute) {
            bucket.set_per_minute(share(whole as f64));
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
            adaptive.is_used = true;
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
        if adaptive.in_use < adaptive.limit || adaptive.limit >= adaptive.bounds.ceiling() {
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

    fn rate_limited(&self, epoch: u64, wait: Option<Duration>) {
        let mut adaptive = self.adaptive();
        let now = Instant::now();
        if epoch != adaptive.epoch || adaptive.calm_until.is_some_and(|until| now < until) {
            return;
        }
        if self.sharing == Sharing::OneOfMany {
            adaptive.calm_until = now.checked_add(wait.unwrap_or(CALM));
        }
        adaptive.epoch += 1;
        let lowered = self.sharing.lowered(adaptive.limit).max(adaptive.bounds.floor());
        self.lower(&mut adaptive, lowered);
    }

    /// Sets the limit to `limit`, which is not above it.
    fn lower(&self, adaptive: &mut Adaptive, limit: usize) {
        adaptive.debt += adaptive.limit - limit;
        adaptive.limit = limit;
        adaptive.clean = 0;
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
            Err(error) if error.kind() == ErrorKind::RateLimited => {
                self.limiter.rate_limited(self.epoch, error.retry_after());
            }
            // A round in which the server failed is not clean.
            Err(error) if error.is_retryable() => self.limiter.adaptive().clean = 0,
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
