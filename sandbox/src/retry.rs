//! Trying again what failed for the machinery's fault.

use crate::error::SandboxError;

/// Times that a session is opened anew after the machinery failed.
const RETRIES: usize = 2;

/// Counts failures of the machinery.
#[derive(Debug, Default)]
pub(crate) struct Retries(usize);

impl Retries {
    /// Ok where the same may be tried once more.
    pub(crate) fn after(&mut self, error: SandboxError) -> Result<(), SandboxError> {
        if self.0 == RETRIES || !error.is_retryable() {
            return Err(error);
        }
        self.0 += 1;
        tracing::warn!(error = %error, retry = self.0, "a sandbox session broke");
        Ok(())
    }
}
