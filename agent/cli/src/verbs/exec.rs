//! `codeagent exec PROGRAM`: one program, one verdict.

use std::io::Write as _;

use codeagent::sandbox::{Outcome, Program, Run, Verdict, run_program};
use serde::Serialize;

use crate::args::{ExecArgs, Globals};
use crate::config;
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{input, sandboxes};

/// The verdict as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    verdict: &'a Verdict,
    exit: Option<i32>,
    stdout: String,
    stderr: String,
    wall_ms: u128,
    cpu_ms: u128,
    peak_mib: u32,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    refusals: &'a [String],
}

/// Runs the program. Its stdout is the result; its stderr and the verdict go to our stderr.
///
/// # Errors
/// Exit 2 for settings, exit 4 for the sandbox, exit 6 if a file cannot be read.
pub async fn exec(
    arguments: &ExecArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = config::load(environment, &globals.config_flags(arguments.settings()))?.config.sandbox;
    if input::is_stdin(&arguments.program) && arguments.stdin.as_deref().is_some_and(input::is_stdin) {
        return Err(Failure::usage("the program and its input cannot both be our stdin")
            .hint("give one of them as a file"));
    }
    let source = input::text(&arguments.program, environment)?;
    let stdin =
        arguments.stdin.as_deref().map_or_else(|| Ok(Vec::new()), |path| input::bytes(path, environment))?;

    let sandbox = sandboxes::open(&config, &arguments.sandbox, environment).await?;
    let limits = config.limits();
    let limits = arguments.timeout.map_or(limits, |timeout| limits.with_wall(timeout.0));
    let program = Program { source, entry: None };
    let run = Run { program, stdin, limits, seed: arguments.seed, ..Run::default() };
    let execution = run_program(&sandbox, &run).await.map_err(|error| sandboxes::unavailable(&error))?;

    if globals.json {
        output.json(&shown(&execution))?
    } else {
        print(&execution, globals, output)?
    }
    Ok(if execution.verdict.is_passed() { Exit::Done } else { Exit::Negative })
}

fn shown(execution: &Outcome) -> Shown<'_> {
    Shown {
        verdict: &execution.verdict,
        exit: execution.exit,
        stdout: String::from_utf8_lossy(&execution.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&execution.stderr).into_owned(),
        wall_ms: execution.usage.wall.as_millis(),
        cpu_ms: execution.usage.cpu.as_millis(),
        peak_mib: execution.usage.peak_mib,
        refusals: &execution.refusals,
    }
}

/// The program's own output, with its control characters shown: it must not drive our terminal.
fn print(execution: &Outcome, globals: &Globals, output: &mut Output) -> Result<(), Failure> {
    output.bytes(escape::block(&String::from_utf8_lossy(&execution.stdout)).as_bytes())?;
    let mut stderr = std::io::stderr().lock();
    // Nobody can be told that stderr is gone.
    let _ = stderr.write_all(escape::block(&String::from_utf8_lossy(&execution.stderr)).as_bytes());
    if !globals.quiet {
        let usage = &execution.usage;
        let (wall, cpu) = (usage.wall.as_millis(), usage.cpu.as_millis());
        let verdict = execution.verdict.class();
        let _ = writeln!(stderr, "{verdict} in {wall} ms ({cpu} ms CPU, {} MiB)", usage.peak_mib);
        for refusal in &execution.refusals {
            let _ = writeln!(stderr, "  refused: {}", escape::line(refusal));
        }
    }
    Ok(())
}
