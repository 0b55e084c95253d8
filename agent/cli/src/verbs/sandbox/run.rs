//! `codeagent sandbox run`: one request as JSON on stdin, one answer as JSON on stdout. For programs that use the
//! sandbox without linking to it.
//!
//! ```json
//! {"backend":"wasm","kind":"function","code":"def f(n): return n + 1","entry_point":"f","tests":[{"args":[1]}],
//!  "stdin":"","limits":{"wall_ms":2000,"cpu_ms":2000,"memory_mb":256,"output_kb":1024,"processes":1,"tmp_mb":64}}
//! ```
//!
//! The answer has `verdict` (a class), `stdout`, `stderr` and `refusals`; for a function also `tests`, one row per test:
//! `value_py` (a Python literal), `exception` (a class name), or neither where the call ended otherwise. No expected
//! value is asked for, so none can leak: whoever asks compares. `stdout_hex` stands for a `stdout` that is no UTF-8.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use codeagent::sandbox::value::{from_json, repr};
use codeagent::sandbox::{
    Arguments, Claim, Judge, JudgeOptions, Limits, Probe, Probed, Program, Run, Sandbox, Verdict, run_program,
};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::args::{Globals, SandboxFlags};
use crate::config::types::SandboxKind;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{config, input, sandboxes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    backend: Option<Backend>,
    #[serde(default)]
    kind: Kind,
    code: String,
    #[serde(default)]
    stdin: String,
    entry_point: Option<String>,
    #[serde(default)]
    tests: Vec<Test>,
    #[serde(default)]
    limits: Limited,
    #[serde(default)]
    seed: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Backend {
    Wasm,
    Local,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Program,
    Function,
}

#[derive(Deserialize)]
struct Test {
    args: Vec<Json>,
}

/// Limits of the request; those that are left out are the configuration's.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limited {
    /// Of a program, or of one call.
    wall_ms: Option<u64>,
    cpu_ms: Option<u64>,
    memory_mb: Option<u32>,
    output_kb: Option<usize>,
    /// Accepted for completeness: a program is one process, whatever it says here.
    processes: Option<u32>,
    tmp_mb: Option<u32>,
}

/// Carries the request out.
///
/// # Errors
/// Exit 2 for settings, 4 for the sandbox, 6 for the request.
pub(super) async fn run(
    flags: &SandboxFlags,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let request = read(environment)?;
    let mut config = config::load(environment, &globals.config_flags(flags.settings()))?.config.sandbox;
    config.kind = match request.backend {
        Some(Backend::Wasm) => SandboxKind::Wasm,
        Some(Backend::Local) => SandboxKind::Local,
        None => config.kind,
    };
    let sandbox = sandboxes::open(&config, flags, environment).await?;
    let limits = request.limits.over(config.limits());
    let answer = match request.kind {
        Kind::Program => program(&sandbox, request, limits).await,
        Kind::Function => function(&sandbox, request, limits).await,
    };
    let answer = answer.map_err(|error| sandboxes::unavailable(&error))?;
    let passed = answer.get("verdict").is_some_and(|verdict| verdict == Verdict::Passed.class());
    output.json(&answer)?;
    Ok(if passed { Exit::Done } else { Exit::Negative })
}

fn read(environment: &Environment) -> Result<Request, Failure> {
    let text = input::bytes(std::path::Path::new("-"), environment)?;
    let bad = |what: String| {
        Failure::new(Exit::Data, format!("the request on stdin cannot be read: {what}"))
            .hint("give one JSON object with at least `code`; `codeagent sandbox run --help` shows one")
    };
    let request: Request = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    if request.kind == Kind::Function && request.entry_point.as_deref().is_none_or(str::is_empty) {
        return Err(bad("a function needs its `entry_point`".into()));
    }
    Ok(request)
}

impl Limited {
    fn over(&self, mut limits: Limits) -> Limits {
        limits = self.wall_ms.map_or(limits, |ms| limits.with_wall(Duration::from_millis(ms)));
        limits = self.cpu_ms.map_or(limits, |ms| limits.with_cpu(Duration::from_millis(ms)));
        limits = self.memory_mb.map_or(limits, |mb| limits.with_memory_mib(mb));
        limits.output_bytes = self.output_kb.map_or(limits.output_bytes, |kb| kb.saturating_mul(1024));
        limits.temp_mib = self.tmp_mb.unwrap_or(limits.temp_mib);
        let _ = self.processes;
        limits
    }
}

type Answer = Result<Map<String, Json>, codeagent::sandbox::SandboxError>;

async fn program(sandbox: &Arc<dyn Sandbox>, request: Request, limits: Limits) -> Answer {
    let run = Run {
        program: Program { source: request.code, entry: None },
        stdin: request.stdin.into_bytes(),
        limits,
        seed: request.seed,
        ..Run::default()
    };
    let outcome = run_program(sandbox, &run).await?;
    let mut answer = Map::new();
    answer.insert("verdict".into(), outcome.verdict.class().into());
    match String::from_utf8(outcome.stdout) {
        Ok(text) => answer.insert("stdout".into(), text.into()),
        Err(error) => answer.insert("stdout_hex".into(), hex(error.as_bytes()).into()),
    };
    answer.insert("stderr".into(), String::from_utf8_lossy(&outcome.stderr).into());
    answer.insert("exit".into(), outcome.exit.into());
    answer.insert("refusals".into(), outcome.refusals.into());
    Ok(answer)
}

/// Each call in a session of its own, as final scores have it.
async fn function(sandbox: &Arc<dyn Sandbox>, request: Request, limits: Limits) -> Answer {
    let program = Program { source: request.code, entry: request.entry_point };
    let inputs: Vec<Arguments> = request
        .tests
        .iter()
        .map(|test| Arguments { args: test.args.iter().map(from_json).collect(), kwargs: Vec::new() })
        .collect();
    let calls = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
    let options = JudgeOptions {
        limits: limits.with_wall(limits.wall.saturating_mul(calls)),
        seed: request.seed,
        isolate_tests: true,
        ..JudgeOptions::default()
    };
    let probe = Judge::new(Arc::clone(sandbox)).probe(&program, &inputs, limits.wall, &options).await?;
    let (verdict, rows) = match &probe {
        Probe::Unloadable(verdict) => (verdict.class(), Vec::new()),
        Probe::Answers(answers) => {
            let ended = answers.iter().find_map(|answer| match answer {
                Probed::Ended(verdict) => Some(verdict.class()),
                Probed::Claim(_) => None,
            });
            (ended.unwrap_or(Verdict::Passed.class()), answers.iter().map(row).collect())
        }
    };
    let answer = json!({"verdict": verdict, "stdout": "", "stderr": "", "tests": rows});
    Ok(answer.as_object().cloned().unwrap_or_default())
}

fn row(answer: &Probed) -> Json {
    match answer {
        Probed::Claim(Claim::Value { value, .. }) => json!({"value_py": repr(value)}),
        Probed::Claim(Claim::Exception(problem)) => json!({"exception": problem.class}),
        Probed::Claim(Claim::NotPlain { what }) => json!({"not_plain": what}),
        Probed::Ended(verdict) => json!({"ended": verdict.class()}),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
