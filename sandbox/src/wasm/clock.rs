//! The time of one session: how much its program has used and when it must end. Runs only while the program does, not
//! while it waits for the host's next request.

use std::time::{Duration, Instant};

/// The time that a session used and may use. Every method takes the present, so that none reads a clock.
#[derive(Debug)]
pub(super) struct Clock {
    /// Most that the whole session may use.
    limit: Duration,
    /// Used before the current stretch, and what sleeping was charged.
    used: Duration,
    running: Option<Stretch>,
}

/// One stretch of running, from a request to the wait for the next.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    since: Instant,
    /// The session ends when its used time exceeds this.
    until: Duration,
}

impl Clock {
    /// A clock that stands still.
    pub(super) const fn new(limit: Duration) -> Self {
        Self { limit, used: Duration::ZERO, running: None }
    }

    /// Begins a stretch of at most `allowance`, ending the one before.
    pub(super) fn start(&mut self, now: Instant, allowance: Duration) {
        self.stop(now);
        let until = self.used.saturating_add(allowance).min(self.limit);
        self.running = Some(Stretch { since: now, until });
    }

    /// Ends the stretch, if one is running.
    pub(super) fn stop(&mut self, now: Instant) {
        self.used = self.used_at(now);
        self.running = None;
    }

    /// Time used up to now.
    pub(super) fn used_at(&self, now: Instant) -> Duration {
        let running =
            self.running.map_or(Duration::ZERO, |stretch| now.saturating_duration_since(stretch.since));
        self.used.saturating_add(running)
    }

    /// Whether the program must end.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.running.is_some_and(|stretch| self.used_at(now) > stretch.until)
    }

    /// Charges time that the program asked to sleep. It does not really sleep: what it would have slept is taken from
    /// what it has left, so a sleep costs the program its time and the host none.
    pub(super) fn charge(&mut self, sleep: Duration) {
        self.used = self.used.saturating_add(sleep);
    }
}

/// CPU time of the calling thread; `None` where the system does not tell.
pub(super) fn thread_cpu() -> Option<Duration> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let seconds = u64::try_from(time.tv_sec).ok()?;
        Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waiting_costs_nothing_and_the_session_limit_holds() {
        let mut clock = Clock::new(3 * SECOND);
        let start = Instant::now();
        clock.start(start, 2 * SECOND);
        assert!(!clock.is_over(start + 2 * SECOND));
        assert!(clock.is_over(start + 2 * SECOND + Duration::from_millis(1)));
        clock.stop(start + 2 * SECOND);
        assert!(!clock.is_over(start + 100 * SECOND));
        clock.start(start + 100 * SECOND, 2 * SECOND);
        assert!(clock.is_over(start + 102 * SECOND));
        assert_eq!(clock.used_at(start + 101 * SECOND), 3 * SECOND);
    }

    #[test]
    fn sleep_is_charged() {
        let mut clock = Clock::new(10 * SECOND);
        let start = Instant::now();
        clock.start(start, 5 * SECOND);
        clock.charge(6 * SECOND);
        assert!(clock.is_over(start));
        clock.stop(start);
        assert_eq!(clock.used_at(start), 6 * SECOND);
    }
}
