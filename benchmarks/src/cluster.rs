//! Batches on many machines, over NATS JetStream.
//!
//! One coordinator owns the store: it gives tasks out, judges what comes back and keeps it. Workers draw: they know the
//! problem as a search may see it, never its hidden tests, and hold no database. Everything on the server can be lost:
//! the coordinator makes it again from the store.
//!
//! | on the server | what | kept by |
//! |---|---|---|
//! | stream `CA_WORK_<run>` | tasks that are not done ([`crate::queue::Ticket`]) | the coordinator |
//! | stream `CA_RES_<run>` | what searches came to, until it is stored | workers |
//! | buckets `CA_BOX_<run>` | problems, what all tasks share, long results, by their hashes | both |
//! | buckets `CA_REP_<run>` | the models' replies, by the keys of the reply cache | workers |
//! | bucket `CA_RUN_<run>` | what is to happen: running, paused, cancelled, finished | the coordinator, `queue` |
//! | bucket `CA_LIVE_<run>` | who works on it; gone when silent for 15 s | workers |
//! | subjects `ca.<run>.ev.>` | how far searches are, to whoever listens | nobody |
//! | bucket `CA_BILL_<run>` | what searches under way have paid for | workers |

mod access;
mod bills;
mod coordinator;
mod link;
mod order;
mod overview;
mod queue;
mod replies;
mod report;
mod shelf;
mod steps;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

pub use access::{Access, Identity};
pub use coordinator::{Coordinator, Leasing};
pub use link::{Link, RunNames};
pub use order::{Mismatch, Order};
pub use overview::{Overview, Present};
pub use queue::NatsQueue;
pub use replies::SharedReplies;
pub use worker::{Share, Site, Worker};

use crate::batch::BatchError;
use crate::queue::QueueError;

/// How long something is tried again while servers are away.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Pause between such tries.
const PAUSE: Duration = Duration::from_millis(500);

/// A batch on many machines that can't go on. What was finished is stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// No server could be reached, or it refused us.
    #[error("no NATS server could be reached at {servers}: {reason}")]
    Unreachable {
        /// The addresses, without passwords.
        servers: String,
        /// What happened.
        reason: String,
    },
    /// A file that a connection needs is none of its kind.
    #[error("{} can't be used: {reason}", path.display())]
    Access {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A server does not do what was asked of it.
    #[error("the NATS server could not {action}: {reason}")]
    Server {
        /// What was asked.
        action: String,
        /// What happened.
        reason: String,
    },
    /// There is no such run on the server.
    #[error("there is no run {run} on the NATS server")]
    NoRun {
        /// Its id.
        run: String,
    },
    /// Workers go on although their run is paused.
    #[error("the run is paused, but {name}{} did not say so yet", others(*.more))]
    Deaf {
        /// One of them.
        name: String,
        /// How many there are beside it.
        more: usize,
    },
    /// A worker is not what the run asks for.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// What all samples may spend together is limited, and what one may spend is not.
    #[error("a limit of {what} for the whole batch needs one for each sample")]
    NoShare {
        /// `tokens` or `money`.
        what: &'static str,
    },
    /// The batch itself can't go on.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl ClusterError {
    fn server(action: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Server { action: action.into(), reason: reason.to_string() }
    }
}

fn others(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" and {more} other workers") }
}

impl From<QueueError> for ClusterError {
    fn from(error: QueueError) -> Self {
        Self::Batch(error.into())
    }
}

/// Tries until it works, for as long as servers may be away.
async fn patiently<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    action: &str,
    mut attempt: impl FnMut() -> F,
) -> Result<T, ClusterError> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) if tokio::time::Instant::now() >= until => {
                return Err(ClusterError::server(action, error));
            }
            Err(error) => tracing::debug!(%error, action, "trying again"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
