//! Code generation by search: a problem in, a program that passes out.
//!
//! This crate composes the others: [`Agent`] pairs a model with a sandbox, has a search method decide, and carries its
//! decisions out. Every step is an [`event::Event`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use codeagent::{Agent, Problem, Status, Strategy, models::Scripted, sandbox::wasm::WasmSandbox};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = Scripted::answering(|_, _| "```python\ndef double(x):\n    return 2 * x\n```".to_owned());
//! let agent = Agent::builder()
//!     .provider(Arc::new(model))
//!     .sandbox(Arc::new(WasmSandbox::new()?))
//!     .strategy(Strategy::resample())
//!     .build()?;
//! let problem = Problem::function("demo/double", "double", "Double a number.").example("double(2) == 4")?;
//! let outcome = agent.solve(problem).outcome().await;
//! assert_eq!(outcome.status, Status::Solved);
//! # Ok(())
//! # }
//! ```

mod answers;
mod assertion;
mod bill;
mod builder;
mod digest;
mod driver;
pub mod event;
pub mod evidence;
mod examiner;
pub mod falsify;
mod feedback;
mod inputs;
pub mod learned;
mod log;
pub mod modules;
mod notebook;
mod operators;
mod pause;
mod probes;
pub mod problem;
pub mod program;
mod purse;
mod replies;
mod run;
mod score;
pub mod sketch;
pub mod solution;
pub mod strategy;
mod task;
mod tool;

pub use bill::{Attempt, Paid};
pub use builder::{Agent, AgentBuilder, BuildError};
pub use codeagent_models as models;
pub use codeagent_prompts as prompts;
pub use codeagent_sandbox as sandbox;
pub use codeagent_search as search;
pub use codeagent_store as store;
pub use event::{Event, EventKind};
pub use operators::Sampling;
pub use pause::Pause;
pub use problem::{Entry, ExampleError, Problem, ProblemLimits};
pub use purse::Purse;
pub use replies::StoredReplies;
pub use run::{Run, RunHandle, RunSpec};
pub use sketch::{Sketch, SketchError};
pub use solution::{Outcome, Solution, Status};
pub use strategy::Strategy;

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
