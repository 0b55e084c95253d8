//! Bodies as a store keeps them: small ones in their row, large ones packed, once per content, among the blobs.

use std::cell::RefCell;

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

/// A large body, packed.
#[derive(Debug)]
pub(crate) struct Blob {
    /// BLAKE3 of the body, in hex.
    pub(crate) hash: String,
    /// Bytes of the body.
    pub(crate) size: i64,
    /// The body, packed.
    pub(crate) data: Vec<u8>,
}

/// How bodies are stored, and the blobs that must be there for it.
pub(crate) fn prepare(bodies: &[&[u8]]) -> Result<(Vec<Stored>, Vec<Blob>), sqlx::Error> {
    let mut blobs = Vec::new();
    let mut stored = Vec::with_capacity(bodies.len());
    for body in bodies {
        if body.len() <= INLINE_BYTES_MAX {
            stored.push(Stored { inline: Some(body.to_vec()), blob: None });
            continue;
        }
        let hash = blake3::hash(body).to_hex().to_string();
        let data = compress(body).map_err(sqlx::Error::Io)?;
        blobs.push(Blob { hash: hash.clone(), size: i64::try_from(body.len()).unwrap_or(i64::MAX), data });
        stored.push(Stored { inline: None, blob: Some(hash) });
    }
    Ok((stored, blobs))
}

/// The body of a blob; `None` if it does not unpack.
pub(crate) fn unpack(size: i64, data: &[u8]) -> Option<Vec<u8>> {
    let size = usize::try_from(size).ok().filter(|size| *size <= BODY_BYTES_MAX)?;
    zstd::bulk::decompress(data, size).ok()
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
