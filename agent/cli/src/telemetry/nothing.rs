//! A program without the feature `otel`: it sends nothing. [`crate::config::check::offered`] says so to who asks for it.

use codeagent_benchmarks::batch::Activity;

use super::Sink;
use crate::args::Cli;
use crate::environment::Environment;
use crate::failure::Failure;

/// Nothing.
pub struct Telemetry;

impl Telemetry {
    /// Nothing.
    ///
    /// # Errors
    /// None.
    pub fn asked(_: &Cli, _: &Environment) -> Result<Option<Self>, Failure> {
        Ok(None)
    }

    /// Nothing.
    #[must_use]
    pub fn sink(&self) -> Option<Sink> {
        None
    }

    /// Does nothing.
    pub fn close(self) {}
}

/// Does nothing.
pub fn watch_queue(_: &Activity) {}
