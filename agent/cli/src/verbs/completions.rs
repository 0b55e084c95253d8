//! `codeagent completions SHELL`: a completion script from the same definition as the command line.

use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs};
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Prints the script.
///
/// # Errors
/// Exit 70 if stdout fails.
pub fn completions(arguments: &CompletionsArgs, output: &mut Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "codeagent", &mut script);
    output.bytes(&script)?;
    Ok(Exit::Done)
}
