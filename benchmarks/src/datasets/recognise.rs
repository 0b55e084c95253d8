//! Which form a row has, told by its fields.

use crate::datasets::error::DatasetError;
use crate::datasets::fields::Row;

/// The forms of problems that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Our own problem file.
    Native,
    /// HumanEval.
    HumanEval,
    /// MBPP as function completion: the fields of HumanEval.
    MbppCompletion,
    /// MBPP with a list of assertions.
    Mbpp,
    /// APPS in one of its forms.
    Apps,
}

/// The form of a row.
pub(crate) fn recognise(row: &Row<'_>) -> Result<Format, DatasetError> {
    let fields = row.object();
    let has = |names: &[&str]| names.iter().all(|name| fields.contains_key(*name));
    let is_mbpp =
        || fields.get("task_id").and_then(|id| id.as_str()).is_some_and(|id| id.starts_with("Mbpp"));
    if has(&["task_id", "prompt", "entry_point", "test"]) {
        Ok(if is_mbpp() { Format::MbppCompletion } else { Format::HumanEval })
    } else if has(&["task_id", "test_list"]) && (has(&["text"]) || has(&["prompt"])) {
        Ok(Format::Mbpp)
    } else if has(&["question", "input_output"])
        || has(&["description", "test_list"])
        || has(&["description", "public_tests", "private_tests"])
    {
        Ok(Format::Apps)
    } else if !has(&["task_id"])
        && ["entry", "prompt", "public_tests", "v", "id"].iter().any(|name| fields.contains_key(*name))
    {
        // Less strict than the others, so that the native reader can say what is missing.
        Ok(Format::Native)
    } else {
        row.root().object()?;
        let remedy = "give a native problem (`id`, `prompt`, `entry`, `public_tests`) or a row of HumanEval, MBPP or APPS";
        Err(row.root().error("is no problem in a form that is known", remedy))
    }
}
