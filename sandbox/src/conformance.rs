//! What every [`Sandbox`] must do, as one suite that every back-end runs: [`deviations`] is empty where it does.
//!
//! The programs are data: source, test, verdict. A verdict is written as one phrase (see [`phrase`]); `a | b` allows
//! either, and a phrase that ends in `*` allows whatever begins so.

mod containment;
mod verdicts;

use std::sync::Arc;
use std::time::Duration;

use crate::case::{Case, Checker, Test};
use crate::error::SandboxError;
use crate::judge::{Judge, JudgeOptions};
use crate::limits::Limits;
use crate::peer::{Arguments, Claim};
use crate::probe::{Probe, Probed};
use crate::program::Program;
use crate::session::Sandbox;
use crate::value::Value;
use crate::verdict::{Failure, Verdict};

/// A check that came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// Its name.
    pub check: String,
    /// What had to come.
    pub expected: String,
    /// What came.
    pub actual: String,
}

/// Which checks to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// Verdicts, claims and the judge: what any interpreter with the driver must do.
    Verdicts,
    /// That too, and what a contained program must be refused.
    Contained,
}

/// Runs the suite; where and how `sandbox` does otherwise. Takes some ten seconds.
///
/// # Errors
/// [`SandboxError`] where a program could not be run at all.
pub async fn deviations(sandbox: Arc<dyn Sandbox>, suite: Suite) -> Result<Vec<Deviation>, SandboxError> {
    let judge = Judge::new(sandbox);
    let mut deviations = Vec::new();
    let contained = if suite == Suite::Contained { containment::SPECIMENS } else { &[] };
    for specimen in verdicts::SPECIMENS.iter().chain(contained) {
        deviations.extend(specimen.check(&judge).await?);
    }
    let checks = [
        check_state(&judge).await?,
        check_seed(&judge).await?,
        check_isolation(&judge).await?,
        check_recovery(&judge).await?,
        check_probe(&judge).await?,
        check_large_probe(&judge).await?,
        check_probe_recovery(&judge).await?,
        check_trace(&judge).await?,
    ];
    deviations.extend(checks.into_iter().flatten());
    Ok(deviations)
}

/// A verdict in one phrase: `passed`, `syntax 3`, `exception ValueError 2`, `wrong 1 != 2`, `no-answer`,
/// `not-plain object`, `exit 3`, or its class.
#[must_use]
pub fn phrase(verdict: &Verdict) -> String {
    let at = |line: &Option<u32>| line.map_or_else(|| "-".to_owned(), |line| line.to_string());
    match verdict {
        Verdict::Failed { failure } => match failure {
            Failure::Syntax { line, .. } => format!("syntax {}", at(line)),
            Failure::Exception { class, line, .. } => format!("exception {class} {}", at(line)),
            Failure::Wrong { expected, actual } => format!("wrong {actual} != {expected}"),
            Failure::NoAnswer => "no-answer".into(),
            Failure::NotPlainData { what } => format!("not-plain {what}"),
            Failure::Exit { code } => format!("exit {code}"),
        },
        other => other.class().into(),
    }
}

/// One program with one test and its verdict.
struct Specimen {
    name: &'static str,
    source: &'static str,
    test: Trial,
    expected: &'static str,
}

/// The test of a specimen. Values are Python literals.
enum Trial {
    /// Calls `f` with the arguments in a tuple.
    Call(&'static str, &'static str),
    /// An input and the right output.
    Stdio(&'static str, &'static str),
    /// Setup and test code, for the entry `f`.
    Code(&'static str, &'static str),
}

impl Specimen {
    async fn check(&self, judge: &Judge) -> Result<Option<Deviation>, SandboxError> {
        let entry = if matches!(self.test, Trial::Stdio(..)) { None } else { Some("f") };
        // Endless loops wait for their limit, and all others must have time on a busy machine.
        let seconds = if self.expected == "timeout" { 1 } else { 20 };
        let case = case(self.name, self.test.test(), seconds);
        let options =
            JudgeOptions { limits: Limits::default().with_memory_mib(64), ..JudgeOptions::default() };
        let report = judge.judge(&program(self.source, entry), &[case], &options).await?;
        let actual =
            report.results.first().map_or_else(|| "nothing".into(), |result| phrase(&result.verdict));
        Ok(deviation(self.name, self.expected, &actual))
    }
}

impl Trial {
    fn test(&self) -> Test {
        match self {
            Self::Call(args, expected) => call(arguments(args), literal(expected)),
            Self::Stdio(input, expected) => Test::Stdio {
                input: (*input).to_owned(),
                expected: (*expected).to_owned(),
                checker: Checker::Exact,
            },
            Self::Code(setup, code) => Test::Code { setup: (*setup).to_owned(), code: (*code).to_owned() },
        }
    }
}

fn deviation(check: &str, expected: &str, actual: &str) -> Option<Deviation> {
    let fits = expected.split(" | ").any(|phrase| match phrase.strip_suffix('*') {
        Some(start) => actual.starts_with(start),
        None => actual == phrase,
    });
    let [check, expected, actual] = [check, expected, actual].map(str::to_owned);
    (!fits).then_some(Deviation { check, expected, actual })
}

fn program(source: &str, entry: Option<&str>) -> Program {
    Program { source: source.to_owned(), entry: entry.map(str::to_owned) }
}

fn case(name: &str, test: Test, seconds: u64) -> Case {
    Case { name: name.to_owned(), test, time_limit: Duration::from_secs(seconds) }
}

fn call(args: Vec<Value>, expected: Value) -> Test {
    Test::Call { args, kwargs: Vec::new(), expected, checker: Checker::Exact }
}

fn literal(text: &str) -> Value {
    crate::literal::parse(text).unwrap_or(Value::None)
}

fn arguments(text: &str) -> Vec<Value> {
    match literal(text) {
        Value::Tuple(args) => args,
        only => vec![only],
    }
}

async fn phrases(
    judge: &Judge,
    source: &str,
    cases: &[Case],
    options: &JudgeOptions,
) -> Result<String, SandboxError> {
    let report = judge.judge(&program(source, Some("f")), cases, options).await?;
    let phrases: Vec<_> = report.results.iter().map(|result| phrase(&result.verdict)).collect();
    Ok(phrases.join(", "))
}

/// What one program does to its interpreter is not seen by the next.
async fn check_state(judge: &Judge) -> Result<Option<Deviation>, SandboxError> {
    let options = JudgeOptions::default();
    let poison = "import builtins, sys, math\nbuiltins.len = lambda x: 7\nmath.pi = 3\nsys.modules['json'] = None\n\
                  def f(): return len('') + math.pi";
    let first = phrases(judge, poison, &[case("poison", call(vec![], 10.into()), 20)], &options).await?;
    let clean = "import json, math\ndef f(): return len('') == 0 and math.pi > 3.1";
    let second = phrases(judge, clean, &[case("clean", call(vec![], true.into()), 20)], &options).await?;
    Ok(deviation("state does not leak", "passed, passed", &format!("{first}, {second}")))
}

/// The same seed gives the same random numbers and the same order of sets, another seed other numbers.
async fn check_seed(judge: &Judge) -> Result<Option<Deviation>, SandboxError> {
    let source = "import random\ndef f(): return [random.random(), list({'a', 'b', 'c', 'd', 'e'})]";
    let mut claims = Vec::new();
    for seed in [1, 1, 2] {
        let options = JudgeOptions { seed, ..JudgeOptions::default() };
        let limit = Duration::from_secs(20);
        claims
            .push(judge.probe(&program(source, Some("f")), &[Arguments::default()], limit, &options).await?);
    }
    let actual = match claims.as_slice() {
        [Probe::Answers(a), Probe::Answers(b), Probe::Answers(c)] => format!("{} {}", a == b, a == c),
        _ => format!("{claims:?}"),
    };
    Ok(deviation("a seed fixes randomness", "true false", &actual))
}

/// Calls share a session by default and do not where they are isolated.
async fn check_isolation(judge: &Judge) -> Result<Option<Deviation>, SandboxError> {
    let source = "count = 0\ndef f():\n    global count\n    count += 1\n    return count";
    let cases = [1, 1].map(|expected| case("count", call(vec![], expected.into()), 20));
    let shared = phrases(judge, source, &cases, &JudgeOptions::default()).await?;
    let isolated = JudgeOptions { isolate_tests: true, ..JudgeOptions::default() };
    let isolated = phrases(judge, source, &cases, &isolated).await?;
    let actual = format!("{shared}; {isolated}");
    Ok(deviation("isolation of calls", "passed, wrong 2 != 1; passed, passed", &actual))
}

/// A call that is killed costs the others nothing.
async fn check_recovery(judge: &Judge) -> Result<Option<Deviation>, SandboxError> {
    let source = "import os\ndef f(n):\n    if n == 1:\n        while True: pass\n    if n == 2: os._exit(0)\n    return n";
    let cases: Vec<_> =
        (0..4).map(|n| case("n", call(vec![n.into()], n.into()), if n == 1 { 1 } else { 20 })).collect();
    let actual = phrases(judge, source, &cases, &JudgeOptions::default()).await?;
    Ok(deviation("recovery after a kill", "passed, timeout, no-answer, passed", &actual))
}

/// Each of a thousand calls has its own claim.
async fn check_probe(judge: &Judge) -> Result<Option<Deviation>, SandboxError> {
    let source = "def f(n):\n    print(n)\n    return 10 // n if n % 2 else object()";
    let answers = probe(judge, source, 1000).await?;
    let values = answers.iter().filter(|answer| matches!(answer, Probed::Claim(Claim::Value { .. }))).count();
    let actual = format!("{} answers, {values} values, {:?}", answers.len(), answers.get(3));
    Ok(deviation(
        "a probe of 1,000 calls",
        "1000 answers, 500 values, Some(Claim(Value { value: Int(BigInt(Small(3))*",
        &actual,
    ))
}

/// Answers that do not fit into one frame come in several, and no call is made twice.
async fn check_large_probe(judge: &Judge) -> Result<Option<Deviation>, SandboxError> {
    let source = "count = 0\ndef f(n):\n    global count\n    count += 1\n    return [count, 'x' * 400_000]";
    let answers = probe(judge, source, 7).await?;
    let count = |answer: &Probed| match answer {
        Probed::Claim(Claim::Value { value: Value::List(items), .. }) => {
            items.first().map(crate::value::repr)
        }
        _ => None,
    };
    let counts: Vec<_> = answers.iter().map(|answer| count(answer).unwrap_or_default()).collect();
    Ok(deviation("a probe with large answers", "1 2 3 4 5 6 7", &counts.join(" ")))
}

/// A call that hangs or ends the program costs the other calls of a probe nothing.
async fn check_probe_recovery(judge: &Judge) -> Result<Option<Deviation>, SandboxError> {
    let source = "import os\ndef f(n):\n    if n == 2: os._exit(0)\n    if n == 5: os.abort()\n    \
                  if n == 12:\n        while True: pass\n    return n";
    let answers = probe(judge, source, 15).await?;
    let shown = |answer: &Probed| match answer {
        Probed::Claim(Claim::Value { value, .. }) => crate::value::repr(value),
        Probed::Claim(other) => format!("{other:?}"),
        Probed::Ended(verdict) => phrase(verdict),
    };
    let actual: Vec<_> = answers.iter().map(shown).collect();
    let expected = "0 1 no-answer 3 4 crashed 6 7 8 9 10 11 timeout 13 14";
    Ok(deviation("recovery of a probe", expected, &actual.join(" ")))
}

async fn probe(judge: &Judge, source: &str, count: i64) -> Result<Vec<Probed>, SandboxError> {
    let inputs: Vec<_> = (0..count).map(|n| Arguments { args: vec![n.into()], kwargs: vec![] }).collect();
    let limit = Duration::from_secs(2);
    Ok(match judge.probe(&program(source, Some("f")), &inputs, limit, &JudgeOptions::default()).await? {
        Probe::Answers(answers) => answers,
        Probe::Unloadable(verdict) => vec![Probed::Ended(verdict)],
    })
}

/// The blocks of a failing call, with the values around them.
async fn check_trace(judge: &Judge) -> Result<Option<Deviation>, SandboxError> {
    let source = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total";
    let case = case("sum", call(vec![2.into()], 3.into()), 20);
    let trace = judge.trace(&program(source, Some("f")), &case, &JudgeOptions::default()).await?;
    let actual = trace.map_or_else(String::new, |trace| {
        let blocks: Vec<_> = trace
            .blocks
            .iter()
            .map(|block| format!("{}: {} -> {}", block.line, block.before, block.after))
            .collect();
        blocks.join("; ")
    });
    let expected = "2: n=2 -> n=2 total=0; 3: n=2 total=0 -> n=2 total=0 i=0; \
                    4: n=2 total=0 i=0 -> n=2 total=0 i=0; 3: n=2 total=0 i=0 -> n=2 total=0 i=1; \
                    4: n=2 total=0 i=1 -> n=2 total=1 i=1; 3: n=2 total=1 i=1 -> n=2 total=1 i=1; \
                    5: n=2 total=1 i=1 -> n=2 total=1 i=1";
    Ok(deviation("a block trace", expected, &actual))
}
