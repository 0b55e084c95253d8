//! Runs the search of one sample, wherever that is done.

use std::time::Instant;

use codeagent::search::StopReason;
use codeagent::{Event, Outcome, Run};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{BatchError, News};

/// What a search came to, before anybody judges its program on hidden tests.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Wall-clock milliseconds of the search.
    pub(crate) wall_ms: u64,
}

impl Finding {
    /// Why the search was cut short, if it was: then it is to be continued, and its outcome counts nowhere.
    pub(crate) const fn cut_short(&self) -> Option<StopReason> {
        match self.outcome.stop_reason {
            Some(reason @ (StopReason::Cancelled | StopReason::RunBudget)) => Some(reason),
            _ => None,
        }
    }
}

/// Who hears of the steps of a search.
pub(crate) enum Listener {
    /// Nobody.
    Nobody,
    /// Whoever takes the news of the batch.
    News(mpsc::Sender<News>),
    /// Whoever reads the trace when the search is over, and whoever looks on meanwhile.
    #[cfg(feature = "nats")]
    Trace(Vec<Event>, Box<dyn FnMut(&Event) + Send>),
}

impl Listener {
    async fn hear(&mut self, event: Event) -> Result<(), BatchError> {
        match self {
            Self::Nobody => Ok(()),
            Self::News(news) => news.send(News::Event(Box::new(event))).await.map_err(|_| BatchError::Untold),
            #[cfg(feature = "nats")]
            Self::Trace(trace, look) => {
                look(&event);
                trace.push(event);
                Ok(())
            }
        }
    }
}

/// Runs a search to its end, which comes within seconds of `cancel`.
pub(crate) async fn found(
    mut run: Run,
    cancel: CancellationToken,
    listener: &mut Listener,
) -> Result<Finding, BatchError> {
    let started = Instant::now();
    let handle = run.handle();
    let search = async {
        while let Some(event) = run.next().await {
            listener.hear(event).await?;
        }
        Ok::<Outcome, BatchError>(run.outcome().await)
    };
    tokio::pin!(search);
    let outcome = tokio::select! {
        outcome = &mut search => outcome?,
        () = cancel.cancelled() => {
            handle.cancel();
            search.await?
        }
    };
    Ok(Finding { outcome, wall_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX) })
}
