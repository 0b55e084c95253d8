//! Call tests and code tests of one program, case by case.

use std::time::{Duration, Instant};

use super::call::CallTest;
use super::callee::{Answer, Callee};
use super::relay::{Relay, Tester};
use super::{CaseResult, Judge, JudgeOptions, check};
use crate::case::{Case, Test};
use crate::error::SandboxError;
use crate::literal::checked_calls;
use crate::loaded::{Batch, CAREFUL_CALLS, Claims, TOGETHER_MAX};
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
    /// Cases that are still to be judged one by one.
    careful: usize,
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
            careful: 0,
        }
    }

    /// Judges the first of `cases`, and those that follow where all are calls with the same time limit: these share an
    /// exchange, which is quick or given up. No result where they must be judged one by one from now on.
    pub(super) async fn results(
        &mut self,
        index: usize,
        cases: &[Case],
    ) -> Result<Vec<CaseResult>, SandboxError> {
        let Some(first) = cases.first() else { return Ok(Vec::new()) };
        let alike = |case: &&Case| case.time_limit == first.time_limit;
        let call = |case| CallTest::of(case, self.entry).filter(CallTest::is_plain);
        let together = self.careful == 0 && !self.options.isolate_tests;
        let calls: Vec<CallTest> =
            cases.iter().take_while(alike).take_while(|_| together).map_while(call).collect();
        if calls.len() > 1 {
            return Ok(self.together(index, &calls, first.time_limit).await);
        }
        self.careful = self.careful.saturating_sub(1);
        Ok(vec![self.result(index, first).await?])
    }

    async fn together(&mut self, index: usize, calls: &[CallTest], time_limit: Duration) -> Vec<CaseResult> {
        self.callee.begin(index);
        let inputs: Vec<Arguments> = calls.iter().map(CallTest::arguments).collect();
        let start = Instant::now();
        let batch = Batch { inputs: &inputs, goes_on: false, watched: false };
        // Later ones may depend on what those before them left behind, which are not made again.
        let deadline = if index == 0 { TOGETHER_MAX.min(time_limit) } else { time_limit };
        match self.callee.call_many(batch, deadline).await {
            Ok(Answer::Claim(Claims { claims, .. })) => {
                self.callee.begin(index + claims.len().saturating_sub(1));
                let judged = calls.iter().zip(claims).map(|(call, claim)| call.verdict_of(claim));
                judged.map(|verdict| CaseResult::new(verdict, start.elapsed())).collect()
            }
            Ok(Answer::Verdict(verdict)) => vec![CaseResult::new(verdict, start.elapsed())],
            Ok(Answer::Ended(_)) => {
                self.careful = CAREFUL_CALLS;
                Vec::new()
            }
            Err(error) => {
                tracing::warn!(error = %error, "a sandbox session broke");
                self.callee.reset();
                self.careful = 1;
                Vec::new()
            }
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
        // Before the test's own session: a program that can't be loaded needs none.
        if let Some(verdict) = self.callee.load().await? {
            return Ok(verdict.into());
        }
        let Judge { sandbox, rehearsals } = self.judge;
        if let Some(calls) = rehearsals.calls(sandbox, setup, code, self.entry, self.options).await? {
            if let Some(judged) = check::judge_rehearsed(&mut self.callee, &calls, case.time_limit).await? {
                return Ok(judged);
            }
            // The test must see a program that nobody has called.
            self.callee.renew().await?;
        }
        self.relay(setup, code, case.time_limit).await
    }

    /// Runs test code that must be run for this program.
    async fn relay(&mut self, setup: &str, code: &str, time_limit: Duration) -> Result<Judged, SandboxError> {
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
