//! Problems from files: the native form and the rows of published data sets, recognised by content.
//!
//! A file is one JSON document or one document per line, gzipped or not; a folder holds APPS problems as their owners
//! publish them. Reading stops at the first fault, with its position; what is merely suspicious is a warning.

mod apps;
mod class_eval;
mod code_contests;
mod difficulty;
mod docstring;
mod error;
mod eval_plus;
pub(crate) mod fields;
pub(crate) mod files;
mod folder;
mod human_eval;
mod json;
mod live_code_bench;
mod mbpp;
mod names;
mod native;
mod objects;
mod recognise;
mod repair;
pub(crate) mod source;
mod values;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use codeagent::problem::{Problem, ProblemLimits};

pub use difficulty::easiest_first;
pub use error::{DatasetError, DatasetErrorKind, Place};
pub use live_code_bench::{PickleError, pickled_text};
pub use native::{add_visible_tests, visible_test_line};
pub use recognise::Format;

use crate::hidden::HiddenTests;
use crate::protocol::Protocol;
use crate::references::References;
use fields::Row;
use human_eval::Examples;
use recognise::recognise;
use source::{Document, Documents};

/// A problem and the tests that decide whether it is solved.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemWithHidden {
    /// What the search may know.
    pub problem: Problem,
    /// What it may not.
    pub hidden: HiddenTests,
    /// Nor these.
    pub references: References,
}

/// A problem that was read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The problem.
    pub problem: ProblemWithHidden,
    /// Which tests are visible.
    pub protocol: Protocol,
    /// What is suspicious about it, each with its position.
    pub warnings: Vec<String>,
}

/// The problems of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The problems, in the order of the file.
    pub problems: Vec<ProblemWithHidden>,
    /// Which tests are visible, in all of them.
    pub protocol: Protocol,
    /// The forms of their rows, in the order in which they come first.
    pub formats: Vec<Format>,
    /// BLAKE3 of the problems with their hidden tests, hex; independent of the form in which the file holds them.
    pub hash: String,
    /// How hard problems are said to be, by id, in the words of the data set; for reports alone.
    pub difficulties: BTreeMap<String, String>,
    /// What is suspicious, each with its position.
    pub warnings: Vec<String>,
}

/// Reads one problem, under [`Protocol::Strict`]: the only one of a file, or `FILE#ID`, the one with this id. An id may be
/// given with or without the data set's name in front.
///
/// # Errors
/// [`DatasetError`] with file, position, reason and remedy.
pub fn load_problem(name: &str) -> Result<Loaded, DatasetError> {
    load_problem_under(name, Protocol::Strict)
}

/// As [`load_problem`], with the tests visible that a protocol shows.
///
/// # Errors
/// As [`load_problem`].
pub fn load_problem_under(name: &str, protocol: Protocol) -> Result<Loaded, DatasetError> {
    match name.rsplit_once('#') {
        Some((file, id)) if !Path::new(name).exists() => choose(Path::new(file), id, protocol),
        _ => only(Path::new(name), protocol),
    }
}

/// Reads all problems of a file, under [`Protocol::Strict`]. A problem that repeats an earlier one exactly is left out,
/// with a warning.
///
/// # Errors
/// [`DatasetError`] with file, position, reason and remedy; also where two different problems have the same id.
pub fn load_dataset(file: &Path) -> Result<Dataset, DatasetError> {
    load_dataset_under(file, Protocol::Strict)
}

/// As [`load_dataset`], with the tests visible that a protocol shows.
///
/// # Errors
/// As [`load_dataset`].
pub fn load_dataset_under(file: &Path, protocol: Protocol) -> Result<Dataset, DatasetError> {
    let mut problems: Vec<ProblemWithHidden> = Vec::new();
    let mut warnings = Vec::new();
    let mut seen = BTreeSet::new();
    let mut formats = Vec::new();
    let mut difficulties = BTreeMap::new();
    let mut documents = Documents::open(file)?;
    while let Some(document) = documents.next()? {
        let (row, format) = parse(&document)?;
        let problem = read(&row, format, protocol, &mut warnings)?;
        if !formats.contains(&format) {
            formats.push(format);
        }
        let id = &problem.problem.id;
        if seen.insert(id.clone()) {
            difficulties.extend(difficulty::of(&row).map(|word| (id.clone(), word)));
            problems.push(problem);
        } else if problems.contains(&problem) {
            warnings.push(format!("{}: `{id}` is in the file already, left out", row.root().place()));
        } else {
            let reason = format!("another problem has the id `{id}`");
            return Err(row.root().error(reason, "give each problem an id of its own"));
        }
    }
    if problems.is_empty() {
        return Err(DatasetError::selection(file, "holds no problem", "give a JSON object on each line"));
    }
    let hash = dataset_hash(&problems);
    Ok(Dataset { problems, protocol, formats, hash, difficulties, warnings })
}

/// BLAKE3 over the problems and their hidden tests, in order, as hex.
#[must_use]
pub fn dataset_hash(problems: &[ProblemWithHidden]) -> String {
    let mut hasher = blake3::Hasher::new();
    for ProblemWithHidden { problem, hidden, .. } in problems {
        // Writing plain data into a hasher cannot fail; were it to, the hash would still tell the rest apart.
        drop(serde_json::to_writer(&mut hasher, problem));
        drop(hidden.hash_into(&mut hasher));
    }
    hasher.finalize().to_hex().to_string()
}

fn only(file: &Path, protocol: Protocol) -> Result<Loaded, DatasetError> {
    let mut documents = Documents::open(file)?;
    let Some(document) = documents.next()? else {
        return Err(DatasetError::unreadable(file, "is empty", "give a JSON object"));
    };
    let (row, format) = parse(&document)?;
    if let Some(next) = documents.next()? {
        return Err(several(file, (&row, format), &next));
    }
    let mut warnings = Vec::new();
    let problem = read(&row, format, protocol, &mut warnings)?;
    Ok(Loaded { problem, protocol, warnings })
}

/// The error of a file with several problems where one is needed. If what follows the first is no JSON, the file is
/// taken for one problem with something behind it.
fn several(file: &Path, (first, format): (&Row<'_>, Format), next: &Document) -> DatasetError {
    if let Err(error) = Row::parse(&next.file, next.line, &next.bytes) {
        return error;
    }
    let example = read(first, format, Protocol::Strict, &mut Vec::new())
        .map_or_else(|_| "ID".to_owned(), |read| read.problem.id);
    let remedy = format!("choose one as {}#ID, such as {}#{example}", file.display(), file.display());
    DatasetError::selection(file, "holds several problems", remedy)
}

fn choose(file: &Path, id: &str, protocol: Protocol) -> Result<Loaded, DatasetError> {
    let mut documents = Documents::open(file)?;
    let mut ids = Vec::new();
    while let Some(document) = documents.next()? {
        let (row, format) = parse(&document)?;
        let mut warnings = Vec::new();
        let problem = read(&row, format, protocol, &mut warnings)?;
        let found = problem.problem.id.as_str();
        if found == id || found.split_once('/').is_some_and(|(_, rest)| rest == id) {
            return Ok(Loaded { problem, protocol, warnings });
        }
        ids.push(found.to_owned());
    }
    let similar = |a: &&String, b: &&String| strsim::jaro(a, id).total_cmp(&strsim::jaro(b, id));
    let remedy = ids.iter().max_by(similar).map_or_else(
        || "give a file with problems".to_owned(),
        |nearest| format!("choose one of its {} ids, such as {nearest}", ids.len()),
    );
    Err(DatasetError::selection(file, format!("holds no problem `{}`", id.escape_debug()), remedy))
}

/// A document as a row, and its form. Python writes infinities into JSON, which has none; such rows are read where a data
/// set is known to have them.
fn parse(document: &Document) -> Result<(Row<'_>, Format), DatasetError> {
    match Row::parse(&document.file, document.line, &document.bytes) {
        Ok(row) => recognise(&row).map(|format| (row, format)),
        Err(error) => {
            let row = Row::parse_python(&document.file, document.line, &document.bytes);
            let row = row.filter(|row| recognise(row) == Ok(Format::EvalPlus));
            row.map(|row| (row, Format::EvalPlus)).ok_or(error)
        }
    }
}

fn read(
    row: &Row<'_>,
    format: Format,
    protocol: Protocol,
    warnings: &mut Vec<String>,
) -> Result<ProblemWithHidden, DatasetError> {
    let root = row.root();
    match format {
        Format::Native => native::read(&root, warnings),
        Format::HumanEval => human_eval::read(&root, Examples::Visible),
        Format::MbppCompletion => human_eval::read(&root, Examples::Ignored),
        Format::EvalPlus => eval_plus::read(&root),
        Format::HumanEvalPack => repair::read_pack(&root),
        Format::QuixBugs => repair::read_quix_bugs(&root),
        Format::Mbpp => mbpp::read(&root, protocol),
        Format::Apps => apps::read(&root, protocol, warnings),
        Format::CodeContests => code_contests::read(&root, protocol, warnings),
        Format::LiveCodeBench => live_code_bench::read(&root),
        Format::ClassEval => class_eval::read(&root, warnings),
    }
}

/// The limits of data sets that give none.
const fn limits(time_s: u64) -> ProblemLimits {
    ProblemLimits { time: Duration::from_secs(time_s), memory_mib: 256 }
}
