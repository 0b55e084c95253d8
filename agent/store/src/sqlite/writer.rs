//! The one task that writes: it takes what is waiting, writes it in one transaction, and answers after the commit.
//!
//! A write that somebody waits for is committed at once, with all that came before it; those that come during its
//! commit are the next group. Writes that nobody waits for go with the next one, or alone a little later: what a commit
//! costs (a sync of the disk, two messages to the driver's thread) is paid once for all of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection, Transaction};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::blob;
use crate::body::INLINE_BYTES_MAX;
use crate::database::{Urgency, Write, now_us};
use crate::error::StoreError;
use crate::run::{NewRun, Sample};
use crate::seal::{self, seal};

/// Most writes in one transaction.
const GROUP_MAX: usize = 200;

/// Most events in one statement. Statements of every length up to it are kept prepared.
const ROWS_MAX: usize = 32;

/// How long a write may lie that nobody waits for.
const LATER: Duration = Duration::from_millis(50);

/// A write on its way, with the channel that takes the number of rows that it made or changed.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) write: Write,
    pub(super) urgency: Urgency,
    pub(super) done: oneshot::Sender<Result<u64, StoreError>>,
}

/// Writes until it is told to close or nobody is left who could write.
pub(super) async fn write_all(
    path: PathBuf,
    mut connection: SqliteConnection,
    mut jobs: mpsc::Receiver<Job>,
) {
    let mut group = Vec::new();
    while jobs.recv_many(&mut group, GROUP_MAX).await > 0 {
        await_urgent(&mut jobs, &mut group).await;
        let closing = take_close(&mut group);
        write_group(&path, &mut connection, std::mem::take(&mut group)).await;
        if let Some(closing) = closing {
            jobs.close();
            drop(closing.done.send(close(&path, connection).await.map(|()| 0)));
            return;
        }
    }
    if let Err(error) = close(&path, connection).await {
        tracing::warn!(%error, "the store was not closed cleanly; nothing is lost");
    }
}

/// Fills the group until there is a write in it that somebody waits for, the time is up or the group is full.
async fn await_urgent(jobs: &mut mpsc::Receiver<Job>, group: &mut Vec<Job>) {
    let time_is_up = Instant::now() + LATER;
    while group.len() < GROUP_MAX && group.iter().all(|job| job.urgency == Urgency::Later) {
        let more = jobs.recv_many(group, GROUP_MAX);
        if timeout_at(time_is_up, more).await.is_ok_and(|count| count > 0) {
            continue;
        }
        return;
    }
}

/// Cuts the group at the first request to close; what came after it is answered by the closed channel.
fn take_close(group: &mut Vec<Job>) -> Option<Job> {
    let at = group.iter().position(|job| matches!(job.write, Write::Close))?;
    group.drain(at..).next()
}

async fn close(path: &Path, mut connection: SqliteConnection) -> Result<(), StoreError> {
    let fail = |error: sqlx::Error| StoreError::of(path, &error);
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.map_err(fail)?;
    connection.close().await.map_err(fail)
}

/// One transaction for the group. A write that is refused fails alone; a failed commit fails them all.
async fn write_group(path: &Path, connection: &mut SqliteConnection, group: Vec<Job>) {
    let (writes, callers): (Vec<_>, Vec<_>) = group.into_iter().map(|job| (job.write, job.done)).unzip();
    let answers = match commit(path, connection, &writes).await {
        Ok(answers) => answers,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a group of writes failed");
            let error = StoreError::of(path, &error);
            writes.iter().map(|_| Err(error.clone())).collect()
        }
    };
    for (caller, answer) in callers.into_iter().zip(answers) {
        // A caller that has gone away no longer wants its answer.
        drop(caller.send(answer));
    }
}

async fn commit(
    path: &Path,
    connection: &mut SqliteConnection,
    writes: &[Write],
) -> Result<Vec<Result<u64, StoreError>>, sqlx::Error> {
    match writes {
        [] => Ok(Vec::new()),
        // SQLite commits a statement that stands alone by itself.
        [write] if is_one_statement(write) => Ok(vec![write_one(path, connection, write).await]),
        _ => commit_together(path, connection, writes).await,
    }
}

fn is_one_statement(write: &Write) -> bool {
    match write {
        Write::Reply { body, .. } | Write::Execution { body, .. } => body.len() <= INLINE_BYTES_MAX,
        _ => false,
    }
}

async fn commit_together(
    path: &Path,
    connection: &mut SqliteConnection,
    writes: &[Write],
) -> Result<Vec<Result<u64, StoreError>>, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut answers = Vec::with_capacity(writes.len());
    for write in writes {
        match write_one(path, &mut transaction, write).await {
            Ok(changed) => answers.push(Ok(changed)),
            Err(error) => {
                transaction.rollback().await?;
                let alone = writes.len() == 1;
                return if alone {
                    Ok(vec![Err(error)])
                } else {
                    commit_apart(path, connection, writes).await
                };
            }
        }
    }
    transaction.commit().await?;
    Ok(answers)
}

/// Each write inside a savepoint, so that the failure of one takes nothing else along. Slower, and rarely needed.
async fn commit_apart(
    path: &Path,
    connection: &mut SqliteConnection,
    writes: &[Write],
) -> Result<Vec<Result<u64, StoreError>>, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut answers = Vec::with_capacity(writes.len());
    for write in writes {
        answers.push(write_apart(path, &mut transaction, write).await);
    }
    transaction.commit().await?;
    Ok(answers)
}

async fn write_apart(
    path: &Path,
    transaction: &mut Transaction<'_, Sqlite>,
    write: &Write,
) -> Result<u64, StoreError> {
    let fail = |error: sqlx::Error| StoreError::of(path, &error);
    let mut savepoint = transaction.begin().await.map_err(fail)?;
    match write_one(path, &mut savepoint, write).await {
        Ok(changed) => savepoint.commit().await.map_err(fail).map(|()| changed),
        Err(error) => savepoint.rollback().await.map_err(fail).and(Err(error)),
    }
}

async fn write_one(path: &Path, connection: &mut SqliteConnection, write: &Write) -> Result<u64, StoreError> {
    let fail = |error: sqlx::Error| StoreError::of(path, &error);
    match write {
        Write::BeginRun(run) => begin_run(connection, run).await.map_err(fail),
        Write::RunStatus { id, status } => {
            let update = sqlx::query("UPDATE runs SET status = ? WHERE id = ? AND finished IS NULL");
            let done = update.bind(status).bind(id).execute(connection).await.map_err(fail)?;
            Ok(done.rows_affected())
        }
        Write::FinishRun { id, status, result } => {
            finish_run(connection, id, status, result).await.map_err(fail)
        }
        Write::Reply { key, body } => {
            put(connection, "replies", REPLACE_REPLY, key, body).await.map_err(fail)
        }
        Write::Execution { key, body } => {
            put(connection, "executions", REPLACE_EXECUTION, key, body).await.map_err(fail)
        }
        Write::Events { run, events } => append_events(path, connection, run, events).await,
        Write::Failure { run, unit, body } => add_failure(connection, run, unit, body).await.map_err(fail),
        Write::NewAttempt { run, body } => add_attempt(connection, run, body).await.map_err(fail),
        Write::Attempt { run, number, body } => {
            put_attempt(connection, run, *number, body).await.map_err(fail)
        }
        Write::Sample { batch, sample } => put_sample(connection, batch, sample).await.map_err(fail),
        Write::Close => Ok(0),
    }
}

async fn begin_run(connection: &mut SqliteConnection, run: &NewRun) -> Result<u64, sqlx::Error> {
    let spec = blob::store(connection, run.spec.as_bytes()).await?;
    let sum = seal("runs", &[&run.id, &run.fingerprint], run.spec.as_bytes());
    let done = sqlx::query(
        "INSERT INTO runs (id, fingerprint, spec, spec_blob, sum, status, created) \
         VALUES (?, ?, ?, ?, ?, 'running', ?) ON CONFLICT DO NOTHING",
    )
    .bind(&run.id)
    .bind(&run.fingerprint)
    .bind(spec.inline.map(|_| &run.spec))
    .bind(spec.blob)
    .bind(sum.as_slice())
    .bind(now_us())
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn finish_run(
    connection: &mut SqliteConnection,
    id: &str,
    status: &str,
    result: &str,
) -> Result<u64, sqlx::Error> {
    let stored = blob::store(connection, result.as_bytes()).await?;
    let sum = seal("results", &[id, status], result.as_bytes());
    let done = sqlx::query(
        "UPDATE runs SET status = ?, result = ?, result_blob = ?, result_sum = ?, finished = ? WHERE id = ?",
    )
    .bind(status)
    .bind(stored.inline.map(|_| result))
    .bind(stored.blob)
    .bind(sum.as_slice())
    .bind(now_us())
    .bind(id)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

// The last one wins: a key is written twice only to refresh an answer or to repair a damaged row.
const REPLACE_REPLY: &str = "INSERT INTO replies (key, body, body_blob, sum, created) VALUES (?, ?, ?, ?, ?) \
     ON CONFLICT (key) DO UPDATE SET body = excluded.body, body_blob = excluded.body_blob, sum = excluded.sum, \
     created = excluded.created";
const REPLACE_EXECUTION: &str = "INSERT INTO executions (key, body, body_blob, sum, created) VALUES (?, ?, ?, ?, ?) \
     ON CONFLICT (key) DO UPDATE SET body = excluded.body, body_blob = excluded.body_blob, sum = excluded.sum, \
     created = excluded.created";

async fn put(
    connection: &mut SqliteConnection,
    table: &str,
    statement: &'static str,
    key: &str,
    body: &[u8],
) -> Result<u64, sqlx::Error> {
    let stored = blob::store(connection, body).await?;
    let done = sqlx::query(statement)
        .bind(key)
        .bind(stored.inline)
        .bind(stored.blob)
        .bind(seal(table, &[key], body).as_slice())
        .bind(now_us())
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn append_events(
    path: &Path,
    connection: &mut SqliteConnection,
    run: &str,
    events: &[(u64, String)],
) -> Result<u64, StoreError> {
    let fail = |error: sqlx::Error| StoreError::of(path, &error);
    let mut appended = 0;
    for events in events.chunks(ROWS_MAX) {
        let sums: Vec<_> = events.iter().map(|(seq, body)| event_seal(run, *seq, body)).collect();
        let fresh = insert_events(connection, run, events, &sums).await.map_err(|error| {
            let no_run = error.as_database_error().is_some_and(DatabaseError::is_foreign_key_violation);
            if no_run {
                StoreError::NoRun { path: path.to_path_buf(), id: run.to_owned() }
            } else {
                fail(error)
            }
        })?;
        appended += fresh;
        if fresh == events.len() as u64 {
            continue;
        }
        for ((seq, _), sum) in events.iter().zip(&sums) {
            if stored_sum(connection, run, *seq).await.map_err(fail)? != sum {
                return Err(StoreError::EventConflict {
                    path: path.to_path_buf(),
                    run: run.to_owned(),
                    seq: *seq,
                });
            }
        }
    }
    Ok(appended)
}

fn event_seal(run: &str, seq: u64, body: &str) -> [u8; seal::LENGTH] {
    seal("events", &[run, &seq.to_string()], body.as_bytes())
}

/// One statement for all: what a statement costs beside its work (a message to the driver's thread and back) is more
/// than its work.
async fn insert_events(
    connection: &mut SqliteConnection,
    run: &str,
    events: &[(u64, String)],
    sums: &[[u8; seal::LENGTH]],
) -> Result<u64, sqlx::Error> {
    let bodies: Vec<&[u8]> = events.iter().map(|(_, body)| body.as_bytes()).collect();
    let bodies = blob::store_all(connection, &bodies).await?;
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO events (run, seq, body, body_blob, sum) ");
    insert.push_values(events.iter().zip(bodies).zip(sums), |mut row, (((seq, body), stored), sum)| {
        row.push_bind(run)
            .push_bind(seq.cast_signed())
            .push_bind(stored.inline.map(|_| body))
            .push_bind(stored.blob)
            .push_bind(sum.as_slice());
    });
    insert.push(" ON CONFLICT (run, seq) DO NOTHING");
    Ok(insert.build().execute(connection).await?.rows_affected())
}

async fn stored_sum(connection: &mut SqliteConnection, run: &str, seq: u64) -> Result<Vec<u8>, sqlx::Error> {
    sqlx::query_scalar("SELECT sum FROM events WHERE run = ? AND seq = ?")
        .bind(run)
        .bind(seq.cast_signed())
        .fetch_one(connection)
        .await
}

async fn add_failure(
    connection: &mut SqliteConnection,
    run: &str,
    unit: &str,
    body: &str,
) -> Result<u64, sqlx::Error> {
    let attempt: i64 =
        sqlx::query_scalar("SELECT coalesce(max(attempt), 0) + 1 FROM failures WHERE run = ? AND unit = ?")
            .bind(run)
            .bind(unit)
            .fetch_one(&mut *connection)
            .await?;
    let stored = blob::store(connection, body.as_bytes()).await?;
    let sum = seal("failures", &[run, unit, &attempt.to_string()], body.as_bytes());
    let done = sqlx::query(
        "INSERT INTO failures (run, unit, attempt, body, body_blob, sum, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(run)
    .bind(unit)
    .bind(attempt)
    .bind(stored.inline.map(|_| body))
    .bind(stored.blob)
    .bind(sum.as_slice())
    .bind(now_us())
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The writer is alone, so that numbers are without gaps.
async fn add_attempt(connection: &mut SqliteConnection, run: &str, body: &str) -> Result<u64, sqlx::Error> {
    let number: i64 = sqlx::query_scalar("SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE run = ?")
        .bind(run)
        .fetch_one(&mut *connection)
        .await?;
    let stored = blob::store(connection, body.as_bytes()).await?;
    let sum = seal("attempts", &[run, &number.to_string()], body.as_bytes());
    sqlx::query(
        "INSERT INTO attempts (run, number, body, body_blob, sum, created) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(run)
    .bind(number)
    .bind(stored.inline.map(|_| body))
    .bind(stored.blob)
    .bind(sum.as_slice())
    .bind(now_us())
    .execute(connection)
    .await?;
    Ok(number.unsigned_abs())
}

async fn put_attempt(
    connection: &mut SqliteConnection,
    run: &str,
    number: u32,
    body: &str,
) -> Result<u64, sqlx::Error> {
    let stored = blob::store(connection, body.as_bytes()).await?;
    let sum = seal("attempts", &[run, &number.to_string()], body.as_bytes());
    let done =
        sqlx::query("UPDATE attempts SET body = ?, body_blob = ?, sum = ? WHERE run = ? AND number = ?")
            .bind(stored.inline.map(|_| body))
            .bind(stored.blob)
            .bind(sum.as_slice())
            .bind(run)
            .bind(number)
            .execute(connection)
            .await?;
    Ok(done.rows_affected())
}

/// A later attempt replaces an earlier one; no attempt replaces itself.
async fn put_sample(
    connection: &mut SqliteConnection,
    batch: &str,
    sample: &Sample,
) -> Result<u64, sqlx::Error> {
    let body = sample.body.as_bytes();
    let stored = blob::store(connection, body).await?;
    let done = sqlx::query(
        "INSERT INTO samples (batch, task, sample, attempt, body, body_blob, sum, created) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (batch, task, sample) DO UPDATE SET \
         attempt = excluded.attempt, body = excluded.body, body_blob = excluded.body_blob, sum = excluded.sum, \
         created = excluded.created WHERE excluded.attempt > samples.attempt",
    )
    .bind(batch)
    .bind(&sample.task)
    .bind(sample.sample)
    .bind(sample.attempt)
    .bind(stored.inline.map(|_| &sample.body))
    .bind(stored.blob)
    .bind(sample_seal(batch, sample).as_slice())
    .bind(now_us())
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

fn sample_seal(batch: &str, sample: &Sample) -> [u8; seal::LENGTH] {
    let key = [batch, &sample.task, &sample.sample.to_string(), &sample.attempt.to_string()];
    seal("samples", &key, sample.body.as_bytes())
}
