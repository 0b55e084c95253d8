//! `codeagent sandbox prepare|info|selftest|run`: the sandbox itself.

mod info;
mod prepare;
mod run;
mod selftest;

use crate::args::{Globals, SandboxAction, SandboxArgs};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Does what is asked.
///
/// # Errors
/// Exit 2 for settings, 4 for a sandbox that is not to be had, 6 for a request that can't be read.
pub async fn sandbox(
    arguments: &SandboxArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match &arguments.action {
        SandboxAction::Prepare => prepare::prepare(globals, environment, output).await,
        SandboxAction::Info => info::info(globals, environment, output).await,
        SandboxAction::Selftest(flags) => selftest::selftest(flags, globals, environment, output).await,
        SandboxAction::Run(flags) => run::run(flags, globals, environment, output).await,
    }
}
