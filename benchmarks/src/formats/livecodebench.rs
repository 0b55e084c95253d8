//! Outputs as the custom evaluator of LiveCodeBench reads them: a JSON list of `question_id` and `code_list`, of all problems.
//!
//! Source: Jain et al. 2024, *LiveCodeBench*; its published evaluator, `lcb_runner/runner/custom_evaluator.py`.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::import::{self, Imported, Parsed};
use super::{Export, Unattempted};
use crate::datasets::{Dataset, DatasetError};
use crate::samples::Text;

#[derive(Serialize)]
struct Output<'a> {
    question_id: &'a str,
    code_list: Vec<&'a str>,
}

/// Writes outputs; a problem without samples has an empty list.
///
/// # Errors
/// That of `out`.
pub fn write(export: &Export<'_>, unattempted: Unattempted, out: &mut impl Write) -> io::Result<()> {
    let output = |it: &super::Attempts<'_>| {
        serde_json::to_value(Output { question_id: it.id, code_list: it.programs(unattempted) })
    };
    let outputs = export.problems.iter().map(output).collect::<Result<Vec<Value>, _>>()?;
    Ok(serde_json::to_writer(out, &outputs)?)
}

/// Reads outputs for the problems of a data set.
///
/// # Errors
/// [`DatasetError`] if the file cannot be read or holds no list; bad parts of it are part of the result.
pub fn read(file: &Path, dataset: &Dataset) -> Result<Imported, DatasetError> {
    import::document(file, dataset, |root, reader| {
        for output in root.items()? {
            let Some(row) = reader.sift(output.object()) else { continue };
            let id = output.required("question_id").and_then(|field| {
                let id = field.label()?;
                reader.require(&field, &id)?;
                Ok(id)
            });
            let programs = output.required("code_list").and_then(|programs| programs.items());
            let (Some(id), Some(programs)) = (reader.sift(id), reader.sift(programs)) else { continue };
            let count = programs.len();
            for (index, program) in programs.into_iter().enumerate() {
                if let Some(text) = reader.sift(program.text()) {
                    let parsed = Parsed::new(Text::Solution(text.to_owned()), &["question_id", "code_list"]);
                    reader.push_with(&id, parsed, &of_one(row, index, count));
                }
            }
        }
        Ok(())
    })
}

/// What a row says of one of its programs: of lists with an item for each, such as `graded_list`, its item.
fn of_one(row: &Map<String, Value>, index: usize, count: usize) -> Map<String, Value> {
    let own = |value: &Value| match value {
        Value::Array(items) if items.len() == count => items.get(index).cloned().unwrap_or_default(),
        whole => whole.clone(),
    };
    let others = row.iter().filter(|(key, _)| *key != "code_list");
    others.map(|(key, value)| (key.clone(), own(value))).collect()
}
