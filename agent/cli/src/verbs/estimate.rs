//! `codeagent estimate DATASET`: what `eval` with the same flags would spend. Asks no model.

use std::sync::{Arc, Mutex, PoisonError};

use codeagent::models::{Embedder, ErrorKind, ModelError, Request, Scripted, Usage, worst_case};
use codeagent::{Agent, AgentBuilder, Problem};
use serde::Serialize;

use crate::answers::Source;
use crate::args::{EstimateArgs, Globals};
use crate::config;
use crate::config::types::Config;
use crate::environment::Environment;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::model;
use crate::output::Output;
use crate::{sandboxes, selection, strategies};

/// A later prompt holds the failed program and what the tests said: so many first prompts, about.
const LATER_PROMPT: u64 = 3;

/// What a batch would spend.
#[derive(Serialize)]
struct Estimate {
    v: u32,
    problems: usize,
    samples: u64,
    /// As if each sample's first answer solved it.
    low: Spent,
    /// As if each sample used up what it is allowed; `null` where nothing limits a sample.
    high: Option<Spent>,
    /// What the answers were taken to be long, in tokens.
    answer_tokens: u64,
}

#[derive(Serialize, Default, Clone, Copy)]
struct Spent {
    calls: u64,
    input_tokens: u64,
    output_tokens: u64,
    /// Tokens that an embedding model reads.
    embedding_tokens: u64,
    /// `null` where the price of a model is unknown.
    usd: Option<f64>,
}

/// Tokens of the first question about a problem.
#[derive(Default, Clone, Copy)]
struct First {
    input: u64,
    answers: u64,
    output_max: u64,
}

/// Estimates the batch.
///
/// # Errors
/// Exit 2 for settings, 4 for the sandbox, 6 for the data set.
pub async fn estimate(
    arguments: &EstimateArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = config::load(environment, &globals.config_flags(arguments.settings()))?.config;
    let selection =
        selection::select(&arguments.dataset, arguments.protocol, &arguments.selection, environment)?;
    let strategy = strategies::asked(&config)?;
    let source = Source::find(&strategy, &arguments.model, &arguments.cache, &config, environment).await?;
    let sandbox = sandboxes::open(&config.sandbox, &arguments.sandbox, environment).await?;
    let builder = Agent::builder().sandbox(sandbox).strategy(strategy).sampling(source.sampling);
    let mut firsts = Vec::new();
    for problem in &selection.problems {
        firsts.push(first(&builder, &problem.problem).await?);
    }
    let model = source.provider.model().to_owned();
    let embedding = source.bare_embedder();
    let estimate = estimated(&firsts, arguments, &config, &model, embedding.as_ref().map(Embedder::model))?;
    if globals.json {
        output.json(&estimate)?
    } else {
        table(&estimate, &model, output)?
    }
    Ok(Exit::Done)
}

/// What the strategy would ask first: the search runs until then, and no further.
async fn first(builder: &AgentBuilder, problem: &Problem) -> Result<First, Failure> {
    let asked: Arc<Mutex<Option<First>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let model = Scripted::new(move |request: &Request, _| {
        let answers = u64::from(request.n.max(1));
        let (input, output) = worst_case(request);
        let first = First { input: input / answers, answers, output_max: output / answers };
        seen.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(first);
        Err(ModelError::new(ErrorKind::NotRecorded, "only asked what would be asked"))
    });
    let agent = builder.clone().provider(Arc::new(model)).in_flight(1).build();
    let agent = agent.map_err(|error| Failure::usage(error.to_string()))?;
    // It fails at the first question, as it is meant to.
    drop(agent.solve(problem.clone()).outcome().await);
    let first = asked.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_default();
    Ok(first)
}

fn estimated(
    firsts: &[First],
    arguments: &EstimateArgs,
    config: &Config,
    model: &str,
    embedding: Option<&str>,
) -> Result<Estimate, Failure> {
    let prices = model::prices(config)?;
    let cost = |model: &str, input: u64, output: u64| {
        prices.price(model).map(|price| price.cost_micro_usd(&Usage { input, output, ..Usage::default() }))
    };
    let priced = |calls: u64, input: u64, output: u64, embedded: u64| {
        let asked = cost(model, input, output);
        let read = embedding.filter(|_| embedded > 0).map_or(Some(0), |model| cost(model, embedded, 0));
        #[expect(clippy::cast_precision_loss, reason = "money for people")]
        let usd = asked.zip(read).map(|(asked, read)| asked.saturating_add(read) as f64 / 1e6);
        Spent { calls, input_tokens: input, output_tokens: output, embedding_tokens: embedded, usd }
    };
    let samples = u64::from(arguments.samples.get());
    let answer = arguments.answer_tokens.get();
    let sum = |of: &dyn Fn(&First) -> u64| {
        let each = firsts.iter().map(|first| of(first).saturating_mul(samples));
        each.fold(0, u64::saturating_add)
    };
    let low = priced(
        sum(&|_| 1),
        sum(&|first| first.input),
        sum(&|first| first.answers.saturating_mul(answer.min(first.output_max))),
        0,
    );
    let budget = &config.budget;
    let high = (budget.calls.is_some() || budget.tokens.is_some()).then(|| {
        let calls = |first: &First| {
            let by_tokens = budget.tokens.map(|tokens| tokens / (first.input + answer).max(1));
            budget.calls.into_iter().chain(by_tokens).min().unwrap_or(0).max(1)
        };
        let input = |first: &First| {
            let all = first
                .input
                .saturating_add((calls(first) - 1).saturating_mul(first.input.saturating_mul(LATER_PROMPT)));
            budget.tokens.map_or(all, |tokens| all.min(tokens))
        };
        let out = |first: &First| {
            let all = calls(first).saturating_mul(first.output_max);
            budget.tokens.map_or(all, |tokens| all.min(tokens.saturating_sub(input(first))))
        };
        // Of every answer, an embedding model reads the sub-modules, once.
        let embedded = |first: &First| {
            let left = |tokens: u64| tokens.saturating_sub(input(first)).saturating_sub(out(first));
            embedding.map_or(0, |_| budget.tokens.map_or(out(first), |tokens| out(first).min(left(tokens))))
        };
        let spent = priced(sum(&calls), sum(&input), sum(&out), sum(&embedded));
        capped(spent, config, firsts.len() as u64 * samples)
    });
    let problems = firsts.len();
    let samples = samples.saturating_mul(problems as u64);
    Ok(Estimate { v: 1, problems, samples, low, high, answer_tokens: answer })
}

/// Money limits hold whatever the tokens come to.
#[expect(clippy::cast_precision_loss, reason = "money for people")]
fn capped(spent: Spent, config: &Config, samples: u64) -> Spent {
    let per_sample = config.budget.per_problem_usd.map(|usd| usd * samples as f64);
    let limits = [per_sample, config.budget.run_usd];
    let usd = spent.usd.map(|usd| limits.into_iter().flatten().fold(usd, f64::min));
    Spent { usd, ..spent }
}

fn table(estimate: &Estimate, model: &str, output: &mut Output) -> Result<(), Failure> {
    let Estimate { problems, samples, answer_tokens, .. } = estimate;
    output.line(&format!("{samples} samples of {problems} problems with {}", crate::escape::line(model)))?;
    let line = |name: &str, spent: &Spent| {
        let usd = spent.usd.map_or_else(|| "price unknown".to_owned(), |usd| format!("${usd:.2}"));
        let embedded = match spent.embedding_tokens {
            0 => String::new(),
            tokens => format!("  {tokens} embedded"),
        };
        format!(
            "{name:<28} {:>10} calls {:>13} tokens in {:>13} out{embedded}  {usd}",
            spent.calls, spent.input_tokens, spent.output_tokens
        )
    };
    output.line(&line("all solved at first", &estimate.low))?;
    match &estimate.high {
        Some(high) => output.line(&line("all use up their budget", high))?,
        None => output.line("nothing limits a sample but its method: set budget.calls or budget.tokens")?,
    }
    output.line(&format!(
        "(answers of {answer_tokens} tokens at least, at most as long as they may be; later prompts of {LATER_PROMPT} first ones)"
    ))
}
