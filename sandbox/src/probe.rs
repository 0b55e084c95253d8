//! Runs a program on many inputs whose right answers nobody knows: what tells programs apart by their behaviour.

use std::time::Duration;

use crate::error::SandboxError;
use crate::judge::{Judge, JudgeOptions, Retries, rules};
use crate::peer::{Arguments, Claim, Reply};
use crate::program::Program;
use crate::value::Value;
use crate::verdict::{Failure, Verdict};

/// What came of a probe.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe {
    /// One claim per input, in order.
    Answers(Vec<Claim>),
    /// The program did not get through all inputs, or could not be loaded.
    Failed(Verdict),
}

impl Judge {
    /// Calls the program's entry point on every one of `inputs`, in one session and one exchange, at most `deadline`
    /// long in all.
    ///
    /// # Errors
    /// [`SandboxError`] where it could not be run as promised, after two retries where a retry can help.
    pub async fn probe(
        &self,
        program: &Program,
        inputs: &[Arguments],
        deadline: Duration,
        options: &JudgeOptions,
    ) -> Result<Probe, SandboxError> {
        let mut retries = Retries::default();
        loop {
            match self.probe_once(program, inputs, deadline, options).await {
                Ok(probe) => return Ok(probe),
                Err(error) => retries.after(error)?,
            }
        }
    }

    async fn probe_once(
        &self,
        program: &Program,
        inputs: &[Arguments],
        deadline: Duration,
        options: &JudgeOptions,
    ) -> Result<Probe, SandboxError> {
        let mut peer = match self.load(program, deadline, deadline.saturating_mul(3), options).await? {
            Ok(peer) => peer,
            Err(unloadable) => return Ok(Probe::Failed(unloadable.verdict)),
        };
        let entry = program.entry.as_deref().unwrap_or_default();
        let inputs_sent = Value::List(inputs.iter().map(Arguments::pair).collect());
        let reply =
            peer.ask("probe", vec![("entry", Value::str(entry)), ("inputs", inputs_sent)], deadline).await?;
        if reply == Reply::Ended {
            let ending = peer.finish().await?;
            return Ok(Probe::Failed(rules::of_ending(&ending)));
        }
        let claims = claims(&reply).filter(|claims| claims.len() == inputs.len());
        Ok(claims.map_or_else(|| Probe::Failed(rules::failed(Failure::NoAnswer)), Probe::Answers))
    }
}

fn claims(reply: &Reply) -> Option<Vec<Claim>> {
    let Reply::Answer(answer) = reply else { return None };
    let Value::List(answers) = answer.field("answers")? else { return None };
    answers.iter().map(Claim::read).collect()
}
