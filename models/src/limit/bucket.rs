//! A token bucket that hands out turns in the order of asking.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Holds ten seconds' worth at most, so that a fresh start does not spend a whole minute's quota at once.
const BURST_MINUTES: f64 = 1.0 / 6.0;

/// Fills at a constant rate; may be in debt to those who wait already.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    capacity: f64,
    level: Mutex<Level>,
}

#[derive(Debug)]
struct Level {
    amount: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn per_minute(rate: f64) -> Self {
        let capacity = (rate * BURST_MINUTES).max(1.0);
        Self {
            per_second: rate / 60.0,
            capacity,
            level: Mutex::new(Level { amount: capacity, at: Instant::now() }),
        }
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
        level.amount = (level.amount + amount).min(self.capacity);
    }

    fn reserve(&self, amount: f64) -> Duration {
        let mut level = self.level();
        let now = Instant::now();
        let filled = now.duration_since(level.at).as_secs_f64() * self.per_second;
        level.amount = (level.amount + filled).min(self.capacity) - amount;
        level.at = now;
        // A day bounds the wait that absurd amounts would make.
        Duration::from_secs_f64((-level.amount / self.per_second).clamp(0.0, 86_400.0))
    }

    fn level(&self) -> MutexGuard<'_, Level> {
        self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
