//! The table of blobs.

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::body::{self, Blob, Stored};

/// As [`store_all`], for one body.
pub(super) async fn store(connection: &mut SqliteConnection, body: &[u8]) -> Result<Stored, sqlx::Error> {
    let stored = store_all(connection, &[body]).await?;
    Ok(stored.into_iter().next().unwrap_or(Stored { inline: Some(body.to_vec()), blob: None }))
}

/// Puts the bodies that are large into the table of blobs, with one statement, unless the same content is there already.
///
/// The content's hash is the key, so a blob that was damaged is not repaired by writing it again unless its row is
/// replaced: hence the upsert.
pub(super) async fn store_all(
    connection: &mut SqliteConnection,
    bodies: &[&[u8]],
) -> Result<Vec<Stored>, sqlx::Error> {
    let (stored, blobs) = body::prepare(bodies)?;
    if !blobs.is_empty() {
        insert(connection, blobs).await?;
    }
    Ok(stored)
}

async fn insert(connection: &mut SqliteConnection, blobs: Vec<Blob>) -> Result<(), sqlx::Error> {
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO blobs (hash, size, data) ");
    insert.push_values(blobs, |mut row, blob| {
        row.push_bind(blob.hash).push_bind(blob.size).push_bind(blob.data);
    });
    insert.push(
        " ON CONFLICT (hash) DO UPDATE SET size = excluded.size, data = excluded.data \
         WHERE blobs.size <> excluded.size OR blobs.data <> excluded.data",
    );
    insert.build().execute(connection).await.map(drop)
}

/// The body of a row, or `None` if its blob is missing or does not unpack.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    stored: Stored,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let Some(hash) = stored.blob else {
        return Ok(stored.inline);
    };
    let row = sqlx::query("SELECT size, data FROM blobs WHERE hash = ?")
        .bind(hash)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(body::unpack(row.try_get("size")?, row.try_get("data")?))
}
