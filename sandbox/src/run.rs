//! Runs one whole program and says what happened, without judging its output.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::limits::Limits;
use crate::peer::{Peer, Problem, Reply, text};
use crate::program::Program;
use crate::retry::Retries;
use crate::rules;
use crate::session::{Cause, Ending, Level, Sandbox, Usage};
use crate::value::Value;
use crate::verdict::Verdict;

/// Time that a session gets beyond its program's, for starting and ending.
const MARGIN: Duration = Duration::from_secs(2);

/// One program to be run as a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// The program; its entry does not matter.
    pub program: Program,
    /// Bytes on its standard input.
    pub stdin: Vec<u8>,
    /// Limits; the program may run for `limits.wall`.
    pub limits: Limits,
    /// Seeds randomness inside, and hash order where the back-end can.
    pub seed: u64,
    /// Files in the folder that the program starts in, by relative path. Not every back-end has files.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// What came of running a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
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
    /// What it was held by.
    pub enforced: Enforced,
}

/// What a program was held by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// Name of the back-end.
    pub backend: String,
    /// How strongly the program was contained.
    pub level: Level,
    /// The limits that it had. Which of them the back-end enforces, and how, its capabilities say.
    pub limits: Limits,
}

/// Runs a program as a script, at most `limits.wall` long.
///
/// # Errors
/// [`SandboxError`] where it could not be run as promised, after two retries where a retry can help.
///
/// # Cancellation
/// Dropping the future kills the program.
pub async fn run_program(sandbox: &Arc<dyn Sandbox>, run: &Run) -> Result<Outcome, SandboxError> {
    let limits = run.limits.with_wall(run.limits.wall.saturating_add(MARGIN)).with_cpu(run.limits.cpu);
    let mut retries = Retries::default();
    let (mut verdict, ending) = loop {
        match run_once(sandbox, run, limits, run.limits.wall).await {
            Ok(ended) => break ended,
            Err(error) => retries.after(error)?,
        }
    };
    let exit = match ending.cause {
        Cause::Exited { status } => Some(status),
        _ => None,
    };
    let capabilities = sandbox.capabilities();
    rules::explain_absence(&mut verdict, &capabilities);
    let enforced = Enforced { backend: capabilities.backend, level: capabilities.level, limits: run.limits };
    let Ending { stdout, stderr, usage, refusals, .. } = ending;
    Ok(Outcome { verdict, exit, stdout, stderr, usage, refusals, enforced })
}

/// Runs a whole program once, in a session with these limits. The verdict says nothing yet of its output.
pub(crate) async fn run_once(
    sandbox: &Arc<dyn Sandbox>,
    run: &Run,
    limits: Limits,
    deadline: Duration,
) -> Result<(Verdict, Ending), SandboxError> {
    let mut peer = Peer::open(sandbox, &run.stdin, limits, run.seed).await?;
    if !run.files.is_empty() {
        put_files(sandbox, &mut peer, run, deadline).await?;
    }
    let source = vec![("source", Value::str(run.program.source.as_str()))];
    let reply = peer.ask("run", source, deadline).await?;
    let ending = peer.finish().await?;
    Ok((verdict(&reply, &ending), ending))
}

/// The machinery comes first, then what the driver says was uncaught, then the status. A program may leave without an
/// answer (`os._exit`): its output is the claim, and its status is the machinery's.
fn verdict(reply: &Reply, ending: &Ending) -> Verdict {
    if let Some(verdict) = rules::of_cause(ending) {
        return verdict;
    }
    if let Reply::Answer(answer) = reply {
        if let Some(failure) = rules::syntax(answer) {
            return rules::failed(failure);
        }
        if let Some(problem) = answer.field("exception").and_then(Problem::read) {
            return rules::with_refusals(rules::of_problem(problem), &ending.refusals);
        }
    }
    match ending.cause {
        Cause::Exited { status: 0 } => Verdict::Passed,
        _ => rules::of_ending(ending),
    }
}

/// Has the driver lay the files into the program's folder, inside the containment and within its limits.
async fn put_files(
    sandbox: &Arc<dyn Sandbox>,
    peer: &mut Peer,
    run: &Run,
    deadline: Duration,
) -> Result<(), SandboxError> {
    let refuse = |what: String, remedy: &str| SandboxError::Unsupported { what, remedy: remedy.to_owned() };
    if !sandbox.capabilities().files {
        return Err(refuse("files for programs".into(), "use the local sandbox, or the program's input"));
    }
    if let Some(path) = run.files.keys().find(|path| !is_inside(path)) {
        return Err(refuse(format!("a file at `{path}`"), "name files by relative paths without `..`"));
    }
    let files =
        run.files.iter().map(|(path, bytes)| (Value::str(path.as_str()), Value::Bytes(bytes.clone())));
    let reply = peer.ask("put", vec![("files", Value::Dict(files.collect()))], deadline).await?;
    match reply {
        Reply::Answer(answer) if answer.field("put") == Some(&Value::Bool(true)) => Ok(()),
        Reply::Answer(answer) => {
            let reason = text(&answer, "failed").unwrap_or_default();
            Err(refuse(format!("room for the program's files ({reason})"), "raise `temp_mib`, or give less"))
        }
        Reply::Garbled | Reply::Ended => {
            Err(SandboxError::Worker { reason: "the program's files could not be written".into() })
        }
    }
}

fn is_inside(path: &str) -> bool {
    let mut components = Path::new(path).components().peekable();
    components.peek().is_some() && components.all(|component| matches!(component, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{block_on, sandbox};

    fn run(source: &str, files: &[(&str, &[u8])]) -> Run {
        Run {
            program: Program { source: source.into(), entry: None },
            files: files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect(),
            ..Run::default()
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for path in ["/etc/passwd", "../up", "a/../../b", ""] {
            let error = block_on(run_program(&sandbox(), &run("", &[(path, b"x")]))).unwrap_err();
            assert!(error.to_string().contains(path) && error.to_string().contains("relative"), "{error}");
        }
        assert!(is_inside("a/b.txt") && !is_inside("a/../b"));
    }
}
