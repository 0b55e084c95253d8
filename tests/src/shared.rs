//! Finds the data that is shared between projects and stays out of this repository.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of shared data: `$CODEAGENT_SHARED`, else `shared` beside the repository. `None`, with a notice on
/// stderr, where there is none.
///
/// # Panics
/// Under CI (`CI=true`), where its absence is a failure.
#[must_use]
#[expect(clippy::print_stderr, reason = "a test helper speaks to the person who runs the tests")]
pub fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("CODEAGENT_SHARED").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs the shared data at {}", folder.display());
    eprintln!("SKIPPED: no shared data at {}; set CODEAGENT_SHARED to its folder", folder.display());
    None
}

/// The rows of a gzip-compressed JSON Lines file below the shared folder, such as `data/bench/humaneval.jsonl.gz`.
///
/// # Panics
/// If the file can't be read.
#[must_use]
#[expect(clippy::panic, reason = "a test helper")]
pub fn rows(path: &str) -> Option<Vec<Value>> {
    let path = folder()?.join(path);
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    let row = |line: std::io::Result<String>| {
        let line = line.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    Some(lines.map(row).collect())
}
