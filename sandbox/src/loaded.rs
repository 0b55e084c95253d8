//! A program loaded in a session of its own, to be called: by the judge, by a probe, by whoever wants its values.

use std::sync::Arc;
use std::time::Duration;

use crate::error::SandboxError;
use crate::limits::Limits;
use crate::peer::{Arguments, Claim, Peer, Reply};
use crate::program::Program;
use crate::rules;
use crate::session::{Ending, Sandbox};
use crate::value::Value;
use crate::verdict::{Failure, Verdict};

/// A program that has run as a module and waits to be called. Dropping it kills it.
///
/// State that calls leave behind is seen by the calls after them. Whether an answer is right is none of its business.
pub struct Loaded {
    peer: Peer,
    entry: String,
}

/// A program that can't be loaded, for its own fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Unloadable {
    /// Why.
    pub verdict: Verdict,
    /// What it tried and was refused.
    pub refusals: Vec<String>,
}

/// What came of one call.
#[derive(Debug, Clone, PartialEq)]
pub enum Called {
    /// The program says this.
    Claim(Claim),
    /// It answered, but said nothing that could be understood. It can be called again.
    Nonsense,
    /// It ended, or was ended, instead; [`Loaded::finish`] says how.
    Ended,
}

/// What came of some calls at once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CalledMany {
    /// One claim or more: those of the first inputs.
    Claims(Claims),
    /// As [`Called::Nonsense`].
    Nonsense,
    /// As [`Called::Ended`].
    Ended,
}

/// Claims of some calls, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claims {
    pub(crate) claims: Vec<Claim>,
    /// Whether a call changed its arguments, where that was to be watched.
    pub(crate) mutated: bool,
}

/// Longest time for the calls of one exchange where all calls that the session has seen can be made again, one by one and
/// in a session of their own: that costs little, tells which call it is, and most often one before it has settled the
/// matter. The driver answers earlier, unless a single call takes that long (`SLICE_S` there).
pub(crate) const TOGETHER_MAX: Duration = Duration::from_millis(100);

/// Calls that are made one by one after one of several has ended the program. What ends it often comes in rows.
pub(crate) const CAREFUL_CALLS: usize = 8;

/// Some calls to be made in one exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    pub(crate) inputs: &'a [Arguments],
    /// Whether these are the inputs that the exchange before left over.
    pub(crate) goes_on: bool,
    /// Whether to look if calls change their arguments, which costs as much as encoding them twice.
    pub(crate) watched: bool,
}

impl Loaded {
    /// Runs `program` as a module within `load_limit`, in a session with these limits. The inner error is the program's
    /// own fault.
    ///
    /// # Errors
    /// [`SandboxError`] where it could not be run as promised.
    ///
    /// # Cancellation
    /// Dropping the future kills the program.
    pub async fn open(
        sandbox: &Arc<dyn Sandbox>,
        program: &Program,
        load_limit: Duration,
        limits: Limits,
        seed: u64,
    ) -> Result<Result<Self, Unloadable>, SandboxError> {
        let mut peer = Peer::open(sandbox, b"", limits, seed).await?;
        let source = vec![("source", Value::str(program.source.as_str()))];
        let reply = peer.ask("load", source, load_limit).await?;
        let verdict = match &reply {
            Reply::Answer(answer) if answer.field("loaded") == Some(&Value::Bool(true)) => {
                let entry = program.entry.clone().unwrap_or_default();
                return Ok(Ok(Self { peer, entry }));
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

    /// Calls the entry point, at most `deadline` long; a call that takes longer ends the program.
    ///
    /// # Errors
    /// [`SandboxError`] if the machinery failed.
    ///
    /// # Cancellation
    /// Dropping the future kills the program.
    pub async fn call(&mut self, arguments: &Arguments, deadline: Duration) -> Result<Called, SandboxError> {
        let (called, _) = self.exchange(arguments, false, deadline).await?;
        Ok(called)
    }

    /// As [`Self::call`], and the arguments as the call has left them, where they are still plain data.
    pub(crate) async fn call_and_look(
        &mut self,
        arguments: &Arguments,
        deadline: Duration,
    ) -> Result<(Called, Option<Arguments>), SandboxError> {
        self.exchange(arguments, true, deadline).await
    }

    async fn exchange(
        &mut self,
        arguments: &Arguments,
        mutated: bool,
        deadline: Duration,
    ) -> Result<(Called, Option<Arguments>), SandboxError> {
        let mut fields = vec![("entry", Value::str(self.entry.as_str())), ("mutated", Value::Bool(mutated))];
        fields.extend(arguments.fields());
        Ok(match self.peer.ask("call", fields, deadline).await? {
            Reply::Answer(answer) => {
                (Claim::read(&answer).map_or(Called::Nonsense, Called::Claim), Arguments::read(&answer))
            }
            Reply::Garbled => (Called::Nonsense, None),
            Reply::Ended => (Called::Ended, None),
        })
    }

    /// Calls the entry point on one after the other of the inputs, within one exchange of at most `deadline`, and returns
    /// when all are through or at a good opportunity before.
    pub(crate) async fn call_many(
        &mut self,
        batch: Batch<'_>,
        deadline: Duration,
    ) -> Result<CalledMany, SandboxError> {
        let fields = vec![
            ("entry", Value::str(self.entry.as_str())),
            ("inputs", Value::List(batch.inputs.iter().map(Arguments::pair).collect())),
            ("goes_on", Value::Bool(batch.goes_on)),
            ("mutated", Value::Bool(batch.watched)),
        ];
        Ok(match self.peer.ask("probe", fields, deadline).await? {
            Reply::Answer(answer) => claims(&answer)
                .filter(|claims| !claims.is_empty() && claims.len() <= batch.inputs.len())
                .map_or(CalledMany::Nonsense, |claims| {
                    let mutated = answer.field("mutated") != Some(&Value::Bool(false));
                    CalledMany::Claims(Claims { claims, mutated: batch.watched && mutated })
                }),
            Reply::Garbled => CalledMany::Nonsense,
            Reply::Ended => CalledMany::Ended,
        })
    }

    /// Ends the program and says how it ended and what it left.
    ///
    /// # Errors
    /// [`SandboxError`] if the machinery failed.
    pub async fn finish(self) -> Result<Ending, SandboxError> {
        self.peer.finish().await
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

fn claims(answer: &Value) -> Option<Vec<Claim>> {
    let Value::List(answers) = answer.field("answers")? else { return None };
    answers.iter().map(Claim::read).collect()
}
