//! Waits until a contained program is ready.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};

use super::contained::Contained;
use super::host;
use super::pool::Pool;
use super::waiting::wait;
use super::zygote::lost;
use crate::error::SandboxError;
use crate::limits::Limits;
use crate::session::Open;

/// How long an interpreter may take to start, on a machine that is busy with other things.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// Waits until every layer is on. `wake` interrupts the wait, to ask whether it `is_unwanted` by now.
///
/// # Errors
/// [`SandboxError::Worker`] with what failed.
pub(super) fn await_ready(
    program: &mut Contained,
    wake: &OwnedFd,
    is_unwanted: impl Fn() -> bool,
) -> Result<(), SandboxError> {
    let until = Instant::now() + START_PATIENCE;
    loop {
        program.listen();
        if program.is_ready() {
            return Ok(());
        }
        if program.has_ended() {
            return program.reaped().map(drop);
        }
        if is_unwanted() {
            return Err(lost("the session has been dropped"));
        }
        if Instant::now() >= until {
            return Err(lost(&format!("the interpreter was not ready after {} s", START_PATIENCE.as_secs())));
        }
        let control = PollFd::new(&program.control, PollFlags::IN);
        wait(&mut [control, PollFd::new(wake, PollFlags::IN)], Some(until))?;
        let mut counter = [0; 8];
        let _ = rustix::io::read(wake, &mut counter);
    }
}

/// Starts a program without anything to do, to learn whether its layers work on this machine.
///
/// # Errors
/// As [`await_ready`], and if it cannot be started at all; host errors with their cause in the text.
pub(super) fn rehearse(pool: &Pool) -> Result<(), SandboxError> {
    let trial = || {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(host("making an event counter"))?;
        let mut program =
            Contained::start(pool, &Open { stdin: Vec::new(), limits: Limits::default(), seed: 0 })?;
        await_ready(&mut program, &wake, || false)
    };
    trial().map_err(|error| match error {
        SandboxError::Host { action, source } => lost(&format!("{action} failed: {source}")),
        other => other,
    })
}
