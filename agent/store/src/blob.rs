//! Bodies: small ones lie in their row, large ones once per content in the table of blobs.

use std::cell::RefCell;

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use zstd::bulk::Compressor;

/// Bodies above this many bytes become blobs.
pub(crate) const INLINE_BYTES_MAX: usize = 4096;

/// Largest body taken; four times the largest answer that the models crate accepts.
pub(crate) const BODY_BYTES_MAX: usize = 64 << 20;

/// The quickest level, because blobs are made on the way of every model call.
const LEVEL: i32 = 1;

/// A body as its row holds it: in the row, or as the hash of a blob.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The body itself, if small.
    pub(crate) inline: Option<Vec<u8>>,
    /// BLAKE3 of the body in hex, if large.
    pub(crate) blob: Option<String>,
}

/// As [`store_all`], for one body.
pub(crate) async fn store(connection: &mut SqliteConnection, body: &[u8]) -> Result<Stored, sqlx::Error> {
    let stored = store_all(connection, &[body]).await?;
    Ok(stored.into_iter().next().unwrap_or(Stored { inline: Some(body.to_vec()), blob: None }))
}

/// Puts the bodies that are large into the table of blobs, with one statement, unless the same content is there already.
///
/// The content's hash is the key, so a blob that was damaged is not repaired by writing it again unless its row is
/// replaced: hence the upsert.
pub(crate) async fn store_all(
    connection: &mut SqliteConnection,
    bodies: &[&[u8]],
) -> Result<Vec<Stored>, sqlx::Error> {
    let mut blobs = Vec::new();
    let mut stored = Vec::with_capacity(bodies.len());
    for body in bodies {
        if body.len() <= INLINE_BYTES_MAX {
            stored.push(Stored { inline: Some(body.to_vec()), blob: None });
            continue;
        }
        let hash = blake3::hash(body).to_hex().to_string();
        let data = compress(body).map_err(sqlx::Error::Io)?;
        blobs.push((hash.clone(), i64::try_from(body.len()).unwrap_or(i64::MAX), data));
        stored.push(Stored { inline: None, blob: Some(hash) });
    }
    if !blobs.is_empty() {
        insert(connection, blobs).await?;
    }
    Ok(stored)
}

async fn insert(
    connection: &mut SqliteConnection,
    blobs: Vec<(String, i64, Vec<u8>)>,
) -> Result<(), sqlx::Error> {
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO blobs (hash, size, data) ");
    insert.push_values(blobs, |mut row, (hash, size, data)| {
        row.push_bind(hash).push_bind(size).push_bind(data);
    });
    insert.push(
        " ON CONFLICT (hash) DO UPDATE SET size = excluded.size, data = excluded.data \
         WHERE blobs.size <> excluded.size OR blobs.data <> excluded.data",
    );
    insert.build().execute(connection).await.map(drop)
}

/// A compressor is many times dearer to make than to use on a few KiB, so each thread keeps one.
fn compress(body: &[u8]) -> std::io::Result<Vec<u8>> {
    thread_local! {
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|kept| match kept {
        Some(compressor) => compressor.compress(body),
        None => kept.insert(Compressor::new(LEVEL)?).compress(body),
    })
}

/// The body of a row, or `None` if its blob is missing or does not unpack.
pub(crate) async fn load(
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
    let size = usize::try_from(row.try_get::<i64, _>("size")?).unwrap_or(usize::MAX);
    if size > BODY_BYTES_MAX {
        return Ok(None);
    }
    Ok(zstd::bulk::decompress(row.try_get("data")?, size).ok())
}
