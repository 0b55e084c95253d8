//! Errors of the store, each with the file and what to do.

use std::path::{Path, PathBuf};

/// The store could not be opened, read or written.
///
/// Cloneable, because all writes of a group share the fate of its commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file or its folder cannot be opened.
    #[error(
        "cannot open the store {path}: {reason}; check that the folder exists and that you may write to it"
    )]
    CannotOpen {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// Another process held the write lock for longer than the busy time-out.
    #[error("the store {path} is locked by another process; wait for it to end or give another directory")]
    Locked {
        /// The store.
        path: PathBuf,
    },
    /// The file or its file system may not be written.
    #[error("the store {path} is read-only; make the file and its folder writable or give another directory")]
    ReadOnly {
        /// The store.
        path: PathBuf,
    },
    /// The disk or the quota is full.
    #[error(
        "no space is left for the store {path}; free some and run the same command again, nothing stored is lost"
    )]
    DiskFull {
        /// The store.
        path: PathBuf,
    },
    /// A row or page does not hold what was written.
    #[error("the store {path} is damaged at {place}; restore a copy, or remove the file to start afresh")]
    Damaged {
        /// The store.
        path: PathBuf,
        /// The row, as `table key`, or `a database page`.
        place: String,
    },
    /// A later release wrote the store.
    #[error(
        "the store {path} has schema version {found}, this program knows {known}; use a newer release of codeagent"
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// Version of the store.
        found: i64,
        /// Latest version that this program knows.
        known: i64,
    },
    /// The file is something else.
    #[error("{path} is not a store of codeagent: {reason}; give another path or move the file away")]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// A run with this id but another fingerprint is stored.
    #[error("the store {path} holds another run with the id `{id}`; choose another id")]
    RunExists {
        /// The store.
        path: PathBuf,
        /// The id.
        id: String,
    },
    /// No such run is stored.
    #[error("the store {path} holds no run `{id}`")]
    NoRun {
        /// The store.
        path: PathBuf,
        /// The id that was asked for.
        id: String,
    },
    /// An event was written a second time with another body: two writers, or a replay that went another way.
    #[error("event {seq} of run `{run}` in {path} is stored with another body")]
    EventConflict {
        /// The store.
        path: PathBuf,
        /// The run.
        run: String,
        /// The event.
        seq: u64,
    },
    /// A text is larger than the store takes.
    #[error("a text of {bytes} bytes is too large for the store {path} (limit {limit})")]
    TooLarge {
        /// The store.
        path: PathBuf,
        /// Its size.
        bytes: usize,
        /// The largest size taken.
        limit: usize,
    },
    /// The store was closed, or its writer ended.
    #[error("the store {path} is closed")]
    Closed {
        /// The store.
        path: PathBuf,
    },
    /// Anything else that the database reported.
    #[error("the store {path} failed: {reason}")]
    Database {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
}

impl StoreError {
    /// Whether the same request may succeed when tried again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::DiskFull { .. })
    }

    /// Gives a database error its meaning by SQLite's result code.
    pub(crate) fn of(path: &Path, error: &sqlx::Error) -> Self {
        let path = path.to_path_buf();
        let reason = error.to_string();
        match primary_code(error) {
            Some(5 | 6) => Self::Locked { path },
            Some(8) => Self::ReadOnly { path },
            Some(11) => Self::Damaged { path, place: "a database page".to_owned() },
            Some(13) => Self::DiskFull { path },
            Some(3 | 14 | 23) => Self::CannotOpen { path, reason },
            Some(26) => Self::NotAStore { path, reason: "not a database".to_owned() },
            _ if matches!(error, sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) => {
                Self::Closed { path }
            }
            _ if matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
                Self::Damaged { path, place: format!("a column ({reason})") }
            }
            _ => Self::Database { path, reason },
        }
    }
}

/// SQLite's primary result code: the low byte of the extended one.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}
