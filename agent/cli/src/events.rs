//! Events as JSON lines, in a file or on stdout.

use std::io::Write as _;
use std::path::Path;

use codeagent::Event;

use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Where events go.
pub struct Events {
    file: Option<std::io::BufWriter<std::fs::File>>,
    /// Whether they go to our stdout, which then carries nothing else.
    pub on_stdout: bool,
}

impl Events {
    /// Opens the file that `--events` names; `-` is our stdout.
    ///
    /// # Errors
    /// Exit 2 if it can't be written.
    pub fn open(path: Option<&Path>, environment: &Environment) -> Result<Self, Failure> {
        let on_stdout = path == Some(Path::new("-"));
        let file = path.filter(|_| !on_stdout).map(|path| {
            std::fs::File::create(environment.directory().join(path)).map(std::io::BufWriter::new).map_err(
                |error| {
                    Failure::usage(format!("the events can't be written to {}", path.display()))
                        .caused_by(&error)
                },
            )
        });
        Ok(Self { file: file.transpose()?, on_stdout })
    }

    /// Writes one event as a line of JSON.
    ///
    /// # Errors
    /// Exit 70 if the disk does not take it.
    pub fn write(&mut self, event: &Event, output: &mut Output) -> Result<(), Failure> {
        if self.on_stdout {
            return output.json(event);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = serde_json::to_string(event).map_err(std::io::Error::from);
        written.and_then(|line| writeln!(file, "{line}").and_then(|()| file.flush())).map_err(|error| {
            Failure::new(Exit::Internal, "the events can't be written")
                .caused_by(&error)
                .hint("check the disk")
        })
    }
}
