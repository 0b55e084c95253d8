//! Opening a session with a candidate loaded in it.

use std::time::Duration;

use super::{Judge, JudgeOptions, rules};
use crate::error::SandboxError;
use crate::peer::{Claim, Peer, Reply};
use crate::program::Program;
use crate::value::Value;
use crate::verdict::{Failure, Verdict};

/// A program that can't be loaded, for its own fault.
pub(crate) struct Unloadable {
    pub(crate) verdict: Verdict,
    pub(crate) refusals: Vec<String>,
}

impl Judge {
    /// Loads `program` as a module within `load_limit`, in a session that may live for `wall`.
    pub(crate) async fn load(
        &self,
        program: &Program,
        load_limit: Duration,
        wall: Duration,
        options: &JudgeOptions,
    ) -> Result<Result<Peer, Unloadable>, SandboxError> {
        let limits = options.limits.with_wall(wall);
        let mut peer = Peer::open(&self.sandbox, b"", limits, options.seed).await?;
        let source = vec![("source", Value::str(program.source.as_str()))];
        let reply = peer.ask("load", source, load_limit).await?;
        let verdict = match &reply {
            Reply::Answer(answer) if answer.field("loaded") == Some(&Value::Bool(true)) => {
                return Ok(Ok(peer));
            }
            Reply::Answer(answer) => Some(refused(answer)),
            Reply::Garbled => Some(rules::failed(Failure::NoAnswer)),
            Reply::Ended => None,
        };
        let ending = peer.finish().await?;
        let verdict = verdict.unwrap_or_else(|| rules::of_ending(&ending));
        let verdict = rules::with_refusals(verdict, &ending.refusals);
        Ok(Err(Unloadable { verdict, refusals: ending.refusals }))
    }
}

fn refused(answer: &Value) -> Verdict {
    if let Some(failure) = rules::syntax(answer) {
        return rules::failed(failure);
    }
    match Claim::read(answer) {
        Some(Claim::Exception(problem)) => rules::of_problem(problem),
        _ => rules::failed(Failure::NoAnswer),
    }
}
