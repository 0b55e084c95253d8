//! Test code in a session of its own (role T), whose calls of the entry point are carried to the candidate's (role P).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::JudgeOptions;
use super::callee::{Answer, Callee};
use super::function::Judged;
use crate::error::SandboxError;
use crate::peer::{Arguments, Claim, Peer, Problem, Reply, text};
use crate::rules;
use crate::session::Sandbox;
use crate::value::Value;
use crate::verdict::{Failure, Verdict};

/// Least time for test code itself: a short limit is meant for the candidate.
pub(super) const TEST_TIME_MIN: Duration = Duration::from_secs(10);

/// A session with test code loaded.
pub(super) struct Tester {
    peer: Peer,
    pub(super) setup: String,
}

impl Tester {
    /// Opens a session and runs `setup`, in which the entry point's name stands for the candidate. The inner error is
    /// the verdict of a case whose test code can't be loaded.
    pub(super) async fn open(
        sandbox: &Arc<dyn Sandbox>,
        setup: &str,
        entry: &str,
        options: &JudgeOptions,
        wall: Duration,
    ) -> Result<Result<Self, Verdict>, SandboxError> {
        let limits = options.limits.with_wall(wall + TEST_TIME_MIN);
        let mut peer = Peer::open(sandbox, b"", limits, options.seed).await?;
        let names = Value::List(vec![Value::str("candidate"), Value::str(entry)]);
        let fields = vec![("setup", Value::str(setup)), ("names", names)];
        match peer.ask("test_load", fields, TEST_TIME_MIN).await? {
            Reply::Answer(answer) if answer.field("loaded") == Some(&Value::Bool(true)) => {
                Ok(Ok(Self { peer, setup: setup.to_owned() }))
            }
            Reply::Answer(answer) => Ok(Err(outcome(&answer).verdict)),
            Reply::Garbled => Ok(Err(rules::failed(Failure::NoAnswer))),
            Reply::Ended => Ok(Err(rules::of_ending(&peer.finish().await?))),
        }
    }
}

/// One code test under way.
pub(super) struct Relay<'a, 'c> {
    candidate: &'a mut Callee<'c>,
    tester: Tester,
    /// What the candidate's calls may still take together.
    candidate_time: Duration,
    /// What the test code may still take.
    test_time: Duration,
}

impl<'a, 'c> Relay<'a, 'c> {
    pub(super) fn new(candidate: &'a mut Callee<'c>, tester: Tester, time_limit: Duration) -> Self {
        Self { candidate, tester, candidate_time: time_limit, test_time: time_limit.max(TEST_TIME_MIN) }
    }

    /// Runs the test; how it went, and the tester where it can run another.
    pub(super) async fn run(mut self, code: &str) -> Result<(Judged, Option<Tester>), SandboxError> {
        let mut reply = self.ask_test("test_run", vec![("code", Value::str(code))]).await?;
        let mut last_call = None;
        loop {
            let answer = match reply {
                Reply::Answer(answer) => answer,
                Reply::Garbled => return Ok((rules::failed(Failure::NoAnswer).into(), None)),
                Reply::Ended => {
                    let ending = self.tester.peer.finish().await?;
                    return Ok((rules::of_ending(&ending).into(), None));
                }
            };
            let Some(call) = answer.field("call").and_then(Arguments::read) else {
                return Ok((Judged { last_call, ..outcome(&answer) }, Some(self.tester)));
            };
            let called = self.call(&call).await?;
            last_call = Some(call);
            match called {
                Ok(fields) => reply = self.ask_test("answer", fields).await?,
                // The test waits for an answer that it will not get, so its session ends here too.
                Err(verdict) => return Ok((Judged { last_call, ..verdict.into() }, None)),
            }
        }
    }

    /// Has the candidate carry out one call: what to tell the test, or the verdict of the case.
    async fn call(
        &mut self,
        call: &Arguments,
    ) -> Result<Result<Vec<(&'static str, Value)>, Verdict>, SandboxError> {
        let start = Instant::now();
        let answer = self.candidate.call(call, self.candidate_time).await?;
        self.candidate_time = self.candidate_time.saturating_sub(start.elapsed());
        let (claim, after) = match answer {
            Answer::Claim(claimed) => claimed,
            Answer::Verdict(verdict) | Answer::Ended(verdict) => return Ok(Err(verdict)),
        };
        let claim = match claim {
            Claim::NotPlain { what } => return Ok(Err(rules::failed(Failure::NotPlainData { what }))),
            // The test can't answer for these: they end the case whatever it would do.
            Claim::Exception(problem) if ["MemoryError", "SystemExit"].contains(&problem.class.as_str()) => {
                return Ok(Err(rules::of_problem(problem)));
            }
            claim => claim,
        };
        let mut fields = vec![("claim", claim.to_value())];
        fields.extend(after.into_iter().flat_map(|after| after.fields()));
        Ok(Ok(fields))
    }

    async fn ask_test(&mut self, op: &str, fields: Vec<(&str, Value)>) -> Result<Reply, SandboxError> {
        let start = Instant::now();
        let reply = self.tester.peer.ask(op, fields, self.test_time).await?;
        self.test_time = self.test_time.saturating_sub(start.elapsed());
        Ok(reply)
    }
}

/// What the test code says at its end. It is trusted with this: candidate code is never in its interpreter.
fn outcome(answer: &Value) -> Judged {
    let assertion = text(answer, "assertion").filter(|assertion| !assertion.is_empty());
    Judged { assertion, ..verdict(answer).into() }
}

fn verdict(answer: &Value) -> Verdict {
    if answer.field("passed") == Some(&Value::Bool(true)) {
        return Verdict::Passed;
    }
    if let Some(wrong) = answer.field("wrong") {
        let side = |name| rules::cut(&text(wrong, name).unwrap_or_default());
        return rules::failed(Failure::Wrong { expected: side("expected"), actual: side("actual") });
    }
    if let Some(problem) = answer.field("exception").and_then(Problem::read) {
        return rules::of_problem(problem);
    }
    if let Some(error) = answer.field("syntax") {
        let message = format!("in the test: {}", text(error, "message").unwrap_or_default());
        return rules::failed(Failure::Exception { class: "SyntaxError".into(), message, line: None });
    }
    text(answer, "unsupported").map_or_else(
        || rules::failed(Failure::NoAnswer),
        |what| rules::failed(Failure::NotPlainData { what }),
    )
}
