//! A test that only asserts what single calls return: judged as these calls, all in one exchange where that goes well, and
//! without an interpreter for the test.

use std::time::{Duration, Instant};

use super::call::of_claim;
use super::callee::{Answer, Callee};
use super::function::Judged;
use crate::case::Checker;
use crate::error::SandboxError;
use crate::literal::CheckedCall;
use crate::loaded::{Batch, TOGETHER_MAX};
use crate::peer::Arguments;
use crate::rules;
use crate::verdict::{Failure, Verdict};

/// How the calls went.
struct Course {
    judged: Judged,
    /// The call that was not as it was asserted.
    failed: Option<usize>,
    /// Whether a call changed its arguments.
    mutated: bool,
}

/// Makes the calls, which may take `time_limit` together, and stops at the first that is not as it was asserted.
pub(super) async fn judge(
    callee: &mut Callee<'_>,
    calls: &[CheckedCall],
    time_limit: Duration,
) -> Result<Judged, SandboxError> {
    Ok(run(callee, calls, false, time_limit).await?.judged)
}

/// As [`judge`], for the calls of a test that was rehearsed; `None` where the test must be run to know how it goes: where
/// the program changes what it is called with, which the test may look at, and where a wrong answer need not be the end.
pub(super) async fn judge_rehearsed(
    callee: &mut Callee<'_>,
    calls: &[CheckedCall],
    time_limit: Duration,
) -> Result<Option<Judged>, SandboxError> {
    let watched = calls.iter().any(|call| arguments(call).are_mutable());
    let Course { judged, failed, mutated } = run(callee, calls, watched, time_limit).await?;
    let is_wrong = matches!(judged.verdict, Verdict::Failed { failure: Failure::Wrong { .. } });
    let failed = failed.and_then(|failed| calls.get(failed));
    let is_unclear = is_wrong && failed.is_some_and(|call| call.statement.is_empty());
    Ok((!mutated && !is_unclear).then_some(judged))
}

async fn run(
    callee: &mut Callee<'_>,
    calls: &[CheckedCall],
    watched: bool,
    time_limit: Duration,
) -> Result<Course, SandboxError> {
    let mut mutated = false;
    let course = |done: Option<usize>, verdict, mutated| Course {
        judged: failed(done.and_then(|done| calls.get(done)), verdict),
        failed: done,
        mutated,
    };
    let inputs: Vec<Arguments> = calls.iter().map(arguments).collect();
    let (mut done, mut left) = (0, time_limit);
    let (mut each_alone, mut goes_on) = (callee.isolates(), false);
    // The first is: most wrong programs are wrong there.
    let mut alone = true;
    while let Some(rest) = inputs.get(done..).filter(|rest| !rest.is_empty()) {
        let together = if alone { rest.get(..1).unwrap_or_default() } else { rest };
        let deadline = if together.len() > 1 { TOGETHER_MAX.min(left) } else { left };
        let batch = Batch { inputs: together, goes_on, watched };
        let start = Instant::now();
        let claims = match callee.call_many(batch, deadline).await? {
            Answer::Claim(claims) => {
                mutated |= claims.mutated;
                claims.claims
            }
            Answer::Verdict(verdict) => return Ok(course(Some(done), verdict, mutated)),
            Answer::Ended(_) if together.len() > 1 => {
                // From the first on, for later calls may depend on what earlier ones left behind.
                (done, left, goes_on) = (0, time_limit, false);
                (alone, each_alone) = (true, true);
                continue;
            }
            Answer::Ended(verdict) => return Ok(course(Some(done), verdict, mutated)),
        };
        let took = start.elapsed();
        left = left.saturating_sub(took);
        alone = each_alone || took > TOGETHER_MAX;
        goes_on = claims.len() < together.len();
        for claim in claims {
            let Some(call) = calls.get(done) else { break };
            let verdict = of_claim(claim, &call.assertion.expected, &Checker::Exact);
            if !verdict.is_passed() {
                return Ok(course(Some(done), verdict, mutated));
            }
            done += 1;
        }
    }
    let last_call = inputs.into_iter().next_back();
    Ok(Course { judged: Judged { last_call, ..Verdict::Passed.into() }, failed: None, mutated })
}

/// How the case went, if this call failed. An assertion about what is no plain data says as much.
fn failed(call: Option<&CheckedCall>, verdict: Verdict) -> Judged {
    let is_wrong = matches!(verdict, Verdict::Failed { failure: Failure::Wrong { .. } });
    let assertion = call.filter(|_| is_wrong).map(|call| rules::cut(&call.statement));
    Judged { assertion, last_call: call.map(arguments), ..verdict.into() }
}

fn arguments(call: &CheckedCall) -> Arguments {
    Arguments { args: call.assertion.args.clone(), kwargs: call.assertion.kwargs.clone() }
}
