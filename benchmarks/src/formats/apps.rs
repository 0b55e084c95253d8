//! Predictions as the evaluator of APPS reads them: a JSON object from the place of a problem in the data set, from 0, to its
//! programs.
//!
//! Source: Hendrycks et al. 2021, *Measuring Coding Challenge Competence With APPS*; its published evaluator,
//! `eval/test_one_solution.py`.

use std::io::{self, Write};
use std::path::Path;

use serde::Serializer as _;

use super::import::{self, Imported, Parsed};
use super::{Export, Unattempted};
use crate::datasets::{Dataset, DatasetError};
use crate::samples::Text;

/// Writes predictions; a problem without samples has an empty list.
///
/// # Errors
/// That of `out`.
pub fn write(export: &Export<'_>, unattempted: Unattempted, out: &mut impl Write) -> io::Result<()> {
    let programs = export.problems.iter().map(|it| it.programs(unattempted));
    Ok(serde_json::Serializer::new(out).collect_map(programs.enumerate())?)
}

/// Reads predictions for the problems of a data set; one program may stand without a list.
///
/// # Errors
/// [`DatasetError`] if the file cannot be read or holds no object; bad parts of it are part of the result.
pub fn read(file: &Path, dataset: &Dataset) -> Result<Imported, DatasetError> {
    import::document(file, dataset, |root, reader| {
        for key in root.object()?.keys() {
            let programs = root.required(key)?;
            let index = key.parse().map_err(|_| {
                programs.error("is not named by a place in the data set", "number the problems from 0")
            });
            let id = index.and_then(|index| reader.at(&programs, index));
            let Some(id) = reader.sift(id) else { continue };
            let listed = if programs.value.is_string() { Ok(vec![programs]) } else { programs.items() };
            for program in reader.sift(listed).into_iter().flatten() {
                if let Some(text) = reader.sift(program.text()) {
                    reader.push(id, Parsed::new(Text::Solution(text.to_owned()), &[]));
                }
            }
        }
        Ok(())
    })
}
