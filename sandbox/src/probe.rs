//! Runs a program on many inputs whose right answers nobody knows: what tells programs apart by their behaviour.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::judge::callee::{Answer, Callee};
use crate::judge::{Judge, JudgeOptions};
use crate::loaded::{Batch, CAREFUL_CALLS, Claims};
use crate::peer::{Arguments, Claim};
use crate::program::Program;
use crate::retry::Retries;
use crate::verdict::{Clock, Verdict};

/// What came of a probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// What came of each input, in order.
    Answers(Vec<Probed>),
    /// The program can't be loaded.
    Unloadable(Verdict),
}

/// What came of one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probed {
    /// The program claims this: a value, an exception, or something that is not plain data.
    Claim(Claim),
    /// The call ended the program, or was not answered, as this verdict says.
    Ended(Verdict),
}

impl Judge {
    /// Calls the program's entry point on every one of `inputs`, each call at most `deadline` long. A call that takes
    /// longer, or ends the program, costs the others nothing but a new start of the program; once such calls have used
    /// up `options.limits.wall`, the rest count as timed out without being made.
    ///
    /// Calls share a session, and a thousand quick ones share a few exchanges with it, unless `options.isolate_tests`.
    ///
    /// # Errors
    /// [`SandboxError`] where it could not be run as promised, after two retries where a retry can help.
    ///
    /// # Cancellation
    /// Dropping the future kills the program.
    pub async fn probe(
        &self,
        program: &Program,
        inputs: &[Arguments],
        deadline: Duration,
        options: &JudgeOptions,
    ) -> Result<Probe, SandboxError> {
        let calls = deadline.saturating_mul(u32::try_from(inputs.len()).unwrap_or(u32::MAX));
        let mut callee = Callee::new(self, program, options, deadline, calls);
        let mut probing = Probing::new(inputs, deadline, options.limits.wall);
        let mut retries = Retries::default();
        while !probing.is_over() {
            match probing.advance(&mut callee).await {
                Ok(None) => {}
                Ok(Some(unloadable)) => return Ok(Probe::Unloadable(unloadable)),
                Err(error) => {
                    callee.reset();
                    probing.goes_on = false;
                    retries.after(error)?;
                }
            }
        }
        callee.close().await;
        Ok(Probe::Answers(probing.answers))
    }
}

/// A probe under way.
struct Probing<'a> {
    inputs: &'a [Arguments],
    deadline: Duration,
    time_left: Duration,
    answers: Vec<Probed>,
    /// Calls that are still to be made one by one.
    careful: usize,
    /// Whether the last exchange left over the inputs that come next.
    goes_on: bool,
}

impl<'a> Probing<'a> {
    const fn new(inputs: &'a [Arguments], deadline: Duration, time: Duration) -> Self {
        Self { inputs, deadline, time_left: time, answers: Vec::new(), careful: 0, goes_on: false }
    }

    const fn is_over(&self) -> bool {
        self.answers.len() == self.inputs.len()
    }

    /// One exchange; why the program can't be loaded, if so.
    async fn advance(&mut self, callee: &mut Callee<'_>) -> Result<Option<Verdict>, SandboxError> {
        if self.time_left.is_zero() {
            let timeout = Verdict::Timeout { clock: Clock::Wall };
            self.answers.resize(self.inputs.len(), Probed::Ended(timeout));
            return Ok(None);
        }
        if let Some(unloadable) = callee.load().await? {
            return Ok(Some(unloadable));
        }
        let rest = self.inputs.get(self.answers.len()..).unwrap_or_default();
        let together = if self.careful > 0 { rest.get(..1).unwrap_or_default() } else { rest };
        let goes_on = std::mem::replace(&mut self.goes_on, false);
        let batch = Batch { inputs: together, goes_on, watched: false };
        match callee.call_many(batch, self.deadline).await? {
            Answer::Claim(Claims { claims, .. }) => {
                self.careful = self.careful.saturating_sub(1);
                self.goes_on = claims.len() < together.len();
                self.answers.extend(claims.into_iter().map(Probed::Claim));
            }
            Answer::Verdict(verdict) => self.answers.push(Probed::Ended(verdict)),
            Answer::Ended(verdict) => {
                if matches!(verdict, Verdict::Timeout { .. }) {
                    self.time_left = self.time_left.saturating_sub(self.deadline);
                }
                // Of several calls it is not known which of them it was.
                if together.len() == 1 {
                    self.answers.push(Probed::Ended(verdict));
                }
                self.careful = CAREFUL_CALLS;
            }
        }
        Ok(None)
    }
}
