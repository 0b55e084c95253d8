//! One contained program, from the message that makes a waiting copy its process to what is left of it.

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Signal, pidfd_send_signal};
use tempfile::TempDir;

use super::cgroup::Cgroup;
use super::ending::Reaped;
use super::ends::Ends;
use super::pool::Pool;
use super::report::{self, Report};
use super::rlimits;
use super::waiting::wait;
use super::zygote::{Copy, PROTOCOL, Zygote, lost, send};
use crate::error::SandboxError;
use crate::session::Open;

/// How long a killed process may take to die before we give up on it.
pub(super) const DEATH_PATIENCE: Duration = Duration::from_secs(10);

/// A contained program. Dropping it kills the program.
#[derive(Debug)]
pub(super) struct Contained {
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    pub(super) channel: OwnedFd,
    /// Readable when there is news.
    pub(super) control: OwnedFd,
    processes: Option<Processes>,
    ready: bool,
    end: Option<End>,
    /// Whether the guard's death is the end of everything that the program started.
    in_namespaces: bool,
    /// Where a subtree is ours to divide. Goes before the folder, which nobody may write to any more by then.
    cgroup: Option<Cgroup>,
    zygote: Arc<Zygote>,
    _temp: Option<TempDir>,
}

/// By their pidfds.
#[derive(Debug)]
struct Processes {
    candidate: OwnedFd,
    guard: OwnedFd,
}

/// How it came to an end.
#[derive(Debug, Clone)]
enum End {
    /// As its guard says.
    Reaped(Reaped),
    /// It could not be contained.
    Failed(String),
    /// Its guard died, or the zygote with all its copies.
    Lost,
}

impl Contained {
    /// Gives a program's limits and ends to a waiting copy. [`Self::listen`] learns when it is ready.
    ///
    /// # Errors
    /// [`SandboxError`] if a system call fails, or if there is no copy to be had.
    pub(super) fn start(pool: &Pool, open: &Open) -> Result<Self, SandboxError> {
        let in_namespaces = pool.setup().layers.namespaces;
        let temp = if in_namespaces { None } else { Some(private_folder()?) };
        let folder = temp.as_ref().map(TempDir::path);
        let rules = if in_namespaces { None } else { pool.setup().rules(folder)? };
        let ends = Ends::new(&open.stdin)?;
        let cgroup = match pool.setup().cgroups {
            Some(cgroups) => Some(cgroups.program(&open.limits).map_err(|reason| lost(&reason))?),
            None => None,
        };
        let Copy { control, zygote } = pool.take(open)?;
        let path = folder.map(|folder| folder.as_os_str().as_bytes()).unwrap_or_default();
        let length = u32::try_from(path.len()).unwrap_or(u32::MAX).to_le_bytes();
        let limits = rlimits::encode(&open.limits, in_namespaces);
        let packet = [&PROTOCOL.to_le_bytes(), &length, path, &limits].concat();
        let descriptors: Vec<&OwnedFd> = ends.theirs.iter().chain(&rules).collect();
        send(&control, &packet, &descriptors).map_err(|_| lost(&zygote.reason()))?;
        let [stdout, stderr, channel] = ends.ours;
        Ok(Self {
            stdout,
            stderr,
            channel,
            control,
            processes: None,
            ready: false,
            end: None,
            in_namespaces,
            cgroup,
            zygote,
            _temp: temp,
        })
    }

    /// One that is ready, whose candidate and guard are played by a test: stdout, stderr, channel, control.
    #[cfg(test)]
    pub(super) fn played(ends: [OwnedFd; 4], candidate: OwnedFd, guard: OwnedFd) -> Self {
        let [stdout, stderr, channel, control] = ends;
        Self {
            stdout,
            stderr,
            channel,
            control,
            processes: Some(Processes { candidate, guard }),
            ready: true,
            end: None,
            in_namespaces: false,
            cgroup: None,
            zygote: Arc::new(Zygote::played()),
            _temp: None,
        }
    }

    /// Takes the news that there is.
    pub(super) fn listen(&mut self) {
        while let Some(report) = self.end.is_none().then(|| report::receive(&self.control)).flatten() {
            match report {
                Report::Processes(descriptors) => match <[OwnedFd; 2]>::try_from(descriptors) {
                    Ok([candidate, guard]) => self.take(Processes { candidate, guard }),
                    Err(_) => self.end = Some(End::Failed("too few open files are left".to_owned())),
                },
                Report::Ready => self.ready = self.processes.is_some(),
                Report::Ended(reaped) => self.end = Some(End::Reaped(reaped)),
                Report::Failed(reason) => self.end = Some(End::Failed(reason)),
                Report::Silence => self.end = Some(End::Lost),
            }
        }
    }

    /// Takes charge of its processes. Nothing of the program runs before the first request, which follows.
    fn take(&mut self, processes: Processes) {
        let both = [&processes.guard, &processes.candidate];
        if let Some(Err(reason)) = self.cgroup.as_ref().map(|cgroup| cgroup.take_in(&both)) {
            self.end = Some(End::Failed(format!("its cgroup: {reason}")));
        }
        self.processes = Some(processes);
    }

    /// Whether the kernel killed a process of the program for want of memory.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        self.cgroup.as_ref().is_some_and(Cgroup::ran_out_of_memory)
    }

    /// Whether every layer is on and the driver at work.
    pub(super) const fn is_ready(&self) -> bool {
        self.ready
    }

    /// Whether it has come to an end.
    pub(super) const fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// What its guard said of its end.
    ///
    /// # Errors
    /// [`SandboxError::Worker`] if it came to its end otherwise, through no fault of its own.
    pub(super) fn reaped(&self) -> Result<Reaped, SandboxError> {
        match &self.end {
            Some(End::Reaped(reaped)) if self.is_ready() => Ok(*reaped),
            Some(End::Failed(reason)) => Err(lost(reason)),
            Some(End::Reaped(_) | End::Lost) if !self.zygote.is_alive() => Err(lost(&self.zygote.reason())),
            Some(End::Reaped(_) | End::Lost) => Err(lost("the guard of a contained process ended")),
            None => Err(lost("a killed process did not die")),
        }
    }

    /// Kills the program; its guard ends what it started, and tells of its end. Whoever is not ready by now never will.
    pub(super) fn kill(&mut self) {
        if !self.is_ready() {
            // What is still said after this is refused, so that what is in the socket now is all there will be.
            let _ = shutdown(&self.control, Shutdown::Both);
            self.listen();
        }
        // Also where nothing more will be heard of it; a signal to a pidfd can reach nobody else.
        let is_reaped = matches!(self.end, Some(End::Reaped(_)));
        if let Some(processes) = self.processes.as_ref().filter(|_| !is_reaped) {
            let _ = pidfd_send_signal(&processes.candidate, Signal::KILL);
        }
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        self.kill();
        // Until then it could still write into the folder that goes away with this.
        let until = Instant::now() + DEATH_PATIENCE;
        while !self.has_ended() && Instant::now() < until {
            if wait(&mut [PollFd::new(&self.control, PollFlags::IN)], Some(until)).is_err() {
                break;
            }
            self.listen();
        }
        if let Some(processes) = self.processes.as_ref().filter(|_| self.in_namespaces) {
            let _ = pidfd_send_signal(&processes.guard, Signal::KILL);
        }
        self.zygote.restock();
    }
}

fn private_folder() -> Result<TempDir, SandboxError> {
    tempfile::Builder::new().prefix("codeagent-").tempdir().map_err(|source| SandboxError::Host {
        action: format!(
            "making a temporary folder in {} (set TMPDIR to a folder with room)",
            std::env::temp_dir().display()
        ),
        source,
    })
}
