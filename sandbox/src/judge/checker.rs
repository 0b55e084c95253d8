//! Checker programs: trusted code of a data set that tells right answers from wrong ones, where several are right.
//!
//! A checker is Python source that defines `check(input, expected, actual)`, and returns whether `actual` is right. For
//! stdio tests the three are texts; for call tests `input` is the list of arguments, where there are named ones with a
//! dictionary of these at its end. It runs in a session of its own,
//! which candidate code never enters, and what it is given is plain data.

use std::sync::Arc;
use std::time::Duration;

use super::JudgeOptions;
use crate::error::SandboxError;
use crate::loaded::{Called, Loaded};
use crate::peer::{Arguments, Claim};
use crate::program::Program;
use crate::rules;
use crate::session::Sandbox;
use crate::value::Value;
use crate::verdict::{Failure, Verdict};

/// The function that a checker defines.
const ENTRY: &str = "check";
/// Longest time for loading a checker, and for one check.
const TIME_MAX: Duration = Duration::from_secs(10);

/// What the checker says of an answer; `wrong` where it says no. A checker that can't say anything fails the test:
/// nothing passes that was not found right.
pub(super) async fn verdict(
    sandbox: &Arc<dyn Sandbox>,
    source: &str,
    args: Vec<Value>,
    wrong: impl FnOnce() -> Failure,
    options: &JudgeOptions,
) -> Result<Verdict, SandboxError> {
    let program = Program { source: source.to_owned(), entry: Some(ENTRY.to_owned()) };
    let limits = options.limits.with_wall(TIME_MAX.saturating_mul(2));
    let mut checker = match Loaded::open(sandbox, &program, TIME_MAX, limits, options.seed).await? {
        Ok(checker) => checker,
        Err(unloadable) => return Ok(broken(&unloadable.verdict)),
    };
    let arguments = Arguments { args, kwargs: Vec::new() };
    Ok(match checker.call(&arguments, TIME_MAX).await? {
        Called::Claim(Claim::Value { value, .. }) if value.is_truthy() => Verdict::Passed,
        Called::Claim(Claim::Value { .. }) => rules::failed(wrong()),
        Called::Claim(Claim::Exception(problem)) => broken(&rules::of_problem(problem)),
        Called::Claim(Claim::NotPlain { what }) => broken(&rules::failed(Failure::NotPlainData { what })),
        Called::Nonsense => broken(&rules::failed(Failure::NoAnswer)),
        Called::Ended => broken(&rules::of_ending(&checker.finish().await?)),
    })
}

/// The verdict of a test whose checker ended like this.
fn broken(verdict: &Verdict) -> Verdict {
    let how = match verdict {
        Verdict::Failed { failure: Failure::Exception { class, message, line } } => {
            let line = line.map_or_else(String::new, |line| format!(" in its line {line}"));
            format!("{class}: {message}{line}")
        }
        Verdict::Failed { failure: Failure::Syntax { message, .. } } => format!("SyntaxError: {message}"),
        Verdict::Failed { failure } => format!("{failure:?}"),
        other => other.class().to_owned(),
    };
    let message = rules::cut(&format!("the test's checker failed: {how}"));
    rules::failed(Failure::Exception { class: "CheckerError".into(), message, line: None })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::case::{Case, Checker, Test};
    use crate::conformance::phrase;
    use crate::judge::JudgeOptions;
    use crate::program::Program;
    use crate::testing::{block_on, judge};
    use crate::value::Value;

    fn check(checker: &str, expected: &str) {
        let checker = Checker::Program { source: checker.into() };
        let stdio = Test::Stdio { input: "3".into(), expected: "1 2".into(), checker: checker.clone() };
        let args = vec![Value::from(3)];
        let call = Test::Call { args, kwargs: Vec::new(), expected: "1 2".into(), checker };
        for (test, entry) in [(stdio, None), (call, Some("f".to_owned()))] {
            let source = "def f(n): return '2 1'\nif __name__ == '__main__': print(f(input()))".into();
            let case = Case { name: String::new(), test, time_limit: Duration::from_secs(20) };
            let report =
                block_on(judge().judge(&Program { source, entry }, &[case], &JudgeOptions::default()));
            let phrase = phrase(&report.unwrap().results[0].verdict);
            assert!(phrase.starts_with(expected), "{phrase} instead of {expected}");
        }
    }

    #[test]
    fn a_checker_decides() {
        check(
            "def check(input, expected, actual):\n    return sorted(actual.split()) == expected.split()",
            "passed",
        );
        check("def check(input, expected, actual):\n    return str(input) == '[4]'", "wrong");
    }

    #[test]
    fn a_checker_that_cannot_say_fails_the_test() {
        check("def check(input, expected, actual):\n    return 1 / 0", "exception CheckerError -");
        check("def check(:", "exception CheckerError -");
        check("x = 1", "exception CheckerError -");
        check("import os\ndef check(*args): os._exit(0)", "exception CheckerError -");
    }
}
