//! `codeagent falsify PROGRAM --problem P`: an input on which the program is wrong, as small as it gets.

use std::path::Path;

use codeagent::falsify::{
    Counterexample, Falsification, FalsifyConfig, FalsifyError, Oracle, falsify as look,
};
use codeagent::sandbox::{Failure as Wrong, Verdict};
use codeagent_benchmarks::{Protocol, Text, read_samples};
use serde::Serialize;

use crate::args::{FalsifyArgs, Globals};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{config, escape, input, problems, sandboxes};

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
    let config =
        config::load(environment, &globals.config_flags(arguments.sandbox.settings()))?.config.sandbox;
    let protocol = Protocol::default();
    let problem = problems::load(&arguments.problem, protocol, environment)?.problem;
    let program = input::text(&arguments.program, environment)?;
    let oracle = oracle(arguments, &problem.id, environment)?;
    let text = |path: &std::path::PathBuf| input::text(path, environment);
    let settings = FalsifyConfig {
        tries: arguments.tries.get(),
        seed: arguments.seed,
        validator: arguments.validator.as_ref().map(text).transpose()?,
        written: arguments.input.clone(),
    };
    let sandbox = sandboxes::open(&config, &arguments.sandbox, environment).await?;
    let result = look(sandbox, config.limits(), &problem, &program, &oracle, &settings)
        .await
        .map_err(|error| failure(&error))?;
    if result.tried == 0 && result.counterexample.is_none() {
        tracing::warn!(
            "nothing was tried: of {} inputs none was valid with a right answer that is known",
            result.invalid
        );
    }
    if globals.json {
        output.json(&shown(&problem.id, protocol, &result))?
    } else {
        print(&result, protocol, output)?
    }
    Ok(if result.counterexample.is_some() { Exit::Negative } else { Exit::Done })
}

fn oracle(arguments: &FalsifyArgs, id: &str, environment: &Environment) -> Result<Oracle, Failure> {
    if let Some(reference) = &arguments.reference {
        return input::text(reference, environment).map(Oracle::Reference);
    }
    let Some(samples) = &arguments.against else {
        return Err(Failure::usage("nothing says what is right")
            .hint("give --reference with a right program, or --against with samples of others"));
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

fn shown<'a>(task_id: &'a str, protocol: Protocol, result: &'a Falsification) -> Shown<'a> {
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

fn print(result: &Falsification, protocol: Protocol, output: &mut Output) -> Result<(), Failure> {
    let Falsification { counterexample, tried, invalid, flaky } = result;
    match counterexample {
        None => output.line(&format!(
            "not refuted: right on {tried} inputs ({invalid} more were not valid, {flaky} not repeatable)"
        ))?,
        Some(found) => print_example(found, output)?,
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
