//! Scorers that flags and configuration name.

use std::path::Path;
use std::sync::Arc;

use codeagent::models::Scorer;
use codeagent::models::scorer;

use crate::environment::Environment;
use crate::failure::{Exit, Failure};

/// Opens a scorer's file.
///
/// # Errors
/// Exit 6 for a file that is none, or is damaged.
pub fn open(path: &Path, environment: &Environment) -> Result<Arc<dyn Scorer>, Failure> {
    scorer::open(&environment.directory().join(path)).map_err(|error| unusable(path, &error.source))
}

/// A scorer's file that can't be used.
#[must_use]
pub fn unusable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::Data, "the scorer cannot be used")
        .at(path.display().to_string())
        .caused_by(error)
        .hint("name a file that `codeagent critic train` or `codeagent reranker train` wrote")
}
