//! Files of prompts: JSON lines with a `prompt` each, gzipped or not.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::datasets::DatasetError;
use crate::datasets::fields::Row;
use crate::datasets::source::Documents;
use crate::samples::FAULTS_MAX;

/// A text to go on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepetitionPrompt {
    /// Its name, of which a file has one only.
    pub id: String,
    /// What repeats, in a word; empty where nobody said.
    pub family: String,
    /// How it repeats, in a word; empty where nobody said.
    pub kind: String,
    /// The text.
    pub prompt: String,
    /// Copies of the last unit in it; 0 where nobody said.
    pub copies: u64,
    /// Line of the file, from 1; 0 for one that was generated.
    #[serde(skip)]
    pub line: usize,
}

/// The prompts of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepetitionPrompts {
    /// The good rows, in order.
    pub prompts: Vec<RepetitionPrompt>,
    /// The first hundred bad rows.
    pub faults: Vec<DatasetError>,
    /// Bad rows in all.
    pub fault_count: usize,
}

/// Reads a file of prompts. Only `prompt` is needed; without an `id` the number of the line is one.
///
/// # Errors
/// [`DatasetError`] if the file cannot be read; bad rows are part of the result.
pub fn read_prompts(file: &Path) -> Result<RepetitionPrompts, DatasetError> {
    let mut documents = Documents::open_lines(file)?;
    let (mut read, mut ids) = (RepetitionPrompts::default(), BTreeSet::new());
    while let Some(document) = documents.next()? {
        let row = Row::parse(&document.file, document.line, &document.bytes);
        match row.and_then(|row| prompt(&row, &mut ids)) {
            Ok(prompt) => read.prompts.push(prompt),
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

fn prompt(row: &Row<'_>, ids: &mut BTreeSet<String>) -> Result<RepetitionPrompt, DatasetError> {
    let root = row.root();
    let text = root.required("prompt")?;
    if text.text()?.trim().is_empty() {
        return Err(text.error("it is empty", "give the beginning of a program"));
    }
    let named = root.optional("id")?;
    let id = named.as_ref().map_or_else(|| Ok(row.line.to_string()), |id| id.label())?;
    if !ids.insert(id.clone()) {
        let place = named.unwrap_or(root);
        return Err(place.error("another row has this id", "give each prompt an id of its own"));
    }
    let word = |key: &str| -> Result<String, DatasetError> {
        Ok(root.optional(key)?.map(|field| field.label()).transpose()?.unwrap_or_default())
    };
    Ok(RepetitionPrompt {
        id,
        family: word("family")?,
        kind: word("kind")?,
        prompt: text.text()?.to_owned(),
        copies: root.optional("copies")?.map(|field| field.whole()).transpose()?.unwrap_or(0),
        line: row.line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> RepetitionPrompts {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_prompts(file.path()).unwrap()
    }

    #[test]
    fn good_rows_stand_and_bad_ones_are_placed() {
        let read = read(
            "{\"prompt\": \"import os\\n\", \"samples\": [1], \"repetition\": {}}\n\n\
             {\"id\": \"a\", \"prompt\": \"x\", \"family\": \"imports\", \"kind\": \"content\", \"copies\": 7}\n\
             {\"id\": \"a\", \"prompt\": \"y\"}\n{\"id\": \"b\", \"prompt\": \" \"}\n{\"id\": \"c\"}\n\
             {\"prompt\": 3}\n{\"prompt\": \"x\", \"copies\": -1}\n{\"prompt\"",
        );
        let ids: Vec<&str> = read.prompts.iter().map(|prompt| prompt.id.as_str()).collect();
        assert_eq!((ids, read.prompts[1].copies), (vec!["1", "a"], 7));
        let lines: Vec<_> = read.faults.iter().map(|fault| fault.place.position.unwrap().0).collect();
        assert_eq!((lines, read.fault_count), (vec![4, 5, 6, 7, 8, 9], 6));
        assert!(read.faults[0].to_string().contains("`id`: another row has this id"), "{}", read.faults[0]);
    }
}
