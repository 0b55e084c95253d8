//! The native problem file.
//!
//! ```json
//! {"v":1,"id":"demo/1","prompt":"text","language":"python",
//!  "entry":{"kind":"function","name":"f","signature":"def f(a: int) -> int"},
//!  "starter":"","public_tests":[{"in":"[1]","out":"2"}],"hidden_tests":[],
//!  "checker":{"kind":"exact","atol":1e-6},
//!  "limits":{"time_s":2.0,"memory_mib":256},"sketch":null,"meta":{}}
//! ```
//!
//! Required are `id`, `prompt`, `entry` and at least one test. For a function, `in` is the list of arguments (or an object
//! of named ones) and `out` the answer, both as the text of a Python literal or of JSON; for a program they are its input
//! and its output. A checker of kind `program` has its `source`, Python that defines `check(input, expected, actual)`, and
//! decides alone which answers are right (see [`Checker::Program`]). `buggy` is a program that is to be repaired,
//! `reference` one that is right, which no search sees. Unknown fields are warnings, everything else that is not as described is an error.

mod examples;
mod sketch;
#[cfg(test)]
mod tests;
mod visible;

use std::time::Duration;

use codeagent::problem::{Entry, Problem, ProblemLimits};
use codeagent_sandbox::case::{Case, Checker, Test};
use codeagent_sandbox::value::{Value, repr};

use crate::datasets::error::DatasetError;
use crate::datasets::fields::Field;
use crate::datasets::names::{entry_fault, id_fault, is_identifier};
use crate::datasets::{ProblemWithHidden, docstring, limits, values};
use crate::hidden::HiddenTests;
use crate::references::References;

use examples::with_examples;

pub use visible::{add_visible_tests, visible_test_line};

/// Largest statement or starter in bytes: ten times the longest in use, and what a model can still read.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// Seconds for one test, unless the file says otherwise.
const TIME_S: u64 = 5;

/// Longest time limit of one test in seconds.
const TIME_S_MAX: f64 = 3600.0;

/// Reads one problem, adding what is suspicious to `warnings`.
pub(crate) fn read(row: &Field<'_>, warnings: &mut Vec<String>) -> Result<ProblemWithHidden, DatasetError> {
    warn_of_unknown(row, &KNOWN, warnings)?;
    check_version(row)?;
    let entry = read_entry(&row.required("entry")?, warnings)?;
    let checker = match row.present("checker")? {
        Some(field) => read_checker(&field, warnings)?,
        None => Checker::Exact,
    };
    let limits = match row.present("limits")? {
        Some(field) => read_limits(&field, warnings)?,
        None => limits(TIME_S),
    };
    let mut tests = |key: &str| match row.present(key)? {
        Some(field) => read_tests(&field, &entry, &checker, limits.time, warnings),
        None => Ok(Vec::new()),
    };
    let (visible, hidden) = (tests("public_tests")?, tests("hidden_tests")?);
    if visible.is_empty() && hidden.is_empty() {
        return Err(row.error("there is no test", "give at least one in `public_tests`"));
    }
    if let Some(field) = row.optional("sketch")? {
        sketch::check(&field)?;
        warnings.push(format!("{}: the sketch is not used by this version", field.place()));
    }
    if let Some(meta) = row.present("meta")? {
        meta.object()?;
    }
    let problem = Problem {
        id: read_id(&row.required("id")?)?,
        statement: with_examples(&read_prompt(&row.required("prompt")?)?, &visible),
        entry,
        prelude: String::new(),
        starter: row.present("starter")?.map_or(Ok(String::new()), |field| bounded_text(&field))?,
        buggy: row.present("buggy")?.map(|field| bounded_text(&field)).transpose()?,
        visible,
        checker,
        limits,
    };
    let reference = row.present("reference")?.map(|field| bounded_text(&field)).transpose()?;
    let references = References::new(reference.into_iter().collect());
    Ok(ProblemWithHidden { problem, hidden: HiddenTests::new(hidden), references })
}

const KNOWN: [&str; 15] = [
    "v",
    "id",
    "prompt",
    "language",
    "entry",
    "starter",
    "buggy",
    "reference",
    "public_tests",
    "hidden_tests",
    "checker",
    "limits",
    "sketch",
    "meta",
    "depends_on",
];

fn warn_of_unknown(
    field: &Field<'_>,
    known: &[&str],
    warnings: &mut Vec<String>,
) -> Result<(), DatasetError> {
    for key in field.object()?.keys().filter(|key| !known.contains(&key.as_str())) {
        let nearest = known.iter().max_by(|a, b| strsim::jaro(key, a).total_cmp(&strsim::jaro(key, b)));
        let nearest = nearest.filter(|name| strsim::jaro(key, name) > 0.7);
        let hint = nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        let place = field.present(key)?.map_or_else(|| field.place(), |field| field.place());
        warnings.push(format!("{place}: unknown field, ignored{hint}"));
    }
    Ok(())
}

fn check_version(row: &Field<'_>) -> Result<(), DatasetError> {
    if let Some(version) = row.present("v")?
        && version.whole()? != 1
    {
        return Err(version.error("this version of the format is not known", "use 1, or a newer codeagent"));
    }
    match row.present("language")? {
        Some(language) if language.text()? != "python" => {
            Err(language.error("this language is not supported", "use \"python\""))
        }
        _ => Ok(()),
    }
}

fn read_id(field: &Field<'_>) -> Result<String, DatasetError> {
    let id = field.text()?;
    match id_fault(id) {
        Some(fault) => Err(field.error(fault, "give a short name such as \"demo/1\"")),
        None => Ok(id.to_owned()),
    }
}

fn read_prompt(field: &Field<'_>) -> Result<String, DatasetError> {
    let text = bounded_text(field)?;
    if text.trim().is_empty() {
        Err(field.error("is empty", "say what the program should do"))
    } else {
        Ok(text)
    }
}

fn bounded_text(field: &Field<'_>) -> Result<String, DatasetError> {
    let text = field.text()?;
    if text.len() > TEXT_BYTES_MAX {
        return Err(
            field.error(format!("is {} bytes long (limit {TEXT_BYTES_MAX})", text.len()), "shorten it")
        );
    }
    Ok(text.to_owned())
}

fn read_entry(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Entry, DatasetError> {
    let kind = field.required("kind")?;
    match kind.text()? {
        "stdio" => {
            warn_of_unknown(field, &["kind"], warnings)?;
            Ok(Entry::Stdio)
        }
        "function" => {
            warn_of_unknown(field, &["kind", "name", "signature"], warnings)?;
            read_function(field)
        }
        _ => Err(kind.error("is no kind of entry", "use \"function\" or \"stdio\"")),
    }
}

fn read_function(field: &Field<'_>) -> Result<Entry, DatasetError> {
    let name_field = field.required("name")?;
    let name = name_field.text()?;
    if let Some(fault) = entry_fault(name) {
        return Err(name_field.error(fault, "name a Python function, such as \"f\""));
    }
    let Some(signature_field) = field.present("signature")? else {
        return Ok(Entry::Function { name: name.to_owned(), signature: None });
    };
    let signature = signature_field.text()?.trim().trim_end_matches(':').trim_end();
    let last = name.rsplit('.').next().unwrap_or(name);
    let defines = signature.trim_start_matches("async ").strip_prefix("def ").map(str::trim_start);
    let follows = defines.and_then(|rest| rest.strip_prefix(last)).map(str::trim_start);
    if !follows.is_some_and(|rest| rest.starts_with('(')) {
        let remedy = format!("write it as `def {last}(...)`");
        return Err(signature_field.error(format!("does not define `{last}`"), remedy));
    }
    Ok(Entry::Function { name: name.to_owned(), signature: Some(signature.to_owned()) })
}

fn read_checker(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Checker, DatasetError> {
    warn_of_unknown(field, &["kind", "atol", "source"], warnings)?;
    let atol = match field.present("atol")? {
        Some(atol) => within(&atol, 0.0, 1e300)?,
        None => 1e-6,
    };
    let kind = field.required("kind")?;
    match kind.text()? {
        "exact" => Ok(Checker::Exact),
        "float" => Ok(Checker::Float { atol }),
        "tokens" => Ok(Checker::Tokens),
        "program" => Ok(Checker::Program { source: bounded_text(&field.required("source")?)? }),
        _ => Err(kind.error("is no kind of checker", "use exact, float, tokens or program")),
    }
}

fn read_limits(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<ProblemLimits, DatasetError> {
    warn_of_unknown(field, &["time_s", "memory_mib"], warnings)?;
    let mut limits = limits(TIME_S);
    if let Some(time) = field.present("time_s")? {
        limits.time = Duration::from_secs_f64(within(&time, 0.001, TIME_S_MAX)?);
    }
    if let Some(memory) = field.present("memory_mib")? {
        let mib = memory.whole()?;
        limits.memory_mib = u32::try_from(mib)
            .ok()
            .filter(|mib| (1..=65_536).contains(mib))
            .ok_or_else(|| memory.error(format!("{mib} is out of range"), "give 1 to 65536 MiB"))?;
    }
    Ok(limits)
}

fn within(field: &Field<'_>, low: f64, high: f64) -> Result<f64, DatasetError> {
    let number = field.number()?;
    if (low..=high).contains(&number) {
        return Ok(number);
    }
    Err(field.error(format!("{number} is out of range"), format!("give a number from {low} to {high:e}")))
}

fn read_tests(
    field: &Field<'_>,
    entry: &Entry,
    checker: &Checker,
    time_limit: Duration,
    warnings: &mut Vec<String>,
) -> Result<Vec<Case>, DatasetError> {
    let mut cases = Vec::new();
    for test in field.items()? {
        warn_of_unknown(&test, &["in", "out"], warnings)?;
        let (input, output) = (test.required("in")?, test.required("out")?);
        let (name, test) = match entry {
            Entry::Stdio => stdio_test(&input, &output, checker)?,
            Entry::Function { name, signature } => {
                call_test(&input, &output, name, signature.as_deref(), checker)?
            }
        };
        cases.push(Case { name, test, time_limit });
    }
    Ok(cases)
}

fn stdio_test(
    input: &Field<'_>,
    output: &Field<'_>,
    checker: &Checker,
) -> Result<(String, Test), DatasetError> {
    let (input, expected) = (input.text()?.to_owned(), output.text()?.to_owned());
    let name = format!("input {:?}", input.chars().take(60).collect::<String>());
    Ok((name, Test::Stdio { input, expected, checker: checker.clone() }))
}

fn call_test(
    input: &Field<'_>,
    output: &Field<'_>,
    name: &str,
    signature: Option<&str>,
    checker: &Checker,
) -> Result<(String, Test), DatasetError> {
    let (args, kwargs) = match data(input)? {
        Value::List(args) | Value::Tuple(args) => (args, Vec::new()),
        Value::Dict(pairs) => (Vec::new(), named(input, pairs)?),
        _ => return Err(input.error("is no list of arguments", "write one argument 1 as \"[1]\"")),
    };
    check_arity(input, &args, &kwargs, signature)?;
    let expected = data(output)?;
    let positional = args.iter().map(repr);
    let shown: Vec<_> =
        positional.chain(kwargs.iter().map(|(name, value)| format!("{name}={}", repr(value)))).collect();
    let shown = format!("{name}({}) == {}", shown.join(", "), repr(&expected));
    Ok((shown, Test::Call { args, kwargs, expected, checker: checker.clone() }))
}

fn data(field: &Field<'_>) -> Result<Value, DatasetError> {
    values::data(field.text()?).ok_or_else(|| {
        field.error("is neither a Python literal nor JSON", "write values only, such as \"[1, 'a']\"")
    })
}

fn named(field: &Field<'_>, pairs: Vec<(Value, Value)>) -> Result<Vec<(String, Value)>, DatasetError> {
    let name = |(key, value)| match &key {
        Value::Str(text) if text.as_str().is_some_and(is_identifier) => {
            Some((text.as_str()?.to_owned(), value))
        }
        _ => None,
    };
    let names: Option<Vec<_>> = pairs.into_iter().map(name).collect();
    names.ok_or_else(|| {
        field.error("a named argument has no valid name", "use the names of parameters as keys")
    })
}

/// A test must fit the signature, where that says how many arguments there are.
fn check_arity(
    field: &Field<'_>,
    args: &[Value],
    kwargs: &[(String, Value)],
    signature: Option<&str>,
) -> Result<(), DatasetError> {
    let Some(parameters) = signature.and_then(docstring::parameters) else { return Ok(()) };
    if args.len() > parameters.len() {
        let reason = format!("gives {} arguments, the signature takes {}", args.len(), parameters.len());
        return Err(field.error(reason, "write the arguments as one list: \"[first, second]\""));
    }
    match kwargs.iter().find(|(name, _)| !parameters.contains(name)) {
        Some((name, _)) => {
            Err(field.error(format!("the signature has no parameter `{name}`"), "use the signature's names"))
        }
        None => Ok(()),
    }
}
