//! Files that the user gives: programs and inputs.

use std::io::Read as _;
use std::path::Path;

use crate::environment::Environment;
use crate::failure::{Exit, Failure};

/// Longest program or input, in bytes.
const INPUT_BYTES_MAX: u64 = 64 << 20;

/// The text of a file, or of our stdin for `-`.
///
/// # Errors
/// Exit 6 if it can't be read, is more than 64 MiB, or is not UTF-8.
pub fn text(path: &Path, environment: &Environment) -> Result<String, Failure> {
    String::from_utf8(bytes(path, environment)?).map_err(|_| {
        Failure::new(Exit::Data, "is not UTF-8 text").at(path.display().to_string()).hint("save it as UTF-8")
    })
}

/// Whether a path stands for our stdin.
#[must_use]
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The bytes of a file, or of our stdin for `-`.
///
/// # Errors
/// Exit 6 if they can't be read or are more than 64 MiB.
pub fn bytes(path: &Path, environment: &Environment) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::Data, "cannot be read")
            .at(path.display().to_string())
            .caused_by(&error)
            .hint("check the path")
    };
    let mut bytes = Vec::new();
    if is_stdin(path) {
        std::io::stdin().take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = std::fs::File::open(environment.directory().join(path)).map_err(unreadable)?;
        file.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(Failure::new(Exit::Data, "larger than 64 MiB")
            .at(path.display().to_string())
            .hint("give less"));
    }
    Ok(bytes)
}
