//! `codeagent verify PROGRAM --problem P`: all tests of a problem, visible and hidden, on a program.

use codeagent::sandbox::{CaseResult, Judge, JudgeOptions, Report, Verdict};
use codeagent_benchmarks::{Protocol, Verification, verify as judge};
use serde::Serialize;

use crate::args::{Globals, VerifyArgs};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::verdicts::told;
use crate::{config, escape, input, problems, sandboxes};

/// What came of it, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    v: u32,
    task_id: &'a str,
    protocol: Protocol,
    passed: bool,
    visible: Tests<'a>,
    hidden: Tests<'a>,
}

#[derive(Serialize)]
struct Tests<'a> {
    passed: usize,
    total: usize,
    results: Vec<Test<'a>>,
}

#[derive(Serialize)]
struct Test<'a> {
    #[serde(flatten)]
    verdict: &'a Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion: Option<&'a str>,
    wall_ms: u128,
}

/// Verifies the program.
///
/// # Errors
/// Exit 2 for settings, 4 for the sandbox, 6 for the problem or the program's file.
pub async fn verify(
    arguments: &VerifyArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config =
        config::load(environment, &globals.config_flags(arguments.sandbox.settings()))?.config.sandbox;
    let problem = problems::load(&arguments.problem, arguments.protocol, environment)?;
    let program = input::text(&arguments.program, environment)?;
    let sandbox = sandboxes::open(&config, &arguments.sandbox, environment).await?;
    let options = JudgeOptions { limits: config.limits(), ..JudgeOptions::default() };
    let verification = judge(&program, &problem, &Judge::new(sandbox), &options)
        .await
        .map_err(|error| sandboxes::unavailable(&error))?;
    if globals.json {
        output.json(&Shown {
            v: 1,
            task_id: &problem.problem.id,
            protocol: arguments.protocol,
            passed: verification.is_passed(),
            visible: tests(&verification.visible),
            hidden: tests(&verification.hidden),
        })?;
    } else {
        print(&verification, arguments, output)?;
    }
    Ok(if verification.is_passed() { Exit::Done } else { Exit::Negative })
}

fn tests<'a>(report: &'a Report) -> Tests<'a> {
    let test = |result: &'a CaseResult| {
        let CaseResult { verdict, assertion, wall, .. } = result;
        Test { verdict, assertion: assertion.as_deref(), wall_ms: wall.as_millis() }
    };
    Tests {
        passed: report.passed(),
        total: report.total(),
        results: report.results.iter().map(test).collect(),
    }
}

fn print(verification: &Verification, arguments: &VerifyArgs, output: &mut Output) -> Result<(), Failure> {
    for (name, report) in [("visible", &verification.visible), ("hidden", &verification.hidden)] {
        output.line(&format!("{name} tests: {} of {} pass", report.passed(), report.total()))?;
        for (number, result) in (1..).zip(&report.results) {
            if !result.verdict.is_passed() {
                output.line(&escape::excerpt(&format!("  test {number}: {}", told(result)), 400))?;
            }
        }
    }
    let verdict = if verification.is_passed() { "passed" } else { "failed" };
    let program = escape::line(&arguments.program.display().to_string());
    output.line(&format!("{program}: {verdict} (protocol {})", arguments.protocol))
}
