//! A program that reads stdin and writes stdout: one session per run, its output compared on this side.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{CaseResult, JudgeOptions, compare, rules, shown_output};
use crate::case::Checker;
use crate::error::SandboxError;
use crate::limits::Limits;
use crate::peer::{Peer, Problem, Reply};
use crate::program::Program;
use crate::session::{Cause, Ending, Sandbox};
use crate::value::Value;
use crate::verdict::{Failure, Verdict};

/// Time that a session gets beyond its program's, for starting and ending.
const MARGIN: Duration = Duration::from_secs(2);

pub(super) struct StdioTest<'a> {
    pub(super) input: &'a str,
    pub(super) expected: &'a str,
    pub(super) checker: Checker,
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
    let input = test.input.as_bytes();
    let (verdict, ending) =
        run(sandbox, &program.source, input, limits, test.time_limit, options.seed).await?;
    let output = String::from_utf8_lossy(&ending.stdout);
    let verdict = match verdict {
        Verdict::Passed if !compare::output_is_right(&output, test.expected, test.checker) => {
            rules::failed(Failure::Wrong { expected: rules::cut(test.expected), actual: rules::cut(&output) })
        }
        other => other,
    };
    let (stdout, stderr) = shown_output(&ending);
    Ok((CaseResult { verdict, assertion: None, wall: start.elapsed(), stdout, stderr }, ending.refusals))
}

/// Runs a whole program. The verdict says nothing yet of its output.
pub(crate) async fn run(
    sandbox: &Arc<dyn Sandbox>,
    source: &str,
    stdin: &[u8],
    limits: Limits,
    deadline: Duration,
    seed: u64,
) -> Result<(Verdict, Ending), SandboxError> {
    let mut peer = Peer::open(sandbox, stdin, limits, seed).await?;
    let reply = peer.ask("run", vec![("source", Value::str(source))], deadline).await?;
    let ending = peer.finish().await?;
    Ok((verdict(&reply, &ending), ending))
}

/// The machinery comes first, then what the driver says was uncaught, then the status. A program may leave without an
/// answer (`os._exit`): its output is the claim, and its status is the machinery's.
fn verdict(reply: &Reply, ending: &Ending) -> Verdict {
    if let Some(verdict) = rules::of_cause(ending) {
        return verdict;
    }
    if let Reply::Answer(answer) = reply {
        if let Some(failure) = rules::syntax(answer) {
            return rules::failed(failure);
        }
        if let Some(problem) = answer.field("exception").and_then(Problem::read) {
            return rules::with_refusals(rules::of_problem(problem), &ending.refusals);
        }
    }
    match ending.cause {
        Cause::Exited { status: 0 } => Verdict::Passed,
        _ => rules::of_ending(ending),
    }
}
