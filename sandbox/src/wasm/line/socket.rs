//! The line between a program and the process that this worker works for: a socket.
//!
//! Everything happens on the worker's one thread: the program runs, and where it waits for a request the thread waits
//! for a message. When the other process is gone there is nobody left to work for, and the worker ends.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Line, Next};
use crate::wasm::clock::Clock;
use crate::wasm::guest::Errno;
use crate::wasm::host::Stop;
use crate::wasm::message::{FromWorker, Malformed, ToWorker, announced};
use crate::wasm::ticker::{Ticker, Ticking};

/// Status of a worker that nobody is left to work for.
const UNEMPLOYED: i32 = 0;
/// Status of a worker that was told what it can't understand.
const CONFUSED: i32 = 70;

/// The worker's end of its socket, for one program.
pub(in crate::wasm) struct SocketLine {
    socket: UnixStream,
    ticker: Arc<Ticker>,
    state: Mutex<State>,
}

struct State {
    clock: Clock,
    /// Held while the program runs.
    ticking: Option<Ticking>,
    begun: bool,
    awaited: bool,
}

impl SocketLine {
    /// A line for the next program.
    ///
    /// # Errors
    /// When the socket can't be copied.
    pub(in crate::wasm) fn new(socket: &UnixStream, ticker: Arc<Ticker>) -> std::io::Result<Self> {
        let state = State {
            clock: Clock::new(Duration::ZERO),
            ticking: Some(ticker.ticking()),
            begun: false,
            awaited: false,
        };
        Ok(Self { socket: socket.try_clone()?, ticker, state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something to the other process.
    pub(in crate::wasm) fn say(&self, message: FromWorker) {
        if (&self.socket).write_all(&message.encode()).is_err() {
            std::process::exit(UNEMPLOYED);
        }
    }

    fn hear(&self) -> ToWorker {
        self.receive().unwrap_or_else(|status| std::process::exit(status))
    }

    fn receive(&self) -> Result<ToWorker, i32> {
        let mut header = [0; 4];
        (&self.socket).read_exact(&mut header).map_err(|_| UNEMPLOYED)?;
        // The other process is ours, and means whatever length it announces.
        let length = announced(header, usize::MAX).map_err(|Malformed| CONFUSED)?;
        let mut payload = vec![0; length];
        (&self.socket).read_exact(&mut payload).map_err(|_| UNEMPLOYED)?;
        ToWorker::decode(&payload).map_err(|Malformed| CONFUSED)
    }
}

impl Line for SocketLine {
    fn next(&self) -> Result<Next, Stop> {
        let mut state = self.lock();
        // Nothing comes before what was asked is answered: a program that waits for it would wait for ever.
        if state.awaited {
            return Ok(Next::Close);
        }
        state.clock.stop(Instant::now());
        state.ticking = None;
        let mut message = self.hear();
        // Meant for the program before, which ended by itself while this was on its way.
        while !state.begun && !matches!(message, ToWorker::Begin(_)) {
            message = self.hear();
        }
        state.ticking = Some(self.ticker.ticking());
        match message {
            ToWorker::Begin(open) if !state.begun => {
                state.begun = true;
                state.clock = Clock::new(open.limits.wall);
                Ok(Next::Begin(open))
            }
            ToWorker::Request { allowance, request } => {
                state.awaited = true;
                state.clock.start(Instant::now(), allowance);
                Ok(Next::Request(request))
            }
            ToWorker::Close => {
                state.clock.start(Instant::now(), Duration::MAX);
                Ok(Next::Close)
            }
            ToWorker::Abandon => Err(Stop::Killed),
            ToWorker::Begin(_) => std::process::exit(CONFUSED),
        }
    }

    fn is_awaited(&self) -> bool {
        self.lock().awaited
    }

    fn answer(&self, answer: Vec<u8>) -> Result<(), Errno> {
        if !std::mem::take(&mut self.lock().awaited) {
            return Err(Errno::Pipe);
        }
        self.say(FromWorker::Answer(answer));
        Ok(())
    }

    fn check(&self) -> Result<(), Stop> {
        if self.lock().clock.is_over(Instant::now()) { Err(Stop::WallTimeout) } else { Ok(()) }
    }

    fn sleep(&self, duration: Duration) -> Result<(), Stop> {
        self.lock().clock.charge(duration);
        self.check()
    }

    fn used(&self) -> Duration {
        self.lock().clock.used_at(Instant::now())
    }
}
