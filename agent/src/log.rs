//! Numbers events, keeps them in the run's store and streams them.

use std::collections::VecDeque;
use std::sync::Arc;

use codeagent_search::tree::NodeId;
use codeagent_store::{Pending, Store, StoreError};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::event::{Event, EventKind, VERSION};

/// The log of one search.
pub(crate) struct Log {
    run: String,
    task: String,
    sample: u32,
    seq: u64,
    started: Instant,
    store: Option<Arc<Store>>,
    /// Events that an interrupted search of the same run left, from `seq` on.
    earlier: VecDeque<Event>,
    /// Batches that may not be durable yet.
    pending: Vec<Pending>,
    listener: mpsc::Sender<Event>,
}

impl Log {
    /// A log that continues what the store holds of `run`: the search starts over, its replies come from the cache,
    /// and events that are there already are not written twice.
    pub(crate) async fn open(
        run: String,
        task: String,
        sample: u32,
        store: Option<Arc<Store>>,
        listener: mpsc::Sender<Event>,
    ) -> Result<Self, StoreError> {
        let mut earlier = VecDeque::new();
        if let Some(store) = &store {
            let rows = store.events(&run).await?;
            earlier = rows.iter().filter_map(|row| serde_json::from_str(&row.body).ok()).collect();
        }
        Ok(Self {
            run,
            task,
            sample,
            seq: 0,
            started: Instant::now(),
            store,
            earlier,
            pending: Vec::new(),
            listener,
        })
    }

    /// Records what happened, in one piece and in order, and tells the listener, who may miss events if it is slow.
    ///
    /// Durable a little later, or after [`Self::settle`]: a search that is interrupted before that does the same again
    /// from its stored replies. An error of storing comes with one of the next batches.
    pub(crate) async fn record(
        &mut self,
        events: Vec<(Option<NodeId>, EventKind)>,
    ) -> Result<(), StoreError> {
        let mut fresh = Vec::new();
        for (node, kind) in events {
            let event = self.number(node, kind);
            match self.earlier.pop_front() {
                Some(before)
                    if before.seq != event.seq || before.clone().canonical() != event.clone().canonical() =>
                {
                    tracing::warn!(seq = event.seq, "the continued search differs from its stored events");
                }
                Some(_) => {}
                None => fresh.push(event.clone()),
            }
            // A full channel means a slow listener; the store has everything.
            drop(self.listener.try_send(event));
        }
        let Some(store) = &self.store else { return Ok(()) };
        let rows: Vec<(u64, String)> =
            fresh.iter().filter_map(|event| Some((event.seq, serde_json::to_string(event).ok()?))).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let mut waiting = Vec::new();
        for mut batch in self.pending.drain(..) {
            if !batch.is_done()? {
                waiting.push(batch);
            }
        }
        waiting.push(store.queue_events(&self.run, rows).await?);
        self.pending = waiting;
        Ok(())
    }

    /// Waits until everything recorded is durable.
    pub(crate) async fn settle(&mut self) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        if self.pending.is_empty() {
            return Ok(());
        }
        // Nothing, waited for: it takes along what lies before it.
        store.append_events(&self.run, &[]).await?;
        for batch in self.pending.drain(..) {
            batch.done().await?;
        }
        Ok(())
    }

    fn number(&mut self, node: Option<NodeId>, kind: EventKind) -> Event {
        let seq = self.seq;
        self.seq += 1;
        Event {
            v: VERSION,
            seq,
            t_us: u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            run: self.run.clone(),
            task: self.task.clone(),
            sample: self.sample,
            node,
            kind,
        }
    }
}
