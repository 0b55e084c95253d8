//! Call tests and code tests of one program, case by case.

use std::time::{Duration, Instant};

use super::call::CallTest;
use super::callee::Callee;
use super::relay::{Relay, Tester};
use super::{CaseResult, Judge, JudgeOptions, check};
use crate::case::{Case, Test};
use crate::error::SandboxError;
use crate::literal::checked_calls;
use crate::peer::Arguments;
use crate::program::Program;
use crate::retry::Retries;
use crate::rules;
use crate::verdict::{Failure, Verdict};

/// The function tests of one program.
pub(super) struct FunctionRun<'a> {
    judge: &'a Judge,
    options: &'a JudgeOptions,
    entry: &'a str,
    callee: Callee<'a>,
    tester: Option<Tester>,
    /// Longest time that the cases may take together.
    wall: Duration,
}

/// How a case went.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// The statement of the test that failed.
    pub(super) assertion: Option<String>,
    /// The call that was made last.
    pub(super) last_call: Option<Arguments>,
}

impl From<Verdict> for Judged {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, assertion: None, last_call: None }
    }
}

impl<'a> FunctionRun<'a> {
    pub(super) fn new(
        judge: &'a Judge,
        program: &'a Program,
        cases: &[Case],
        options: &'a JudgeOptions,
    ) -> Self {
        let load_limit = cases.iter().map(|case| case.time_limit).max().unwrap_or_default();
        let wall = cases.iter().map(|case| case.time_limit).sum();
        Self {
            judge,
            options,
            entry: program.entry.as_deref().unwrap_or_default(),
            callee: Callee::new(judge, program, options, load_limit, wall),
            tester: None,
            wall,
        }
    }

    /// Judges one case, again with a fresh session where the machinery failed.
    pub(super) async fn result(&mut self, index: usize, case: &Case) -> Result<CaseResult, SandboxError> {
        let start = Instant::now();
        let judged = self.attempt(index, case).await?;
        let mut result = CaseResult::new(judged.verdict, start.elapsed());
        result.assertion = judged.assertion;
        Ok(result)
    }

    /// As [`Self::result`], for who wants to know the last call too.
    pub(super) async fn attempt(&mut self, index: usize, case: &Case) -> Result<Judged, SandboxError> {
        self.callee.begin(index);
        let mut retries = Retries::default();
        loop {
            match self.test(case).await {
                Ok(judged) => return Ok(judged),
                Err(error) => {
                    self.callee.reset();
                    self.tester = None;
                    retries.after(error)?;
                }
            }
        }
    }

    async fn test(&mut self, case: &Case) -> Result<Judged, SandboxError> {
        if let Some(call) = CallTest::of(case, self.entry) {
            return call.judge(&mut self.callee, self.judge, self.options, case.time_limit).await;
        }
        let Test::Code { setup, code } = &case.test else {
            return Ok(rules::failed(Failure::NoAnswer).into());
        };
        if let Some(calls) = checked_calls(setup, code, self.entry) {
            return check::judge(&mut self.callee, &calls, case.time_limit).await;
        }
        self.relay(setup, code, case.time_limit).await
    }

    /// Runs test code that can't be read as calls.
    async fn relay(
        &mut self,
        setup: &str,
        code: &str,
        time_limit: Duration,
    ) -> Result<Judged, SandboxError> {
        // Before the test's own session: a program that can't be loaded needs none.
        if let Some(verdict) = self.callee.load().await? {
            return Ok(verdict.into());
        }
        let tester = match self.tester.take() {
            Some(tester) if tester.setup == setup => tester,
            _ => {
                let sandbox = &self.judge.sandbox;
                match Tester::open(sandbox, setup, self.entry, self.options, self.wall).await? {
                    Ok(tester) => tester,
                    Err(verdict) => return Ok(verdict.into()),
                }
            }
        };
        let (judged, tester) = Relay::new(&mut self.callee, tester, time_limit).run(code).await?;
        self.tester = tester;
        Ok(judged)
    }

    /// Ends the sessions and blames what they were refused where that explains a failure; all that was refused.
    pub(super) async fn close(self, results: &mut [CaseResult]) -> Vec<String> {
        let mut all = Vec::new();
        for (cases, refusals) in self.callee.close().await {
            let last = cases.end.min(results.len());
            for result in results.get_mut(cases.start.min(last)..last).unwrap_or_default() {
                let verdict = std::mem::replace(&mut result.verdict, Verdict::Passed);
                result.verdict = rules::with_refusals(verdict, &refusals);
            }
            all.extend(refusals);
        }
        all
    }
}
