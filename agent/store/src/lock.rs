//! The lock of a run directory: one writer at a time, released by the system when its holder ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Looks at the system's list of locks before one is taken for absent: the list changes while it is read.
const LOOKS: usize = 5;

/// Bytes of that list that are read at a time.
const PIECE: usize = 64 << 10;

/// Holds `DIR/lock` until dropped.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

/// A run directory could not be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process writes there.
    #[error("{path} is in use by {}; wait for it to end or give another directory", holder(*pid))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// The other process, where it left its number.
        pid: Option<u32>,
    },
    /// The lock file cannot be opened, locked or written.
    #[error("cannot lock {path}; check that the folder exists and that you may write to it")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

impl DirectoryLock {
    /// Takes the lock of `directory`, or says who has it. The file stays behind: removing it would let two later
    /// processes lock two different files.
    ///
    /// # Errors
    /// [`LockError`] if another process (or another handle of this one) holds it, or the file cannot be written.
    pub fn acquire(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join("lock");
        let fail = |source| LockError::Io { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { pid: read_pid(&mut file), path });
            }
            Err(TryLockError::Error(source)) => return Err(fail(source)),
        }
        write_pid(&mut file).map_err(fail)?;
        Ok(Self { _file: file })
    }

    /// Whether a process holds the lock of `directory`, as far as the system tells: `None` where it does not (it does on
    /// Linux, for processes of the same machine). Takes no lock to find out, so it is in nobody's way.
    #[must_use]
    pub fn is_held(directory: &Path) -> Option<bool> {
        let mut locks = system_locks()?;
        let Ok(mut file) = File::open(directory.join("lock")) else { return Some(false) };
        let wanted = (read_pid(&mut file)?, inode(&file)?);
        for _ in 1..LOOKS {
            if locks.contains(&wanted) {
                return Some(true);
            }
            locks = system_locks()?;
        }
        Some(locks.contains(&wanted))
    }
}

/// Process and file of each exclusive lock on this machine.
///
/// Read in large pieces: between two pieces other locks may go, and with them the place of those that come after.
fn system_locks() -> Option<Vec<(u32, u64)>> {
    let mut file = File::open("/proc/locks").ok()?;
    let mut text = Vec::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).ok()? {
            0 => break,
            read => text.extend_from_slice(piece.get(..read)?),
        }
    }
    Some(String::from_utf8_lossy(&text).lines().filter_map(locked).collect())
}

/// Process and file of an exclusive lock, from a line such as `1: FLOCK  ADVISORY  WRITE 4291 fe:00:6012935 0 EOF`.
fn locked(line: &str) -> Option<(u32, u64)> {
    let mut words = line.split_whitespace().skip_while(|word| *word != "WRITE").skip(1);
    let (pid, file) = (words.next()?, words.next()?);
    Some((pid.parse().ok()?, file.rsplit(':').next()?.parse().ok()?))
}

#[cfg(unix)]
fn inode(file: &File) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Some(file.metadata().ok()?.ino())
}

#[cfg(not(unix))]
const fn inode(_: &File) -> Option<u64> {
    None
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{DirectoryLock, LockError};

    #[test]
    fn a_second_writer_is_refused_with_the_pid_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = DirectoryLock::acquire(folder.path()).unwrap();
        let refused = DirectoryLock::acquire(folder.path()).unwrap_err();
        assert!(matches!(refused, LockError::Held { pid: Some(pid), .. } if pid == std::process::id()));
        assert!(refused.to_string().contains(&format!("process {}", std::process::id())));
        drop(first);
        DirectoryLock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn who_looks_sees_a_holder_and_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        if DirectoryLock::is_held(folder.path()).is_none() {
            return; // The system does not tell.
        }
        assert_eq!(DirectoryLock::is_held(folder.path()), Some(false), "no lock file");
        let held = DirectoryLock::acquire(folder.path()).unwrap();
        assert_eq!(DirectoryLock::is_held(folder.path()), Some(true));
        drop(held);
        assert_eq!(DirectoryLock::is_held(folder.path()), Some(false), "only the file is left");
    }

    #[test]
    fn a_missing_folder_is_an_error_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let error = DirectoryLock::acquire(&folder.path().join("absent")).unwrap_err();
        assert!(error.to_string().contains("absent"), "{error}");
    }

    #[test]
    fn what_another_program_left_in_the_file_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lock"), vec![0xff; 4096]).unwrap();
        let _first = DirectoryLock::acquire(folder.path()).unwrap();
        assert!(matches!(DirectoryLock::acquire(folder.path()), Err(LockError::Held { pid: Some(_), .. })));
    }
}
