//! Errors of the machinery. A program that fails is no error; it has a [`crate::Verdict`].

use std::path::PathBuf;

/// The sandbox could not run a program as promised. Never scored as the program's fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// A layer of containment that was asked for is not to be had.
    #[error("the {backend} sandbox lacks {what}: {remedy}")]
    Unavailable {
        /// Name of the back-end.
        backend: &'static str,
        /// What is missing.
        what: String,
        /// What the user can do.
        remedy: String,
    },
    /// The request asks for what this back-end does not do.
    #[error("the sandbox does not offer {what}: {remedy}")]
    Unsupported {
        /// What is not offered.
        what: String,
        /// What the caller can do.
        remedy: String,
    },
    /// A system call or file operation of the host failed.
    #[error("{action} failed")]
    Host {
        /// What was being done.
        action: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The compiled interpreter could not be prepared or loaded.
    #[error("could not prepare the interpreter in {path}: {reason}")]
    Prepare {
        /// The cache file or folder.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The worker that ran the program ended or answered out of order.
    #[error("a sandbox worker broke: {reason}")]
    Worker {
        /// What was seen.
        reason: String,
    },
}

impl SandboxError {
    /// What it is, in a word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Unsupported { .. } => "unsupported",
            Self::Host { .. } => "host",
            Self::Prepare { .. } => "prepare",
            Self::Worker { .. } => "worker",
        }
    }

    /// Whether the same request may succeed when tried again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Host { .. } | Self::Worker { .. })
    }
}
