//! A store in an SQLite file: one task writes, in groups; readers have connections of their own.

mod blob;
mod readers;
mod schema;
mod sealed;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use tokio::sync::{MappedMutexGuard, mpsc, oneshot};

use crate::database::{Answer, Database, Keyed, Pending, RunKey, Urgency, Write};
use crate::error::StoreError;
use crate::run::{Attempt, Event, Failure, Run, RunHead, Sample};
use readers::Readers;
use sealed::Columns;
use writer::Job;

#[cfg(test)]
pub(crate) use schema::VERSION;

/// Writes that may wait; a caller beyond them waits for a place.
const QUEUE_LENGTH: usize = 1024;

/// The file of a store.
#[derive(Debug)]
pub(crate) struct Sqlite {
    path: Arc<PathBuf>,
    /// `None` where the store was opened for reading alone.
    writes: Option<mpsc::Sender<Job>>,
    readers: Readers,
}

impl Sqlite {
    /// Opens the file, creating or migrating it where needed.
    pub(crate) async fn open(path: Arc<PathBuf>) -> Result<Self, StoreError> {
        let connection = schema::open_writer(&path).await?;
        let (writes, jobs) = mpsc::channel(QUEUE_LENGTH);
        // The task owns the writing connection and ends by itself with the last clone of the store.
        drop(tokio::spawn(writer::write_all(path.as_ref().clone(), connection, jobs)));
        Ok(Self { path, writes: Some(writes), readers: Readers::default() })
    }

    /// Opens the file for reading alone.
    pub(crate) async fn open_read_only(path: Arc<PathBuf>) -> Result<Self, StoreError> {
        let readers = Readers::default();
        schema::check_readable(&path, &mut *readers.acquire(&path).await?).await?;
        Ok(Self { path, writes: None, readers })
    }

    async fn give_in(&self, write: Write, urgency: Urgency) -> Result<Pending, StoreError> {
        let Some(writes) = &self.writes else {
            return Err(StoreError::ReadOnly { path: self.path.as_ref().clone() });
        };
        let (done, answer) = oneshot::channel();
        let closed = || StoreError::Closed { path: self.path.as_ref().clone() };
        writes.send(Job { write, urgency, done }).await.map_err(|_| closed())?;
        Ok(Pending::new(answer, Arc::clone(&self.path)))
    }

    async fn run(&self, key: RunKey<'_>) -> Result<Option<Run>, StoreError> {
        let query = match key {
            RunKey::Id(id) => sqlx::query("SELECT * FROM runs WHERE id = ?").bind(id),
            RunKey::Fingerprint(hash) => sqlx::query("SELECT * FROM runs WHERE fingerprint = ?").bind(hash),
        };
        let mut connection = self.reader().await?;
        match query.fetch_optional(&mut *connection).await.map_err(|error| self.fail(&error))? {
            Some(row) => self.read_run(&mut connection, &row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn runs(&self) -> Result<Vec<Run>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM runs ORDER BY created, id").fetch_all(&mut *connection).await;
        let mut runs = Vec::new();
        for row in rows.map_err(|error| self.fail(&error))? {
            runs.push(self.read_run(&mut connection, &row).await?);
        }
        Ok(runs)
    }

    async fn run_heads(&self) -> Result<Vec<RunHead>, StoreError> {
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

    async fn keyed(&self, table: Keyed, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let statement = match table {
            Keyed::Replies => "SELECT body, body_blob, sum FROM replies WHERE key = ?",
            Keyed::Executions => "SELECT body, body_blob, sum FROM executions WHERE key = ?",
        };
        let mut connection = self.reader().await?;
        let row = sqlx::query(statement).bind(key).fetch_optional(&mut *connection).await;
        match row.map_err(|error| self.fail(&error))? {
            Some(row) => {
                sealed::bytes(&self.path, &mut connection, &row, Columns::body(table.table()), &[key])
                    .await
                    .map(Some)
            }
            None => Ok(None),
        }
    }

    async fn events(&self, run: &str, first: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
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

    async fn failures(&self, run: &str) -> Result<Vec<Failure>, StoreError> {
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

    async fn samples(&self, batch: &str) -> Result<Vec<Sample>, StoreError> {
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

    async fn attempts(&self) -> Result<Vec<Attempt>, StoreError> {
        let mut connection = self.reader().await?;
        // A store of an earlier version, opened for reading, has no such table.
        let is_there: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'attempts'",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| self.fail(&error))?;
        if is_there == 0 {
            return Ok(Vec::new());
        }
        let rows = sqlx::query("SELECT run, number, body, body_blob, sum FROM attempts ORDER BY run, number")
            .fetch_all(&mut *connection)
            .await;
        let mut attempts = Vec::new();
        for row in rows.map_err(|error| self.fail(&error))? {
            let fail = |error: sqlx::Error| self.fail(&error);
            let run: String = row.try_get("run").map_err(fail)?;
            let number: u32 = row.try_get("number").map_err(fail)?;
            let key = [run.as_str(), &number.to_string()];
            let body =
                sealed::text(self.path(), &mut connection, &row, Columns::body("attempts"), &key).await?;
            attempts.push(Attempt { run, number, body });
        }
        Ok(attempts)
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        if self.writes.is_none() {
            return Ok(());
        }
        self.give_in(Write::Close, Urgency::Now).await?.done().await
    }

    async fn reader(&self) -> Result<MappedMutexGuard<'_, SqliteConnection>, StoreError> {
        self.readers.acquire(&self.path).await
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

    fn path(&self) -> &Path {
        &self.path
    }

    fn fail(&self, error: &sqlx::Error) -> StoreError {
        StoreError::of(&self.path, error)
    }
}

impl Database for Sqlite {
    fn write(&self, write: Write, urgency: Urgency) -> Answer<'_, Pending> {
        Box::pin(self.give_in(write, urgency))
    }

    fn claim<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn run<'a>(&'a self, key: RunKey<'a>) -> Answer<'a, Option<Run>> {
        Box::pin(self.run(key))
    }

    fn runs(&self) -> Answer<'_, Vec<Run>> {
        Box::pin(self.runs())
    }

    fn run_heads(&self) -> Answer<'_, Vec<RunHead>> {
        Box::pin(self.run_heads())
    }

    fn keyed<'a>(&'a self, table: Keyed, key: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(self.keyed(table, key))
    }

    fn events<'a>(&'a self, run: &'a str, first: u64, limit: usize) -> Answer<'a, Vec<Event>> {
        Box::pin(self.events(run, first, limit))
    }

    fn failures<'a>(&'a self, run: &'a str) -> Answer<'a, Vec<Failure>> {
        Box::pin(self.failures(run))
    }

    fn samples<'a>(&'a self, batch: &'a str) -> Answer<'a, Vec<Sample>> {
        Box::pin(self.samples(batch))
    }

    fn attempts(&self) -> Answer<'_, Vec<Attempt>> {
        Box::pin(self.attempts())
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(self.close())
    }
}
