//! Reading files that may be gzipped, damaged, endless or no files at all.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::datasets::error::DatasetError;

/// Most bytes of one JSON document, which may be a line: a row of LiveCodeBench or CodeContests holds all its tests.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 256 << 20;

/// Most bytes of one file, unpacked: no data set in use comes near it, and a gzip bomb ends here.
const FILE_BYTES_MAX: u64 = 4 << 30;

/// Opens what must be a regular file: a pipe or device might never end.
pub(crate) fn open(path: &Path) -> Result<Box<dyn BufRead>, DatasetError> {
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

/// The next line with its end; empty at the end of the file.
pub(crate) fn read_line(
    path: &Path,
    reader: &mut Box<dyn BufRead>,
    line: usize,
) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    let read = reader.take(DOCUMENT_BYTES_MAX as u64 + 1).read_until(b'\n', &mut bytes);
    read.map_err(|error| unreadable(path, &error))?;
    check_size(path, line, bytes.len(), DOCUMENT_BYTES_MAX)?;
    Ok(bytes)
}

/// Refuses a document that is too large.
pub(crate) fn check_size(
    path: &Path,
    line: usize,
    bytes: usize,
    bytes_max: usize,
) -> Result<(), DatasetError> {
    if bytes <= bytes_max {
        return Ok(());
    }
    let reason = format!("a document is larger than {} MiB", bytes_max >> 20);
    let mut error = DatasetError::unreadable(path, reason, "make it smaller");
    error.place.position = Some((line, 1));
    Err(error)
}

/// All bytes of a file, unpacked if need be, of which there may be so many.
pub(crate) fn whole(path: &Path, bytes_max: usize) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path, &error))?;
    check_size(path, 1, bytes.len(), bytes_max)?;
    Ok(bytes)
}

/// The whole of a small file, as text.
pub(crate) fn whole_text(path: &Path) -> Result<String, DatasetError> {
    let bytes = whole(path, DOCUMENT_BYTES_MAX)?;
    String::from_utf8(bytes)
        .map_err(|_| DatasetError::unreadable(path, "is not UTF-8", "save the file as UTF-8"))
}

/// The error of a file that the system does not give.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> DatasetError {
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
