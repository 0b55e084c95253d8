//! A test function that only asserts what single calls return: judged as these calls, all in one exchange where that
//! goes well, and without an interpreter for the test.

use std::time::{Duration, Instant};

use super::call::of_claim;
use super::callee::{Answer, Callee};
use super::function::Judged;
use crate::case::Checker;
use crate::error::SandboxError;
use crate::literal::CheckedCall;
use crate::peer::Arguments;
use crate::rules;
use crate::verdict::{Failure, Verdict};

/// Longest time for a call that is made again, after it was one of several that together took all their time. It then
/// came to its turn at once, or the answer before it had been given.
const AGAIN_MAX: Duration = Duration::from_secs(1);

/// Makes the calls, which may take `time_limit` together, and stops at the first that is not as it was asserted.
pub(super) async fn judge(
    callee: &mut Callee<'_>,
    calls: &[CheckedCall],
    time_limit: Duration,
) -> Result<Judged, SandboxError> {
    let inputs: Vec<Arguments> = calls.iter().map(arguments).collect();
    let start = Instant::now();
    let (mut done, mut one_by_one) = (0, false);
    while let Some(rest) = inputs.get(done..).filter(|rest| !rest.is_empty()) {
        let left = time_limit.saturating_sub(start.elapsed());
        let (together, deadline) = if one_by_one {
            (rest.get(..1).unwrap_or_default(), AGAIN_MAX.min(time_limit))
        } else {
            (rest, left)
        };
        let goes_on = done > 0 && !one_by_one;
        let claims = match callee.call_many(together, goes_on, deadline).await? {
            Answer::Claim(claims) => claims,
            Answer::Verdict(verdict) => return Ok(failed(calls.get(done), verdict)),
            Answer::Ended(_) if together.len() > 1 && !one_by_one => {
                // Which call it was, and what those before it came to, shows one by one.
                one_by_one = true;
                continue;
            }
            Answer::Ended(verdict) => return Ok(failed(calls.get(done), verdict)),
        };
        for claim in claims {
            let Some(call) = calls.get(done) else { break };
            let verdict = of_claim(claim, &call.assertion.expected, &Checker::Exact);
            if !verdict.is_passed() {
                return Ok(failed(Some(call), verdict));
            }
            done += 1;
        }
    }
    let last_call = inputs.into_iter().next_back();
    Ok(Judged { last_call, ..Verdict::Passed.into() })
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
