//! The `codeagent` command: flags and files become values, values become streams and an exit code.
//!
//! Nothing here knows an algorithm. The shape of every invocation: [`args`] reads the command line, [`config`] merges it
//! with files and the environment, a verb of [`verbs`] does its work against the library and writes its result to an
//! [`output::Output`], and whatever goes wrong is a [`failure::Failure`] with an exit code and a remedy.
//! `main.rs` puts these together; it alone holds the process's stdout.

pub mod agents;
pub mod answers;
pub mod args;
pub mod batches;
#[cfg(feature = "nats")]
pub mod cluster;
pub mod config;
pub mod environment;
pub mod escape;
pub mod events;
pub mod failure;
pub mod figures;
pub mod input;
pub mod live;
pub mod local_model;
pub mod logging;
pub mod metrics;
pub mod model;
pub mod output;
pub mod panic_report;
pub mod problems;
pub mod progress;
pub mod run_folder;
pub mod sandboxes;
pub mod scorers;
pub mod selection;
pub mod signals;
pub mod stores;
pub mod story;
pub mod strategies;
pub mod tally;
pub mod telemetry;
pub mod verbs;
pub mod verdicts;
pub mod view;
pub mod web;
