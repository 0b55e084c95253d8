//! Single flight: of equal requests only one is under way at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::key::CacheKey;

type Gate = Arc<tokio::sync::Mutex<()>>;

/// One gate per key that is under way.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<CacheKey, Gate>>);

impl Flights {
    /// Waits for those who came before with the same key.
    ///
    /// A leader that fails or is dropped lets the next one through, who asks again.
    pub(super) async fn turn(&self, key: CacheKey) -> Turn<'_> {
        let gate = Arc::clone(self.gates().entry(key).or_default());
        let mut turn = Turn { flights: self, key, guard: None };
        turn.guard = Some(gate.lock_owned().await);
        turn
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.gates().len()
    }

    fn gates(&self) -> MutexGuard<'_, HashMap<CacheKey, Gate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn at one key; also a wait for one, which may be dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    flights: &'a Flights,
    key: CacheKey,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut gates = self.flights.gates();
        self.guard = None;
        // New holders come through the map alone, which is locked here: one holder left is the map itself.
        if gates.get(&self.key).is_some_and(|gate| Arc::strong_count(gate) == 1) {
            gates.remove(&self.key);
        }
    }
}
