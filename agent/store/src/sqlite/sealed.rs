//! Reading bodies back: a body counts only if its row's seal says that it is what was written.

use std::path::Path;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::blob;
use crate::body::Stored;
use crate::error::StoreError;
use crate::seal::seal;

/// Where a sealed body is: the name that its seal holds, and the columns of the body and the seal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    table: &'static str,
    inline: &'static str,
    blob: &'static str,
    sum: &'static str,
}

impl Columns {
    /// What a run was asked for.
    pub(super) const SPEC: Self = Self { table: "runs", inline: "spec", blob: "spec_blob", sum: "sum" };
    /// What came of a run.
    pub(super) const RESULT: Self =
        Self { table: "results", inline: "result", blob: "result_blob", sum: "result_sum" };

    /// The body of the other tables.
    pub(super) const fn body(table: &'static str) -> Self {
        Self { table, inline: "body", blob: "body_blob", sum: "sum" }
    }
}

/// The body of the row with this key.
pub(super) async fn bytes(
    path: &Path,
    connection: &mut SqliteConnection,
    row: &SqliteRow,
    columns: Columns,
    key: &[&str],
) -> Result<Vec<u8>, StoreError> {
    let fail = |error: sqlx::Error| StoreError::of(path, &error);
    let (stored, sum) = parts(row, columns).map_err(fail)?;
    let body = blob::load(connection, stored).await.map_err(fail)?;
    body.filter(|body| sum == Some(seal(columns.table, key, body).to_vec()))
        .ok_or_else(|| damaged(path, columns, key))
}

/// As [`bytes`], for bodies that are text.
pub(super) async fn text(
    path: &Path,
    connection: &mut SqliteConnection,
    row: &SqliteRow,
    columns: Columns,
    key: &[&str],
) -> Result<String, StoreError> {
    let body = bytes(path, connection, row, columns, key).await?;
    String::from_utf8(body).map_err(|_| damaged(path, columns, key))
}

// Unchecked, because a JSON body has SQLite's type TEXT and is read as bytes.
fn parts(row: &SqliteRow, columns: Columns) -> Result<(Stored, Option<Vec<u8>>), sqlx::Error> {
    let stored =
        Stored { inline: row.try_get_unchecked(columns.inline)?, blob: row.try_get_unchecked(columns.blob)? };
    Ok((stored, row.try_get_unchecked(columns.sum)?))
}

fn damaged(path: &Path, columns: Columns, key: &[&str]) -> StoreError {
    StoreError::Damaged { path: path.to_path_buf(), place: format!("{} {}", columns.table, key.join(" ")) }
}
