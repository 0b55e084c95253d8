//! What running programs says of them: the facts that [`search::choose`](codeagent_search::choose) ranks samples by.
//!
//! Every program runs on the problem's visible tests, answers the same inputs, and passes or fails each test that a model
//! wrote. Most of those tests assert what one call returns: their inputs are what all programs answer, and they are judged
//! here from the answers, so that a test costs nothing beyond its input, and programs can be told apart by behaviour.

mod answer;
mod passages;
mod written;

use std::time::Duration;

use codeagent_sandbox::{Claim, Judge, JudgeOptions, Probe, Probed, Program, Report, SandboxError};
use codeagent_search::choose::evidence::Sample;

use crate::modules;
use crate::problem::{Entry, Problem};
use crate::program::assemble;
use crate::score::count;

pub use answer::digest;
pub use written::{Reading, WrittenTest, WrittenTests};

/// Runs programs for their evidence.
#[derive(Clone)]
pub struct Witness {
    judge: Judge,
    options: JudgeOptions,
    deadline: Duration,
}

impl Witness {
    /// A witness with these limits. `deadline` is the longest time of one call and of one test of the problem that takes
    /// longer; what all timed-out calls of a program may take together is `options.limits.wall`.
    #[must_use]
    pub const fn new(judge: Judge, options: JudgeOptions, deadline: Duration) -> Self {
        Self { judge, options, deadline }
    }

    /// What running `written`, a program or a completion of the problem's starter, says of it.
    ///
    /// # Errors
    /// [`SandboxError`] where it could not be run as promised. A program that fails is no error.
    ///
    /// # Cancellation
    /// Dropping the future kills the program.
    pub async fn observe(
        &self,
        problem: &Problem,
        written: &str,
        tests: &WrittenTests,
    ) -> Result<Sample, SandboxError> {
        let source = assemble(problem, written);
        let syntax = modules::fingerprint(&source);
        let length = count(source.chars().count());
        let mut sample =
            Sample { fingerprint: syntax.hash, parses: syntax.parses, length, ..Sample::default() };
        let entry = problem.entry.function().map(str::to_owned);
        let program = Program { source, entry };
        let visible = self.visible(problem, &program).await?;
        (sample.visible_passed, sample.visible_total) = (count(visible.passed()), count(visible.total()));
        sample.answers = match problem.entry {
            Entry::Stdio => visible.results.iter().map(answer::printed).collect(),
            Entry::Function { .. } => {
                let probe = self.probe(problem, &program, tests).await?;
                sample.passed = tests.passed(&probe);
                self.others(problem, &program, tests, &mut sample.passed).await?;
                probe.iter().map(answer::answer).collect()
            }
        };
        Ok(sample)
    }

    async fn visible(&self, problem: &Problem, program: &Program) -> Result<Report, SandboxError> {
        let mut cases = problem.visible.clone();
        for case in &mut cases {
            case.time_limit = case.time_limit.min(self.deadline);
        }
        self.judge.judge(program, &cases, &self.options(problem)).await
    }

    /// The program's answers to the shared inputs; none where it can't be loaded.
    async fn probe(
        &self,
        problem: &Problem,
        program: &Program,
        tests: &WrittenTests,
    ) -> Result<Vec<Option<Claim>>, SandboxError> {
        let inputs = tests.inputs();
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let probe = self.judge.probe(program, inputs, self.deadline, &self.options(problem)).await?;
        Ok(match probe {
            Probe::Answers(answers) => answers.into_iter().map(claim).collect(),
            Probe::Unloadable(_) => vec![None; inputs.len()],
        })
    }

    /// Runs the tests that are not about a single call.
    async fn others(
        &self,
        problem: &Problem,
        program: &Program,
        tests: &WrittenTests,
        passed: &mut [bool],
    ) -> Result<(), SandboxError> {
        let (places, cases): (Vec<usize>, Vec<_>) = tests.others(&problem.prelude, self.deadline).unzip();
        if cases.is_empty() {
            return Ok(());
        }
        let report = self.judge.judge(program, &cases, &self.options(problem)).await?;
        for (place, result) in places.into_iter().zip(&report.results) {
            if let Some(passed) = passed.get_mut(place) {
                *passed = result.verdict.is_passed();
            }
        }
        Ok(())
    }

    const fn options(&self, problem: &Problem) -> JudgeOptions {
        let mut options = self.options;
        options.limits = options.limits.with_memory_mib(problem.limits.memory_mib);
        options
    }
}

fn claim(probed: Probed) -> Option<Claim> {
    match probed {
        Probed::Claim(claim) => Some(claim),
        Probed::Ended(_) => None,
    }
}
