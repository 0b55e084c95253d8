//! Generations as the bigcode evaluation harness reads them: a JSON list, in the order of the data set, of lists of programs.
//!
//! Source: Ben Allal et al. 2022, *A framework for the evaluation of code generation models*, option
//! `--load_generations_path`.

use std::io::{self, Write};
use std::path::Path;

use super::import::{self, Imported, Parsed};
use super::{Export, Unattempted};
use crate::datasets::{Dataset, DatasetError};
use crate::samples::Text;

/// Writes generations; a problem without samples has an empty list.
///
/// # Errors
/// That of `out`.
pub fn write(export: &Export<'_>, unattempted: Unattempted, out: &mut impl Write) -> io::Result<()> {
    let lists: Vec<Vec<&str>> = export.problems.iter().map(|it| it.programs(unattempted)).collect();
    Ok(serde_json::to_writer(out, &lists)?)
}

/// Reads generations for the problems of a data set, or the first of them.
///
/// # Errors
/// [`DatasetError`] if the file cannot be read or holds no list; bad parts of it are part of the result.
pub fn read(file: &Path, dataset: &Dataset) -> Result<Imported, DatasetError> {
    import::document(file, dataset, |root, reader| {
        for (index, programs) in root.items()?.into_iter().enumerate() {
            let Some(id) = reader.sift(reader.at(&programs, index)) else { continue };
            let Some(programs) = reader.sift(programs.items()) else { continue };
            for program in programs {
                if let Some(text) = reader.sift(program.text()) {
                    reader.push(id, Parsed::new(Text::Solution(text.to_owned()), &[]));
                }
            }
        }
        Ok(())
    })
}
