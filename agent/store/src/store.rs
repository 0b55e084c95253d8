//! The store itself: opening, the writes as methods, and reads that verify what they return.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use tokio::sync::{MappedMutexGuard, mpsc, oneshot};

use crate::blob::BODY_BYTES_MAX;
use crate::error::StoreError;
use crate::readers::Readers;
use crate::run::{Begun, Event, Failure, NewRun, Run, RunHead, Sample};
use crate::schema;
use crate::sealed::{self, Columns};
use crate::writer::{self, Job, Urgency, Write};

/// Writes that may wait; a caller beyond them waits for a place.
const QUEUE_LENGTH: usize = 1024;

/// A store of runs, replies, executions and events. Clones share the connections.
///
/// # Cancellation
/// A write whose future is dropped may or may not have been stored.
#[derive(Debug, Clone)]
pub struct Store {
    path: Arc<PathBuf>,
    /// `None` where the store was opened for reading alone.
    writes: Option<mpsc::Sender<Job>>,
    readers: Arc<Readers>,
}

impl Store {
    /// Opens the store at `path`, creating or migrating it where needed. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be opened, is no store, or was written by a later release.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        let connection = schema::open_writer(&path).await?;
        let (writes, jobs) = mpsc::channel(QUEUE_LENGTH);
        // The task owns the writing connection and ends by itself with the last clone of the store.
        drop(tokio::spawn(writer::write_all(path.clone(), connection, jobs)));
        Ok(Self { path: Arc::new(path), writes: Some(writes), readers: Arc::default() })
    }

    /// Opens the store at `path` for reading alone, also while another process writes to it, and where nothing may be
    /// written. Nothing is created or migrated; writes fail with [`StoreError::ReadOnly`].
    ///
    /// # Errors
    /// [`StoreError`] if there is no file, it cannot be opened, is no store, or was written by a later release.
    pub async fn open_read_only(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        let readers = Readers::default();
        schema::check_readable(&path, &mut *readers.acquire(&path).await?).await?;
        Ok(Self { path: Arc::new(path), writes: None, readers: Arc::new(readers) })
    }

    /// Where the store is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
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
        let row = sqlx::query("SELECT * FROM runs WHERE fingerprint = ?").bind(&run.fingerprint);
        let mut connection = self.reader().await?;
        let row = row.fetch_optional(&mut *connection).await.map_err(|error| self.fail(&error))?;
        let Some(row) = row else {
            return Err(StoreError::RunExists { path: self.path().to_owned(), id: run.id.clone() });
        };
        let run = self.read_run(&mut connection, &row).await?;
        Ok(if run.is_finished() { Begun::Finished(run) } else { Begun::Continues(run) })
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
        let mut connection = self.reader().await?;
        let row =
            sqlx::query("SELECT * FROM runs WHERE id = ?").bind(id).fetch_optional(&mut *connection).await;
        let row = row.map_err(|error| self.fail(&error))?.ok_or_else(|| self.no_run(id))?;
        self.read_run(&mut connection, &row).await
    }

    /// All runs, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read or a row is damaged.
    pub async fn runs(&self) -> Result<Vec<Run>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM runs ORDER BY created, id").fetch_all(&mut *connection).await;
        let mut runs = Vec::new();
        for row in rows.map_err(|error| self.fail(&error))? {
            runs.push(self.read_run(&mut connection, &row).await?);
        }
        Ok(runs)
    }

    /// All runs without their texts, oldest first: as good as free where [`Store::runs`] reads and verifies everything.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub async fn run_heads(&self) -> Result<Vec<RunHead>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT id, status, created, finished, (SELECT max(seq) + 1 FROM events WHERE run = runs.id) AS events \
             FROM runs ORDER BY created, id",
        )
        .fetch_all(&mut *connection)
        .await;
        let head = |row: &SqliteRow| {
            Ok(RunHead {
                id: row.try_get("id")?,
                status: row.try_get("status")?,
                created_us: row.try_get("created")?,
                finished_us: row.try_get("finished")?,
                events: row.try_get::<Option<i64>, _>("events")?.unwrap_or(0).cast_unsigned(),
            })
        };
        let heads = rows.and_then(|rows| rows.iter().map(head).collect());
        heads.map_err(|error| self.fail(&error))
    }

    /// The answer stored under a key.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read or the row is damaged.
    pub async fn reply(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.get("replies", "SELECT body, body_blob, sum FROM replies WHERE key = ?", key).await
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
        self.get("executions", "SELECT body, body_blob, sum FROM executions WHERE key = ?", key).await
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
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT seq, body, body_blob, sum FROM events WHERE run = ? AND seq >= ? ORDER BY seq LIMIT ?",
        )
        .bind(run)
        .bind(i64::try_from(first).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await;
        let mut events = Vec::new();
        for row in rows.map_err(|error| self.fail(&error))? {
            let seq = row.try_get::<i64, _>("seq").map_err(|error| self.fail(&error))?.cast_unsigned();
            let key = [run, &seq.to_string()];
            let body =
                sealed::text(self.path(), &mut connection, &row, Columns::body("events"), &key).await?;
            events.push(Event { seq, body });
        }
        Ok(events)
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
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT unit, attempt, body, body_blob, sum FROM failures WHERE run = ? ORDER BY unit, attempt",
        )
        .bind(run)
        .fetch_all(&mut *connection)
        .await;
        let mut failures = Vec::new();
        for row in rows.map_err(|error| self.fail(&error))? {
            let unit: String = row.try_get("unit").map_err(|error| self.fail(&error))?;
            let attempt: i64 = row.try_get("attempt").map_err(|error| self.fail(&error))?;
            let key = [run, &unit, &attempt.to_string()];
            let body =
                sealed::text(self.path(), &mut connection, &row, Columns::body("failures"), &key).await?;
            failures.push(Failure { unit, attempt: u32::try_from(attempt).unwrap_or(u32::MAX), body });
        }
        Ok(failures)
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
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT task, sample, attempt, body, body_blob, sum FROM samples WHERE batch = ? ORDER BY task, sample",
        )
        .bind(batch)
        .fetch_all(&mut *connection)
        .await;
        let mut samples = Vec::new();
        for row in rows.map_err(|error| self.fail(&error))? {
            let fail = |error: sqlx::Error| self.fail(&error);
            let task: String = row.try_get("task").map_err(fail)?;
            let (sample, attempt) = (
                row.try_get::<u32, _>("sample").map_err(fail)?,
                row.try_get::<u32, _>("attempt").map_err(fail)?,
            );
            let key = [batch, &task, &sample.to_string(), &attempt.to_string()];
            let body =
                sealed::text(self.path(), &mut connection, &row, Columns::body("samples"), &key).await?;
            samples.push(Sample { task, sample, attempt, body });
        }
        Ok(samples)
    }

    /// Waits for all writes that were asked for, folds the write-ahead log into the file and closes it. Later calls on
    /// any clone fail with [`StoreError::Closed`]. A store that is only dropped loses nothing.
    ///
    /// # Errors
    /// [`StoreError`] if the log could not be folded in; nothing is lost then either.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        if self.writes.is_none() {
            return Ok(());
        }
        self.write(Write::Close, 0).await.map(drop)
    }

    async fn write(&self, write: Write, bytes: usize) -> Result<u64, StoreError> {
        self.give_in(write, bytes, Urgency::Now).await?.answer().await
    }

    async fn give_in(&self, write: Write, bytes: usize, urgency: Urgency) -> Result<Pending, StoreError> {
        if bytes > BODY_BYTES_MAX {
            return Err(StoreError::TooLarge { path: self.path().to_owned(), bytes, limit: BODY_BYTES_MAX });
        }
        let Some(writes) = &self.writes else {
            return Err(StoreError::ReadOnly { path: self.path().to_owned() });
        };
        let (done, answer) = oneshot::channel();
        writes.send(Job { write, urgency, done }).await.map_err(|_| self.closed())?;
        Ok(Pending { answer, path: Arc::clone(&self.path) })
    }

    async fn reader(&self) -> Result<MappedMutexGuard<'_, SqliteConnection>, StoreError> {
        self.readers.acquire(&self.path).await
    }

    async fn get(
        &self,
        table: &'static str,
        statement: &'static str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut connection = self.reader().await?;
        let row = sqlx::query(statement).bind(key).fetch_optional(&mut *connection).await;
        match row.map_err(|error| self.fail(&error))? {
            Some(row) => sealed::bytes(self.path(), &mut connection, &row, Columns::body(table), &[key])
                .await
                .map(Some),
            None => Ok(None),
        }
    }

    async fn read_run(&self, connection: &mut SqliteConnection, row: &SqliteRow) -> Result<Run, StoreError> {
        let column = |name: &str| row.try_get::<String, _>(name).map_err(|error| self.fail(&error));
        let (id, fingerprint, status) = (column("id")?, column("fingerprint")?, column("status")?);
        let key = [id.as_str(), fingerprint.as_str()];
        let spec = sealed::text(self.path(), connection, row, Columns::SPEC, &key).await?;
        let time = |name: &str| row.try_get::<Option<i64>, _>(name).map_err(|error| self.fail(&error));
        let finished_us = time("finished")?;
        let result = if finished_us.is_some() {
            let key = [id.as_str(), status.as_str()];
            Some(sealed::text(self.path(), connection, row, Columns::RESULT, &key).await?)
        } else {
            None
        };
        let created_us = time("created")?.unwrap_or(0);
        Ok(Run { id, fingerprint, spec, status, result, created_us, finished_us })
    }

    fn no_run(&self, id: &str) -> StoreError {
        StoreError::NoRun { path: self.path().to_owned(), id: id.to_owned() }
    }

    fn closed(&self) -> StoreError {
        closed(&self.path)
    }

    fn fail(&self, error: &sqlx::Error) -> StoreError {
        StoreError::of(&self.path, error)
    }
}

/// A write that was given in and perhaps not written yet. Dropping it changes nothing but that its error goes unseen.
#[derive(Debug)]
#[must_use = "the error of a write that nobody looks at is lost"]
pub struct Pending {
    answer: oneshot::Receiver<Result<u64, StoreError>>,
    path: Arc<PathBuf>,
}

impl Pending {
    /// Whether it is durable by now.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored.
    pub fn is_done(&mut self) -> Result<bool, StoreError> {
        match self.answer.try_recv() {
            Ok(answer) => answer.map(|_| true),
            Err(oneshot::error::TryRecvError::Empty) => Ok(false),
            Err(oneshot::error::TryRecvError::Closed) => Err(closed(&self.path)),
        }
    }

    /// Waits until it is durable.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be stored.
    pub async fn done(self) -> Result<(), StoreError> {
        self.answer().await.map(drop)
    }

    async fn answer(self) -> Result<u64, StoreError> {
        self.answer.await.map_err(|_| closed(&self.path))?
    }
}

fn closed(path: &Path) -> StoreError {
    StoreError::Closed { path: path.to_owned() }
}
