//! The judge: turns a program and its test cases into runs, and the runs into a report.
//!
//! Candidate code runs in a session of its own (role P) and is sent inputs only; it answers with claims. Right answers
//! stay on this side, or, for test code that can't be read as a comparison, in a second session (role T) that candidate
//! code never enters and whose calls are relayed. So there is nothing to forge, read or patch.
//!
//! The rules fail closed: no answer, half an answer, an answer to another question are all failures.

mod call;
pub(crate) mod callee;
mod check;
mod checker;
mod compare;
mod function;
mod rehearsal;
mod relay;
mod stdio;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::case::{Case, Test};
use crate::error::SandboxError;
use crate::limits::Limits;
use crate::peer::Arguments;
use crate::program::Program;
use crate::retry::Retries;
use crate::rules;
use crate::session::{Ending, Level, Sandbox};
use crate::verdict::{Clock, Verdict};

/// Judges programs in one sandbox. Its clones share what it has learned of tests.
#[derive(Clone)]
pub struct Judge {
    pub(crate) sandbox: Arc<dyn Sandbox>,
    rehearsals: Arc<rehearsal::Rehearsals>,
}

/// How programs are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JudgeOptions {
    /// Limits of a session. Time is limited per case; once timed-out cases have used up `limits.wall`, the remaining
    /// ones count as timed out without a run.
    pub limits: Limits,
    /// Seeds randomness and hash order inside.
    pub seed: u64,
    /// A fresh session for every single call, those of test code among them, so that state kept between calls can't
    /// matter. For final scores.
    pub isolate_tests: bool,
    /// Leaves out the cases after the first that fails.
    pub stop_at_first_failure: bool,
}

/// What came of a program's cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// One result per case, in order; fewer where the judge stopped at a failure.
    pub results: Vec<CaseResult>,
    /// Cases that the program was to be judged on.
    pub cases: usize,
    /// What the program tried and was refused, without repetitions.
    pub refusals: Vec<String>,
    /// Name of the back-end.
    pub backend: String,
    /// How strongly the program was contained.
    pub level: Level,
}

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// The verdict.
    pub verdict: Verdict,
    /// The statement of the test that failed, where the case is test code.
    pub assertion: Option<String>,
    /// Wall-clock time of the case, as the host saw it; of calls that were made in one exchange, of that exchange.
    pub wall: Duration,
    /// What the program wrote to stdout, cut in the middle; for call tests empty.
    pub stdout: String,
    /// What the program wrote to stderr, cut in the middle; for call tests empty.
    pub stderr: String,
}

impl Report {
    /// Cases passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.results.iter().filter(|result| result.verdict.is_passed()).count()
    }

    /// Cases that the program was to be judged on.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.cases
    }

    /// Whether every case passed (true of no cases at all).
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.passed() == self.total()
    }
}

impl CaseResult {
    pub(crate) const fn new(verdict: Verdict, wall: Duration) -> Self {
        Self { verdict, assertion: None, wall, stdout: String::new(), stderr: String::new() }
    }
}

impl Judge {
    /// A judge whose runs happen in `sandbox`.
    #[must_use]
    pub fn new(sandbox: Arc<dyn Sandbox>) -> Self {
        Self { sandbox, rehearsals: Arc::default() }
    }

    /// Judges `program` on `cases`, in order.
    ///
    /// # Errors
    /// [`SandboxError`] where a case could not be run as promised, after two retries where a retry can help.
    ///
    /// # Cancellation
    /// Dropping the future kills what runs; nothing of the report is kept.
    pub async fn judge(
        &self,
        program: &Program,
        cases: &[Case],
        options: &JudgeOptions,
    ) -> Result<Report, SandboxError> {
        let mut function = function::FunctionRun::new(self, program, cases, options);
        let mut docket = Docket::new(options, cases.len());
        let mut index = 0;
        while let Some(case) = cases.get(index) {
            if docket.is_closed(case) {
                index += 1;
                continue;
            }
            if let Test::Stdio { input, expected, checker } = &case.test {
                let test = stdio::StdioTest { input, expected, checker, time_limit: case.time_limit };
                let (result, refusals) = self.stdio(program, &test, options).await?;
                docket.add(case, result, refusals);
                index += 1;
            } else {
                let rest = cases.get(index..).unwrap_or_default();
                for (case, result) in rest.iter().zip(function.results(index, rest).await?) {
                    index += 1;
                    if !docket.stopped {
                        docket.add(case, result, Vec::new());
                    }
                }
            }
        }
        let refusals = function.close(&mut docket.results).await;
        docket.note(refusals);
        Ok(self.report(docket))
    }

    /// The call that a function case makes, the last one where it is test code that makes several.
    pub(crate) async fn last_call(
        &self,
        program: &Program,
        case: &Case,
        options: &JudgeOptions,
    ) -> Result<Option<Arguments>, SandboxError> {
        if let Test::Call { args, kwargs, .. } = &case.test {
            return Ok(Some(Arguments { args: args.clone(), kwargs: kwargs.clone() }));
        }
        let mut run = function::FunctionRun::new(self, program, std::slice::from_ref(case), options);
        Ok(run.attempt(0, case).await?.last_call)
    }

    fn report(&self, mut docket: Docket) -> Report {
        let capabilities = self.sandbox.capabilities();
        for result in &mut docket.results {
            rules::explain_absence(&mut result.verdict, &capabilities);
        }
        Report {
            results: docket.results,
            cases: docket.cases,
            refusals: docket.refusals,
            backend: capabilities.backend,
            level: capabilities.level,
        }
    }

    async fn stdio(
        &self,
        program: &Program,
        test: &stdio::StdioTest<'_>,
        options: &JudgeOptions,
    ) -> Result<(CaseResult, Vec<String>), SandboxError> {
        let mut retries = Retries::default();
        loop {
            match stdio::judge(&self.sandbox, program, test, options).await {
                Ok(judged) => return Ok(judged),
                Err(error) => retries.after(error)?,
            }
        }
    }
}

/// The results so far and what they cost.
struct Docket {
    results: Vec<CaseResult>,
    refusals: Vec<String>,
    cases: usize,
    time_left: Duration,
    stop_at_failure: bool,
    stopped: bool,
}

impl Docket {
    const fn new(options: &JudgeOptions, cases: usize) -> Self {
        Self {
            results: Vec::new(),
            refusals: Vec::new(),
            cases,
            time_left: options.limits.wall,
            stop_at_failure: options.stop_at_first_failure,
            stopped: false,
        }
    }

    /// Whether `case` is not to be run. Where the time is used up it gets its verdict here. Counted in time limits and
    /// not in time, so that a busy machine changes no report.
    fn is_closed(&mut self, case: &Case) -> bool {
        if !self.stopped && self.time_left.is_zero() {
            let timeout = Verdict::Timeout { clock: Clock::Wall };
            self.add(case, CaseResult::new(timeout, Duration::ZERO), Vec::new());
            return true;
        }
        self.stopped
    }

    fn add(&mut self, case: &Case, result: CaseResult, refusals: Vec<String>) {
        if matches!(result.verdict, Verdict::Timeout { .. }) {
            self.time_left = self.time_left.saturating_sub(case.time_limit);
        }
        self.stopped |= self.stop_at_failure && !result.verdict.is_passed();
        self.results.push(result);
        self.note(refusals);
    }

    fn note(&mut self, refusals: Vec<String>) {
        for refusal in refusals {
            if !self.refusals.contains(&refusal) {
                self.refusals.push(refusal);
            }
        }
    }
}

/// The output of an ending, fit to show.
pub(crate) fn shown_output(ending: &Ending) -> (String, String) {
    let shown = |bytes: &[u8]| rules::cut(&String::from_utf8_lossy(bytes));
    (shown(&ending.stdout), shown(&ending.stderr))
}
