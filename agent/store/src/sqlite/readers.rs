//! Connections that read. Opened when they are needed first, then kept.
//!
//! Not a pool of sqlx: that one pings a connection whenever it is given back, which costs as much as a read.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use super::schema::{self, Opened};
use crate::error::StoreError;

/// Connections at most.
const READERS: usize = 4;

/// The connections of one store.
#[derive(Debug, Default)]
pub(super) struct Readers {
    places: [Mutex<Option<Opened>>; READERS],
    /// Where to wait next when all are taken.
    next: AtomicUsize,
    closed: AtomicBool,
}

impl Readers {
    /// A connection to the store at `path`, for the caller alone.
    pub(super) async fn acquire(
        &self,
        path: &Path,
    ) -> Result<MappedMutexGuard<'_, SqliteConnection>, StoreError> {
        let closed = || StoreError::Closed { path: path.to_owned() };
        let mut place = self.place().await.ok_or_else(closed)?;
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        if !matches!(*place, Some(Opened::Live(_))) {
            *place = Some(schema::open_reader(path).await?);
        }
        MutexGuard::try_map(place, |place| place.as_mut().map(Opened::connection)).map_err(|_| closed())
    }

    /// Closes all connections when they are free. Whoever asks for one later is refused.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for place in &self.places {
            let Some(Opened::Live(connection) | Opened::Still(connection)) = place.lock().await.take() else {
                continue;
            };
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a connection that reads was not closed cleanly");
            }
        }
    }

    async fn place(&self) -> Option<MutexGuard<'_, Option<Opened>>> {
        if let Some(free) = self.places.iter().find_map(|place| place.try_lock().ok()) {
            return Some(free);
        }
        let next = self.next.fetch_add(1, Ordering::Relaxed) % READERS;
        Some(self.places.get(next)?.lock().await)
    }
}
