//! The line between a program and whoever it works for: requests in, answers out, one for one, and the time that the
//! program may take.
//!
//! Two kinds: to another thread of this process ([`thread`]), and through a socket to the process that this one works
//! for ([`socket`]).

#[cfg(unix)]
pub(super) mod socket;
pub(super) mod thread;

use std::time::Duration;

use super::guest::Errno;
use super::host::Stop;
use crate::session::Open;

/// The program's end of the line.
pub(super) trait Line: Send + Sync {
    /// Waits for what is to be done next. Meanwhile the program's time stands still. Where an answer is owed there is
    /// nothing to wait for: the channel is at its end.
    ///
    /// # Errors
    /// Where the program is to be ended instead.
    fn next(&self) -> Result<Next, Stop>;

    /// Whether an answer is awaited. A second answer to one request is not, nor one to a request that the program has
    /// not read.
    fn is_awaited(&self) -> bool;

    /// Gives the answer.
    ///
    /// # Errors
    /// When none is awaited.
    fn answer(&self, answer: Vec<u8>) -> Result<(), Errno>;

    /// Whether the program may go on.
    ///
    /// # Errors
    /// Why not.
    fn check(&self) -> Result<(), Stop>;

    /// Charges a sleep; whether the program may go on then.
    ///
    /// # Errors
    /// Why not.
    fn sleep(&self, duration: Duration) -> Result<(), Stop>;

    /// Time used so far.
    fn used(&self) -> Duration;
}

/// What a program has to do next.
#[derive(Debug)]
pub(super) enum Next {
    /// Answer this.
    Request(Vec<u8>),
    /// Become the program of this session, and ask again.
    Begin(Box<Open>),
    /// Nothing more will come: end.
    Close,
}
