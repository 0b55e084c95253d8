//! The result stream: the one way to the process's stdout.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::{Exit, Failure};

/// Where a verb writes its result. Each write is flushed, so that a reader of a pipe sees it at once.
///
/// When the reader has gone (`codeagent … | head -1`) further writes are dropped in silence and the verb goes on to
/// its own end, so that nothing paid is lost and the exit code still says what came of the work.
pub struct Output {
    sink: Box<dyn Write + Send>,
    closed: bool,
}

impl Output {
    /// An output into a sink.
    #[must_use]
    pub fn new(sink: impl Write + Send + 'static) -> Self {
        Self { sink: Box::new(sink), closed: false }
    }

    /// Whether the reader has gone.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// Exit 70 if the sink fails other than by its reader's leaving, as on a full disk.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        match self.sink.write_all(bytes).and_then(|()| self.sink.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(Failure::new(Exit::Internal, "could not write the result to stdout")
                .caused_by(&error)
                .hint("check the disk or the program that reads it")),
        }
    }

    /// Writes a text and ends it with a line break.
    ///
    /// # Errors
    /// As [`Output::bytes`].
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Writes a value as one line of JSON.
    ///
    /// # Errors
    /// As [`Output::bytes`]; also if the value has no JSON form.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|e| Failure::new(Exit::Internal, "could not write the result as JSON").caused_by(&e))?;
        self.line(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_error() {
        let mut output = Output::new(Failing(io::ErrorKind::BrokenPipe));
        assert_eq!(output.line("x"), Ok(()));
        assert!(output.is_closed());
        assert_eq!(output.json(&1), Ok(()));
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let failure = Output::new(Failing(io::ErrorKind::StorageFull)).line("x").unwrap_err();
        assert_eq!(failure.exit(), Exit::Internal);
    }
}
