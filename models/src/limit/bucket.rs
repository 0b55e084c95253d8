//! A token bucket that hands out turns in the order of asking.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Holds ten seconds' worth at most, so that a fresh start does not spend a whole minute's quota at once.
const BURST_MINUTES: f64 = 1.0 / 6.0;

/// Fills at a constant rate; may be in debt to those who wait already.
#[derive(Debug)]
pub(super) struct Bucket {
    level: Mutex<Level>,
}

#[derive(Debug)]
struct Level {
    per_second: f64,
    capacity: f64,
    amount: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn per_minute(rate: f64) -> Self {
        let capacity = capacity(rate);
        let level = Level { per_second: rate / 60.0, capacity, amount: capacity, at: Instant::now() };
        Self { level: Mutex::new(level) }
    }

    /// Fills at another rate from now on. Those who wait already wait as long as they were told.
    pub(super) fn set_per_minute(&self, rate: f64) {
        let mut level = self.level();
        level.fill();
        (level.per_second, level.capacity) = (rate / 60.0, capacity(rate));
        level.amount = level.amount.min(level.capacity);
    }

    /// Takes an amount now and waits until the bucket has made up for it.
    pub(super) async fn take(&self, amount: f64) {
        let wait = self.reserve(amount);
        if wait.is_zero() {
            return;
        }
        let mut turn = Turn { bucket: self, amount };
        tokio::time::sleep(wait).await;
        turn.amount = 0.0;
    }

    /// Puts back what was taken and not used.
    pub(super) fn give_back(&self, amount: f64) {
        let mut level = self.level();
        level.amount = (level.amount + amount).min(level.capacity);
    }

    fn reserve(&self, amount: f64) -> Duration {
        let mut level = self.level();
        level.fill();
        level.amount -= amount;
        // A day bounds the wait that absurd amounts would make.
        Duration::from_secs_f64((-level.amount / level.per_second).clamp(0.0, 86_400.0))
    }

    fn level(&self) -> MutexGuard<'_, Level> {
        self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Level {
    /// Adds what has come in since it was last done.
    fn fill(&mut self) {
        let now = Instant::now();
        let filled = now.duration_since(self.at).as_secs_f64() * self.per_second;
        (self.amount, self.at) = ((self.amount + filled).min(self.capacity), now);
    }
}

/// What fits in, at a rate per minute.
fn capacity(rate: f64) -> f64 {
    (rate * BURST_MINUTES).max(1.0)
}

/// A wait under way; one that is dropped gives its amount back.
struct Turn<'a> {
    bucket: &'a Bucket,
    amount: f64,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.bucket.give_back(self.amount);
    }
}
