//! The candidate as the judge calls it: loaded when it is first needed, loaded again after it ended, and loaded for
//! every call where calls are isolated.

use std::ops::Range;
use std::time::Duration;

use super::{Judge, JudgeOptions};
use crate::error::SandboxError;
use crate::loaded::{Batch, Called, CalledMany, Claims, Loaded};
use crate::peer::{Arguments, Claim};
use crate::program::Program;
use crate::rules;
use crate::verdict::{Failure, Verdict};

/// Time that a session gets beyond what its calls may take, for starting and ending.
const MARGIN: Duration = Duration::from_secs(5);

/// A program and the session that it is loaded in, if it is.
pub(crate) struct Callee<'a> {
    judge: &'a Judge,
    program: &'a Program,
    options: &'a JudgeOptions,
    load_limit: Duration,
    /// Longest time of the whole: every call and every load.
    wall: Duration,
    /// The case that is being judged.
    case: usize,
    /// The session, and the case that it was opened for.
    session: Option<(Loaded, usize)>,
    /// What loading came to, where the program can't be loaded.
    unloadable: Option<Verdict>,
    /// What ended sessions were refused, and which cases they had a part in.
    ended: Vec<(Range<usize>, Vec<String>)>,
}

/// What came of one call or of several.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// The program says this.
    Claim(T),
    /// No call was answered, for the program's own fault, as this verdict says.
    Verdict(Verdict),
    /// As `Verdict`, and the program ended over it.
    Ended(Verdict),
}

impl<'a> Callee<'a> {
    /// A callee that may be loaded for `load_limit` at a time, and called for `calls` in all.
    pub(crate) fn new(
        judge: &'a Judge,
        program: &'a Program,
        options: &'a JudgeOptions,
        load_limit: Duration,
        calls: Duration,
    ) -> Self {
        let wall = calls.saturating_add(load_limit).saturating_add(MARGIN);
        Self {
            judge,
            program,
            options,
            load_limit,
            wall,
            case: 0,
            session: None,
            unloadable: None,
            ended: Vec::new(),
        }
    }

    /// Whether every call has a session of its own.
    pub(super) const fn isolates(&self) -> bool {
        self.options.isolate_tests
    }

    /// Goes on to the calls of this case.
    pub(super) const fn begin(&mut self, case: usize) {
        self.case = case;
    }

    /// Gives the session up after the machinery failed; the next call opens another.
    pub(crate) fn reset(&mut self) {
        self.session = None;
    }

    /// Loads the program if it is not; why not, where that can't be done for its own fault.
    pub(crate) async fn load(&mut self) -> Result<Option<Verdict>, SandboxError> {
        if self.session.is_some() || self.unloadable.is_some() {
            return Ok(self.unloadable.clone());
        }
        let limits = self.options.limits.with_wall(self.wall);
        let seed = self.options.seed;
        match Loaded::open(&self.judge.sandbox, self.program, self.load_limit, limits, seed).await? {
            Ok(loaded) => self.session = Some((loaded, self.case)),
            Err(unloadable) => {
                self.ended.push((self.case..self.case, unloadable.refusals));
                self.unloadable = Some(unloadable.verdict);
            }
        }
        Ok(self.unloadable.clone())
    }

    /// One call, with the arguments as it leaves them, where they are still plain data.
    pub(super) async fn call(
        &mut self,
        arguments: &Arguments,
        deadline: Duration,
    ) -> Result<Answer<(Claim, Option<Arguments>)>, SandboxError> {
        if let Some(verdict) = self.load().await? {
            return Ok(Answer::Verdict(verdict));
        }
        let Some((loaded, _)) = &mut self.session else { return Ok(nothing()) };
        let (called, after) = loaded.call_and_look(arguments, deadline).await?;
        Ok(match called {
            Called::Claim(claim) => {
                self.called().await?;
                Answer::Claim((claim, after))
            }
            Called::Nonsense => {
                self.called().await?;
                nothing()
            }
            Called::Ended => Answer::Ended(self.end().await?),
        })
    }

    /// Some of the calls, from the first on, in one exchange: see [`Loaded::call_many`]. Only one where calls are
    /// isolated.
    pub(crate) async fn call_many(
        &mut self,
        batch: Batch<'_>,
        deadline: Duration,
    ) -> Result<Answer<Claims>, SandboxError> {
        if let Some(verdict) = self.load().await? {
            return Ok(Answer::Verdict(verdict));
        }
        let Some((loaded, _)) = &mut self.session else { return Ok(nothing()) };
        let batch = if self.options.isolate_tests {
            Batch { inputs: batch.inputs.get(..1).unwrap_or_default(), goes_on: false, ..batch }
        } else {
            batch
        };
        Ok(match loaded.call_many(batch, deadline).await? {
            CalledMany::Claims(claims) => {
                self.called().await?;
                Answer::Claim(claims)
            }
            CalledMany::Nonsense => {
                self.called().await?;
                nothing()
            }
            CalledMany::Ended => Answer::Ended(self.end().await?),
        })
    }

    /// Ends the session, if there is one; the next call opens another, which knows nothing of the calls before.
    pub(super) async fn renew(&mut self) -> Result<(), SandboxError> {
        self.end().await.map(drop)
    }

    /// After a call that the program survived.
    async fn called(&mut self) -> Result<(), SandboxError> {
        if self.options.isolate_tests {
            self.end().await?;
        }
        Ok(())
    }

    /// Ends the session; the verdict of a call that was not answered by then.
    async fn end(&mut self) -> Result<Verdict, SandboxError> {
        let Some((loaded, first)) = self.session.take() else {
            return Ok(rules::failed(Failure::NoAnswer));
        };
        let ending = loaded.finish().await?;
        let verdict = rules::of_ending(&ending);
        self.ended.push((first..self.case + 1, ending.refusals));
        Ok(verdict)
    }

    /// Ends what is left and tells what each session was refused and which cases it had a part in. A session that
    /// breaks here has given all its answers: what it was refused stays unknown, and that is all.
    pub(crate) async fn close(mut self) -> Vec<(Range<usize>, Vec<String>)> {
        if let Err(error) = self.end().await {
            tracing::warn!(error = %error, "a sandbox session broke at its end");
        }
        self.ended
    }
}

const fn nothing<T>() -> Answer<T> {
    Answer::Verdict(rules::failed(Failure::NoAnswer))
}
