//! Errors of model calls, sorted by what can be done about them.

use std::time::Duration;

/// What can be done about a [`ModelError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A passing fault of server or network: worth another try.
    Transient,
    /// Too many requests: worth another try, later and with fewer in flight.
    RateLimited,
    /// The request itself is wrong; the same again will fail again.
    BadRequest,
    /// The prompt does not fit the model's context.
    ContextTooLong,
    /// Credentials refused or missing, the quota used up, or the server away for longer than the retry layer
    /// waits: stop the run.
    Refused,
    /// The content filter took the answer.
    Filtered,
    /// Replay or cache-only mode has no answer to this request.
    NotRecorded,
    /// A file of ours (cassette, store) could not be read or written.
    Storage,
}

impl ErrorKind {
    /// Its name, as in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::RateLimited => "rate_limited",
            Self::BadRequest => "bad_request",
            Self::ContextTooLong => "context_too_long",
            Self::Refused => "refused",
            Self::Filtered => "filtered",
            Self::NotRecorded => "not_recorded",
            Self::Storage => "storage",
        }
    }
}

/// A model call that gave no reply.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    kind: ErrorKind,
    message: String,
    retry_after: Option<Duration>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ModelError {
    /// An error of a kind with a message that says what happened; never contains a key.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, source: None }
    }

    /// The same error with the wait that the server asked for.
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// The same error in other words; its cause stays.
    #[must_use]
    pub(crate) fn with_message(mut self, message: String) -> Self {
        self.message = message;
        self
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What can be done about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// How long the server asked us to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether another try may succeed.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Transient | ErrorKind::RateLimited)
    }
}
