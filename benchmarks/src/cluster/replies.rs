//! The reply cache that all workers of a run share: what one of them paid for, none pays for again.

use codeagent::models::{CacheKey, ErrorKind, ModelError, ReplyStore, StoredReply};
use futures_core::future::BoxFuture;

use super::shelf::Shelf;

/// Replies in a bucket on the server, under the keys of every other reply cache.
pub struct SharedReplies(pub(super) Shelf);

impl ReplyStore for SharedReplies {
    fn load<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Result<Option<StoredReply>, ModelError>> {
        Box::pin(async move {
            let Some(body) = self.0.get(&key.to_hex()).await.map_err(failed)? else { return Ok(None) };
            // Whatever else lies there is no answer, and is replaced by one.
            Ok(serde_json::from_slice(&body).ok())
        })
    }

    fn save<'a>(
        &'a self,
        key: &'a CacheKey,
        reply: &'a StoredReply,
    ) -> BoxFuture<'a, Result<(), ModelError>> {
        Box::pin(async move {
            let body = serde_json::to_vec(reply).map_err(failed)?;
            self.0.put(&key.to_hex(), &body).await.map_err(failed)
        })
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> ModelError {
    ModelError::new(ErrorKind::Storage, "the replies that workers share can't be reached").with_source(error)
}
