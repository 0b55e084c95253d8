//! SIGINT and SIGTERM: the first asks for an end, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio_util::sync::CancellationToken;

use crate::failure::{Exit, Failure};

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

    /// The token that the first signal cancels.
    #[must_use]
    pub const fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// How to exit after saving: 130 or 143 where a signal came, else `None`.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(exit_of(signal)),
        }
    }
}

const fn exit_of(signal: i32) -> Exit {
    if signal == SIGTERM { Exit::Terminated } else { Exit::Interrupted }
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
}
