//! Runs, replies, executions and events of a search, in SQLite or PostgreSQL.
//!
//! A write is durable before its method returns, so what was paid for is never lost; what can be made again may be
//! queued instead. All writes go through one task that commits them in groups, in the order in which they came; reads
//! have connections of their own and never wait for a write. Every row is sealed with a checksum that is verified when
//! it is read, so damage is an error and never a wrong answer. What the texts mean is the callers' business.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let folder = tempfile::tempdir().unwrap();
//! use codeagent_store::{Begun, NewRun, Store};
//!
//! let store = Store::open(folder.path().join("run.db")).await?;
//! let run = NewRun { id: "r1".into(), fingerprint: "f1".into(), spec: "{}".into() };
//! assert!(matches!(store.begin_run(&run).await?, Begun::New));
//! store.put_reply("key", b"an answer").await?;
//! assert_eq!(store.reply("key").await?.as_deref(), Some(&b"an answer"[..]));
//! store.close().await?;
//! # Ok::<(), codeagent_store::StoreError>(())
//! # }).unwrap();
//! ```

mod body;
pub mod conformance;
mod database;
mod error;
mod lock;
#[cfg(feature = "postgres")]
mod postgres;
mod run;
mod seal;
mod sqlite;
mod store;

pub use database::Pending;
pub use error::StoreError;
pub use lock::{DirectoryLock, LockError};
pub use run::{Attempt, Begun, Event, Failure, NewRun, Run, RunHead, Sample};
pub use store::Store;

#[cfg(test)]
mod tests;
