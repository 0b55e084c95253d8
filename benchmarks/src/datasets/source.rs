//! Files of rows: JSON, JSON lines, either of them gzipped; told apart by content.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::datasets::error::DatasetError;

/// Most bytes of one JSON document.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 16 << 20;

/// Most bytes of one file, unpacked: no data set in use comes near it, and a gzip bomb ends here.
const FILE_BYTES_MAX: u64 = 4 << 30;

/// Documents of a file, read one by one.
pub(crate) struct Documents {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    /// The first line, read ahead to see what kind of file it is.
    first: Option<Vec<u8>>,
    line: usize,
    whole: bool,
}

/// One document and the line on which it begins, from 1.
pub(crate) struct Document {
    pub(crate) line: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Documents {
    /// Opens a file. If its first line is a JSON object by itself, and more follows, its lines are its documents;
    /// otherwise it is one document.
    pub(crate) fn open(path: &Path) -> Result<Self, DatasetError> {
        let mut reader = open(path)?;
        let mut documents = Self {
            path: path.to_path_buf(),
            reader: Box::new(io::empty()),
            first: None,
            line: 0,
            whole: false,
        };
        let first = read_line(path, &mut reader, 1)?;
        documents.whole =
            !serde_json::from_slice::<serde::de::IgnoredAny>(&first).is_ok_and(|_| first.starts_with(b"{"));
        documents.first = Some(first);
        documents.reader = reader;
        Ok(documents)
    }

    /// Opens a file whose lines are its documents, whatever they hold.
    pub(crate) fn open_lines(path: &Path) -> Result<Self, DatasetError> {
        Ok(Self { path: path.to_path_buf(), reader: open(path)?, first: None, line: 0, whole: false })
    }

    /// The next document, blank lines between documents aside.
    pub(crate) fn next(&mut self) -> Result<Option<Document>, DatasetError> {
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
                return Ok(Some(Document { line: self.line, bytes: line }));
            }
        }
    }

    fn rest(&mut self) -> Result<Option<Document>, DatasetError> {
        let Some(mut bytes) = self.first.take() else { return Ok(None) };
        let limit = (DOCUMENT_BYTES_MAX + 1).saturating_sub(bytes.len());
        let read = (&mut self.reader).take(limit as u64).read_to_end(&mut bytes);
        read.map_err(|error| unreadable(&self.path, &error))?;
        check_size(&self.path, 1, bytes.len(), DOCUMENT_BYTES_MAX)?;
        Ok(Some(Document { line: 1, bytes }))
    }
}

/// All bytes of a file, unpacked if need be, of which there may be so many.
pub(crate) fn whole(path: &Path, bytes_max: usize) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path, &error))?;
    check_size(path, 1, bytes.len(), bytes_max)?;
    Ok(bytes)
}

/// Opens what must be a regular file: a pipe or device might never end.
fn open(path: &Path) -> Result<Box<dyn BufRead>, DatasetError> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return Err(DatasetError::unreadable(path, "is a directory", "name a file inside it"));
    }
    if !metadata.is_file() {
        return Err(DatasetError::unreadable(path, "is not a regular file", "save what it gives as a file"));
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut reader = BufReader::new(file);
    let packed = reader.fill_buf().map_err(|error| unreadable(path, &error))?.starts_with(&[0x1f, 0x8b]);
    Ok(if packed {
        Box::new(BufReader::new(MultiGzDecoder::new(reader).take(FILE_BYTES_MAX)))
    } else {
        Box::new(reader.take(FILE_BYTES_MAX))
    })
}

fn read_line(path: &Path, reader: &mut Box<dyn BufRead>, line: usize) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    let read = reader.take(DOCUMENT_BYTES_MAX as u64 + 1).read_until(b'\n', &mut bytes);
    read.map_err(|error| unreadable(path, &error))?;
    check_size(path, line, bytes.len(), DOCUMENT_BYTES_MAX)?;
    Ok(bytes)
}

fn check_size(path: &Path, line: usize, bytes: usize, bytes_max: usize) -> Result<(), DatasetError> {
    if bytes <= bytes_max {
        return Ok(());
    }
    let reason = format!("a document is larger than {} MiB", bytes_max >> 20);
    let mut error = DatasetError::unreadable(path, reason, "make it smaller");
    error.place.position = Some((line, 1));
    Err(error)
}

fn unreadable(path: &Path, error: &io::Error) -> DatasetError {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "make it readable for you",
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            "the file is damaged or cut short; get it again"
        }
        _ => "check the file",
    };
    DatasetError::unreadable(path, format!("cannot be read ({error})"), remedy)
}
