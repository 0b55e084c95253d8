//! The line between a session and its program's thread.
//!
//! The thread blocks in [`Line::next`] while it has nothing to do; then its clock stands and its permit to run
//! goes to another session. The host's side never blocks.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Line, Next};
use crate::wasm::clock::Clock;
use crate::wasm::guest::Errno;
use crate::wasm::host::Stop;

/// What host and thread share.
#[derive(Debug)]
pub(in crate::wasm) struct ThreadLine {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug)]
struct State {
    inbox: Inbox,
    /// Who waits for an answer. While nobody does, the program's writes are refused.
    reply: Option<oneshot::Sender<Vec<u8>>>,
    /// Held while the program runs.
    permit: Option<OwnedSemaphorePermit>,
    clock: Clock,
    killed: bool,
    ended: bool,
}

#[derive(Debug)]
enum Inbox {
    Empty,
    Request(Vec<u8>),
    Closed,
}

impl State {
    const fn is_awaited(&self) -> bool {
        self.reply.is_some() && !matches!(self.inbox, Inbox::Request(_))
    }
}

/// What the host gives the program to do.
#[derive(Debug)]
pub(in crate::wasm) enum Work {
    /// Answer this.
    Request(Vec<u8>),
    /// Nothing more will come: end.
    Close,
}

/// What became of [`ThreadLine::offer`].
#[derive(Debug)]
pub(in crate::wasm) enum Offer {
    /// The program has it; the answer comes here, or the sender is dropped when the program ends.
    Taken(oneshot::Receiver<Vec<u8>>),
    /// The program waits and needs a permit to go on.
    NeedsPermit(Work),
    /// The program has ended.
    Ended,
}

impl ThreadLine {
    /// A line whose program runs from now on, with the permit to do so.
    pub(in crate::wasm) fn new(limit: Duration, permit: OwnedSemaphorePermit) -> Self {
        let mut clock = Clock::new(limit);
        clock.start(Instant::now(), limit);
        let state = State {
            inbox: Inbox::Empty,
            reply: None,
            permit: Some(permit),
            clock,
            killed: false,
            ended: false,
        };
        Self { state: Mutex::new(state), wake: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Host: hands work to the program, which must be done with it within `allowance`.
    pub(in crate::wasm) fn offer(
        &self,
        work: Work,
        allowance: Duration,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Offer {
        let mut state = self.lock();
        if state.ended {
            return Offer::Ended;
        }
        if state.permit.is_none() {
            if permit.is_none() {
                return Offer::NeedsPermit(work);
            }
            state.permit = permit;
        }
        let (sender, receiver) = oneshot::channel();
        state.reply = None;
        state.inbox = match work {
            Work::Request(request) => {
                state.reply = Some(sender);
                Inbox::Request(request)
            }
            Work::Close => Inbox::Closed,
        };
        state.clock.start(Instant::now(), allowance);
        self.wake.notify_one();
        Offer::Taken(receiver)
    }

    /// Host: ends the program at once.
    pub(in crate::wasm) fn kill(&self) {
        self.lock().killed = true;
        self.wake.notify_one();
    }

    /// Program: has ended; nobody is answered any more.
    pub(in crate::wasm) fn end(&self) {
        let mut state = self.lock();
        state.clock.stop(Instant::now());
        state.ended = true;
        state.reply = None;
        state.permit = None;
    }
}

impl Line for ThreadLine {
    fn next(&self) -> Result<Next, Stop> {
        let mut state = self.lock();
        loop {
            if state.killed {
                return Err(Stop::Killed);
            }
            // Nothing comes before what was asked is answered: a program that waits for it would wait for ever.
            if state.is_awaited() {
                return Ok(Next::Close);
            }
            match std::mem::replace(&mut state.inbox, Inbox::Empty) {
                Inbox::Request(request) => return Ok(Next::Request(request)),
                Inbox::Closed => {
                    state.inbox = Inbox::Closed;
                    return Ok(Next::Close);
                }
                Inbox::Empty => {}
            }
            state.clock.stop(Instant::now());
            state.permit = None;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn is_awaited(&self) -> bool {
        self.lock().is_awaited()
    }

    fn answer(&self, answer: Vec<u8>) -> Result<(), Errno> {
        let mut state = self.lock();
        let reply = if state.is_awaited() { state.reply.take() } else { None };
        let reply = reply.ok_or(Errno::Pipe)?;
        drop(state);
        // Whoever asked may have gone; the answer is then nobody's.
        let _ = reply.send(answer);
        Ok(())
    }

    fn check(&self) -> Result<(), Stop> {
        let state = self.lock();
        if state.killed {
            Err(Stop::Killed)
        } else if state.clock.is_over(Instant::now()) {
            Err(Stop::WallTimeout)
        } else {
            Ok(())
        }
    }

    fn sleep(&self, duration: Duration) -> Result<(), Stop> {
        self.lock().clock.charge(duration);
        self.check()
    }

    fn used(&self) -> Duration {
        self.lock().clock.used_at(Instant::now())
    }
}
