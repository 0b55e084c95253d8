//! What a model contributes to the hunt: a generator of inputs, a validator, and plain programs that may be right.
//!
//! Source: Sinha et al. 2025 (REFUTE), sections 3 and 4: the generator is asked for with the suspected program in sight,
//! plain programs ("brute force") without. Nothing of it is taken on trust: the hunt drops a validator that refuses a
//! visible input and programs that fail a visible test.

use codeagent_models::{ModelError, PriceTable, Provider, Request};
use codeagent_prompts::questions::{GENERATOR, InputValidator, PlainProgram, RefuteProgram};
use codeagent_prompts::{PromptError, Question};
use codeagent_sandbox::{Arguments, Claim, Probe, Probed, Value};
use codeagent_search::Cost;

use crate::examiner::Examiner;
use crate::inputs::{self, Input};
use crate::operators::{Sampling, TrialError};
use crate::problem::Problem;
use crate::program::assemble;
use crate::task;

/// Plain programs that are asked for. Two must agree to be believed, and one may be wrong.
const PROGRAMS: u32 = 3;
/// Inputs that a generator is to make per seed.
const INPUTS: usize = 20;
/// Seeds that it is called with.
const SEEDS: i64 = 5;
/// Temperature of plain programs, which should differ; everything else is asked for at 0.
const VARIED: f64 = 0.8;
/// Longest answer in tokens, unless the user says otherwise.
const OUTPUT_TOKENS: u32 = 2048;

/// What to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// A validator; not needed where there is one.
    pub validator: bool,
    /// Plain programs; not needed where there is a reference.
    pub programs: bool,
}

/// What a model wrote for a hunt. Empty where none was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advice {
    /// Source that defines `inputs(seed)`.
    pub generator: Option<String>,
    /// Source that defines `valid`, or a whole program.
    pub validator: Option<String>,
    /// Programs for the problem.
    pub programs: Vec<String>,
    /// What was paid.
    pub cost: Cost,
    /// Whether the price of every answer was known.
    pub is_priced: bool,
}

/// Why a model could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AdviceError {
    /// It did not answer.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A question could not be put.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}

/// Whom to ask, and how.
pub struct Adviser<'a> {
    /// The model.
    pub model: &'a dyn Provider,
    /// What its tokens cost.
    pub prices: &'a PriceTable,
    /// The user's sampling settings.
    pub sampling: Sampling,
    /// Seed of the requests.
    pub seed: u64,
}

impl Adviser<'_> {
    /// Asks what the model can contribute to refuting `written`: one request for each kind of thing. An answer that can't
    /// be read is nothing.
    ///
    /// # Errors
    /// [`AdviceError`] where the model does not answer.
    ///
    /// # Cancellation
    /// Dropping the future drops the request that is under way.
    pub async fn advise(
        &self,
        problem: &Problem,
        written: &str,
        wanted: Wanted,
    ) -> Result<Advice, AdviceError> {
        let task = task::of(problem);
        let suspect = assemble(problem, written);
        let mut advice = Advice { is_priced: true, ..Advice::default() };
        let generator = RefuteProgram { task: &task, program: &suspect, count: INPUTS };
        advice.generator = self.ask(&generator, 0.0, 1, &mut advice).await?.pop();
        if wanted.validator {
            advice.validator = self.ask(&InputValidator { task: &task }, 0.0, 1, &mut advice).await?.pop();
        }
        if wanted.programs {
            let question = PlainProgram { task: &task };
            advice.programs = self.ask(&question, VARIED, PROGRAMS, &mut advice).await?;
        }
        Ok(advice)
    }

    /// The answers that can be read; what they cost is added to `advice`.
    async fn ask<Q: Question + Sync>(
        &self,
        question: &Q,
        temperature: f64,
        count: u32,
        advice: &mut Advice,
    ) -> Result<Vec<Q::Answer>, AdviceError> {
        let request = Request {
            messages: question.messages()?,
            temperature: self.sampling.temperature.unwrap_or(temperature),
            top_p: self.sampling.top_p,
            max_output_tokens: self.sampling.max_output_tokens.unwrap_or(OUTPUT_TOKENS),
            n: count,
            stop: Vec::new(),
            seed: self.seed & i64::MAX.unsigned_abs(),
            logprobs: None,
            draw: 0,
            distinct: false,
        };
        let reply = self.model.complete(&request).await?;
        let price = self.prices.price(self.model.model());
        advice.cost.calls += 1;
        advice.cost.input_tokens += reply.usage.input;
        advice.cost.output_tokens += reply.usage.output;
        advice.cost.micro_usd += price.map_or(0, |price| price.cost_micro_usd(&reply.usage));
        advice.is_priced &= price.is_some();
        Ok(reply.choices.iter().filter_map(|choice| question.parse(&choice.text).ok()).collect())
    }
}

/// The inputs that a generator makes: those of seed 0 first. One that fails makes none.
pub(super) async fn generated(
    examiner: &Examiner,
    problem: &Problem,
    generator: &str,
) -> Result<Vec<Input>, TrialError> {
    let seeds: Vec<Arguments> =
        (0..SEEDS).map(|seed| Arguments { args: vec![Value::int(seed)], kwargs: Vec::new() }).collect();
    let probe = examiner.probe_function(problem, generator.to_owned(), GENERATOR, &seeds).await?;
    let Probe::Answers(answers) = probe else { return Ok(Vec::new()) };
    let made = answers.into_iter().flat_map(|answer| match answer {
        Probed::Claim(Claim::Value { value: Value::List(items) | Value::Tuple(items), .. }) => items,
        _ => Vec::new(),
    });
    let is_function = problem.entry.function().is_some();
    let read = |value| match value {
        Value::List(args) | Value::Tuple(args) if is_function => {
            Some(Input::Call(Arguments { args, kwargs: Vec::new() }))
        }
        Value::Str(text) if !is_function => text.as_str().map(|text| Input::Stdin(text.to_owned())),
        _ => None,
    };
    Ok(inputs::distinct(inputs::held(made.filter_map(read))))
}
