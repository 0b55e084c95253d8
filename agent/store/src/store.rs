//! The store itself: the same whatever database keeps it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::body::BODY_BYTES_MAX;
use crate::database::{Database, Keyed, Pending, RunKey, Urgency, Write};
use crate::error::StoreError;
use crate::run::{Attempt, Begun, Event, Failure, NewRun, Run, RunHead, Sample};
use crate::sqlite::Sqlite;

/// A store of runs, replies, executions, events and samples. Clones share the connections.
///
/// # Cancellation
/// A write whose future is dropped may or may not have been stored.
#[derive(Debug, Clone)]
pub struct Store {
    path: Arc<PathBuf>,
    database: Arc<dyn Database>,
}

impl Store {
    /// Opens the store in the SQLite file at `path`, creating or migrating it where needed. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be opened, is no store, or was written by a later release.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = Arc::new(path.into());
        let database = Arc::new(Sqlite::open(Arc::clone(&path)).await?);
        Ok(Self { path, database })
    }

    /// Opens the store in the SQLite file at `path` for reading alone, also while another process writes to it, and where
    /// nothing may be written. Nothing is created or migrated; writes fail with [`StoreError::ReadOnly`].
    ///
    /// # Errors
    /// [`StoreError`] if there is no file, it cannot be opened, is no store, or was written by a later release.
    pub async fn open_read_only(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = Arc::new(path.into());
        let database = Arc::new(Sqlite::open_read_only(Arc::clone(&path)).await?);
        Ok(Self { path, database })
    }

    /// Opens the store in a PostgreSQL database (15 or later), making its tables where needed. `url` is such as
    /// `postgres://user@host/name`; a password may come from `PGPASSWORD` or a `.pgpass` file. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be reached, or was written by a later release. No error quotes a password.
    #[cfg(feature = "postgres")]
    pub async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let (path, database) = crate::postgres::Postgres::open(url).await?;
        Ok(Self { path, database: Arc::new(database) })
    }

    /// Where the store is: its file, or its database's address without a password.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Claims a name, such as that of a run, for the one who writes to it, until the store is closed or this process ends.
    /// In a file this does nothing: whoever shares a folder takes a [`crate::DirectoryLock`].
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it; any other [`StoreError`].
    pub async fn claim(&self, name: &str) -> Result<(), StoreError> {
        self.database.claim(name).await
    }

    /// Stores a new run, or says that a run with the same fingerprint is there already. Ids may differ between the two;
    /// the stored one counts.
    ///
    /// # Errors
    /// [`StoreError::RunExists`] if another run has the id; any other [`StoreError`].
    pub async fn begin_run(&self, run: &NewRun) -> Result<Begun, StoreError> {
        if self.write(Write::BeginRun(run.clone()), run.spec.len()).await? > 0 {
            return Ok(Begun::New);
        }
        let Some(run) = self.database.run(RunKey::Fingerprint(&run.fingerprint)).await? else {
            return Err(StoreError::RunExists { path: self.path().to_owned(), id: run.id.clone() });
        };
        Ok(if run.is_finished() { Begun::Finished(run) } else { Begun::Continues(run) })
    }

    /// Says how a run without a result stands: `running`, or how it was left. Changes nothing for a run that is finished.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored.
    pub async fn set_run_status(&self, id: &str, status: &str) -> Result<(), StoreError> {
        let write = Write::RunStatus { id: id.to_owned(), status: status.to_owned() };
        self.write(write, status.len()).await.map(drop)
    }

    /// Stores the result of a run.
    ///
    /// # Errors
    /// [`StoreError::NoRun`] if there is no such run; any other [`StoreError`].
    pub async fn finish_run(&self, id: &str, status: &str, result: &str) -> Result<(), StoreError> {
        let write =
            Write::FinishRun { id: id.to_owned(), status: status.to_owned(), result: result.to_owned() };
        match self.write(write, result.len()).await? {
            0 => Err(self.no_run(id)),
            _ => Ok(()),
        }
    }

    /// The run with this id.
    ///
    /// # Errors
    /// [`StoreError::NoRun`] if there is none; any other [`StoreError`].
    pub async fn run(&self, id: &str) -> Result<Run, StoreError> {
        self.database.run(RunKey::Id(id)).await?.ok_or_else(|| self.no_run(id))
    }

    /// All runs, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read or a row is damaged.
    pub async fn runs(&self) -> Result<Vec<Run>, StoreError> {
        self.database.runs().await
    }

    /// All runs without their texts, oldest first: as good as free where [`Store::runs`] reads and verifies everything.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub async fn run_heads(&self) -> Result<Vec<RunHead>, StoreError> {
        self.database.run_heads().await
    }

    /// The answer stored under a key.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read or the row is damaged.
    pub async fn reply(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.database.keyed(Keyed::Replies, key).await
    }

    /// Stores an answer under a key; durable when this returns. An answer that is there already is replaced.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored.
    pub async fn put_reply(&self, key: &str, body: &[u8]) -> Result<(), StoreError> {
        let write = Write::Reply { key: key.to_owned(), body: body.to_owned() };
        self.write(write, body.len()).await.map(drop)
    }

    /// The execution result stored under a key.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read or the row is damaged.
    pub async fn execution(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.database.keyed(Keyed::Executions, key).await
    }

    /// Stores an execution result under a key; durable when this returns. A result that is there already is replaced.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored.
    pub async fn put_execution(&self, key: &str, body: &[u8]) -> Result<(), StoreError> {
        let write = Write::Execution { key: key.to_owned(), body: body.to_owned() };
        self.write(write, body.len()).await.map(drop)
    }

    /// Appends events to a run, all or none. An event that is there already with the same body is fine.
    ///
    /// # Errors
    /// [`StoreError::EventConflict`] if one is there with another body, [`StoreError::NoRun`] if there is no such run;
    /// any other [`StoreError`].
    pub async fn append_events(&self, run: &str, events: &[(u64, String)]) -> Result<(), StoreError> {
        let largest = events.iter().map(|(_, body)| body.len()).max().unwrap_or(0);
        let write = Write::Events { run: run.to_owned(), events: events.to_vec() };
        self.write(write, largest).await.map(drop)
    }

    /// As [`Store::append_events`], but gives them in without waiting: they are durable once [`Pending::done`] returns,
    /// at the latest some 50 ms later, and always before whatever is given in after them.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] and [`StoreError::Closed`]; all others come from the [`Pending`].
    pub async fn queue_events(&self, run: &str, events: Vec<(u64, String)>) -> Result<Pending, StoreError> {
        let largest = events.iter().map(|(_, body)| body.len()).max().unwrap_or(0);
        self.give_in(Write::Events { run: run.to_owned(), events }, largest, Urgency::Later).await
    }

    /// As [`Store::put_execution`], but without waiting, as [`Store::queue_events`] does it.
    ///
    /// # Errors
    /// Those of [`Store::queue_events`].
    pub async fn queue_execution(&self, key: &str, body: Vec<u8>) -> Result<Pending, StoreError> {
        let bytes = body.len();
        self.give_in(Write::Execution { key: key.to_owned(), body }, bytes, Urgency::Later).await
    }

    /// All events of a run in the order of their numbers.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read or a row is damaged.
    pub async fn events(&self, run: &str) -> Result<Vec<Event>, StoreError> {
        self.events_from(run, 0, usize::MAX).await
    }

    /// At most `limit` events of a run in the order of their numbers, from the number `first` on.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read or a row is damaged.
    pub async fn events_from(&self, run: &str, first: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.database.events(run, first, limit).await
    }

    /// Records that something could not be found out, as a further attempt at `unit`.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored, for instance because there is no such run.
    pub async fn add_failure(&self, run: &str, unit: &str, body: &str) -> Result<(), StoreError> {
        let write = Write::Failure { run: run.to_owned(), unit: unit.to_owned(), body: body.to_owned() };
        self.write(write, body.len()).await.map(drop)
    }

    /// All failures of a run, by unit and attempt.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read or a row is damaged.
    pub async fn failures(&self, run: &str) -> Result<Vec<Failure>, StoreError> {
        self.database.failures(run).await
    }

    /// Stores what came of a sample of a batch; durable when this returns. Says whether it counts: not if this attempt or
    /// a later one is stored already.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored.
    pub async fn put_sample(&self, batch: &str, sample: Sample) -> Result<bool, StoreError> {
        let bytes = sample.body.len();
        let write = Write::Sample { batch: batch.to_owned(), sample };
        self.write(write, bytes).await.map(|rows| rows > 0)
    }

    /// All samples of a batch, by problem and number.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read or a row is damaged.
    pub async fn samples(&self, batch: &str) -> Result<Vec<Sample>, StoreError> {
        self.database.samples(batch).await
    }

    /// Records what one time that a run is carried out has paid for, as its next attempt, and says which one it is.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored, for instance because there is no such run.
    pub async fn add_attempt(&self, run: &str, body: &str) -> Result<u32, StoreError> {
        let write = Write::NewAttempt { run: run.to_owned(), body: body.to_owned() };
        let number = self.write(write, body.len()).await?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// Records what an attempt has paid for by now.
    ///
    /// # Errors
    /// [`StoreError::NoRun`] if there is no such attempt at such a run; any other [`StoreError`].
    pub async fn put_attempt(&self, run: &str, number: u32, body: &str) -> Result<(), StoreError> {
        let write = Write::Attempt { run: run.to_owned(), number, body: body.to_owned() };
        match self.write(write, body.len()).await? {
            0 => Err(self.no_run(run)),
            _ => Ok(()),
        }
    }

    /// All attempts at all runs, by run and number.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read or a row is damaged.
    pub async fn attempts(&self) -> Result<Vec<Attempt>, StoreError> {
        self.database.attempts().await
    }

    /// Waits for all writes that were asked for and closes the store (a file's write-ahead log is folded into it). Later calls on
    /// any clone fail with [`StoreError::Closed`]. A store that is only dropped loses nothing.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be closed cleanly; nothing is lost then either.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.database.close().await
    }

    async fn write(&self, write: Write, bytes: usize) -> Result<u64, StoreError> {
        self.give_in(write, bytes, Urgency::Now).await?.answer().await
    }

    async fn give_in(&self, write: Write, bytes: usize, urgency: Urgency) -> Result<Pending, StoreError> {
        if bytes > BODY_BYTES_MAX {
            return Err(StoreError::TooLarge { path: self.path().to_owned(), bytes, limit: BODY_BYTES_MAX });
        }
        self.database.write(write, urgency).await
    }

    fn no_run(&self, id: &str) -> StoreError {
        StoreError::NoRun { path: self.path().to_owned(), id: id.to_owned() }
    }
}
