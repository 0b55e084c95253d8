//! Waits until a contained interpreter is ready, and says in words why one is not.

use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};
use rustix::io::Errno;

use super::launch::{Contained, START_PATIENCE, Setup};
use super::output::Output;
use super::plan::{FAILED, FAILURE_BYTES, Stage};
use super::supervisor::wait;
use super::{host, sys};
use crate::error::SandboxError;
use crate::limits::Limits;
use crate::session::Open;

/// First byte of the report of an interpreter that is ready.
const READY: u8 = b'R';
/// How much of what a failed interpreter wrote is shown.
const SHOWN_BYTES: usize = 2000;

/// Waits for the report of the start. `wake` interrupts the wait, to ask whether it `is_unwanted` by now.
///
/// # Errors
/// [`SandboxError::Worker`] with what failed.
pub(super) fn await_ready(
    program: &Contained,
    wake: &OwnedFd,
    is_unwanted: impl Fn() -> bool,
) -> Result<(), SandboxError> {
    let until = Instant::now() + START_PATIENCE;
    while Instant::now() < until && !is_unwanted() {
        wait(
            &mut [PollFd::new(&program.report, PollFlags::IN), PollFd::new(wake, PollFlags::IN)],
            Some(until),
        )?;
        let mut counter = [0; 8];
        let _ = rustix::io::read(wake, &mut counter);
        let mut record = [0; FAILURE_BYTES];
        match (rustix::io::read(&program.report, &mut record), record) {
            (Ok(1), [READY, ..]) => return Ok(()),
            (Ok(FAILURE_BYTES), [FAILED, stage, a, b, c, d]) => {
                let error = std::io::Error::from_raw_os_error(i32::from_ne_bytes([a, b, c, d]));
                return Err(failed(format!("{} failed: {error}", Stage::name(stage))));
            }
            (Err(Errno::AGAIN | Errno::INTR), _) => {}
            _ => return Err(failed(last_words(program))),
        }
    }
    Err(failed(format!("the interpreter was not ready after {} s", START_PATIENCE.as_secs())))
}

/// Starts an interpreter and ends it again, to learn whether its layers work on this machine.
///
/// # Errors
/// As [`await_ready`], and if it cannot be started at all; host errors with their cause in the text.
pub(super) fn rehearse(setup: &Setup) -> Result<(), SandboxError> {
    let trial = || {
        sys::block_signals();
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(host("making an event counter"))?;
        let program = setup.launch(&Open { stdin: Vec::new(), limits: Limits::default(), seed: 0 })?;
        await_ready(&program, &wake, || false)
    };
    // A thread of its own, since the program dies with the thread that started it and signals stay blocked.
    let result = std::thread::scope(|scope| scope.spawn(trial).join());
    let result = result.unwrap_or_else(|_| Err(failed("the rehearsal panicked".to_owned())));
    result.map_err(|error| match error {
        SandboxError::Host { action, source } => failed(format!("{action} failed: {source}")),
        other => other,
    })
}

fn last_words(program: &Contained) -> String {
    let mut stderr = Output::new(SHOWN_BYTES);
    stderr.drain(&program.stderr);
    let words = String::from_utf8_lossy(&stderr.into_bytes()).trim().to_owned();
    if words.is_empty() {
        "the interpreter did not start".to_owned()
    } else {
        format!("the interpreter said: {words}")
    }
}

const fn failed(reason: String) -> SandboxError {
    SandboxError::Worker { reason }
}
