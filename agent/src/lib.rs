//! Code generation by search: a problem in, a program that passes out.

pub mod problem;

pub use codeagent_models as models;
pub use codeagent_prompts as prompts;
pub use codeagent_sandbox as sandbox;
pub use codeagent_search as search;
pub use codeagent_store as store;
