//! `codeagent falsify PROGRAM --problem P`: an input on which the program is wrong, as small as it gets.

use std::io::Write as _;
use std::path::Path;

use codeagent::Problem;
use codeagent::falsify::{
    Advice, AdviceError, Advised, Adviser, Counterexample, Falsification, FalsifyConfig, FalsifyError,
    Oracle, Wanted, falsify as look,
};
use codeagent::models::ErrorKind;
use codeagent::sandbox::{Failure as Wrong, Verdict};
use codeagent_benchmarks::{Protocol, Text, read_samples, visible_test_line};
use serde::Serialize;

use crate::answers::Source;
use crate::args::{CacheFlags, FalsifyArgs, Globals};
use crate::config::types::Config;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{config, escape, input, problems, sandboxes, stores};

/// What came of it, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    v: u32,
    task_id: &'a str,
    /// Says which tests are visible.
    protocol: Protocol,
    /// `wrong-answer`, `crash`, `timeout` or `not-refuted`.
    verdict: &'static str,
    #[serde(flatten)]
    found: Option<ShownExample<'a>>,
    tried: usize,
    invalid: usize,
    flaky: usize,
    /// What a model contributed, where one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ShownAdvice>,
}

#[derive(Serialize)]
struct ShownAdvice {
    inputs: usize,
    validator: bool,
    programs: usize,
    calls: u64,
    tokens: u64,
    /// `null` where the model's price is unknown.
    cost_usd: Option<f64>,
}

#[derive(Serialize)]
struct ShownExample<'a> {
    input: &'a str,
    expected: &'a str,
    got: String,
    /// The input that was found first, where it could be made smaller.
    found_as: Option<&'a str>,
}

/// Looks for a counterexample. Exit 1 if there is one.
///
/// # Errors
/// Exit 2 for settings, 4 for the sandbox, 6 for the files, and where they contradict each other.
pub async fn falsify(
    arguments: &FalsifyArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = config::load(environment, &globals.config_flags(arguments.sandbox.settings()))?.config;
    let protocol = Protocol::default();
    let problem = problems::load(&arguments.problem, protocol, environment)?.problem;
    let program = input::text(&arguments.program, environment)?;
    let oracle = oracle(arguments, &problem.id, environment)?;
    let text = |path: &std::path::PathBuf| input::text(path, environment);
    let validator = arguments.validator.as_ref().map(text).transpose()?;
    let sandbox = sandboxes::open(&config.sandbox, &arguments.sandbox, environment).await?;
    let wanted = Wanted { validator: validator.is_none(), programs: matches!(oracle, Oracle::Agreement(_)) };
    let advice = if asks(arguments) {
        Some(advice(arguments, &config, &problem, &program, wanted, environment).await?)
    } else {
        None
    };
    let settings = FalsifyConfig {
        tries: arguments.tries.get(),
        seed: arguments.seed,
        validator,
        written: arguments.input.clone(),
        advice: advice.clone().unwrap_or_default(),
    };
    let result = look(sandbox, config.sandbox.limits(), &problem, &program, &oracle, &settings)
        .await
        .map_err(|error| failure(&error))?;
    if result.tried == 0 && result.counterexample.is_none() {
        tracing::warn!(
            "nothing was tried: of {} inputs none was valid with a right answer that is known",
            result.invalid
        );
    }
    if globals.json {
        output.json(&shown(&problem.id, protocol, &result, advice.as_ref()))?
    } else {
        print(&result, protocol, advice.as_ref(), output)?
    }
    keep(arguments.out.as_deref(), &problem, &result, environment)?;
    Ok(if result.counterexample.is_some() { Exit::Negative } else { Exit::Done })
}

/// Whether a model is named. The configured one is not asked without being told to, for it costs.
const fn asks(arguments: &FalsifyArgs) -> bool {
    arguments.model.model.is_some() || arguments.model.base_url.is_some()
}

/// What the model contributes. Its answers are kept, so that the same command does not pay for them again.
async fn advice(
    arguments: &FalsifyArgs,
    config: &Config,
    problem: &Problem,
    program: &str,
    wanted: Wanted,
    environment: &Environment,
) -> Result<Advice, Failure> {
    let source = Source::decide(&arguments.model, &CacheFlags::default(), config, environment).await?;
    let prices = source.prices(config)?;
    let store = stores::replies("falsify", environment).await?;
    let model = source.stack(store.clone()).provider;
    let adviser = Adviser { model: &model, prices: &prices, sampling: source.sampling, seed: arguments.seed };
    let advice = adviser.advise(problem, program, wanted).await.map_err(|error| match error {
        AdviceError::Model(error) if error.kind() == ErrorKind::Storage => stores::not_kept(&error),
        AdviceError::Model(error) => Failure::new(Exit::Provider, "the model did not answer")
            .caused_by(&error)
            .hint("check the server, its address and the key (`codeagent providers --probe`)"),
        AdviceError::Prompt(error) => Failure::new(Exit::Internal, error.to_string()),
    });
    if let Some(store) = store {
        store.close().await.map_err(|error| stores::not_kept(&error))?;
    }
    advice
}

/// Adds the counterexample to the file of --out.
fn keep(
    out: Option<&Path>,
    problem: &Problem,
    result: &Falsification,
    environment: &Environment,
) -> Result<(), Failure> {
    let (Some(path), Some(found)) = (out, &result.counterexample) else { return Ok(()) };
    let Some(line) = visible_test_line(problem, &found.case) else {
        tracing::warn!(
            "the counterexample is no test that can be written down, so {} is as it was",
            path.display()
        );
        return Ok(());
    };
    let file = environment.directory().join(path);
    let mut options = std::fs::OpenOptions::new();
    let added =
        options.append(true).create(true).open(file).and_then(|mut file| file.write_all(line.as_bytes()));
    added.map_err(|error| {
        Failure::usage(format!("the counterexample can't be added to {}", path.display()))
            .caused_by(&error)
            .hint("name a file in a folder that exists")
    })
}

fn oracle(arguments: &FalsifyArgs, id: &str, environment: &Environment) -> Result<Oracle, Failure> {
    if let Some(reference) = &arguments.reference {
        return input::text(reference, environment).map(Oracle::Reference);
    }
    let Some(samples) = &arguments.against else {
        if asks(arguments) {
            return Ok(Oracle::Agreement(Vec::new()));
        }
        return Err(Failure::usage("nothing says what is right").hint(
            "give --reference with a right program, --against with samples of others, or -m with a model to ask",
        ));
    };
    let file = environment.directory().join(samples);
    let read = read_samples(&file).map_err(|error| Failure::data(&error))?;
    Failure::tell_faults(&read.faults, read.fault_count);
    let own = read.samples.into_iter().filter(|sample| sample.task_id == id);
    let programs: Vec<String> = own
        .map(|sample| match sample.text {
            Text::Completion(text) | Text::Solution(text) => text,
        })
        .collect();
    if programs.is_empty() {
        return Err(no_samples(samples, id));
    }
    Ok(Oracle::Agreement(programs))
}

fn no_samples(samples: &Path, id: &str) -> Failure {
    Failure::new(Exit::Data, format!("holds no sample of the problem `{id}`"))
        .at(samples.display().to_string())
        .hint("give JSON lines with this `task_id`, and `completion` or `solution`")
}

fn failure(error: &FalsifyError) -> Failure {
    match error {
        FalsifyError::Sandbox(error) => sandboxes::unavailable(error),
        other => Failure::new(Exit::Data, other.to_string()).hint(match other {
            FalsifyError::Validator { .. } => "correct the validator, or leave it out",
            FalsifyError::Reference { .. } => "give a reference that passes the visible tests",
            _ => "give one with --input, such as --input 'f([1, 2])'",
        }),
    }
}

fn shown<'a>(
    task_id: &'a str,
    protocol: Protocol,
    result: &'a Falsification,
    advice: Option<&Advice>,
) -> Shown<'a> {
    let found = result.counterexample.as_ref();
    let example = |found: &'a Counterexample| ShownExample {
        input: &found.input,
        expected: &found.expected,
        got: got(&found.verdict),
        found_as: found.found_as.as_deref(),
    };
    Shown {
        v: 1,
        task_id,
        protocol,
        verdict: found.map_or("not-refuted", Counterexample::kind),
        found: found.map(example),
        tried: result.tried,
        invalid: result.invalid,
        flaky: result.flaky,
        model: advice.map(|advice| shown_advice(advice, result.advised)),
    }
}

fn shown_advice(advice: &Advice, advised: Advised) -> ShownAdvice {
    ShownAdvice {
        inputs: advised.inputs,
        validator: advised.validator,
        programs: advised.programs,
        calls: advice.cost.calls,
        tokens: advice.cost.input_tokens + advice.cost.output_tokens,
        cost_usd: advice.is_priced.then(|| advice.cost.micro_usd as f64 / 1e6),
    }
}

/// What the program did instead.
fn got(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Failed { failure: Wrong::Wrong { actual, .. } } => actual.clone(),
        Verdict::Failed { failure: Wrong::Exception { class, message, .. } } => format!("{class}: {message}"),
        Verdict::Failed { failure: Wrong::Syntax { message, .. } } => format!("SyntaxError: {message}"),
        other => other.class().to_owned(),
    }
}

fn print(
    result: &Falsification,
    protocol: Protocol,
    advice: Option<&Advice>,
    output: &mut Output,
) -> Result<(), Failure> {
    let Falsification { counterexample, tried, invalid, flaky, advised } = result;
    match counterexample {
        None => output.line(&format!(
            "not refuted: right on {tried} inputs ({invalid} more were not valid, {flaky} not repeatable)"
        ))?,
        Some(found) => print_example(found, output)?,
    }
    if let Some(advice) = advice {
        let validator = if advised.validator { "a validator" } else { "no validator" };
        output.line(&format!(
            "of use of the model's: {} inputs, {validator}, {} of {} programs ({} calls)",
            advised.inputs,
            advised.programs,
            advice.programs.len(),
            advice.cost.calls
        ))?;
    }
    output.line(&format!("protocol: {protocol}"))
}

fn print_example(found: &Counterexample, output: &mut Output) -> Result<(), Failure> {
    output.line(&format!("{}:", found.kind()))?;
    output.line(&escape::block(&found.input))?;
    output.line(&format!("expected: {}", escape::block(&found.expected)))?;
    output.line(&format!("got: {}", escape::block(&got(&found.verdict))))?;
    match &found.found_as {
        Some(first) => output.line(&format!("found as: {}", escape::excerpt(first, 400))),
        None => Ok(()),
    }
}
