//! Runs one whole program and says what happened, without judging its output.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::judge::Retries;
use crate::judge::stdio;
use crate::limits::Limits;
use crate::program::Program;
use crate::session::{Cause, Sandbox, Usage};
use crate::verdict::Verdict;

/// What came of running a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// `Passed` where it ended by itself with status 0.
    pub verdict: Verdict,
    /// Its status, where it ended by itself.
    pub exit: Option<i32>,
    /// What it wrote to stdout, cut at the output limit.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr, cut at the output limit.
    pub stderr: Vec<u8>,
    /// What it used.
    pub usage: Usage,
    /// What it tried and was refused.
    pub refusals: Vec<String>,
}

/// Runs `program` as a script with `stdin` as its input, at most `limits.wall` long.
///
/// # Errors
/// [`SandboxError`] where it could not be run as promised, after two retries where a retry can help.
///
/// # Cancellation
/// Dropping the future kills the program.
pub async fn run_program(
    sandbox: &Arc<dyn Sandbox>,
    program: &Program,
    stdin: &[u8],
    limits: Limits,
    seed: u64,
) -> Result<Execution, SandboxError> {
    let mut retries = Retries::default();
    loop {
        match stdio::run(sandbox, &program.source, stdin, limits, limits.wall, seed).await {
            Ok((verdict, ending)) => {
                let exit = match ending.cause {
                    Cause::Exited { status } => Some(status),
                    _ => None,
                };
                let (stdout, stderr) = (ending.stdout, ending.stderr);
                let (usage, refusals) = (ending.usage, ending.refusals);
                return Ok(Execution { verdict, exit, stdout, stderr, usage, refusals });
            }
            Err(error) => retries.after(error)?,
        }
    }
}
