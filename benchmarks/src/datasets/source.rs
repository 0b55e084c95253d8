//! Files of rows: JSON, JSON lines, either of them gzipped; told apart by content.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use crate::datasets::error::DatasetError;
use crate::datasets::files::{DOCUMENT_BYTES_MAX, check_size, open, read_line, unreadable};
use crate::datasets::folder;

/// Documents of a file, read one by one.
pub(crate) struct Documents {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    /// The first line, read ahead to see what kind of file it is.
    first: Option<Vec<u8>>,
    line: usize,
    whole: bool,
    /// Problems that are folders and are still to come, where the path is a folder.
    folders: Option<VecDeque<PathBuf>>,
}

/// One document and the line on which it begins, from 1; 0 for one that was put together from several files.
pub(crate) struct Document {
    /// The file, or the folder of the problem.
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Documents {
    /// Opens a file or a folder of problems. If a file's first line is a JSON object by itself, and more follows, its lines are its documents;
    /// otherwise it is one document.
    pub(crate) fn open(path: &Path) -> Result<Self, DatasetError> {
        let mut documents = Self {
            path: path.to_path_buf(),
            reader: Box::new(io::empty()),
            first: None,
            line: 0,
            whole: false,
            folders: folder::problems(path)?,
        };
        if documents.folders.is_some() {
            return Ok(documents);
        }
        let mut reader = open(path)?;
        let first = read_line(path, &mut reader, 1)?;
        documents.whole =
            !serde_json::from_slice::<serde::de::IgnoredAny>(&first).is_ok_and(|_| first.starts_with(b"{"));
        documents.first = Some(first);
        documents.reader = reader;
        Ok(documents)
    }

    /// Opens a file whose lines are its documents, whatever they hold.
    pub(crate) fn open_lines(path: &Path) -> Result<Self, DatasetError> {
        Ok(Self {
            path: path.to_path_buf(),
            reader: open(path)?,
            first: None,
            line: 0,
            whole: false,
            folders: None,
        })
    }

    /// The next document, blank lines between documents aside.
    pub(crate) fn next(&mut self) -> Result<Option<Document>, DatasetError> {
        if let Some(folders) = &mut self.folders {
            return folders
                .pop_front()
                .map(|file| Ok(Document { line: 0, bytes: folder::row(&file)?, file }))
                .transpose();
        }
        if self.whole {
            return self.rest();
        }
        loop {
            self.line += 1;
            let line = match self.first.take() {
                Some(first) => first,
                None => read_line(&self.path, &mut self.reader, self.line)?,
            };
            if line.is_empty() {
                return Ok(None);
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(self.document(self.line, line)));
            }
        }
    }

    fn document(&self, line: usize, bytes: Vec<u8>) -> Document {
        Document { file: self.path.clone(), line, bytes }
    }

    fn rest(&mut self) -> Result<Option<Document>, DatasetError> {
        let Some(mut bytes) = self.first.take() else { return Ok(None) };
        let limit = (DOCUMENT_BYTES_MAX + 1).saturating_sub(bytes.len());
        let read = (&mut self.reader).take(limit as u64).read_to_end(&mut bytes);
        read.map_err(|error| unreadable(&self.path, &error))?;
        check_size(&self.path, 1, bytes.len(), DOCUMENT_BYTES_MAX)?;
        Ok(Some(self.document(1, bytes)))
    }
}
