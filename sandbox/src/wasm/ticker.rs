//! The thread that moves an engine's epoch on, so that running programs look up at their time limits.
//!
//! It sleeps when no program has run for a while, and ends with the last reference to it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::Engine;

/// How often programs look up.
const TICK: Duration = Duration::from_millis(5);
/// Ticks without a program before the thread sleeps: waking it costs more than some ticks for nothing.
const IDLE_TICKS: u32 = 20;

/// Owns the thread.
pub(super) struct Ticker {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    asleep: bool,
    over: bool,
}

/// While this lives the epoch moves.
pub(super) struct Ticking(Arc<Shared>);

impl Ticker {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(engine: Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let thread = Arc::clone(&shared);
        std::thread::Builder::new().name("codeagent-ticker".into()).spawn(move || thread.run(&engine))?;
        Ok(Self { shared })
    }

    /// Keeps the epoch moving until the result is dropped.
    pub(super) fn ticking(&self) -> Ticking {
        self.shared.update(|state| state.running += 1);
        Ticking(Arc::clone(&self.shared))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.update(|state| state.over = true);
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.update(|state| state.running -= 1);
    }
}

impl Shared {
    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        if state.over || (state.asleep && state.running > 0) {
            self.changed.notify_one();
        }
    }

    fn run(&self, engine: &Engine) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut idle = 0;
        while !state.over {
            idle = if state.running > 0 { 0 } else { idle + 1 };
            state.asleep = idle > IDLE_TICKS;
            state = if state.asleep {
                self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                engine.increment_epoch();
                self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }
}
