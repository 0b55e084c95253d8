//! The reply cache kept in a run's store.

use std::sync::Arc;

use codeagent_models::{CacheKey, ErrorKind, ModelError, ReplyStore, StoredReply};
use codeagent_store::{Store, StoreError};
use futures_core::future::BoxFuture;

/// A run's store as the place where paid replies are kept.
pub struct StoredReplies(Arc<Store>);

impl StoredReplies {
    /// Keeps replies in `store`.
    #[must_use]
    pub const fn new(store: Arc<Store>) -> Self {
        Self(store)
    }
}

impl ReplyStore for StoredReplies {
    fn load<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<Option<StoredReply>, ModelError>> {
        Box::pin(async move {
            let Some(body) = self.0.reply(&key.to_hex()).await.map_err(failed)? else { return Ok(None) };
            let reply = serde_json::from_slice(&body);
            Ok(Some(reply.map_err(|error| {
                let message = format!("the stored reply {} can't be read", key.to_hex());
                ModelError::new(ErrorKind::Storage, message).with_source(error)
            })?))
        })
    }

    fn save<'a>(
        &'a self,
        key: &'a CacheKey,
        reply: &'a StoredReply,
    ) -> BoxFuture<'a, Result<(), ModelError>> {
        Box::pin(async move {
            let body = serde_json::to_vec(reply).map_err(|error| {
                ModelError::new(ErrorKind::Storage, "a reply could not be written as JSON").with_source(error)
            })?;
            self.0.put_reply(&key.to_hex(), &body).await.map_err(failed)
        })
    }
}

fn failed(error: StoreError) -> ModelError {
    ModelError::new(ErrorKind::Storage, format!("the store of the run failed: {error}")).with_source(error)
}
