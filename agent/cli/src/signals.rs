//! SIGINT and SIGTERM: the first asks for an end, the second ends at once. `codeagent cancel` asks for an end, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio_util::sync::CancellationToken;

use crate::failure::{Exit, Failure};

/// In place of a signal's number: another process asked for an end.
const CANCELLED: i32 = -1;

/// What a signal asked for.
#[derive(Clone, Default)]
pub struct Stop {
    token: CancellationToken,
    signal: Arc<AtomicI32>,
}

impl Stop {
    /// Watches for SIGINT and SIGTERM from now on.
    ///
    /// The watcher is a thread of its own, so that a second signal ends the process even when every worker of the
    /// async runtime is busy computing.
    ///
    /// # Errors
    /// Exit 70 if the system refuses the handler or the thread.
    pub fn watch() -> Result<Self, Failure> {
        let internal =
            |e: std::io::Error| Failure::new(Exit::Internal, "could not prepare for signals").caused_by(&e);
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(internal)?;
        let stop = Self::default();
        let watcher = stop.clone();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || signals.forever().for_each(|signal| watcher.note(signal)))
            .map_err(internal)?;
        Ok(stop)
    }

    fn note(&self, signal: i32) {
        if self.signal.swap(signal, Ordering::SeqCst) == 0 {
            self.token.cancel();
        } else {
            std::process::exit(i32::from(exit_of(signal).code()));
        }
    }

    /// Asks for an end, as `codeagent cancel` does. A second time changes nothing.
    pub fn cancel(&self) {
        let first = self.signal.compare_exchange(0, CANCELLED, Ordering::SeqCst, Ordering::SeqCst);
        if first.is_ok() {
            self.token.cancel();
        }
    }

    /// The token that the first signal cancels.
    #[must_use]
    pub const fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// How to exit after saving: 130 or 143 where a signal came, 5 where it was cancelled, else `None`.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(exit_of(signal)),
        }
    }
}

const fn exit_of(signal: i32) -> Exit {
    match signal {
        SIGTERM => Exit::Terminated,
        CANCELLED => Exit::Capped,
        _ => Exit::Interrupted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_cancels_and_decides_the_exit() {
        let stop = Stop::default();
        assert_eq!((stop.exit(), stop.token().is_cancelled()), (None, false));
        stop.note(SIGTERM);
        assert_eq!((stop.exit(), stop.token().is_cancelled()), (Some(Exit::Terminated), true));
    }

    #[test]
    fn to_cancel_twice_is_to_cancel() {
        let stop = Stop::default();
        stop.cancel();
        stop.cancel();
        assert_eq!((stop.exit(), stop.token().is_cancelled()), (Some(Exit::Capped), true));
    }

    #[test]
    fn a_signal_decides_the_exit_before_who_cancels() {
        let stop = Stop::default();
        stop.note(SIGINT);
        stop.cancel();
        assert_eq!(stop.exit(), Some(Exit::Interrupted));
    }
}
