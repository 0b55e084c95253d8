//! A program that reads stdin and writes stdout: one session per run, its output compared on this side.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{CaseResult, JudgeOptions, checker, compare, shown_output};
use crate::case::Checker;
use crate::error::SandboxError;
use crate::program::Program;
use crate::rules;
use crate::run::{Run, run_once};
use crate::session::Sandbox;
use crate::value::Value;
use crate::verdict::{Failure, Verdict};

/// Time that a session gets beyond its program's, for starting and ending.
const MARGIN: Duration = Duration::from_secs(2);

pub(super) struct StdioTest<'a> {
    pub(super) input: &'a str,
    pub(super) expected: &'a str,
    pub(super) checker: &'a Checker,
    pub(super) time_limit: Duration,
}

/// Runs the program on the test's input; the result and what the program was refused.
pub(super) async fn judge(
    sandbox: &Arc<dyn Sandbox>,
    program: &Program,
    test: &StdioTest<'_>,
    options: &JudgeOptions,
) -> Result<(CaseResult, Vec<String>), SandboxError> {
    let start = Instant::now();
    let limits = options.limits.with_wall(test.time_limit + MARGIN);
    let run = Run {
        program: program.clone(),
        stdin: test.input.as_bytes().to_vec(),
        seed: options.seed,
        ..Run::default()
    };
    let (verdict, ending) = run_once(sandbox, &run, limits, test.time_limit).await?;
    let wall = start.elapsed();
    let output = String::from_utf8_lossy(&ending.stdout);
    let verdict = match verdict {
        Verdict::Passed => output_verdict(sandbox, test, &output, options).await?,
        other => other,
    };
    let (stdout, stderr) = shown_output(&ending);
    Ok((CaseResult { verdict, assertion: None, wall, stdout, stderr }, ending.refusals))
}

async fn output_verdict(
    sandbox: &Arc<dyn Sandbox>,
    test: &StdioTest<'_>,
    output: &str,
    options: &JudgeOptions,
) -> Result<Verdict, SandboxError> {
    let wrong = || Failure::Wrong { expected: rules::cut(test.expected), actual: rules::cut(output) };
    if let Checker::Program { source } = test.checker {
        let arguments = [test.input, test.expected, output].map(Value::str).into();
        return checker::verdict(sandbox, source, arguments, wrong, options).await;
    }
    let is_right = compare::output_is_right(output, test.expected, test.checker);
    Ok(if is_right { Verdict::Passed } else { rules::failed(wrong()) })
}
