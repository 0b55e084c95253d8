//! Connecting: the address, and the tables.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool, SqlSafeStr as _};

use super::failed;
use crate::error::StoreError;

/// Connections at most.
const CONNECTIONS: u32 = 10;

/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Number of the latest migration.
pub(super) const VERSION: i64 = 2;

/// The tables of the database, made if need be, and its address without a password.
pub(super) async fn open(url: &str) -> Result<(PathBuf, PgPool), StoreError> {
    // The reason is left out, for it may quote the password.
    let options = PgConnectOptions::from_str(url).map_err(|_| StoreError::CannotOpen {
        path: PathBuf::from("postgres://…"),
        reason: "this is no address such as postgres://user@host/name".to_owned(),
    })?;
    let path = address(&options);
    let options = options.application_name("codeagent").disable_statement_logging();
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
    let pool = pool.connect_with(options).await.map_err(|error| failed(&path, &error))?;
    check_version(&path, &pool).await?;
    migrator().run(&pool).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error)
        | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => failed(&path, &error),
        other => StoreError::Damaged { path: path.clone(), place: format!("its schema ({other})") },
    })?;
    Ok((path, pool))
}

fn address(options: &PgConnectOptions) -> PathBuf {
    let name = options.get_database().unwrap_or_else(|| options.get_username());
    PathBuf::from(format!("postgres://{}:{}/{name}", options.get_host(), options.get_port()))
}

fn migrator() -> Migrator {
    let migrations: [(&'static str, &'static str); 2] = [
        ("the store", include_str!("../../migrations/postgres/0001_store.sql")),
        ("attempts", include_str!("../../migrations/postgres/0002_attempts.sql")),
    ];
    let migrations = (1..).zip(migrations).map(|(version, (name, statements))| {
        Migration::new(version, name.into(), MigrationType::Simple, statements.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // A store may share a database with another program that uses sqlx.
    migrator.dangerous_set_table_name("codeagent_migrations");
    migrator
}

async fn check_version(path: &Path, pool: &PgPool) -> Result<(), StoreError> {
    let fail = |error: sqlx::Error| failed(path, &error);
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('codeagent_migrations') IS NOT NULL")
        .fetch_one(pool)
        .await
        .map_err(fail)?;
    if !is_there {
        return Ok(());
    }
    let found: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM codeagent_migrations")
        .fetch_one(pool)
        .await
        .map_err(fail)?;
    match found {
        Some(found) if found > VERSION => {
            Err(StoreError::Newer { path: path.to_path_buf(), found, known: VERSION })
        }
        _ => Ok(()),
    }
}
