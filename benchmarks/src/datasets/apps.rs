//! Rows of APPS in the forms in which it is passed around.
//!
//! - `question`, `input_output` (JSON, perhaps inside a text; `fn_name` marks call-based rows), `starter_code`;
//! - `description`, `sample_io`, `test_list`, `starter_code`;
//! - `description`, `public_tests`, `private_tests`, perhaps `generated_tests`;
//! - a folder per problem, whose files are the fields of the first form (`folder.rs`).
//!
//! Source: Hendrycks et al. 2021, *Measuring Coding Challenge Competence With APPS*, section 3. Protocol `strict`: visible
//! are the public or sample tests of the row, else the examples of the statement. Outputs are compared token by token,
//! as the authors' own harness does in the end. `rethink-compat` shows the first half of the row's other tests and hides the
//! second.

mod calls;
mod examples;
#[cfg(test)]
mod tests;

use codeagent::problem::{Entry, Problem};
use codeagent_sandbox::case::{Case, Checker, Test};
use serde_json::Value as Json;

use crate::datasets::docstring;
use crate::datasets::error::DatasetError;
use crate::datasets::fields::Field;
use crate::datasets::human_eval::signature;
use crate::datasets::{ProblemWithHidden, limits};
use crate::hidden::HiddenTests;
use crate::protocol::Protocol;
use crate::references::References;

/// Seconds for one test.
const TIME_S: u64 = 10;

/// An input and its output as the row gives them.
pub(super) struct Pair {
    pub(super) input: Json,
    pub(super) output: Json,
}

/// The tests of a row.
#[derive(Default)]
struct Pairs {
    visible: Vec<Pair>,
    hidden: Vec<Pair>,
    /// The name of the function, where the tests give one.
    function: Option<String>,
}

impl Pairs {
    /// Shows the first half of the hidden tests, the smaller one, in place of those that are visible.
    fn halve(&mut self) {
        let second = self.hidden.split_off(self.hidden.len() / 2);
        self.visible = std::mem::replace(&mut self.hidden, second);
    }
}

/// Reads one row of any form.
pub(crate) fn read(
    row: &Field<'_>,
    protocol: Protocol,
    warnings: &mut Vec<String>,
) -> Result<ProblemWithHidden, DatasetError> {
    let statement = match row.optional("question")? {
        Some(question) => question.text()?,
        None => row.required("description")?.text()?,
    };
    let starter = row.optional("starter_code")?.map_or(Ok(""), |field| field.text())?.trim();
    let mut pairs = pairs(row, protocol)?;
    if pairs.hidden.is_empty() {
        warnings.push(format!("{}: has no tests, so that nothing can be judged", row.place()));
    }
    if protocol == Protocol::RethinkCompat {
        pairs.halve();
        if pairs.visible.is_empty() {
            warnings.push(format!("{}: has fewer than two tests, so that none is visible; the published protocol leaves such problems out", row.place()));
        }
    }
    let Pairs { visible, hidden, function } = pairs;
    let limits = limits(TIME_S);
    let entry = entry(starter, function.as_deref());
    let checker = if entry == Entry::Stdio { Checker::Tokens } else { Checker::Exact };
    let cases = match &entry {
        Entry::Stdio => [visible, hidden].map(|pairs| Ok(pairs.into_iter().map(stdio).collect())),
        Entry::Function { name, signature } => calls::tests([visible, hidden], name, signature.as_deref()),
    };
    let number = |tests: Vec<(String, Test)>| {
        let case = |(name, test)| Case { name, test, time_limit: limits.time };
        tests.into_iter().map(case).collect::<Vec<_>>()
    };
    let [visible, hidden] = cases.map(|tests| tests.map(number).map_err(|reason| mismatch(row, reason)));
    let mut visible = visible?;
    if visible.is_empty() && protocol != Protocol::RethinkCompat {
        visible = from_statement(statement, &entry, limits.time);
    }
    let problem = Problem {
        id: format!("APPS/{}", id(row)?),
        statement: statement.to_owned(),
        entry,
        prelude: String::new(),
        starter: starter.to_owned(),
        buggy: None,
        visible,
        checker,
        limits,
    };
    let references = References::new(references(row)?);
    Ok(ProblemWithHidden { problem, hidden: HiddenTests::new(hidden?), references })
}

/// The programs of `solutions`, a list, perhaps inside a text. CodeContests, which sorts them by language, has a reader of
/// its own.
fn references(row: &Field<'_>) -> Result<Vec<String>, DatasetError> {
    let Some(field) = row.optional("solutions")?.filter(|field| !field.value.is_null()) else {
        return Ok(Vec::new());
    };
    let packed = unpacked(&field)?.unwrap_or_default();
    let solutions = field.with_value(&packed);
    if packed.is_null() {
        return Ok(Vec::new());
    }
    Ok(solutions.texts()?.into_iter().map(str::to_owned).collect())
}

/// A value that may stand inside a text as JSON; `None` for an empty text.
fn unpacked(field: &Field<'_>) -> Result<Option<Json>, DatasetError> {
    match field.value {
        Json::String(text) if text.trim().is_empty() => Ok(None),
        Json::String(text) => serde_json::from_str(text)
            .map(Some)
            .map_err(|error| field.error(format!("is not JSON: {error}"), "correct it")),
        other => Ok(Some(other.clone())),
    }
}

fn mismatch(row: &Field<'_>, reason: String) -> DatasetError {
    row.error(reason, "give one line of input for each parameter of the starter code")
}

fn id(row: &Field<'_>) -> Result<String, DatasetError> {
    for key in ["problem_id", "name"] {
        if let Some(field) = row.optional(key)? {
            return field.label();
        }
    }
    row.required("id")?.label()
}

fn pairs(row: &Field<'_>, protocol: Protocol) -> Result<Pairs, DatasetError> {
    if let Some(tests) = row.optional("test_list")? {
        let samples = row.optional("sample_io")?.map_or(Ok(Vec::new()), |samples| listed(&samples))?;
        return Ok(Pairs { visible: samples, hidden: listed(&tests)?, function: None });
    }
    if let Some(public) = row.optional("public_tests")? {
        let private = row.required("private_tests")?;
        let visible = parallel(&public, "input", "output")?;
        let mut hidden = parallel(&private, "input", "output")?;
        if let Some(generated) = row.optional("generated_tests")?
            && protocol != Protocol::CodetreeCompat
        {
            hidden.extend(parallel(&generated, "input", "output")?);
        }
        return Ok(Pairs { visible, hidden, function: None });
    }
    let tests = row.required("input_output")?;
    let Some(packed) = unpacked(&tests)? else { return Ok(Pairs::default()) };
    let inner = tests.with_value(&packed);
    let function = inner.optional("fn_name")?.map(|name| name.text().map(str::to_owned)).transpose()?;
    Ok(Pairs { visible: Vec::new(), hidden: parallel(&inner, "inputs", "outputs")?, function })
}

/// `[{"input": …, "output": …}, …]`.
fn listed(tests: &Field<'_>) -> Result<Vec<Pair>, DatasetError> {
    let pair = |test: &Field<'_>| {
        Ok(Pair {
            input: test.required("input")?.value.clone(),
            output: test.required("output")?.value.clone(),
        })
    };
    tests.items()?.iter().map(pair).collect()
}

/// `{"input": […], "output": […]}`.
pub(super) fn parallel(tests: &Field<'_>, inputs: &str, outputs: &str) -> Result<Vec<Pair>, DatasetError> {
    let (inputs, outputs) = (tests.required(inputs)?.items()?, tests.required(outputs)?.items()?);
    if inputs.len() != outputs.len() {
        let reason = format!("has {} inputs and {} outputs", inputs.len(), outputs.len());
        return Err(tests.error(reason, "give as many outputs as inputs"));
    }
    let pair = |(input, output): (Field<'_>, Field<'_>)| Pair {
        input: input.value.clone(),
        output: output.value.clone(),
    };
    Ok(inputs.into_iter().zip(outputs).map(pair).collect())
}

/// A function if the row names one or has starter code, else a program.
fn entry(starter: &str, function: Option<&str>) -> Entry {
    let defined = starter.rsplit_once("def ").and_then(|(_, rest)| rest.split_once('('));
    let Some(name) = function.or(defined.map(|(name, _)| name.trim())) else { return Entry::Stdio };
    let signature = signature(starter, name);
    let class = starter.lines().find_map(|line| line.strip_prefix("class "));
    let class = class.and_then(|rest| rest.split([':', '(']).next()).map(str::trim);
    Entry::Function {
        name: class.map_or_else(|| name.to_owned(), |class| format!("{class}.{name}")),
        signature,
    }
}

pub(super) fn stdio(pair: Pair) -> (String, Test) {
    let (input, expected) = (lines(&pair.input), lines(&pair.output));
    let name = format!("input {:?}", input.chars().take(60).collect::<String>());
    (name, Test::Stdio { input, expected, checker: Checker::Tokens })
}

/// A text, or the lines of one.
fn lines(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Array(lines) => lines.iter().map(self::lines).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

/// The examples of the statement.
fn from_statement(statement: &str, entry: &Entry, time_limit: std::time::Duration) -> Vec<Case> {
    match entry {
        Entry::Stdio => examples::parse(statement)
            .into_iter()
            .map(|(input, output)| stdio(Pair { input: input.into(), output: output.into() }))
            .map(|(name, test)| Case { name, test, time_limit })
            .collect(),
        Entry::Function { name, signature } => {
            let parameters = signature.as_deref().and_then(docstring::parameters).unwrap_or_default();
            docstring::cases(
                docstring::examples(statement, name, &parameters),
                name,
                &Checker::Exact,
                time_limit,
            )
        }
    }
}
