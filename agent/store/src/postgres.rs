//! A store in a PostgreSQL database. The server groups commits by itself, so every write is a short transaction of its own,
//! and durable when it is given in.

mod schema;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, QueryBuilder, Row as _};
use tokio::sync::{Mutex, oneshot};

use crate::body::{self, Blob, Stored};
use crate::database::{Answer, Database, Keyed, Pending, RunKey, Urgency, Write, now_us};
use crate::error::StoreError;
use crate::run::{Attempt, Event, Failure, NewRun, Run, RunHead, Sample};
use crate::seal::seal;

/// Most rows of one statement: the protocol numbers its parameters with 16 bits.
const ROWS_MAX: usize = 5_000;

/// The database of a store.
#[derive(Debug)]
pub(crate) struct Postgres {
    path: Arc<PathBuf>,
    pool: PgPool,
    /// Connections whose sessions hold the names that were claimed.
    claims: Mutex<Vec<PgConnection>>,
}

/// What a write comes to: an error of the database, or one with a meaning of its own.
enum Fault {
    Database(sqlx::Error),
    Known(StoreError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl Postgres {
    /// Connects, and makes the tables if need be. Gives the address without a password, too.
    pub(crate) async fn open(url: &str) -> Result<(Arc<PathBuf>, Self), StoreError> {
        let (path, pool) = schema::open(url).await?;
        let path = Arc::new(path);
        Ok((Arc::clone(&path), Self { path, pool, claims: Mutex::default() }))
    }

    async fn write_now(&self, write: Write) -> Result<u64, StoreError> {
        let written = async {
            let mut transaction = self.pool.begin().await?;
            let rows = self.write_in(&mut transaction, &write).await?;
            transaction.commit().await?;
            Ok(rows)
        };
        written.await.map_err(|fault| match fault {
            Fault::Database(error) => self.fail(&error),
            Fault::Known(error) => error,
        })
    }

    async fn write_in(&self, connection: &mut PgConnection, write: &Write) -> Result<u64, Fault> {
        match write {
            Write::BeginRun(run) => Ok(begin_run(connection, run).await?),
            Write::RunStatus { id, status } => {
                let update = sqlx::query("UPDATE runs SET status = $1 WHERE id = $2 AND finished IS NULL");
                Ok(update.bind(status).bind(id).execute(connection).await?.rows_affected())
            }
            Write::FinishRun { id, status, result } => Ok(finish_run(connection, id, status, result).await?),
            Write::Reply { key, body } => Ok(put(connection, Keyed::Replies, key, body).await?),
            Write::Execution { key, body } => Ok(put(connection, Keyed::Executions, key, body).await?),
            Write::Events { run, events } => self.append_events(connection, run, events).await,
            Write::Failure { run, unit, body } => self.add_failure(connection, run, unit, body).await,
            Write::NewAttempt { run, body } => {
                add_attempt(connection, run, body).await.map_err(|error| self.no_run(error, run))
            }
            Write::Attempt { run, number, body } => Ok(put_attempt(connection, run, *number, body).await?),
            Write::Sample { batch, sample } => Ok(put_sample(connection, batch, sample).await?),
            Write::Close => Ok(0),
        }
    }

    async fn append_events(
        &self,
        connection: &mut PgConnection,
        run: &str,
        events: &[(u64, String)],
    ) -> Result<u64, Fault> {
        let mut appended = 0;
        for events in events.chunks(ROWS_MAX) {
            let sums: Vec<Vec<u8>> = events
                .iter()
                .map(|(seq, body)| seal("events", &[run, &seq.to_string()], body.as_bytes()).to_vec())
                .collect();
            let bodies: Vec<&[u8]> = events.iter().map(|(_, body)| body.as_bytes()).collect();
            let stored = store_all(connection, &bodies).await?;
            let mut insert = QueryBuilder::new("INSERT INTO events (run, seq, body, body_blob, sum) ");
            insert.push_values(events.iter().zip(stored).zip(&sums), |mut row, (((seq, _), stored), sum)| {
                row.push_bind(run)
                    .push_bind(seq.cast_signed())
                    .push_bind(stored.inline)
                    .push_bind(stored.blob)
                    .push_bind(sum.as_slice());
            });
            insert.push(" ON CONFLICT (run, seq) DO NOTHING");
            let done =
                insert.build().execute(&mut *connection).await.map_err(|error| self.no_run(error, run))?;
            appended += done.rows_affected();
            if done.rows_affected() < events.len() as u64 {
                self.check_sums(connection, run, events, &sums).await?;
            }
        }
        Ok(appended)
    }

    /// An event that is there already must be the same.
    async fn check_sums(
        &self,
        connection: &mut PgConnection,
        run: &str,
        events: &[(u64, String)],
        sums: &[Vec<u8>],
    ) -> Result<(), Fault> {
        for ((seq, _), sum) in events.iter().zip(sums) {
            let stored: Vec<u8> = sqlx::query_scalar("SELECT sum FROM events WHERE run = $1 AND seq = $2")
                .bind(run)
                .bind(seq.cast_signed())
                .fetch_one(&mut *connection)
                .await?;
            if stored != *sum {
                let (path, run) = (self.path.as_ref().clone(), run.to_owned());
                return Err(Fault::Known(StoreError::EventConflict { path, run, seq: *seq }));
            }
        }
        Ok(())
    }

    async fn add_failure(
        &self,
        connection: &mut PgConnection,
        run: &str,
        unit: &str,
        body: &str,
    ) -> Result<u64, Fault> {
        // One at a time for a run, so that attempts have numbers of their own.
        sqlx::query("SELECT id FROM runs WHERE id = $1 FOR UPDATE")
            .bind(run)
            .execute(&mut *connection)
            .await?;
        let attempt: i64 = sqlx::query_scalar(
            "SELECT coalesce(max(attempt), 0) + 1 FROM failures WHERE run = $1 AND unit = $2",
        )
        .bind(run)
        .bind(unit)
        .fetch_one(&mut *connection)
        .await?;
        let stored = store(connection, body.as_bytes()).await?;
        let done = sqlx::query(
            "INSERT INTO failures (run, unit, attempt, body, body_blob, sum, created) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(run)
        .bind(unit)
        .bind(attempt)
        .bind(stored.inline)
        .bind(stored.blob)
        .bind(seal("failures", &[run, unit, &attempt.to_string()], body.as_bytes()).as_slice())
        .bind(now_us())
        .execute(connection)
        .await
        .map_err(|error| self.no_run(error, run))?;
        Ok(done.rows_affected())
    }

    fn no_run(&self, error: sqlx::Error, run: &str) -> Fault {
        if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation) {
            let (path, id) = (self.path.as_ref().clone(), run.to_owned());
            return Fault::Known(StoreError::NoRun { path, id });
        }
        Fault::Database(error)
    }

    /// Locks the name in a session that ends with the store; the server frees it when the connection is gone.
    async fn claim(&self, name: &str) -> Result<(), StoreError> {
        let fail = |error: sqlx::Error| self.fail(&error);
        let mut connection = self.pool.acquire().await.map_err(fail)?.detach();
        let is_ours: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, 0))")
            .bind(name)
            .fetch_one(&mut connection)
            .await
            .map_err(fail)?;
        if !is_ours {
            return Err(StoreError::Locked { path: self.path.as_ref().clone() });
        }
        self.claims.lock().await.push(connection);
        Ok(())
    }

    async fn run(&self, key: RunKey<'_>) -> Result<Option<Run>, StoreError> {
        let query = match key {
            RunKey::Id(id) => sqlx::query("SELECT * FROM runs WHERE id = $1").bind(id),
            RunKey::Fingerprint(hash) => sqlx::query("SELECT * FROM runs WHERE fingerprint = $1").bind(hash),
        };
        match query.fetch_optional(&self.pool).await.map_err(|error| self.fail(&error))? {
            Some(row) => self.read_run(&row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn runs(&self) -> Result<Vec<Run>, StoreError> {
        let rows = sqlx::query("SELECT * FROM runs ORDER BY created, id").fetch_all(&self.pool).await;
        let mut runs = Vec::new();
        for row in rows.map_err(|error| self.fail(&error))? {
            runs.push(self.read_run(&row).await?);
        }
        Ok(runs)
    }

    async fn run_heads(&self) -> Result<Vec<RunHead>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, status, created, finished, (SELECT max(seq) + 1 FROM events WHERE run = runs.id) AS events \
             FROM runs ORDER BY created, id",
        )
        .fetch_all(&self.pool)
        .await;
        let head = |row: &PgRow| {
            Ok(RunHead {
                id: row.try_get("id")?,
                status: row.try_get("status")?,
                created_us: row.try_get("created")?,
                finished_us: row.try_get("finished")?,
                events: row.try_get::<Option<i64>, _>("events")?.unwrap_or(0).cast_unsigned(),
            })
        };
        rows.and_then(|rows| rows.iter().map(head).collect()).map_err(|error| self.fail(&error))
    }

    async fn keyed(&self, table: Keyed, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let statement = match table {
            Keyed::Replies => "SELECT body, body_blob, sum FROM replies WHERE key = $1",
            Keyed::Executions => "SELECT body, body_blob, sum FROM executions WHERE key = $1",
        };
        let row = sqlx::query(statement).bind(key).fetch_optional(&self.pool).await;
        match row.map_err(|error| self.fail(&error))? {
            Some(row) => self.bytes(&row, table.table(), &[key]).await.map(Some),
            None => Ok(None),
        }
    }

    async fn events(&self, run: &str, first: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, body, body_blob, sum FROM events WHERE run = $1 AND seq >= $2 ORDER BY seq LIMIT $3",
        )
        .bind(run)
        .bind(i64::try_from(first).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await;
        let mut events = Vec::new();
        for row in rows.map_err(|error| self.fail(&error))? {
            let seq = self.column::<i64>(&row, "seq")?.cast_unsigned();
            let body = self.text(&row, "events", &[run, &seq.to_string()]).await?;
            events.push(Event { seq, body });
        }
        Ok(events)
    }

    async fn failures(&self, run: &str) -> Result<Vec<Failure>, StoreError> {
        let rows = sqlx::query(
            "SELECT unit, attempt, body, body_blob, sum FROM failures WHERE run = $1 ORDER BY unit, attempt",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await;
        let mut failures = Vec::new();
        for row in rows.map_err(|error| self.fail(&error))? {
            let (unit, attempt) =
                (self.column::<String>(&row, "unit")?, self.column::<i64>(&row, "attempt")?);
            let body = self.text(&row, "failures", &[run, &unit, &attempt.to_string()]).await?;
            failures.push(Failure { unit, attempt: u32::try_from(attempt).unwrap_or(u32::MAX), body });
        }
        Ok(failures)
    }

    async fn attempts(&self) -> Result<Vec<Attempt>, StoreError> {
        let rows = sqlx::query(
            "SELECT run, number, body, body_blob, sum FROM attempts ORDER BY run COLLATE \"C\", number",
        )
        .fetch_all(&self.pool)
        .await;
        let mut attempts = Vec::new();
        for row in rows.map_err(|error| self.fail(&error))? {
            let (run, number) = (self.column::<String>(&row, "run")?, self.column::<i64>(&row, "number")?);
            let body = self.text(&row, "attempts", &[&run, &number.to_string()]).await?;
            attempts.push(Attempt { run, number: u32::try_from(number).unwrap_or(u32::MAX), body });
        }
        Ok(attempts)
    }

    async fn samples(&self, batch: &str) -> Result<Vec<Sample>, StoreError> {
        let rows = sqlx::query(
            "SELECT task, sample, attempt, body, body_blob, sum FROM samples WHERE batch = $1 \
             ORDER BY task COLLATE \"C\", sample",
        )
        .bind(batch)
        .fetch_all(&self.pool)
        .await;
        let mut samples = Vec::new();
        for row in rows.map_err(|error| self.fail(&error))? {
            let task = self.column::<String>(&row, "task")?;
            let (sample, attempt) =
                (self.column::<i64>(&row, "sample")?, self.column::<i64>(&row, "attempt")?);
            let key = [batch, &task, &sample.to_string(), &attempt.to_string()];
            let body = self.text(&row, "samples", &key).await?;
            let number = |it: i64| u32::try_from(it).unwrap_or(u32::MAX);
            samples.push(Sample { task, sample: number(sample), attempt: number(attempt), body });
        }
        Ok(samples)
    }

    async fn read_run(&self, row: &PgRow) -> Result<Run, StoreError> {
        let column = |name| self.column::<String>(row, name);
        let (id, fingerprint, status) = (column("id")?, column("fingerprint")?, column("status")?);
        let spec = self.sealed(row, ["spec", "spec_blob", "sum"], "runs", &[&id, &fingerprint]).await?;
        let finished_us = self.column::<Option<i64>>(row, "finished")?;
        let result = if finished_us.is_some() {
            let columns = ["result", "result_blob", "result_sum"];
            Some(self.sealed(row, columns, "results", &[&id, &status]).await?)
        } else {
            None
        };
        let text =
            |bytes, table, key: &str| String::from_utf8(bytes).map_err(|_| self.damaged(table, &[key]));
        let spec = text(spec, "runs", &id)?;
        let result = result.map(|result| text(result, "results", &id)).transpose()?;
        let created_us = self.column::<i64>(row, "created")?;
        Ok(Run { id, fingerprint, spec, status, result, created_us, finished_us })
    }

    async fn text(&self, row: &PgRow, table: &'static str, key: &[&str]) -> Result<String, StoreError> {
        String::from_utf8(self.bytes(row, table, key).await?).map_err(|_| self.damaged(table, key))
    }

    async fn bytes(&self, row: &PgRow, table: &'static str, key: &[&str]) -> Result<Vec<u8>, StoreError> {
        self.sealed(row, ["body", "body_blob", "sum"], table, key).await
    }

    /// A body, which counts only if the seal says that it is what was written.
    async fn sealed(
        &self,
        row: &PgRow,
        [inline, blob, sum]: [&str; 3],
        table: &'static str,
        key: &[&str],
    ) -> Result<Vec<u8>, StoreError> {
        let body = match self.column::<Option<String>>(row, blob)? {
            None => self.column::<Option<Vec<u8>>>(row, inline)?,
            Some(hash) => {
                let row = sqlx::query("SELECT size, data FROM blobs WHERE hash = $1").bind(hash);
                let row = row.fetch_optional(&self.pool).await.map_err(|error| self.fail(&error))?;
                match row {
                    Some(row) => {
                        body::unpack(self.column(&row, "size")?, &self.column::<Vec<u8>>(&row, "data")?)
                    }
                    None => None,
                }
            }
        };
        let sum = self.column::<Option<Vec<u8>>>(row, sum)?;
        body.filter(|body| sum == Some(seal(table, key, body).to_vec()))
            .ok_or_else(|| self.damaged(table, key))
    }

    fn column<'r, T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>>(
        &self,
        row: &'r PgRow,
        name: &str,
    ) -> Result<T, StoreError> {
        row.try_get(name).map_err(|error| self.fail(&error))
    }

    fn damaged(&self, table: &str, key: &[&str]) -> StoreError {
        StoreError::Damaged { path: self.path.as_ref().clone(), place: format!("{table} {}", key.join(" ")) }
    }

    fn fail(&self, error: &sqlx::Error) -> StoreError {
        failed(&self.path, error)
    }
}

/// Gives a database error its meaning by its SQLSTATE (PostgreSQL manual, appendix A).
fn failed(path: &Path, error: &sqlx::Error) -> StoreError {
    let path = path.to_path_buf();
    let reason = error.to_string();
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
    match (&*code, error) {
        (_, sqlx::Error::PoolClosed) => StoreError::Closed { path },
        (
            _,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::Configuration(_),
        ) => StoreError::CannotOpen { path, reason },
        (_, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
            StoreError::Damaged { path, place: format!("a column ({reason})") }
        }
        ("25006", _) => StoreError::ReadOnly { path },
        ("53100", _) => StoreError::DiskFull { path },
        ("55P03" | "40001" | "40P01", _) => StoreError::Locked { path },
        (code, _) if ["28", "3D", "08", "57"].iter().any(|class| code.starts_with(class)) => {
            StoreError::CannotOpen { path, reason }
        }
        _ => StoreError::Database { path, reason },
    }
}

async fn begin_run(connection: &mut PgConnection, run: &NewRun) -> Result<u64, sqlx::Error> {
    let stored = store(connection, run.spec.as_bytes()).await?;
    let done = sqlx::query(
        "INSERT INTO runs (id, fingerprint, spec, spec_blob, sum, status, created) \
         VALUES ($1, $2, $3, $4, $5, 'running', $6) ON CONFLICT DO NOTHING",
    )
    .bind(&run.id)
    .bind(&run.fingerprint)
    .bind(stored.inline)
    .bind(stored.blob)
    .bind(seal("runs", &[&run.id, &run.fingerprint], run.spec.as_bytes()).as_slice())
    .bind(now_us())
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn finish_run(
    connection: &mut PgConnection,
    id: &str,
    status: &str,
    result: &str,
) -> Result<u64, sqlx::Error> {
    let stored = store(connection, result.as_bytes()).await?;
    let done = sqlx::query(
        "UPDATE runs SET status = $1, result = $2, result_blob = $3, result_sum = $4, finished = $5 WHERE id = $6",
    )
    .bind(status)
    .bind(stored.inline)
    .bind(stored.blob)
    .bind(seal("results", &[id, status], result.as_bytes()).as_slice())
    .bind(now_us())
    .bind(id)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The last one wins: a key is written twice only to refresh an answer or to repair a damaged row.
async fn put(
    connection: &mut PgConnection,
    table: Keyed,
    key: &str,
    body: &[u8],
) -> Result<u64, sqlx::Error> {
    let statement = match table {
        Keyed::Replies => {
            "INSERT INTO replies (key, body, body_blob, sum, created) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (key) DO UPDATE SET body = excluded.body, body_blob = excluded.body_blob, \
             sum = excluded.sum, created = excluded.created"
        }
        Keyed::Executions => {
            "INSERT INTO executions (key, body, body_blob, sum, created) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (key) DO UPDATE SET body = excluded.body, body_blob = excluded.body_blob, \
             sum = excluded.sum, created = excluded.created"
        }
    };
    let stored = store(connection, body).await?;
    let done = sqlx::query(statement)
        .bind(key)
        .bind(stored.inline)
        .bind(stored.blob)
        .bind(seal(table.table(), &[key], body).as_slice())
        .bind(now_us())
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// One at a time for a run, so that attempts have numbers of their own.
async fn add_attempt(connection: &mut PgConnection, run: &str, body: &str) -> Result<u64, sqlx::Error> {
    sqlx::query("SELECT id FROM runs WHERE id = $1 FOR UPDATE").bind(run).execute(&mut *connection).await?;
    let number: i64 = sqlx::query_scalar("SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE run = $1")
        .bind(run)
        .fetch_one(&mut *connection)
        .await?;
    let stored = store(connection, body.as_bytes()).await?;
    sqlx::query(
        "INSERT INTO attempts (run, number, body, body_blob, sum, created) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(run)
    .bind(number)
    .bind(stored.inline)
    .bind(stored.blob)
    .bind(seal("attempts", &[run, &number.to_string()], body.as_bytes()).as_slice())
    .bind(now_us())
    .execute(connection)
    .await?;
    Ok(number.unsigned_abs())
}

async fn put_attempt(
    connection: &mut PgConnection,
    run: &str,
    number: u32,
    body: &str,
) -> Result<u64, sqlx::Error> {
    let stored = store(connection, body.as_bytes()).await?;
    let update = "UPDATE attempts SET body = $1, body_blob = $2, sum = $3 WHERE run = $4 AND number = $5";
    let done = sqlx::query(update)
        .bind(stored.inline)
        .bind(stored.blob)
        .bind(seal("attempts", &[run, &number.to_string()], body.as_bytes()).as_slice())
        .bind(run)
        .bind(i64::from(number))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// A later attempt replaces an earlier one; no attempt replaces itself.
async fn put_sample(connection: &mut PgConnection, batch: &str, sample: &Sample) -> Result<u64, sqlx::Error> {
    let body = sample.body.as_bytes();
    let key = [batch, &sample.task, &sample.sample.to_string(), &sample.attempt.to_string()];
    let sum = seal("samples", &key, body);
    let stored = store(connection, body).await?;
    let done = sqlx::query(
        "INSERT INTO samples (batch, task, sample, attempt, body, body_blob, sum, created) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (batch, task, sample) DO UPDATE SET \
         attempt = excluded.attempt, body = excluded.body, body_blob = excluded.body_blob, sum = excluded.sum, \
         created = excluded.created WHERE excluded.attempt > samples.attempt",
    )
    .bind(batch)
    .bind(&sample.task)
    .bind(i64::from(sample.sample))
    .bind(i64::from(sample.attempt))
    .bind(stored.inline)
    .bind(stored.blob)
    .bind(sum.as_slice())
    .bind(now_us())
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// As [`store_all`], for one body.
async fn store(connection: &mut PgConnection, body: &[u8]) -> Result<Stored, sqlx::Error> {
    let stored = store_all(connection, &[body]).await?;
    Ok(stored.into_iter().next().unwrap_or(Stored { inline: Some(body.to_vec()), blob: None }))
}

/// Puts the bodies that are large into the table of blobs. A damaged one is replaced.
async fn store_all(connection: &mut PgConnection, bodies: &[&[u8]]) -> Result<Vec<Stored>, sqlx::Error> {
    let (stored, mut blobs) = body::prepare(bodies)?;
    // A statement may touch a row once, and two that touch several must do so in one order.
    blobs.sort_by(|one, other| one.hash.cmp(&other.hash));
    blobs.dedup_by(|one, other| one.hash == other.hash);
    for Blob { hash, size, data } in blobs {
        sqlx::query(
            "INSERT INTO blobs (hash, size, data) VALUES ($1, $2, $3) ON CONFLICT (hash) DO UPDATE SET \
             size = excluded.size, data = excluded.data \
             WHERE blobs.size <> excluded.size OR blobs.data <> excluded.data",
        )
        .bind(hash)
        .bind(size)
        .bind(data)
        .execute(&mut *connection)
        .await?;
    }
    Ok(stored)
}

impl Database for Postgres {
    fn write(&self, write: Write, _: Urgency) -> Answer<'_, Pending> {
        Box::pin(async move {
            if self.pool.is_closed() {
                return Err(StoreError::Closed { path: self.path.as_ref().clone() });
            }
            let (done, answer) = oneshot::channel();
            // Nobody can have dropped the other end yet.
            drop(done.send(self.write_now(write).await));
            Ok(Pending::new(answer, Arc::clone(&self.path)))
        })
    }

    fn claim<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(self.claim(name))
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
        Box::pin(async move {
            self.claims.lock().await.clear();
            self.pool.close().await;
            Ok(())
        })
    }
}
