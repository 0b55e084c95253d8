//! The one retry layer: which failures are tried again, when, and when it stops.
//!
//! Full jitter backoff, the server's `Retry-After`, a budget for retries over all requests, and a breaker. All
//! waiting is on tokio's clock; jitter comes from a seed and the request, so that a test can tell the waits.
//! A request waits for its slot of the limiter before each try; that wait is no part of its time limit.

mod breaker;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep, sleep_until};

use self::breaker::{Admission, Breaker, Pass};
use self::window::Window;
use crate::error::{ErrorKind, ModelError};
use crate::limit::Limiter;
use crate::meter::Meter;
use crate::provider::{Capabilities, Provider, Reply, Request};

/// When and how often to try again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Longest first wait; doubles with each try.
    pub base: Duration,
    /// Longest wait of our own choosing.
    pub cap: Duration,
    /// Tries per request, the first included.
    pub tries_max: u32,
    /// Longest time per request, tries and waits together; slots and the breaker not counted.
    pub time_max: Duration,
    /// Retries per call of the last minute.
    pub budget_share: f64,
    /// Retries per minute on top of the share.
    pub budget_floor: u32,
    /// Longest wait for a server that is down, before the request fails with `Refused`.
    pub outage_max: Duration,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for RetryPolicy {
    /// 0.5 s doubling to 30 s, 8 tries, 5 min; retries at most 20 % of calls plus 10 a minute; outages of 30 min.
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            tries_max: 8,
            time_max: Duration::from_secs(300),
            budget_share: 0.2,
            budget_floor: 10,
            outage_max: Duration::from_secs(1800),
            seed: 0,
        }
    }
}

/// Tries a provider's passing faults again; `BadRequest`, `Refused`, `Filtered` and `ContextTooLong` never.
#[derive(Debug)]
pub struct Retry<P> {
    inner: P,
    policy: RetryPolicy,
    limiter: Arc<Limiter>,
    meter: Arc<Meter>,
    breaker: Breaker,
    window: Window,
}

impl<P: Provider> Retry<P> {
    /// Retries around a provider that makes one attempt per call.
    pub fn new(inner: P, policy: RetryPolicy, limiter: impl Into<Arc<Limiter>>, meter: Arc<Meter>) -> Self {
        let limiter = limiter.into();
        let window = Window::new(policy.budget_share, policy.budget_floor);
        Self { inner, policy, limiter, meter, breaker: Breaker::default(), window }
    }

    async fn run(&self, request: &Request) -> Result<Reply, ModelError> {
        self.meter.call();
        self.window.call(Instant::now());
        let mut course = Course::new(&self.policy, request);
        loop {
            let (result, pass, took) = self.attempt(request, &mut course).await?;
            let error = match result {
                Err(error) if error.is_retryable() => error,
                settled => return settled,
            };
            tracing::debug!(tries = course.tries, kind = ?error.kind(), %error, "model call failed");
            if pass == Pass::Probe {
                // Finding that the server is still down is part of waiting for it, not one of the tries.
                course.held += took;
            } else {
                course.failed(took);
                self.pause(error, &mut course).await?;
            }
            self.meter.retry();
        }
    }

    /// One try in a slot of its own; the result, how it was let through, and how long it took.
    async fn attempt(
        &self,
        request: &Request,
        course: &mut Course<'_>,
    ) -> Result<(Result<Reply, ModelError>, Pass, Duration), ModelError> {
        let slot = self.limiter.enter(request).await;
        let pass = self.let_through(course).await?;
        let start = Instant::now();
        let result = self.inner.complete(request).await;
        let down = matches!(&result, Err(error) if error.is_retryable());
        self.breaker.report(Instant::now(), !down);
        slot.settle(&result);
        Ok((result, pass, start.elapsed()))
    }

    /// Waits while the breaker is open.
    async fn let_through(&self, course: &mut Course<'_>) -> Result<Pass, ModelError> {
        loop {
            let now = Instant::now();
            let until = match self.breaker.admit(now) {
                Admission::Go(pass) => return Ok(pass),
                Admission::Wait { until } => until,
            };
            course.held += until.duration_since(now);
            if course.held > self.policy.outage_max {
                return Err(outage(self.policy.outage_max));
            }
            sleep_until(until).await;
        }
    }

    /// Waits before the next try, or gives the error back where no try is left.
    async fn pause(&self, error: ModelError, course: &mut Course<'_>) -> Result<(), ModelError> {
        let Some(wait) = course.next_wait(error.retry_after()) else {
            return Err(given_up(error, course.tries));
        };
        sleep(wait).await;
        while let Err(until) = self.window.retry(Instant::now()) {
            let wait = until.duration_since(Instant::now());
            if !course.spend(wait) {
                return Err(given_up(error, course.tries));
            }
            sleep(wait).await;
        }
        Ok(())
    }
}

impl<P: Provider> Provider for Retry<P> {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(self.run(request))
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }
}

/// What one request has been through.
struct Course<'a> {
    policy: &'a RetryPolicy,
    rng: ChaCha8Rng,
    tries: u32,
    /// Time in tries and in waits between them.
    spent: Duration,
    /// Time in waits for a server that is down.
    held: Duration,
}

impl<'a> Course<'a> {
    /// Jitter depends on the request and not on the order in which requests fail.
    fn new(policy: &'a RetryPolicy, request: &Request) -> Self {
        let salt = request.seed.rotate_left(17) ^ u64::from(request.draw);
        let rng = ChaCha8Rng::seed_from_u64(policy.seed ^ salt);
        Self { policy, rng, tries: 0, spent: Duration::ZERO, held: Duration::ZERO }
    }

    fn failed(&mut self, took: Duration) {
        self.tries += 1;
        self.spent += took;
    }

    /// The wait before the next try; `None` where tries or time are used up.
    fn next_wait(&mut self, asked: Option<Duration>) -> Option<Duration> {
        if self.tries >= self.policy.tries_max {
            return None;
        }
        let wait = match asked {
            // Less than our own first wait would be hammering.
            Some(asked) if asked >= self.policy.base => asked,
            _ => self.backoff(),
        };
        self.spend(wait).then_some(wait)
    }

    /// Uniform between nothing and `base · 2^(tries - 1)`, at most `cap` ("full jitter").
    fn backoff(&mut self) -> Duration {
        let doubled = self.policy.base.saturating_mul(1 << (self.tries.clamp(1, 31) - 1));
        doubled.min(self.policy.cap).mul_f64(self.rng.random::<f64>())
    }

    fn spend(&mut self, wait: Duration) -> bool {
        self.spent += wait;
        self.spent <= self.policy.time_max
    }
}

fn given_up(error: ModelError, tries: u32) -> ModelError {
    let message = format!("{error} (gave up after {tries} {})", if tries == 1 { "try" } else { "tries" });
    error.with_message(message)
}

fn outage(waited: Duration) -> ModelError {
    let waited = match waited.as_secs() {
        seconds if seconds >= 120 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    };
    ModelError::new(
        ErrorKind::Refused,
        format!("the model server has not answered for {waited}: bring it back and continue the run"),
    )
}
