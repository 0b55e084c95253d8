//! The bytes of a model file: on disk or in memory, read piece by piece.
//!
//! Files are read and not mapped: a mapped file that somebody truncates ends the process.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;

use super::error::{LoadError, LoadErrorKind};

/// One model file.
#[derive(Debug)]
pub(crate) struct Source {
    name: String,
    len: u64,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    File(BufReader<File>),
    Memory(Cursor<Bytes>),
}

impl Source {
    /// A file on disk.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| unreadable(&name, error))?;
        if !metadata.is_file() {
            return Err(LoadError::new(
                LoadErrorKind::Unreadable,
                name,
                "not a file",
                "name a .gguf file or a model folder",
            ));
        }
        Ok(Self { name, len: metadata.len(), reader: Reader::File(BufReader::new(file)) })
    }

    /// Bytes in memory, under a name for messages.
    pub(crate) fn memory(name: &str, bytes: Bytes) -> Self {
        Self { name: name.to_owned(), len: bytes.len() as u64, reader: Reader::Memory(Cursor::new(bytes)) }
    }

    /// The name for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes there are.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// The bytes `offset..offset + len`. Allocates only what the file holds.
    pub(crate) fn read_at(&mut self, offset: u64, len: u64) -> Result<Vec<u8>, LoadError> {
        let end = offset.checked_add(len).filter(|end| *end <= self.len);
        let (Some(_), Ok(size)) = (end, usize::try_from(len)) else {
            let place = format!("{}, byte {offset}", self.name);
            return Err(LoadError::truncated(
                place,
                format!("{len} bytes wanted of a file of {} bytes", self.len),
            ));
        };
        let mut bytes = vec![0; size];
        let read = self.seek(SeekFrom::Start(offset)).and_then(|_| self.read_exact(&mut bytes));
        read.map_err(|error| unreadable(&self.name, error))?;
        Ok(bytes)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.reader {
            Reader::File(file) => file.read(buffer),
            Reader::Memory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, position: SeekFrom) -> std::io::Result<u64> {
        match &mut self.reader {
            Reader::File(file) => file.seek(position),
            Reader::Memory(bytes) => bytes.seek(position),
        }
    }
}

/// A whole small file, such as a configuration.
pub(crate) fn read_small(path: &Path, bytes_max: u64) -> Result<Vec<u8>, LoadError> {
    let mut source = Source::open(path)?;
    if source.len() > bytes_max {
        return Err(LoadError::corrupt(
            source.name(),
            format!("{} bytes, where at most {bytes_max} make sense", source.len()),
        ));
    }
    source.read_at(0, source.len())
}

fn unreadable(name: &str, error: std::io::Error) -> LoadError {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => LoadErrorKind::NotFound,
        std::io::ErrorKind::UnexpectedEof => LoadErrorKind::Truncated,
        _ => LoadErrorKind::Unreadable,
    };
    LoadError::new(kind, name, error.to_string(), "check the path and its permissions").caused_by(error)
}
