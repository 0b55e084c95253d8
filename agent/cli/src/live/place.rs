//! Where the sockets of live runs lie: `live/HOST/PID.sock` in the state folder, for their owner only.

use std::fs::{DirBuilder, File};
use std::io::{Error, ErrorKind, Result};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};
use tokio::net::{UnixListener, UnixStream};

use crate::environment::Environment;

/// Longest path that every system takes for a socket, in bytes.
const PATH_MAX: usize = 100;

/// The socket of one run. Its owner removes it when dropped.
pub(super) struct Place {
    path: PathBuf,
    pid: u32,
    is_ours: bool,
}

impl Place {
    /// That of this process.
    pub(super) fn of_process(environment: &Environment) -> Result<Self> {
        let folder = folder(environment)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "set HOME or XDG_STATE_HOME"))?;
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let pid = std::process::id();
        Ok(Self { path: folder.join(format!("{pid}.sock")), pid, is_ours: false })
    }

    /// Those that are there.
    pub(super) fn all(environment: &Environment) -> Vec<Self> {
        let entries = folder(environment).and_then(|folder| std::fs::read_dir(folder).ok());
        let places = entries.into_iter().flatten().filter_map(|entry| {
            let path = entry.ok()?.path();
            let pid = path.file_name()?.to_str()?.strip_suffix(".sock")?.parse().ok()?;
            Some(Self { path, pid, is_ours: false })
        });
        places.collect()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Listens there.
    pub(super) fn listen(mut self) -> Result<(Self, UnixListener)> {
        // Of an earlier process with this number: there is no other one now.
        drop(std::fs::remove_file(&self.path));
        let (path, _folder) = self.within_reach()?;
        let listener = UnixListener::bind(path)?;
        self.is_ours = true;
        Ok((self, listener))
    }

    pub(super) async fn connect(&self) -> Result<UnixStream> {
        let (path, _folder) = self.within_reach()?;
        UnixStream::connect(path).await
    }

    /// Whether its process was killed, so that nobody will remove it.
    pub(super) fn is_left_behind(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        pid.is_none_or(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
    }

    pub(super) fn remove(&self) {
        drop(std::fs::remove_file(&self.path));
    }

    /// The path, by way of its open folder where it is too long for a socket.
    fn within_reach(&self) -> Result<(PathBuf, Option<File>)> {
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return Err(ErrorKind::InvalidFilename.into());
        };
        if self.path.as_os_str().len() <= PATH_MAX {
            return Ok((self.path.clone(), None));
        }
        let folder = File::open(folder)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok((path, Some(folder)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_ours {
            self.remove();
        }
    }
}

fn folder(environment: &Environment) -> Option<PathBuf> {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy().replace('/', "_");
    Some(environment.state_dir()?.join("live").join(host))
}
