//! Samples of other programs as rows of ours.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::line;
use crate::datasets::fields::{Field, Row};
use crate::datasets::files;
use crate::datasets::source::Documents;
use crate::datasets::{Dataset, DatasetError};
use crate::pools::Problems;
use crate::samples::Text;

/// Version of the row's form.
const VERSION: u8 = 1;

/// Faults kept with their positions; the rest are counted.
const FAULTS_MAX: usize = 100;

/// A sample as `score` and `rank` read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportedSample {
    /// Version of the form.
    pub v: u8,
    /// Id of the problem.
    pub task_id: String,
    /// Number of the sample among those of its problem, from 0.
    pub sample: usize,
    /// The program, or what stands behind the prompt: `solution` or `completion`.
    #[serde(flatten)]
    pub text: Text,
    /// What somebody found its tests to say, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Whether somebody found it to pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// What else was said of it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
}

/// The samples of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Imported {
    /// The good ones, in order.
    pub samples: Vec<ImportedSample>,
    /// The first hundred faults.
    pub faults: Vec<DatasetError>,
    /// Faults in all.
    pub fault_count: usize,
}

impl Imported {
    /// The samples as JSON lines.
    ///
    /// # Errors
    /// Never in practice: rows hold nothing that JSON has no form for.
    pub fn to_json_lines(&self) -> io::Result<Vec<u8>> {
        let mut lines = Vec::new();
        self.samples.iter().try_for_each(|sample| line(&mut lines, sample))?;
        Ok(lines)
    }
}

/// What one row says.
pub(super) struct Parsed {
    text: Text,
    result: Option<String>,
    passed: Option<bool>,
    /// Fields that are no part of `meta`.
    known: &'static [&'static str],
}

impl Parsed {
    pub(super) const fn new(text: Text, known: &'static [&'static str]) -> Self {
        Self { text, result: None, passed: None, known }
    }

    /// The same with what somebody found of it.
    pub(super) fn judged(self, passed: bool, result: Option<String>) -> Self {
        Self { passed: Some(passed), result, ..self }
    }
}

/// Collects the samples of the problems of a data set.
pub(super) struct Reader<'a> {
    pub(super) imported: Imported,
    dataset: &'a Dataset,
    problems: Problems<'a>,
    counts: BTreeMap<String, usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(dataset: &'a Dataset) -> Self {
        let problems = Problems::new(&dataset.problems);
        Self { imported: Imported::default(), dataset, problems, counts: BTreeMap::new() }
    }

    /// The id of the problem at a place of the data set.
    pub(super) fn at(&self, field: &Field<'_>, index: usize) -> Result<&'a str, DatasetError> {
        let problem = self.dataset.problems.get(index).map(|it| it.problem.id.as_str());
        problem.ok_or_else(|| {
            let reason = format!("the data set has only {} problems", self.dataset.problems.len());
            field.error(reason, "check that it is the right data set")
        })
    }

    /// Checks that the data set has a problem.
    pub(super) fn require(&self, field: &Field<'_>, id: &str) -> Result<(), DatasetError> {
        self.problems.require(field, id)
    }

    /// Takes in a sample of a problem that the data set has.
    pub(super) fn push(&mut self, id: &str, parsed: Parsed) {
        self.push_with(id, parsed, &Map::new());
    }

    /// Takes in a sample, with the fields of its row. What an earlier import kept in `meta` stays there.
    pub(super) fn push_with(&mut self, id: &str, parsed: Parsed, fields: &Map<String, Value>) {
        let Parsed { text, result, passed, known } = parsed;
        let mut meta = Map::new();
        for (key, value) in fields.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            match value {
                Value::Object(kept) if key == "meta" => meta.extend(kept.clone()),
                _ => drop(meta.insert(key.clone(), value.clone())),
            }
        }
        let count = self.counts.entry(id.to_owned()).or_default();
        let sample = *count;
        *count += 1;
        let task_id = id.to_owned();
        self.imported.samples.push(ImportedSample {
            v: VERSION,
            task_id,
            sample,
            text,
            result,
            passed,
            meta,
        });
    }

    /// The value, or else `None`, its fault taken down.
    pub(super) fn sift<T>(&mut self, read: Result<T, DatasetError>) -> Option<T> {
        read.map_err(|fault| self.fault(fault)).ok()
    }

    pub(super) fn fault(&mut self, fault: DatasetError) {
        self.imported.fault_count += 1;
        if self.imported.faults.len() < FAULTS_MAX {
            self.imported.faults.push(fault);
        }
    }
}

/// Reads JSON lines, gzipped or not, each of one sample.
pub(super) fn lines(
    file: &Path,
    dataset: &Dataset,
    parse: impl Fn(&Field<'_>) -> Result<Parsed, DatasetError>,
) -> Result<Imported, DatasetError> {
    let mut documents = Documents::open_lines(file)?;
    let mut reader = Reader::new(dataset);
    while let Some(document) = documents.next()? {
        let Some(row) = reader.sift(Row::parse(file, document.line, &document.bytes)) else { continue };
        let root = row.root();
        let read = root.required("task_id").and_then(|field| {
            let id = field.label()?;
            reader.require(&field, &id)?;
            Ok((id, parse(&root)?))
        });
        if let Some((id, parsed)) = reader.sift(read) {
            reader.push_with(&id, parsed, row.object());
        }
    }
    Ok(reader.imported)
}

/// Reads one JSON document, gzipped or not.
pub(super) fn document(
    file: &Path,
    dataset: &Dataset,
    read: impl FnOnce(&Field<'_>, &mut Reader<'_>) -> Result<(), DatasetError>,
) -> Result<Imported, DatasetError> {
    let bytes = files::whole(file, files::DOCUMENT_BYTES_MAX)?;
    let row = Row::parse(file, 1, &bytes)?;
    let mut reader = Reader::new(dataset);
    read(&row.root(), &mut reader)?;
    Ok(reader.imported)
}
