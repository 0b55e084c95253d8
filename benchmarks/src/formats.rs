//! Samples in the forms that other programs read and write: one file for each owner of a form.
//!
//! Writers take an [`Export`], which knows problems and rows but no hidden test, and write to any [`Write`]. Readers give
//! [`Imported`] samples: a bad row is told with its position and left out, the others stand. What is written and read back is
//! the same programs in the same order.

pub mod apps;
pub mod bigcode;
pub mod evalplus;
pub mod human_eval;
mod import;
pub mod inspect;
pub mod livecodebench;
pub mod lm_eval;
mod moment;
pub mod training;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Write};

use codeagent::Problem;
use serde::Serialize;

use crate::batch::{BatchFile, SampleRow};
use crate::datasets::Dataset;

pub use import::{Imported, ImportedSample};
pub use moment::Moment;

/// A batch can't be written in the form that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The batch has a problem that the data set does not have.
    #[error("the data set has no problem `{id}`, which the batch has")]
    OtherDataset {
        /// Id of the problem.
        id: String,
    },
    /// The form names a folder after each problem, and this id is no name of one.
    #[error("no folder can be named after the problem `{id}`")]
    NoFolderName {
        /// Id of the problem.
        id: String,
    },
    /// The form names a folder after each problem, and two would share one.
    #[error("the problems `{one}` and `{other}` would share the folder {folder}")]
    SharedFolder {
        /// Id of a problem.
        one: String,
        /// Id of the other.
        other: String,
        /// Name of the folder.
        folder: String,
    },
}

/// What stands for a problem of which there is no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unattempted {
    /// Nothing.
    #[default]
    LeftOut,
    /// One empty program, since some evaluators insist on every problem.
    Empty,
}

/// A batch as writers take it.
///
/// Samples of which nothing is known, since something of ours or the model's went wrong, count nowhere: all writers but that of
/// Inspect logs, which have a place for errors, leave them out.
#[derive(Debug, Clone)]
pub struct Export<'a> {
    /// What was asked for.
    pub batch: &'a BatchFile,
    /// The problems in the order of the data set, each with its samples.
    pub problems: Vec<Attempts<'a>>,
}

/// A problem and its samples.
#[derive(Debug, Clone)]
pub struct Attempts<'a> {
    /// Id of the problem.
    pub id: &'a str,
    /// The problem, where the data set was given.
    pub problem: Option<&'a Problem>,
    /// Its samples by number.
    pub rows: Vec<&'a SampleRow>,
}

impl<'a> Export<'a> {
    /// The samples that a batch asks for. Its problems are those of `dataset`, or those that it asks for where none is given.
    ///
    /// # Errors
    /// [`ExportError::OtherDataset`] if the batch has a problem that the data set does not have.
    pub fn new(
        batch: &'a BatchFile,
        rows: &'a [SampleRow],
        dataset: Option<&'a Dataset>,
    ) -> Result<Self, ExportError> {
        let asked = &batch.extent.problems;
        let mut problems: Vec<Attempts<'a>> = match dataset {
            None => asked.iter().map(|id| Attempts { id, problem: None, rows: Vec::new() }).collect(),
            Some(dataset) => dataset.problems.iter().map(|it| Attempts::none(&it.problem)).collect(),
        };
        let places: BTreeMap<&str, usize> = problems.iter().map(|it| it.id).zip(0..).collect();
        if let Some(id) = asked.iter().find(|id| !places.contains_key(id.as_str())) {
            return Err(ExportError::OtherDataset { id: id.clone() });
        }
        for row in rows.iter().filter(|row| row.sample < batch.extent.samples) {
            let place = places.get(row.task_id.as_str());
            if let Some(attempts) = place.and_then(|place| problems.get_mut(*place)) {
                attempts.rows.push(row);
            }
        }
        problems.iter_mut().for_each(|it| it.rows.sort_by_key(|row| row.sample));
        Ok(Self { batch, problems })
    }

    /// Samples of which nothing is known.
    #[must_use]
    pub fn unresolved(&self) -> usize {
        self.problems.iter().flat_map(|it| &it.rows).filter(|row| !row.is_resolved()).count()
    }
}

impl<'a> Attempts<'a> {
    fn none(problem: &'a Problem) -> Self {
        Self { id: &problem.id, problem: Some(problem), rows: Vec::new() }
    }

    /// The samples of which something is known.
    pub fn resolved(&self) -> impl Iterator<Item = &'a SampleRow> + '_ {
        self.rows.iter().copied().filter(|row| row.is_resolved())
    }

    /// Their programs.
    #[must_use]
    pub fn programs(&self, unattempted: Unattempted) -> Vec<&'a str> {
        let programs: Vec<&str> = self.resolved().map(|row| row.solution.as_str()).collect();
        if programs.is_empty() && unattempted == Unattempted::Empty { vec![""] } else { programs }
    }

    /// What a model is told of the problem: its statement, and the code to begin with where that is not part of it. `None`
    /// without the data set.
    fn prompt(&self) -> Option<String> {
        let Problem { statement, starter, .. } = self.problem?;
        if starter.trim().is_empty() || statement.contains(starter.trim()) {
            return Some(statement.clone());
        }
        Some(format!("{}\n\n{}", statement.trim_end(), codeagent::prompts::fenced(starter, "python")))
    }
}

/// Writes a row of JSON lines.
fn line(out: &mut impl Write, row: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, row)?;
    out.write_all(b"\n")
}

/// The name of a data set's file without its endings, of letters, digits and `_` only.
fn task_name(batch: &BatchFile) -> String {
    let stem = batch.dataset.split('.').next().unwrap_or_default();
    let name: String =
        stem.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).take(100).collect();
    if name.is_empty() { "dataset".to_owned() } else { name }
}
