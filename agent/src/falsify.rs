//! Looks for an input on which a program is wrong: a counterexample, as small as it gets.
//!
//! Inputs come from the visible tests, from values at the edges put in their place, and from their mutations; and from
//! whoever has more to offer. An oracle says what is right: a reference, or other programs where they agree. A program
//! that is right where the oracle is, by the problem's own checker, is not refuted.
//!
//! Source: Sinha et al. 2025, *Can Language Models Falsify? Evaluating Algorithmic Reasoning with Counterexample
//! Creation* (REFUTE), sections 3 and 4. Unlike there: a counterexample must fail on every one of five runs with
//! different seeds, each in a session of its own, and the oracle must hold on all of them; crashes and time-outs count
//! only where the oracle answers; and what is found is shrunk.

mod advice;
mod edges;
mod shrink;

use std::sync::Arc;

use codeagent_sandbox::case::{Case, Test};
use codeagent_sandbox::{
    Arguments, CaseResult, Claim, Failure, Judge, JudgeOptions, Limits, Probe, Probed, Program, Sandbox,
    SandboxError, Verdict,
};

use codeagent_prompts::questions::VALIDATOR;

use crate::answers::Answer;
use crate::examiner::{Examiner, program};
use crate::feedback::expected;
use crate::inputs::{self, Input};
use crate::modules::normalised_hash;
use crate::operators::TrialError;
use crate::problem::Problem;
use crate::program::assemble;
use crate::tool::traced;

pub use advice::{Advice, AdviceError, Adviser, Wanted};

/// Inputs that are tried together.
const BATCH: usize = 50;

/// Runs that a counterexample must fail, each with another seed.
const CONFIRMATIONS: u64 = 5;

/// Batches that shrinking may try.
const SHRINK_ROUNDS: usize = 200;

/// Programs that must agree before they are believed.
const AGREEING_MIN: usize = 2;

/// What is known to be right, or taken to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oracle {
    /// This program is right wherever it answers.
    Reference(String),
    /// Where at least two of these, and more than half of those that answer, agree, they are right. Programs that are
    /// equal up to names, and the program in question, count once. Those that a model wrote for the hunt join them.
    Agreement(Vec<String>),
}

/// How to look for a counterexample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FalsifyConfig {
    /// Inputs that are tried.
    pub tries: usize,
    /// Seed of the mutations.
    pub seed: u64,
    /// A program that says which inputs are valid: for a function, `valid(...)` with its arguments, by the truth of what
    /// it returns; for a program from stdin, by ending with status 0. Without one, inputs are valid on which the oracle
    /// answers.
    pub validator: Option<String>,
    /// Further inputs, tried after the visible ones: calls such as `f(1, [2])`, or texts for stdin.
    pub written: Vec<String>,
    /// What a model contributes; nothing unless one was asked ([`Adviser`]).
    pub advice: Advice,
}

impl Default for FalsifyConfig {
    fn default() -> Self {
        Self { tries: 500, seed: 0, validator: None, written: Vec::new(), advice: Advice::default() }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Falsification {
    /// The counterexample, if one was found.
    pub counterexample: Option<Counterexample>,
    /// Inputs on which the program was tried.
    pub tried: usize,
    /// Inputs left out as not valid, or because the oracle has no answer.
    pub invalid: usize,
    /// Inputs on which the program, or the oracle, is wrong at some times and right at others.
    pub flaky: usize,
    /// What was of use of a model's advice.
    pub advised: Advised,
}

/// What was of use of a model's advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Advised {
    /// Inputs that its generator made.
    pub inputs: usize,
    /// Whether its validator accepts the visible inputs, and so was believed.
    pub validator: bool,
    /// Its programs that pass the visible tests.
    pub programs: usize,
}

/// An input on which a program is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Counterexample {
    /// The test that the program fails: it may join a problem's visible tests.
    pub case: Case,
    /// The input as a person would write it.
    pub input: String,
    /// The right answer.
    pub expected: String,
    /// How the program fails.
    pub verdict: Verdict,
    /// The input that was found first, where it could be made smaller.
    pub found_as: Option<String>,
}

impl Counterexample {
    /// The kind of failure: `wrong-answer`, `crash` or `timeout`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.verdict {
            Verdict::Timeout { .. } => "timeout",
            Verdict::Failed { failure: Failure::Wrong { .. } } => "wrong-answer",
            _ => "crash",
        }
    }
}

/// Why no counterexample could be looked for.
#[derive(Debug, thiserror::Error)]
pub enum FalsifyError {
    /// The validator refuses an input of a visible test, so what it says of others is worth nothing.
    #[error("the validator refuses the visible input {input}")]
    Validator {
        /// The input.
        input: String,
    },
    /// There is nothing to start from.
    #[error("the problem has no visible test whose input can be read, and no input was given")]
    NoInput,
    /// The oracle fails a visible test.
    #[error("the reference fails the visible test {test}")]
    Reference {
        /// The test.
        test: String,
    },
    /// A program could not be run as promised.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

impl FalsifyError {
    /// What it is, in a word.
    const fn name(&self) -> &'static str {
        match self {
            Self::Validator { .. } => "validator",
            Self::NoInput => "no_input",
            Self::Reference { .. } => "reference",
            Self::Sandbox(error) => error.name(),
        }
    }
}

impl From<TrialError> for FalsifyError {
    fn from(error: TrialError) -> Self {
        match error {
            TrialError::Sandbox(error) => Self::Sandbox(error),
            // Without a model and a store there is no other error.
            other => Self::Sandbox(SandboxError::Host {
                action: "trying inputs".to_owned(),
                source: std::io::Error::other(other.to_string()),
            }),
        }
    }
}

/// Looks for an input of `problem` on which `written`, a program or a completion, is wrong.
///
/// # Errors
/// [`FalsifyError`] where reference or validator contradict the visible tests, there is no input to start from, or the
/// sandbox fails.
///
/// # Cancellation
/// Dropping the future kills the programs.
pub async fn falsify(
    sandbox: Arc<dyn Sandbox>,
    limits: Limits,
    problem: &Problem,
    written: &str,
    oracle: &Oracle,
    config: &FalsifyConfig,
) -> Result<Falsification, FalsifyError> {
    let mut hunt = Hunt::new(sandbox, limits, problem, written, oracle, config);
    let hunting = async {
        hunt.check_oracle().await?;
        hunt.take_advice(&config.advice).await?;
        hunt.look(config).await
    };
    traced("falsify", "", FalsifyError::name, hunting).await
}

/// One program that is looked at.
struct Hunt<'a> {
    problem: &'a Problem,
    suspect: Program,
    oracles: Vec<String>,
    agreeing: usize,
    validator: Option<&'a str>,
    /// Inputs that a model's generator made.
    generated: Vec<Input>,
    advised: Advised,
    judge: Judge,
    examiner: Examiner,
    limits: Limits,
}

/// Inputs as tests, and how many were not fit to be one.
#[derive(Default)]
struct Batch {
    inputs: Vec<Input>,
    cases: Vec<Case>,
    invalid: usize,
}

impl<'a> Hunt<'a> {
    fn new(
        sandbox: Arc<dyn Sandbox>,
        limits: Limits,
        problem: &'a Problem,
        written: &str,
        oracle: &Oracle,
        config: &'a FalsifyConfig,
    ) -> Self {
        let source = assemble(problem, written);
        let (programs, agreeing) = match oracle {
            Oracle::Reference(reference) => (std::slice::from_ref(reference), 1),
            Oracle::Agreement(programs) => (programs.as_slice(), AGREEING_MIN),
        };
        let mut seen = std::collections::BTreeSet::new();
        if agreeing > 1 {
            seen.insert(normalised_hash(&source));
        }
        let mut oracles: Vec<String> = programs.iter().map(|written| assemble(problem, written)).collect();
        oracles.retain(|source| seen.insert(normalised_hash(source)));
        let limits = limits.with_memory_mib(problem.limits.memory_mib);
        Self {
            problem,
            suspect: program(problem, &source),
            oracles,
            agreeing,
            validator: config.validator.as_deref(),
            generated: Vec::new(),
            advised: Advised::default(),
            judge: Judge::new(Arc::clone(&sandbox)),
            examiner: Examiner::new(sandbox, None, limits),
            limits,
        }
    }

    /// A reference must pass the visible tests, a validator accept their inputs.
    async fn check_oracle(&self) -> Result<(), FalsifyError> {
        if let ([reference], 1) = (self.oracles.as_slice(), self.agreeing) {
            let reference = program(self.problem, reference);
            let report = self.judge.judge(&reference, &self.problem.visible, &self.options()).await?;
            let failed = report.results.iter().zip(&self.problem.visible);
            if let Some((_, case)) = failed.into_iter().find(|(result, _)| !result.verdict.is_passed()) {
                return Err(FalsifyError::Reference { test: case.name.clone() });
            }
        }
        match self.refused().await? {
            Some(input) => Err(FalsifyError::Validator { input: self.show(&input) }),
            None => Ok(()),
        }
    }

    /// A visible input that the validator refuses.
    async fn refused(&self) -> Result<Option<Input>, FalsifyError> {
        let visible = inputs::visible(self.problem);
        let valid = self.valid(&visible).await?;
        Ok(visible.into_iter().zip(valid).find(|(_, valid)| !valid).map(|(input, _)| input))
    }

    /// Takes what a model wrote, as far as the visible tests bear it out.
    async fn take_advice(&mut self, advice: &'a Advice) -> Result<(), FalsifyError> {
        if let Some(generator) = &advice.generator {
            self.generated = advice::generated(&self.examiner, self.problem, generator).await?;
            self.advised.inputs = self.generated.len();
        }
        if let (None, Some(validator)) = (self.validator, &advice.validator) {
            self.validator = Some(validator);
            self.advised.validator = self.refused().await?.is_none();
            self.validator = self.validator.filter(|_| self.advised.validator);
        }
        if self.agreeing == AGREEING_MIN {
            for written in &advice.programs {
                self.take_program(written).await?;
            }
        }
        Ok(())
    }

    async fn take_program(&mut self, written: &str) -> Result<(), FalsifyError> {
        let source = assemble(self.problem, written);
        let plain = program(self.problem, &source);
        let report = self.judge.judge(&plain, &self.problem.visible, &self.options()).await?;
        if !report.is_passed() {
            return Ok(());
        }
        self.advised.programs += 1;
        let known = self.oracles.iter().chain([&self.suspect.source]).map(|known| normalised_hash(known));
        if !known.into_iter().any(|known| known == normalised_hash(&source)) {
            self.oracles.push(source);
        }
        Ok(())
    }

    async fn look(&self, config: &FalsifyConfig) -> Result<Falsification, FalsifyError> {
        let advised = self.advised;
        let mut result = Falsification { counterexample: None, tried: 0, invalid: 0, flaky: 0, advised };
        if let Some(found) = self.visible().await? {
            result.counterexample = Some(found);
            return Ok(result);
        }
        let inputs = self.inputs(config);
        if inputs.is_empty() {
            return Err(FalsifyError::NoInput);
        }
        for some in inputs.chunks(BATCH) {
            let batch = self.batch(some).await?;
            result.tried += batch.cases.len();
            result.invalid += batch.invalid;
            for (input, case) in self.failing(&batch).await? {
                match self.confirmed(&case).await? {
                    Some(verdict) => {
                        result.counterexample = Some(self.smallest(input, case, verdict).await?);
                        return Ok(result);
                    }
                    None => result.flaky += 1,
                }
            }
        }
        Ok(result)
    }

    /// A visible test that the program fails: it needs no oracle, and is not made smaller.
    async fn visible(&self) -> Result<Option<Counterexample>, FalsifyError> {
        for case in &self.problem.visible {
            if let Some(verdict) = self.confirmed_alone(case).await? {
                let expected = expected(case).unwrap_or_else(|| case.name.clone());
                let input = case.name.clone();
                let case = case.clone();
                return Ok(Some(Counterexample { case, input, expected, verdict, found_as: None }));
            }
        }
        Ok(None)
    }

    /// Visible inputs first, then what was given, what a model made, values at the edges, mutations.
    fn inputs(&self, config: &FalsifyConfig) -> Vec<Input> {
        let visible = inputs::visible(self.problem);
        let written = config.written.iter().filter_map(|text| inputs::written(self.problem, text));
        // A model's inputs are at most a quarter of what is tried, edges at most half.
        let generated = self.generated.iter().take(config.tries / 4).cloned();
        let edges = edges::inputs(&visible, config.tries / 2);
        let first = inputs::distinct(visible.into_iter().chain(written).chain(generated).chain(edges));
        let count = config.tries.saturating_sub(first.len());
        let mutations = inputs::mutations(self.problem, count, config.seed);
        let mut all = inputs::distinct(first.into_iter().chain(mutations));
        all.truncate(config.tries);
        all
    }

    /// The inputs that are valid and that the oracle answers, as tests.
    async fn batch(&self, inputs: &[Input]) -> Result<Batch, FalsifyError> {
        let mut answers = Vec::new();
        for source in &self.oracles {
            answers.push(self.examiner.probe(self.problem, source, inputs).await?);
        }
        let valid = self.valid(inputs).await?;
        let mut batch = Batch::default();
        for (index, (input, valid)) in inputs.iter().zip(valid).enumerate() {
            let of_all: Vec<&Answer> = answers.iter().filter_map(|answers| answers.get(index)).collect();
            let case = self.right(&of_all).filter(|_| valid).and_then(|right| self.case(input, right));
            match case {
                Some(case) => {
                    batch.inputs.push(input.clone());
                    batch.cases.push(case);
                }
                None => batch.invalid += 1,
            }
        }
        Ok(batch)
    }

    /// The answer that the oracle believes in.
    fn right<'b>(&self, answers: &[&'b Answer]) -> Option<&'b Answer> {
        let given: Vec<&'b Answer> = answers.iter().copied().filter(|answer| !answer.is_error()).collect();
        let checker = &self.problem.checker;
        let votes = |answer: &Answer| given.iter().filter(|other| answer.is_like(other, checker)).count();
        let first = given.iter().copied().max_by_key(|answer| votes(answer))?;
        let count = votes(first);
        (count >= self.agreeing && 2 * count > given.len()).then_some(first)
    }

    fn case(&self, input: &Input, right: &Answer) -> Option<Case> {
        let checker = self.problem.checker.clone();
        let test = match (input, right) {
            (Input::Call(Arguments { args, kwargs }), Answer::Value(expected)) => {
                Test::Call { args: args.clone(), kwargs: kwargs.clone(), expected: expected.clone(), checker }
            }
            (Input::Stdin(text), Answer::Output(expected)) => {
                Test::Stdio { input: text.clone(), expected: expected.clone(), checker }
            }
            _ => return None,
        };
        Some(Case { name: self.show(input), test, time_limit: self.problem.limits.time })
    }

    /// Whether the validator accepts each input; all are valid without one.
    async fn valid(&self, inputs: &[Input]) -> Result<Vec<bool>, FalsifyError> {
        let Some(source) = self.validator else { return Ok(vec![true; inputs.len()]) };
        if self.problem.entry.function().is_none() {
            let answers = self.examiner.probe(self.problem, source, inputs).await?;
            return Ok(answers.iter().map(|answer| !answer.is_error()).collect());
        }
        let calls: Vec<Arguments> = inputs
            .iter()
            .map(|input| match input {
                Input::Call(arguments) => arguments.clone(),
                // No problem has both.
                Input::Stdin(_) => Arguments::default(),
            })
            .collect();
        let probe = self.examiner.probe_function(self.problem, source.to_owned(), VALIDATOR, &calls).await?;
        let Probe::Answers(answers) = probe else { return Ok(vec![false; inputs.len()]) };
        let accepts = |probed: &Probed| matches!(probed, Probed::Claim(Claim::Value { value, .. }) if value.is_truthy());
        Ok(answers.iter().map(accepts).collect())
    }

    /// The tests of a batch that the program fails when they are run together.
    async fn failing(&self, batch: &Batch) -> Result<Vec<(Input, Case)>, FalsifyError> {
        if batch.cases.is_empty() {
            return Ok(Vec::new());
        }
        let report = self.judge.judge(&self.suspect, &batch.cases, &self.options()).await?;
        let all = batch.inputs.iter().zip(&batch.cases).zip(&report.results);
        let failing = all.filter(|(_, result)| !result.verdict.is_passed());
        Ok(failing.map(|((input, case), _)| (input.clone(), case.clone())).collect())
    }

    /// How the program fails a test on every run, where the oracle passes it on every run.
    async fn confirmed(&self, case: &Case) -> Result<Option<Verdict>, FalsifyError> {
        let Some(verdict) = self.confirmed_alone(case).await? else { return Ok(None) };
        for seed in 0..CONFIRMATIONS {
            let mut passed = 0;
            for source in &self.oracles {
                let oracle = program(self.problem, source);
                passed += usize::from(self.run(&oracle, case, seed).await?.verdict.is_passed());
            }
            if passed < self.agreeing {
                return Ok(None);
            }
        }
        Ok(Some(verdict))
    }

    async fn confirmed_alone(&self, case: &Case) -> Result<Option<Verdict>, FalsifyError> {
        let mut first = None;
        for seed in 0..CONFIRMATIONS {
            let result = self.run(&self.suspect, case, seed).await?;
            if result.verdict.is_passed() {
                return Ok(None);
            }
            first.get_or_insert(result.verdict);
        }
        Ok(first)
    }

    async fn run(&self, program: &Program, case: &Case, seed: u64) -> Result<CaseResult, SandboxError> {
        let options = JudgeOptions { seed, isolate_tests: true, ..self.options() };
        let report = self.judge.judge(program, std::slice::from_ref(case), &options).await?;
        let nothing = || Verdict::Failed { failure: Failure::NoAnswer };
        Ok(report.results.into_iter().next().unwrap_or_else(|| CaseResult {
            verdict: nothing(),
            assertion: None,
            wall: std::time::Duration::ZERO,
            stdout: String::new(),
            stderr: String::new(),
        }))
    }

    /// Makes the input smaller as long as the program keeps failing.
    async fn smallest(
        &self,
        mut input: Input,
        mut case: Case,
        mut verdict: Verdict,
    ) -> Result<Counterexample, FalsifyError> {
        let first = self.show(&input);
        let mut rounds = 0;
        let mut candidates = shrink::smaller(&input);
        while !candidates.is_empty() && rounds < SHRINK_ROUNDS {
            rounds += 1;
            let rest = candidates.split_off(candidates.len().min(BATCH));
            let some = std::mem::replace(&mut candidates, rest);
            let batch = self.batch(&some).await?;
            for (smaller, smaller_case) in self.failing(&batch).await? {
                if let Some(found) = self.confirmed(&smaller_case).await? {
                    (input, case, verdict) = (smaller, smaller_case, found);
                    candidates = shrink::smaller(&input);
                    break;
                }
            }
        }
        let shown = self.show(&input);
        let expected = expected(&case).unwrap_or_default();
        let found_as = (first != shown).then_some(first);
        Ok(Counterexample { case, input: shown, expected, verdict, found_as })
    }

    fn show(&self, input: &Input) -> String {
        input.show(self.problem.entry.function())
    }

    const fn options(&self) -> JudgeOptions {
        JudgeOptions { limits: self.limits, seed: 0, isolate_tests: false, stop_at_first_failure: false }
    }
}
