//! A line of JSON over a socket, of a bounded length.

use std::io::{Error, ErrorKind};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// Longest line, in bytes.
const LINE_MAX: u64 = 64 << 10;

/// Reads a value.
///
/// # Errors
/// The system's, and `InvalidData` for what is no such value or too long.
pub(super) async fn read<T: DeserializeOwned>(stream: &mut UnixStream) -> Result<T, Error> {
    let mut line = Vec::new();
    BufReader::new(stream.take(LINE_MAX)).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    serde_json::from_slice(&line).map_err(|error| Error::new(ErrorKind::InvalidData, error))
}

/// Writes a value.
///
/// # Errors
/// The system's.
pub(super) async fn write(stream: &mut UnixStream, value: &impl Serialize) -> Result<(), Error> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    stream.write_all(&line).await
}
