//! Numbers of a batch under way, for whoever watches it: `GET /metrics` in Prometheus' text format.
//!
//! A [`board::Board`] counts what goes through the model and the sandbox that it is put around ([`calls`], [`programs`])
//! and is told the rest; a [`server::Server`] shows it on a port. Nothing is counted where no port is given. The page
//! holds numbers and words of ours alone: no problem, prompt, program or test.

pub mod board;
pub mod calls;
pub mod histogram;
pub mod page;
pub mod programs;
pub mod server;
