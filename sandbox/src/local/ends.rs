//! Both ends of everything that connects us with a program.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

use super::host;
use crate::error::SandboxError;

/// The program's ends and ours.
pub(super) struct Ends {
    /// stdin, stdout, stderr, channel.
    pub(super) theirs: [OwnedFd; 4],
    /// stdout, stderr, channel.
    pub(super) ours: [OwnedFd; 3],
}

impl Ends {
    /// # Errors
    /// [`SandboxError::Host`] if the system refuses them.
    pub(super) fn new(stdin: &[u8]) -> Result<Self, SandboxError> {
        let stdin = sealed("stdin", stdin)?;
        let make = || -> Result<Self, Errno> {
            let (stdout_ours, stdout) = pipe_with(PipeFlags::CLOEXEC)?;
            let (stderr_ours, stderr) = pipe_with(PipeFlags::CLOEXEC)?;
            let (channel_ours, channel) =
                socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
            let ours = [stdout_ours, stderr_ours, channel_ours];
            for end in &ours {
                rustix::io::ioctl_fionbio(end.as_fd(), true)?;
            }
            Ok(Self { theirs: [stdin, stdout, stderr, channel], ours })
        };
        make().map_err(host("connecting with a contained process"))
    }
}

/// A file in memory that nobody can change.
///
/// # Errors
/// [`SandboxError::Host`] if there is no memory for it.
pub(super) fn sealed(name: &str, bytes: &[u8]) -> Result<OwnedFd, SandboxError> {
    let make = || -> std::io::Result<OwnedFd> {
        let file = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut file = File::from(file);
        file.write_all(bytes)?;
        file.seek(SeekFrom::Start(0))?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(file.into())
    };
    make().map_err(|source| SandboxError::Host {
        action: "preparing the input of a contained process".to_owned(),
        source,
    })
}
