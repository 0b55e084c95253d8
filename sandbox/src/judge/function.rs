//! Call tests and code tests: one loaded candidate for many calls, loaded again after it was killed.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::relay::{Relay, Tester};
use super::{CaseResult, Judge, JudgeOptions, Retries, compare, rules};
use crate::case::{Case, Checker, Test};
use crate::error::SandboxError;
use crate::literal::{CallAssertion, Expectation};
use crate::peer::{Arguments, Claim, Peer, Reply};
use crate::program::Program;
use crate::value::{Value, repr};
use crate::verdict::{Failure, Verdict};

/// Time that a session gets beyond what its calls may take, for starting and ending.
const MARGIN: Duration = Duration::from_secs(5);

/// The function tests of one program.
pub(super) struct FunctionRun<'a> {
    judge: &'a Judge,
    program: &'a Program,
    options: &'a JudgeOptions,
    /// Longest time of the whole: every call and every load.
    wall: Duration,
    load_limit: Duration,
    loaded: Option<Loaded>,
    tester: Option<Tester>,
    /// What loading came to, where the program can't be loaded: the verdict of every case.
    unloadable: Option<Verdict>,
    pub(super) refusals: Vec<String>,
    /// What ended sessions were refused, and which cases they had judged.
    ended: Vec<(Range<usize>, Vec<String>)>,
}

/// A session with the candidate in it.
pub(super) struct Loaded {
    pub(super) peer: Peer,
    first_case: usize,
}

/// How a case went: its verdict, and whether the session can serve the next.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) assertion: Option<String>,
    pub(super) last_call: Option<Arguments>,
    pub(super) alive: bool,
}

impl Judged {
    pub(super) const fn alive(verdict: Verdict) -> Self {
        Self { verdict, assertion: None, last_call: None, alive: true }
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
        let calls: Duration = cases.iter().map(|case| case.time_limit).sum();
        Self {
            judge,
            program,
            options,
            wall: calls + load_limit + MARGIN,
            load_limit,
            loaded: None,
            tester: None,
            unloadable: None,
            refusals: Vec::new(),
            ended: Vec::new(),
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
        let mut retries = Retries::default();
        loop {
            match self.once(index, case).await {
                Ok(judged) => return Ok(judged),
                Err(error) => {
                    self.loaded = None;
                    self.tester = None;
                    retries.after(error)?;
                }
            }
        }
    }

    async fn once(&mut self, index: usize, case: &Case) -> Result<Judged, SandboxError> {
        if self.loaded.is_none() && self.unloadable.is_none() {
            self.unloadable = self.load(index).await?;
        }
        if let Some(verdict) = &self.unloadable {
            return Ok(Judged::alive(verdict.clone()));
        }
        let Some(mut loaded) = self.loaded.take() else {
            return Ok(Judged::alive(rules::failed(Failure::NoAnswer)));
        };
        let mut judged = self.test(&mut loaded, case).await?;
        if !judged.alive || self.options.isolate_tests {
            let alive = judged.alive;
            let ending = loaded.peer.finish().await?;
            let verdict = if alive { judged.verdict } else { rules::of_ending(&ending) };
            judged.verdict = rules::with_refusals(verdict, &ending.refusals);
            self.ended.push((loaded.first_case..index, ending.refusals));
        } else {
            self.loaded = Some(loaded);
        }
        Ok(judged)
    }

    /// Opens a session and loads the program; a verdict where that fails for the program's own fault.
    async fn load(&mut self, index: usize) -> Result<Option<Verdict>, SandboxError> {
        match self.judge.load(self.program, self.load_limit, self.wall, self.options).await? {
            Ok(peer) => {
                self.loaded = Some(Loaded { peer, first_case: index });
                Ok(None)
            }
            Err(unloadable) => {
                self.ended.push((index..index, unloadable.refusals));
                Ok(Some(unloadable.verdict))
            }
        }
    }

    async fn test(&mut self, loaded: &mut Loaded, case: &Case) -> Result<Judged, SandboxError> {
        let entry = self.program.entry.as_deref().unwrap_or_default();
        if let Some(call) = CallTest::of(case, entry) {
            return call.judge(loaded, entry, case.time_limit).await;
        }
        let Test::Code { setup, code } = &case.test else {
            return Ok(Judged::alive(rules::failed(Failure::NoAnswer)));
        };
        let tester = match self.tester.take() {
            Some(tester) if tester.setup == *setup => tester,
            _ => match Tester::open(&self.judge.sandbox, setup, entry, self.options, self.wall).await? {
                Ok(tester) => tester,
                Err(verdict) => return Ok(Judged::alive(verdict)),
            },
        };
        let (judged, tester) = Relay::new(&mut loaded.peer, tester, entry, case.time_limit).run(code).await?;
        self.tester = tester;
        Ok(judged)
    }

    /// Ends the session and blames what it was refused where that explains a failure. A session that breaks here has
    /// given all its answers: what it was refused stays unknown, and that is all.
    pub(super) async fn close(&mut self, results: &mut [CaseResult]) {
        if let Some(loaded) = self.loaded.take() {
            match loaded.peer.finish().await {
                Ok(ending) => self.ended.push((loaded.first_case..results.len(), ending.refusals)),
                Err(error) => tracing::warn!(error = %error, "a sandbox session broke at its end"),
            }
        }
        for (cases, refusals) in std::mem::take(&mut self.ended) {
            for result in results.get_mut(cases).unwrap_or_default() {
                let verdict = std::mem::replace(&mut result.verdict, Verdict::Passed);
                result.verdict = rules::with_refusals(verdict, &refusals);
            }
            self.refusals.extend(refusals);
        }
    }
}

/// A call with its right answer.
struct CallTest {
    arguments: Arguments,
    expected: Expectation,
    checker: Checker,
}

impl CallTest {
    /// The case as a call: one from the start, or an assertion that reads as one.
    fn of(case: &Case, entry: &str) -> Option<Self> {
        match &case.test {
            Test::Call { args, kwargs, expected, checker } => Some(Self {
                arguments: Arguments { args: args.clone(), kwargs: kwargs.clone() },
                expected: Expectation::Equal(expected.clone()),
                checker: *checker,
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

    async fn judge(
        &self,
        loaded: &mut Loaded,
        entry: &str,
        time_limit: Duration,
    ) -> Result<Judged, SandboxError> {
        let mut fields = vec![("entry", Value::str(entry))];
        fields.extend(self.arguments.fields());
        let mut judged = match loaded.peer.ask("call", fields, time_limit).await? {
            Reply::Answer(answer) => Judged::alive(self.verdict(Claim::read(&answer))),
            Reply::Garbled => Judged::alive(rules::failed(Failure::NoAnswer)),
            Reply::Ended => Judged { alive: false, ..Judged::alive(rules::failed(Failure::NoAnswer)) },
        };
        judged.last_call = Some(self.arguments.clone());
        Ok(judged)
    }

    fn verdict(&self, claim: Option<Claim>) -> Verdict {
        match claim {
            Some(Claim::Value { value, .. })
                if compare::value_is_right(&value, &self.expected, self.checker) =>
            {
                Verdict::Passed
            }
            Some(Claim::Value { value, .. }) => rules::failed(Failure::Wrong {
                expected: rules::cut(&self.expected.to_string()),
                actual: rules::cut(&repr(&value)),
            }),
            Some(Claim::Exception(problem)) => rules::of_problem(problem),
            Some(Claim::NotPlain { what }) => rules::failed(Failure::NotPlainData { what }),
            None => rules::failed(Failure::NoAnswer),
        }
    }
}
