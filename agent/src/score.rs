//! From a judge's report to the facts that decisions rest on.

use codeagent_sandbox::judge::Report;
use codeagent_sandbox::verdict::{Failure, Verdict};
use codeagent_search::policy::Attempt;
use codeagent_search::suite::TestOutcome;

use crate::digest::number;
use crate::modules;
use crate::problem::Problem;

mod distance;

/// The facts about a program.
pub(crate) fn attempt(problem: &Problem, source: &str, report: &Report) -> Attempt {
    let slow = report.results.iter().zip(&problem.visible).filter(|(result, case)| {
        result.verdict.is_passed() && result.wall.as_secs_f64() > 0.8 * case.time_limit.as_secs_f64()
    });
    let program = modules::fingerprint(source);
    Attempt {
        fingerprint: program.hash,
        passed: count(report.passed()),
        total: count(report.total()),
        parses: program.parses,
        behaviour: (!report.results.is_empty()).then(|| behaviour(report)),
        length: u32::try_from(source.chars().count()).unwrap_or(u32::MAX),
        slow: count(slow.count()),
        learned: None,
        mean_logprob: None,
    }
}

/// What came of one test that a model wrote.
pub(crate) fn test_outcome(verdict: &Verdict) -> TestOutcome {
    let distance = match verdict {
        Verdict::Passed => Some(0.0),
        Verdict::Failed { failure: Failure::Wrong { expected, actual } } => {
            Some(distance::between(expected, actual))
        }
        _ => None,
    };
    TestOutcome { passed: verdict.is_passed(), answer: hash(verdict), distance }
}

/// Share of tests passed, in `[0, 1]`; 0 where there are none.
pub(crate) fn pass_fraction(report: &Report) -> f64 {
    if report.total() == 0 {
        0.0
    } else {
        f64::from(count(report.passed())) / f64::from(count(report.total()))
    }
}

/// A number of tests.
pub(crate) fn count(tests: usize) -> u32 {
    u32::try_from(tests).unwrap_or(u32::MAX)
}

/// Wall-clock milliseconds of all tests.
pub(crate) fn milliseconds(report: &Report) -> u64 {
    let wall: std::time::Duration = report.results.iter().map(|result| result.wall).sum();
    u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)
}

/// The class of the first verdict that is not `passed`.
pub(crate) fn class(report: &Report) -> &'static str {
    report
        .results
        .iter()
        .map(|result| &result.verdict)
        .find(|verdict| !verdict.is_passed())
        .map_or("passed", Verdict::class)
}

/// Hash of the outcomes, so that programs that answer alike are alike.
fn behaviour(report: &Report) -> u64 {
    let verdicts: Vec<&Verdict> = report.results.iter().map(|result| &result.verdict).collect();
    hash(&verdicts)
}

fn hash(of: &impl serde::Serialize) -> u64 {
    let text = serde_json::to_string(of).unwrap_or_default();
    number(&blake3::hash(text.as_bytes()))
}
