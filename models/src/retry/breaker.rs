//! The breaker: leaves a server in peace that fails everything.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open it.
const STREAK_MAX: u32 = 10;
/// Calls within [`SPAN`] from which their share of failures counts.
const CALLS_MIN: usize = 20;
/// How far back the share looks.
const SPAN: Duration = Duration::from_secs(10);
/// Time from one probe to the next while it is open.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// Opens after 10 failures in a row or when half of at least 20 calls within 10 s failed; then lets one probe
/// through every 5 s, and closes at the first success.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    streak: u32,
    recent: VecDeque<(Instant, bool)>,
    next_probe: Option<Instant>,
}

/// Whether a call may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Go(Pass),
    Wait { until: Instant },
}

/// As what a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    Normal,
    Probe,
}

impl Breaker {
    pub(super) fn admit(&self, now: Instant) -> Admission {
        let mut state = self.state();
        match state.next_probe {
            None => Admission::Go(Pass::Normal),
            Some(until) if now < until => Admission::Wait { until },
            Some(_) => {
                state.next_probe = Some(now + PROBE_EVERY);
                Admission::Go(Pass::Probe)
            }
        }
    }

    /// Takes in what came of a call, whatever it went as: any success shows that the server is back.
    pub(super) fn report(&self, now: Instant, success: bool) {
        let mut state = self.state();
        if success && state.next_probe.is_some() {
            *state = State::default();
        }
        if state.next_probe.is_some() {
            return;
        }
        state.record(now, success);
        if state.is_failing() {
            tracing::warn!("the model server fails: waiting for it, with a probe every 5 s");
            state.next_probe = Some(now + PROBE_EVERY);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn record(&mut self, now: Instant, success: bool) {
        self.streak = if success { 0 } else { self.streak + 1 };
        self.recent.push_back((now, success));
        while self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > SPAN) {
            self.recent.pop_front();
        }
    }

    fn is_failing(&self) -> bool {
        let failed = || self.recent.iter().filter(|(_, success)| !success).count();
        self.streak >= STREAK_MAX || (self.recent.len() >= CALLS_MIN && failed() * 2 >= self.recent.len())
    }
}
