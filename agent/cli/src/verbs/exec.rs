//! `codeagent exec PROGRAM`: one program, one verdict.

use std::io::{Read as _, Write as _};
use std::path::Path;

use codeagent::sandbox::{Execution, Program, Verdict, run_program};
use serde::Serialize;

use crate::args::{ExecArgs, Globals};
use crate::config;
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::sandboxes;

/// Longest program or input, in bytes.
const INPUT_BYTES_MAX: u64 = 64 << 20;

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
    if is_stdin(&arguments.program) && arguments.stdin.as_deref().is_some_and(is_stdin) {
        return Err(Failure::usage("the program and its input cannot both be our stdin").hint("give one of them as a file"));
    }
    let source = String::from_utf8(read(&arguments.program, environment)?).map_err(|_| {
        Failure::new(Exit::Data, "the program is not UTF-8 text").at(arguments.program.display().to_string())
    })?;
    let stdin = arguments.stdin.as_deref().map_or_else(|| Ok(Vec::new()), |path| read(path, environment))?;

    let sandbox = sandboxes::open(&config, &arguments.sandbox, environment).await?;
    let limits = config.limits();
    let limits = arguments.timeout.map_or(limits, |timeout| limits.with_wall(timeout.0));
    let program = Program { source, entry: None };
    let execution = run_program(&sandbox, &program, &stdin, limits, arguments.seed)
        .await
        .map_err(|error| sandboxes::unavailable(&error))?;

    if globals.json { output.json(&shown(&execution))? } else { print(&execution, globals, output)? }
    Ok(if execution.verdict.is_passed() { Exit::Done } else { Exit::Negative })
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn read(path: &Path, environment: &Environment) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::Data, "cannot be read").at(path.display().to_string()).caused_by(&error).hint("check the path")
    };
    let mut bytes = Vec::new();
    if is_stdin(path) {
        std::io::stdin().take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = std::fs::File::open(environment.directory().join(path)).map_err(unreadable)?;
        file.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(Failure::new(Exit::Data, "larger than 64 MiB").at(path.display().to_string()).hint("give less"));
    }
    Ok(bytes)
}

fn shown(execution: &Execution) -> Shown<'_> {
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
fn print(execution: &Execution, globals: &Globals, output: &mut Output) -> Result<(), Failure> {
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
