//! A case that is one call with its right answer.

use std::time::Duration;

use super::callee::{Answer, Callee};
use super::function::Judged;
use super::{Judge, JudgeOptions, checker, compare};
use crate::case::{Case, Checker, Test};
use crate::error::SandboxError;
use crate::literal::{CallAssertion, Expectation};
use crate::peer::{Arguments, Claim};
use crate::rules;
use crate::value::{Value, repr};
use crate::verdict::{Failure, Verdict};

/// A call with its right answer.
pub(super) struct CallTest {
    arguments: Arguments,
    expected: Expectation,
    checker: Checker,
}

impl CallTest {
    /// The case as a call: one from the start, or an assertion that reads as one.
    pub(super) fn of(case: &Case, entry: &str) -> Option<Self> {
        match &case.test {
            Test::Call { args, kwargs, expected, checker } => Some(Self {
                arguments: Arguments { args: args.clone(), kwargs: kwargs.clone() },
                expected: Expectation::Equal(expected.clone()),
                checker: checker.clone(),
            }),
            Test::Code { code, .. } => {
                let CallAssertion { entry: called, args, kwargs, expected } = CallAssertion::parse(code)?;
                (called == entry || called == "candidate").then_some(Self {
                    arguments: Arguments { args, kwargs },
                    expected,
                    checker: Checker::Exact,
                })
            }
            Test::Stdio { .. } => None,
        }
    }

    /// Whether its answer is compared here, without a checker program.
    pub(super) const fn is_plain(&self) -> bool {
        !matches!(self.checker, Checker::Program { .. })
    }

    pub(super) fn arguments(&self) -> Arguments {
        self.arguments.clone()
    }

    /// The verdict of a claim, where [`Self::is_plain`].
    pub(super) fn verdict_of(&self, claim: Claim) -> Verdict {
        of_claim(claim, &self.expected, &self.checker)
    }

    pub(super) async fn judge(
        &self,
        callee: &mut Callee<'_>,
        judge: &Judge,
        options: &JudgeOptions,
        time_limit: Duration,
    ) -> Result<Judged, SandboxError> {
        let verdict = match callee.call(&self.arguments, time_limit).await? {
            Answer::Claim((claim, _)) => self.verdict(claim, judge, options).await?,
            Answer::Verdict(verdict) | Answer::Ended(verdict) => verdict,
        };
        Ok(Judged { last_call: Some(self.arguments.clone()), ..verdict.into() })
    }

    async fn verdict(
        &self,
        claim: Claim,
        judge: &Judge,
        options: &JudgeOptions,
    ) -> Result<Verdict, SandboxError> {
        let (Claim::Value { value, .. }, Checker::Program { source }) = (&claim, &self.checker) else {
            return Ok(of_claim(claim, &self.expected, &self.checker));
        };
        let mut input = self.arguments.args.clone();
        if !self.arguments.kwargs.is_empty() {
            input.push(self.arguments.named());
        }
        let expected = self.expected.value().cloned().unwrap_or(Value::None);
        let wrong = || wrong(&self.expected, value);
        let arguments = vec![Value::List(input), expected, value.clone()];
        checker::verdict(&judge.sandbox, source, arguments, wrong, options).await
    }
}

/// The verdict of a call that came to this claim.
pub(super) fn of_claim(claim: Claim, expected: &Expectation, checker: &Checker) -> Verdict {
    match claim {
        Claim::Value { value, .. } if compare::value_is_right(&value, expected, checker) => Verdict::Passed,
        Claim::Value { value, .. } => rules::failed(wrong(expected, &value)),
        Claim::Exception(problem) => rules::of_problem(problem),
        Claim::NotPlain { what } => rules::failed(Failure::NotPlainData { what }),
    }
}

fn wrong(expected: &Expectation, actual: &Value) -> Failure {
    Failure::Wrong { expected: rules::cut(&expected.to_string()), actual: rules::cut(&repr(actual)) }
}
