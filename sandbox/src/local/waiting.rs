//! Waiting for descriptors until a point in time.

use std::time::Instant;

use rustix::event::{PollFd, Timespec, poll};
use rustix::io::Errno;

use super::host;
use crate::error::SandboxError;

/// Waits for one of the entries, at most until then.
///
/// # Errors
/// [`SandboxError::Host`] if the system refuses to wait.
pub(super) fn wait(entries: &mut [PollFd<'_>], until: Option<Instant>) -> Result<(), SandboxError> {
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    match poll(entries, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(host("waiting for a contained process")(error)),
    }
}
