//! Answers: language models behind one trait.

pub mod error;
pub mod provider;

pub use codeagent_prompts::{Message, Role};
pub use error::{ErrorKind, ModelError};
pub use provider::{Capabilities, Choice, Finish, Provider, Reply, Request, Usage};
