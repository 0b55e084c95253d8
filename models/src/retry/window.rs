//! The retry budget: how many retries the calls of the last minute allow.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
/// Counts are kept per slice of this length, so that memory does not grow with the rate of calls.
const SLICE: Duration = Duration::from_secs(1);

/// Counts calls and retries of the last minute.
#[derive(Debug)]
pub(super) struct Window {
    share: f64,
    floor: u32,
    slices: Mutex<VecDeque<Slice>>,
}

#[derive(Debug)]
struct Slice {
    start: Instant,
    calls: u32,
    retries: u32,
}

impl Window {
    pub(super) fn new(share: f64, floor: u32) -> Self {
        Self { share, floor, slices: Mutex::default() }
    }

    /// Counts a call.
    pub(super) fn call(&self, now: Instant) {
        let mut slices = self.slices();
        current(&mut slices, now, |slice| slice.calls += 1);
    }

    /// Counts a retry, or says when to ask again.
    pub(super) fn retry(&self, now: Instant) -> Result<(), Instant> {
        let mut slices = self.slices();
        slices.retain(|slice| now.duration_since(slice.start) < MINUTE);
        let (calls, retries) = slices
            .iter()
            .fold((0, 0), |(calls, retries), slice| (calls + slice.calls, retries + slice.retries));
        let allowed = (f64::from(calls) * self.share) as u32 + self.floor;
        if retries < allowed {
            current(&mut slices, now, |slice| slice.retries += 1);
            return Ok(());
        }
        let oldest = slices.iter().find(|slice| slice.retries > 0).map_or(now, |slice| slice.start);
        Err((oldest + MINUTE).max(now + SLICE))
    }

    fn slices(&self) -> MutexGuard<'_, VecDeque<Slice>> {
        self.slices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn current(slices: &mut VecDeque<Slice>, now: Instant, count: impl FnOnce(&mut Slice)) {
    if slices.back().is_none_or(|last| now.duration_since(last.start) >= SLICE) {
        slices.retain(|slice| now.duration_since(slice.start) < MINUTE);
        slices.push_back(Slice { start: now, calls: 0, retries: 0 });
    }
    if let Some(last) = slices.back_mut() {
        count(last);
    }
}
