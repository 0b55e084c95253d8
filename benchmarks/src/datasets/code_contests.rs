//! Rows of CodeContests: `name`, `description`, `public_tests`, `private_tests`, `generated_tests`, `time_limit`, `solutions`.
//!
//! Source: Li et al. 2022, *Competition-Level Code Generation with AlphaCode*, section 3.2. Visible are the public tests, hidden are
//! the private and the generated ones (`codetree-compat` leaves the latter out), compared token by token. References are the
//! solutions in Python 3. Limits are set for compiled programs, so time is multiplied.
//!
//! A test whose output is a list has several right outputs. A row with a `checker` in another language than Python, or with
//! files in place of stdin and stdout, is read with a warning.

use std::time::Duration;

use codeagent::problem::{Entry, Problem, ProblemLimits};
use codeagent_sandbox::case::{Case, Checker, Test};
use serde_json::Value as Json;

use crate::datasets::apps::{Pair, parallel, stdio};
use crate::datasets::error::DatasetError;
use crate::datasets::fields::Field;
use crate::datasets::{ProblemWithHidden, limits};
use crate::hidden::HiddenTests;
use crate::protocol::Protocol;
use crate::references::References;

/// Seconds for one test of a row without a limit.
const TIME_S: u64 = 10;

/// How many times its limit a Python program may take.
const TIME_FACTOR: u32 = 4;

/// Longest limit that a row may have.
const TIME_MAX: Duration = Duration::from_secs(600);

/// Python 3 among the languages of the set, by number and by name.
const PYTHON_3: (u64, &str) = (3, "PYTHON3");

/// Decides among several right outputs, which come as a list in JSON.
const ONE_OF: &str = "import json\n\n\ndef check(input, expected, actual):\n    return any(actual.split() == right.split() for right in json.loads(expected))\n";

/// Reads one row.
pub(crate) fn read(
    row: &Field<'_>,
    protocol: Protocol,
    warnings: &mut Vec<String>,
) -> Result<ProblemWithHidden, DatasetError> {
    let id = format!("CodeContests/{}", row.required("name")?.label()?);
    let statement = row.required("description")?.text()?.to_owned();
    warn(row, warnings)?;
    let limits = row_limits(row)?;
    let checker = checker(row)?;
    let tests = |name: &str| -> Result<Vec<Case>, DatasetError> {
        let Some(tests) = row.optional(name)?.filter(|tests| !tests.value.is_null()) else {
            return Ok(Vec::new());
        };
        let pairs = parallel(&tests, "input", "output")?;
        Ok(pairs.into_iter().map(|pair| case(pair, &checker, limits.time)).collect())
    };
    let visible = tests("public_tests")?;
    let mut hidden = tests("private_tests")?;
    if protocol != Protocol::CodetreeCompat {
        hidden.extend(tests("generated_tests")?);
    }
    if hidden.is_empty() {
        warnings.push(format!("{}: has no hidden tests, so that nothing can be judged", row.place()));
    }
    let problem = Problem {
        id,
        statement,
        entry: Entry::Stdio,
        prelude: String::new(),
        starter: String::new(),
        buggy: None,
        visible,
        checker,
        limits,
    };
    let references = References::new(references(row)?);
    Ok(ProblemWithHidden { problem, hidden: HiddenTests::new(hidden), references })
}

/// What makes the judging of a row doubtful.
fn warn(row: &Field<'_>, warnings: &mut Vec<String>) -> Result<(), DatasetError> {
    for name in ["input_file", "output_file"] {
        let Some(file) = row.optional(name)? else { continue };
        if file.nullable_text()?.is_some_and(|file| !file.trim().is_empty()) {
            warnings.push(format!(
                "{}: the problem is about a file; it is judged by stdin and stdout",
                file.place()
            ));
        }
    }
    let Some(checker) = row.optional("checker")? else { return Ok(()) };
    if checker.nullable_text()?.is_some_and(|source| !source.trim().is_empty() && !is_python(source)) {
        let why = "the checker is not Python and is not run; outputs are compared token by token, so right ones may fail";
        warnings.push(format!("{}: {why}", checker.place()));
    }
    Ok(())
}

/// Whether a checker is one that the judge can run (see [`Checker::Program`]).
fn is_python(source: &str) -> bool {
    source.contains("def check(")
}

fn checker(row: &Field<'_>) -> Result<Checker, DatasetError> {
    let source = row.optional("checker")?.map_or(Ok(None), |checker| checker.nullable_text())?;
    let source = source.filter(|source| is_python(source));
    Ok(source.map_or(Checker::Tokens, |source| Checker::Program { source: source.to_owned() }))
}

fn case(pair: Pair, checker: &Checker, time_limit: Duration) -> Case {
    let several =
        pair.output.as_array().filter(|_| *checker == Checker::Tokens).map(|_| pair.output.to_string());
    let (name, test) = stdio(pair);
    let test = match (test, several) {
        (Test::Stdio { input, .. }, Some(expected)) => {
            Test::Stdio { input, expected, checker: Checker::Program { source: ONE_OF.to_owned() } }
        }
        (Test::Stdio { input, expected, .. }, None) => {
            Test::Stdio { input, expected, checker: checker.clone() }
        }
        (other, _) => other,
    };
    Case { name, test, time_limit }
}

fn row_limits(row: &Field<'_>) -> Result<ProblemLimits, DatasetError> {
    let mut limits = limits(TIME_S);
    if let Some(field) = row.optional("time_limit")?.filter(|field| !field.value.is_null()) {
        limits.time = time(&field)?.saturating_mul(TIME_FACTOR);
    }
    if let Some(field) = row.optional("memory_limit_bytes")?.filter(|field| !field.value.is_null()) {
        // 0 stands for no limit known.
        let mib = u32::try_from(field.whole()? >> 20).unwrap_or(u32::MAX);
        limits.memory_mib = mib.clamp(limits.memory_mib, 4096);
    }
    Ok(limits)
}

/// Seconds: `{"seconds": 2, "nanos": 500000000}`, a number, or a text such as `2.5 seconds`.
fn time(field: &Field<'_>) -> Result<Duration, DatasetError> {
    let seconds = match field.value {
        Json::Object(_) => {
            let part = |name: &str| field.optional(name)?.map_or(Ok(0.0), |part| part.number());
            part("nanos")?.mul_add(1e-9, part("seconds")?)
        }
        Json::String(text) => {
            let text = text.trim();
            let number = text
                .trim_end_matches(|c: char| c.is_alphabetic() || c.is_whitespace() || c == '(' || c == ')');
            let unit = text.get(number.len()..).unwrap_or_default().trim().to_lowercase();
            let scale = match unit.as_str() {
                "ms" | "millisecond" | "milliseconds" => 1e-3,
                "" | "s" | "sec" | "secs" | "second" | "seconds" | "second(s)" => 1.0,
                _ => {
                    return Err(field
                        .error(format!("has the unknown unit `{}`", unit.escape_debug()), "give seconds"));
                }
            };
            let number: f64 =
                number.parse().map_err(|_| field.error("is no time", "write it as `2 seconds`"))?;
            number * scale
        }
        _ => field.number()?,
    };
    let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero() && *time <= TIME_MAX);
    time.ok_or_else(|| {
        field.error(format!("{seconds} seconds is out of range"), "give more than 0, at most 600")
    })
}

/// The solutions in Python 3: `{"language": […], "solution": […]}`, or a list of objects with these fields.
fn references(row: &Field<'_>) -> Result<Vec<String>, DatasetError> {
    let Some(field) = row.optional("solutions")?.filter(|field| !field.value.is_null()) else {
        return Ok(Vec::new());
    };
    let pairs = match field.value {
        Json::Array(_) => {
            let pair = |item: &Field<'_>| {
                Ok(Pair {
                    input: item.required("language")?.value.clone(),
                    output: item.required("solution")?.value.clone(),
                })
            };
            field.items()?.iter().map(pair).collect::<Result<_, DatasetError>>()?
        }
        _ => parallel(&field, "language", "solution")?,
    };
    let is_python = |language: &Json| *language == PYTHON_3.0 || *language == PYTHON_3.1;
    let python = pairs.into_iter().filter(|pair| is_python(&pair.input));
    let text = |pair: Pair| match pair.output {
        Json::String(text) => Ok(text),
        _ => Err(field.error("holds a solution that is no text", "give programs")),
    };
    python.map(text).collect()
}

#[cfg(test)]
mod tests;
