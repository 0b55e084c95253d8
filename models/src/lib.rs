//! Answers: language models behind one trait.
//!
//! A [`Provider`] answers [`Request`]s. [`Chat`] is one for OpenAI-compatible servers, [`Replay`] answers from a
//! recording, [`Scripted`] from a script. [`Stack`] puts the layers around any of them, in the order in which they
//! work: splitting of several answers, reply cache, retries with rate limits and breaker, and the meter.
//!
//! ```
//! use std::sync::Arc;
//! use codeagent_models::scripted::{Scripted, question};
//! use codeagent_models::{MemoryStore, Provider, Stack, StackConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), codeagent_models::ModelError> {
//! let server = Scripted::texts(["def f(): return 1"]);
//! let stack = Stack::build(server, Arc::new(MemoryStore::default()), StackConfig::default());
//! let first = stack.provider.complete(&question("Write f.")).await?;
//! let again = stack.provider.complete(&question("Write f.")).await?;
//! assert_eq!(first.choices, again.choices);
//! assert!(again.cached && stack.meter.totals().calls == 1);
//! # Ok(())
//! # }
//! ```

pub mod cache;
pub mod cassette;
pub mod chat;
pub mod continued;
pub mod critic;
pub mod decode;
pub mod discover;
pub mod embedding;
pub mod encoder;
pub mod error;
pub mod key;
pub mod limit;
pub mod local;
pub mod meter;
pub mod price;
pub mod provider;
pub mod record;
pub mod replay;
pub mod rerank;
pub mod retry;
pub mod scorer;
pub mod scripted;
pub mod secret;
pub mod split;
pub mod stack;
mod tls;
mod trace;
pub mod train;
pub mod trunk;

pub use cache::{CacheMode, Cached, MemoryStore, ReplyStore, StoredReply};
pub use cassette::Cassette;
pub use chat::{Chat, ChatConfig, ConfigError, Dialect, Embeddings, MaxTokensField, Timeouts};
pub use codeagent_prompts::{Message, Role};
pub use discover::{Found, Server, discover};
pub use embedding::{Embedded, Embedder};
pub use error::{ErrorKind, ModelError};
pub use key::CacheKey;
pub use limit::{Concurrency, Limiter, Limits, Sharing};
pub use meter::{Meter, Totals};
pub use price::{Price, PriceError, PriceTable, estimate_tokens, worst_case};
pub use provider::{Capabilities, Choice, Finish, Provider, Reply, Request, Usage};
pub use record::{Recorder, Recording};
pub use replay::Replay;
pub use retry::{Retry, RetryPolicy};
pub use scorer::{Assessment, Scorer, ScorerError, ScorerKind};
pub use scripted::Scripted;
pub use secret::{ApiKey, KeyError};
pub use split::Split;
pub use stack::{Stack, StackConfig};
pub use tls::install_tls;
pub use trunk::{Reading, Trunk};
