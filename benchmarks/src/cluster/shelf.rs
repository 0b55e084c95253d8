//! A place on the server for texts of any length, by name. Short ones, which most are, cost one exchange.

use std::time::Duration;

use async_nats::jetstream::kv;
use async_nats::jetstream::object_store::{GetErrorKind, ObjectStore, PutError};
use bytes::Bytes;
use tokio::io::AsyncReadExt as _;

use super::{ClusterError, Link, patiently};

/// Longer texts do not go into one message: servers take 1 MiB at most, unless told otherwise.
pub(super) const MESSAGE_BYTES_MAX: usize = 512 * 1024;

/// Longest text that is read.
const TEXT_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Texts by name. Clones are the same shelf.
#[derive(Clone)]
pub(super) struct Shelf {
    short: kv::Store,
    long: ObjectStore,
}

impl Shelf {
    /// The shelf of this name, made where it is missing.
    pub(super) async fn make(link: &Link, name: String) -> Result<Self, ClusterError> {
        let short = link.make_bucket(name.clone(), Duration::ZERO).await?;
        Ok(Self { short, long: link.make_objects(name).await? })
    }

    /// The shelf of this name, which must be there.
    pub(super) async fn find(link: &Link, name: &str) -> Option<Self> {
        let short = link.jetstream().get_key_value(name).await.ok()?;
        Some(Self { short, long: link.jetstream().get_object_store(name).await.ok()? })
    }

    /// Puts a text there. It is safe when this returns.
    pub(super) async fn put(&self, name: &str, text: &[u8]) -> Result<(), ClusterError> {
        if text.len() <= MESSAGE_BYTES_MAX {
            let text = Bytes::copy_from_slice(text);
            return patiently("keep a text", || self.short.put(name, text.clone())).await.map(drop);
        }
        patiently("keep a long text", || self.put_long(name, text)).await
    }

    async fn put_long(&self, name: &str, mut text: &[u8]) -> Result<(), PutError> {
        self.long.put(name, &mut text).await.map(drop)
    }

    /// The text of this name, if there is one.
    pub(super) async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ClusterError> {
        if let Some(text) = patiently("give a text", || self.short.get(name)).await? {
            return Ok(Some(text.to_vec()));
        }
        patiently("give a long text", || self.long(name)).await
    }

    async fn long(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let mut object = match self.long.get(name).await {
            Ok(object) => object,
            Err(error) if error.kind() == GetErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        if object.info().size > TEXT_BYTES_MAX {
            return Ok(None);
        }
        let mut text = Vec::new();
        object.read_to_end(&mut text).await.map_err(|error| error.to_string())?;
        Ok(Some(text))
    }

    /// Puts a text there under its hash, which it gives back.
    pub(super) async fn put_hashed(&self, text: &[u8]) -> Result<String, ClusterError> {
        let hash = blake3::hash(text).to_hex().to_string();
        self.put(&hash, text).await?;
        Ok(hash)
    }

    /// The text with this hash, if it is there, whole.
    pub(super) async fn get_hashed(&self, hash: &str) -> Result<Option<Vec<u8>>, ClusterError> {
        let text = self.get(hash).await?;
        Ok(text.filter(|text| blake3::hash(text).to_hex().as_str() == hash))
    }

    /// Takes a text away, if it is there.
    pub(super) async fn remove(&self, name: &str) {
        drop(self.short.purge(name).await);
        drop(self.long.delete(name).await);
    }
}
