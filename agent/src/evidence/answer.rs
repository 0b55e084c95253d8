//! Answers as numbers that are equal for answers that are.

use codeagent_sandbox::value::{Value, canonical};
use codeagent_sandbox::{CaseResult, Claim, Failure, Verdict};

use crate::digest::number;

/// A number for a value, equal for values that Python finds equal.
#[must_use]
pub fn digest(value: &Value) -> u64 {
    number(&blake3::hash(&canonical(value)))
}

/// The answer of a call; `None` of none.
pub(super) fn answer(claim: &Option<Claim>) -> Option<u64> {
    match claim {
        Some(Claim::Value { value, .. }) => Some(digest(value)),
        _ => None,
    }
}

/// What a stdin program printed for a test, as far as it is kept; `None` where it did not come to its end.
pub(super) fn printed(result: &CaseResult) -> Option<u64> {
    let came_to_its_end =
        matches!(result.verdict, Verdict::Passed | Verdict::Failed { failure: Failure::Wrong { .. } });
    let text = || result.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    came_to_its_end.then(|| digest(&Value::str(text())))
}
