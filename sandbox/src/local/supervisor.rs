//! Watches one contained program from its start to its end: moves requests and answers, drains and counts what it
//! writes, keeps its clocks, kills it at a limit, hears of its end.
//!
//! A supervisor is a thread of its own that waits in `poll`, so that the limits hold while nobody awaits the session. It
//! ends when its [`Link`] is dropped, after killing the program.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};
use tokio::sync::oneshot;

use super::channel::{Conversation, Progress, has_unasked};
use super::contained::{Contained, DEATH_PATIENCE};
use super::host;
use super::output::{Output, State};
use super::pool::Pool;
use super::start::await_ready;
use super::sys;
use super::waiting::wait;
use crate::error::SandboxError;
use crate::limits::Limits;
use crate::session::{Cause, Ending, Exchange, Open};
use crate::verdict::Clock;

/// Why a program dies that says what nobody asked for.
const UNASKED: &str = "answered without being asked";

/// What a session asks of its supervisor.
pub(super) enum Command {
    Exchange { request: Vec<u8>, deadline: Duration, reply: oneshot::Sender<Result<Exchange, SandboxError>> },
    Finish { reply: oneshot::Sender<Result<Ending, SandboxError>> },
}

/// The session's end. Dropping it ends the supervisor and its program.
#[derive(Debug)]
pub(super) struct Link {
    commands: Option<Sender<Command>>,
    wake: Arc<OwnedFd>,
}

impl Link {
    /// Hands a command over.
    ///
    /// # Errors
    /// If the supervisor is gone.
    pub(super) fn send(&self, command: Command) -> Result<(), SandboxError> {
        let sent = self.commands.as_ref().is_some_and(|commands| commands.send(command).is_ok());
        self.wake();
        if sent { Ok(()) } else { Err(gone()) }
    }

    /// Makes the supervisor look whether it is still wanted.
    pub(super) fn wake(&self) {
        // Fails only when the counter is full, and then it is awake.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.commands = None;
        self.wake();
    }
}

/// The error for a supervisor that has ended.
pub(super) fn gone() -> SandboxError {
    SandboxError::Worker { reason: "the session has ended already".to_owned() }
}

/// Starts a program and its supervisor. The receiver says when the program is ready, or why it is not.
///
/// # Errors
/// [`SandboxError::Host`] if the thread cannot be made.
pub(super) fn start(
    pool: Arc<Pool>,
    open: Open,
) -> Result<(Link, oneshot::Receiver<Result<(), SandboxError>>), SandboxError> {
    let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        .map_err(host("making an event counter"))?;
    let wake = Arc::new(wake);
    let (commands, inbox) = mpsc::channel();
    let (ready, is_ready) = oneshot::channel();
    let link = Link { commands: Some(commands), wake: Arc::clone(&wake) };
    let thread = std::thread::Builder::new().name("sandbox".to_owned());
    let body = move || {
        sys::block_signals();
        let started = Contained::start(&pool, &open)
            .and_then(|mut program| await_ready(&mut program, &wake, || ready.is_closed()).map(|()| program));
        match started {
            Err(error) => drop(ready.send(Err(error))),
            Ok(program) if ready.send(Ok(())).is_ok() => {
                Supervisor::new(program, open.limits, inbox, wake).serve()
            }
            Ok(_) => {}
        }
    };
    thread
        .spawn(body)
        .map_err(|source| SandboxError::Host { action: "starting a thread".to_owned(), source })?;
    Ok((link, is_ready))
}

struct Supervisor {
    program: Contained,
    limits: Limits,
    inbox: Receiver<Command>,
    wake: Arc<OwnedFd>,
    stdout: Output,
    stderr: Output,
    killed_for: Option<Cause>,
    /// Wall-clock time so far, while somebody waited for the program.
    used: Duration,
}

impl Supervisor {
    fn new(program: Contained, limits: Limits, inbox: Receiver<Command>, wake: Arc<OwnedFd>) -> Self {
        let output = || Output::new(limits.output_bytes);
        let (stdout, stderr) = (output(), output());
        Self { program, limits, inbox, wake, stdout, stderr, killed_for: None, used: Duration::ZERO }
    }

    /// Carries out commands until the session finishes or is dropped.
    fn serve(mut self) {
        loop {
            match self.inbox.try_recv() {
                Ok(Command::Exchange { request, deadline, reply }) => {
                    let result = self.timed(|this| this.exchange(&request, deadline, &reply));
                    let is_broken = result.is_err();
                    if reply.send(result).is_err() || is_broken {
                        return;
                    }
                }
                Ok(Command::Finish { reply }) => {
                    let waited = self.timed(|this| this.await_end(&reply));
                    let _ = reply.send(waited.and_then(|()| self.into_ending()));
                    return;
                }
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {
                    if self.pump(None, PollFlags::empty()).is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Counts the time that passes meanwhile as the program's.
    fn timed<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let start = Instant::now();
        let result = work(self);
        self.used += start.elapsed();
        result
    }

    fn exchange<T>(
        &mut self,
        request: &[u8],
        deadline: Duration,
        reply: &oneshot::Sender<T>,
    ) -> Result<Exchange, SandboxError> {
        let until = Instant::now() + deadline.min(self.limits.wall.saturating_sub(self.used));
        let mut talk = self.begin(request)?;
        while !reply.is_closed() {
            if let Some(exchange) = self.advance(&mut talk, until) {
                return Ok(exchange);
            }
            self.pump(Some(until), talk.interest())?;
        }
        Ok(Exchange::Ended)
    }

    /// Whoever has said something before it was asked is killed.
    fn begin(&mut self, request: &[u8]) -> Result<Conversation, SandboxError> {
        let Some(talk) = Conversation::new(request, self.limits.answer_bytes) else {
            return Err(SandboxError::Worker { reason: "the request is too long for a frame".to_owned() });
        };
        if has_unasked(&self.program.channel) {
            self.kill(Cause::Crashed { cause: UNASKED.to_owned() });
        }
        Ok(talk)
    }

    /// What the exchange came to, by what is known now. An answer counts only if nothing had the program killed before.
    fn advance(&mut self, talk: &mut Conversation, until: Instant) -> Option<Exchange> {
        match talk.advance(self.program.channel.as_fd()) {
            Progress::Answer(answer) if self.killed_for.is_none() => return Some(Exchange::Answer(answer)),
            Progress::TooLong => self.kill(Cause::OutputLimit),
            Progress::Answer(_) | Progress::Waiting => {}
        }
        self.is_over(until).then_some(Exchange::Ended)
    }

    /// Tells the program that no request will come, and waits for its end; kills it when its time is up.
    fn await_end<T>(&mut self, reply: &oneshot::Sender<T>) -> Result<(), SandboxError> {
        let until = Instant::now() + self.limits.wall.saturating_sub(self.used);
        // Fails only where the program has closed its end already.
        let _ = rustix::net::shutdown(&self.program.channel, rustix::net::Shutdown::Write);
        while !reply.is_closed() && !self.is_over(until) {
            self.pump(Some(until), PollFlags::empty())?;
        }
        Ok(())
    }

    /// Whether the program has ended or was killed; kills it when its time is up.
    fn is_over(&mut self, until: Instant) -> bool {
        let is_over = self.program.has_ended() || self.killed_for.is_some();
        if !is_over && Instant::now() >= until {
            self.kill(Cause::Timeout { clock: Clock::Wall });
            return true;
        }
        is_over
    }

    fn into_ending(mut self) -> Result<Ending, SandboxError> {
        let until = Instant::now() + DEATH_PATIENCE;
        while !self.program.has_ended() && Instant::now() < until {
            self.pump(Some(until), PollFlags::empty())?;
        }
        // What it wrote last. Never waits for the end of the stream: in theory somebody may hold it open.
        self.drain();
        let end = self.program.reaped()?;
        let over = [&self.stdout, &self.stderr].iter().any(|output| output.state() == State::Over);
        let killed_for = if over { Some(Cause::OutputLimit) } else { self.killed_for };
        Ok(Ending {
            cause: killed_for.unwrap_or_else(|| end.cause(self.limits.cpu)),
            stdout: self.stdout.into_bytes(),
            stderr: self.stderr.into_bytes(),
            usage: end.usage(self.used),
            // Address-space limits are refused inside, unseen by us; the driver's claim is all there is of those.
            memory_refused: self.program.ran_out_of_memory(),
            refusals: end.refusals(),
        })
    }

    fn kill(&mut self, cause: Cause) {
        self.program.kill();
        self.killed_for.get_or_insert(cause);
    }

    /// Waits until something happens or the time comes, and takes what the program wrote.
    fn pump(&mut self, until: Option<Instant>, channel: PollFlags) -> Result<(), SandboxError> {
        let open =
            |output: &Output| if output.state() == State::Open { PollFlags::IN } else { PollFlags::empty() };
        let news = if self.program.has_ended() { PollFlags::empty() } else { PollFlags::IN };
        let watched = [
            (&*self.wake, PollFlags::IN),
            (&self.program.control, news),
            (&self.program.stdout, open(&self.stdout)),
            (&self.program.stderr, open(&self.stderr)),
            (&self.program.channel, channel),
        ];
        // Entries with nothing to wait for are left out: `poll` would report their end again and again.
        let mut entries: Vec<PollFd<'_>> = watched
            .iter()
            .filter(|(_, flags)| !flags.is_empty())
            .map(|(fd, flags)| PollFd::new(*fd, *flags))
            .collect();
        wait(&mut entries, until)?;
        self.program.listen();
        let mut counter = [0; 8];
        let _ = rustix::io::read(&self.wake, &mut counter);
        self.drain();
        Ok(())
    }

    fn drain(&mut self) {
        let states = [self.stdout.drain(&self.program.stdout), self.stderr.drain(&self.program.stderr)];
        if states.contains(&State::Over) {
            self.kill(Cause::OutputLimit);
        }
    }
}

#[cfg(test)]
mod tests;
