//! Problems that are folders: APPS as its authors publish it, one folder per problem, with `question.txt`,
//! `input_output.json`, `solutions.json`, `starter_code.py` and `metadata.json`. All but the first may be missing.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::datasets::error::DatasetError;
use crate::datasets::files::{unreadable, whole_text};

/// The file that makes a folder a problem.
const QUESTION: &str = "question.txt";

/// Files of a problem, and the fields of an APPS row that they are.
const FILES: [(&str, &str); 4] = [
    (QUESTION, "question"),
    ("input_output.json", "input_output"),
    ("solutions.json", "solutions"),
    ("starter_code.py", "starter_code"),
];

/// The problems of a folder by name: the folder itself, or those inside it. `None` if the path is no folder.
pub(crate) fn problems(path: &Path) -> Result<Option<VecDeque<PathBuf>>, DatasetError> {
    if !path.is_dir() {
        return Ok(None);
    }
    if path.join(QUESTION).is_file() {
        return Ok(Some(VecDeque::from([path.to_path_buf()])));
    }
    let entries = fs::read_dir(path).map_err(|error| unreadable(path, &error))?;
    let entries: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut folders = entries.map_err(|error| unreadable(path, &error))?;
    folders.retain(|folder| folder.join(QUESTION).is_file());
    folders.sort();
    if folders.is_empty() {
        let remedy = "name a file inside it, or a folder of APPS problems (`0000/question.txt`)";
        return Err(DatasetError::unreadable(path, "is a directory", remedy));
    }
    Ok(Some(folders.into()))
}

/// The files of a problem as the JSON of one row.
pub(crate) fn row(folder: &Path) -> Result<Vec<u8>, DatasetError> {
    let mut row = Map::new();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    row.insert("problem_id".to_owned(), Value::from(name.as_ref()));
    for (file, field) in FILES {
        let path = folder.join(file);
        if path.exists() {
            row.insert(field.to_owned(), Value::from(whole_text(&path)?));
        }
    }
    if let Some(difficulty) = difficulty(&folder.join("metadata.json"))? {
        row.insert("difficulty".to_owned(), difficulty);
    }
    row.entry("input_output").or_insert_with(|| Value::from(""));
    Ok(Value::Object(row).to_string().into_bytes())
}

/// What the metadata of a problem say of its difficulty; that is all that is read of them.
fn difficulty(metadata: &Path) -> Result<Option<Value>, DatasetError> {
    if !metadata.exists() {
        return Ok(None);
    }
    let metadata = serde_json::from_str::<Value>(&whole_text(metadata)?).ok();
    Ok(metadata.and_then(|it| it.get("difficulty").cloned()))
}

#[cfg(test)]
mod tests;
