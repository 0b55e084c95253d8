//! Opening the database: settings, identity and migrations.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlSafeStr, SqliteConnection};

use crate::error::StoreError;

/// Marks the file as ours in SQLite's header ("cagt").
const APPLICATION_ID: i64 = 0x6361_6774;

/// Our own table name, so that a store may share a database with another program that uses sqlx.
const MIGRATIONS_TABLE: &str = "codeagent_migrations";

/// Longest wait for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Pages of the write-ahead log, 4 KiB each, at which it is folded into the file. Keys are hashes, so writes are spread
/// over the file: the rarer it is folded, the more changes of one page are folded at once.
const CHECKPOINT_PAGES: &str = "4000";

/// Number of the latest migration.
pub(crate) const VERSION: i64 = 3;

fn migrator() -> Migrator {
    let migrations: [(&'static str, &'static str); 3] = [
        ("runs, replies and events", include_str!("../../migrations/sqlite/0001_runs_replies_events.sql")),
        ("samples", include_str!("../../migrations/sqlite/0002_samples.sql")),
        ("attempts", include_str!("../../migrations/sqlite/0003_attempts.sql")),
    ];
    let migrations = (1..).zip(migrations).map(|(version, (name, statements))| {
        Migration::new(version, name.into(), MigrationType::Simple, statements.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
    migrator
}

/// Opens the one connection that writes, creating or migrating the store where needed.
pub(super) async fn open_writer(path: &Path) -> Result<SqliteConnection, StoreError> {
    let fail = |error: sqlx::Error| StoreError::of(path, &error);
    let mut connection = options(path).create_if_missing(true).connect().await.map_err(fail)?;
    if identify(path, &mut connection).await? == Identity::Blank {
        sqlx::query("PRAGMA application_id = 1667327860").execute(&mut connection).await.map_err(fail)?;
    }
    let mode: String =
        sqlx::query_scalar("PRAGMA journal_mode = WAL").fetch_one(&mut connection).await.map_err(fail)?;
    if mode != "wal" {
        tracing::warn!(path = %path.display(), mode, "the file system has no shared memory; the store is slower");
    }
    migrator().run(&mut connection).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error)
        | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => fail(error),
        other => StoreError::Damaged { path: path.to_path_buf(), place: format!("its schema ({other})") },
    })?;
    Ok(connection)
}

/// A connection that reads.
#[derive(Debug)]
pub(super) enum Opened {
    /// One that sees what others write.
    Live(SqliteConnection),
    /// One that takes the file for one that nobody writes to. Good for one use: the next one looks again whether it is so.
    Still(SqliteConnection),
}

impl Opened {
    pub(super) const fn connection(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Live(connection) | Self::Still(connection) => connection,
        }
    }
}

/// Opens a connection that reads.
///
/// It shares memory with whoever writes, in files beside the store. Where these are not there and can't be made, nobody
/// writes, and a store whose log is folded in can be read without them.
pub(super) async fn open_reader(path: &Path) -> Result<Opened, StoreError> {
    let reading = options(path).read_only(true);
    let error = match connect_reader(&reading).await {
        Ok(connection) => return Ok(Opened::Live(connection)),
        Err(error) => StoreError::of(path, &error),
    };
    let is_still = matches!(error, StoreError::CannotOpen { .. } | StoreError::ReadOnly { .. })
        && path.is_file()
        && is_folded(path);
    if !is_still {
        return Err(error);
    }
    let opened = connect_reader(&reading.immutable(true)).await;
    opened.map(Opened::Still).map_err(|error| StoreError::of(path, &error))
}

/// SQLite opens files only when it first reads.
async fn connect_reader(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    sqlx::query("PRAGMA schema_version").fetch_one(&mut connection).await?;
    Ok(connection)
}

/// Whether nothing waits in the write-ahead log.
fn is_folded(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).map_or_else(|error| error.kind() == ErrorKind::NotFound, |log| log.len() == 0)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// What a database that is not another program's holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identity {
    /// Nothing: a new file.
    Blank,
    /// Our mark, but no tables so far.
    Begun,
    /// A store.
    Store,
}

/// Refuses what is not a store that this program can read, a store that is only being made included.
pub(super) async fn check_readable(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    match identify(path, connection).await? {
        Identity::Store => Ok(()),
        Identity::Blank | Identity::Begun => {
            Err(StoreError::NotAStore { path: path.to_path_buf(), reason: "it is empty".to_owned() })
        }
    }
}

/// Refuses another program's database and a store of a later release, before anything is written.
async fn identify(path: &Path, connection: &mut SqliteConnection) -> Result<Identity, StoreError> {
    let fail = |error: sqlx::Error| StoreError::of(path, &error);
    let id: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await.map_err(fail)?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE type = 'table'")
        .fetch_one(&mut *connection)
        .await
        .map_err(fail)?;
    match (id, tables) {
        (0, 0) => return Ok(Identity::Blank),
        (APPLICATION_ID, 0) => return Ok(Identity::Begun),
        (APPLICATION_ID, _) => {}
        _ => {
            return Err(StoreError::NotAStore {
                path: path.to_path_buf(),
                reason: "a database of another program".to_owned(),
            });
        }
    }
    let found: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM codeagent_migrations")
        .fetch_one(&mut *connection)
        .await
        .map_err(fail)?;
    match found {
        Some(found) if found > VERSION => {
            Err(StoreError::Newer { path: path.to_path_buf(), found, known: VERSION })
        }
        _ => Ok(Identity::Store),
    }
}
