//! Results of runs in a file: JSON lines that are appended as runs end, so that an interrupted command loses none.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use codeagent::search::choose::evidence::Sample;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::failure::{Exit, Failure};

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Result {
    /// Evidence for a ranking.
    Evidence(Sample),
    /// Whether a program passes the hidden tests.
    Passes(bool),
}

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    #[serde(flatten)]
    result: Result,
}

/// Results by key, and the file that they are kept in, if any.
#[derive(Clone, Default)]
pub(super) struct Kept {
    results: Arc<HashMap<String, Result>>,
    file: Option<Arc<Mutex<File>>>,
    path: PathBuf,
}

impl Kept {
    /// Reads the results of a file; lines that are none (the last one of a killed command) are left out.
    pub(super) fn open(path: Option<&Path>, environment: &Environment) -> std::result::Result<Self, Failure> {
        let Some(path) = path.map(|path| environment.directory().join(path)) else {
            return Ok(Self::default());
        };
        let failed = |error: std::io::Error| failure(&path, &error);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(failed)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        if text.last().is_some_and(|last| *last != b'\n') {
            file.write_all(b"\n").map_err(failed)?;
        }
        let lines = text.split(|byte| *byte == b'\n');
        let read = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok());
        let results = read.map(|line| (line.key, line.result)).collect();
        Ok(Self { results: Arc::new(results), file: Some(Arc::new(Mutex::new(file))), path })
    }

    pub(super) fn get(&self, key: &str) -> Option<&Result> {
        self.results.get(key)
    }

    /// Keeps a result: it is in the file when this returns.
    pub(super) fn put(&self, key: String, result: Result) -> std::result::Result<(), Failure> {
        let Some(file) = &self.file else { return Ok(()) };
        let line = serde_json::to_string(&Line { key, result }).map_err(|error| {
            Failure::new(Exit::Internal, "a result could not be written as JSON").caused_by(&error)
        })?;
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{line}\n").as_bytes()).map_err(|error| failure(&self.path, &error))
    }
}

fn failure(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("the file {} cannot be used", path.display()))
        .caused_by(error)
        .hint("name a file that can be read and written after --cache")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_found_again_and_a_torn_line_is_no_result() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::new([], folder.path().to_owned());
        let path = Path::new("kept.jsonl");
        let open = || Kept::open(Some(path), &environment).unwrap();
        let sample = Sample { answers: vec![Some(u64::MAX), None], passed: vec![true], ..Sample::default() };
        open().put("a".into(), Result::Evidence(sample.clone())).unwrap();
        std::fs::OpenOptions::new()
            .append(true)
            .open(folder.path().join(path))
            .and_then(|mut file| file.write_all(b"{\"key\":\"b\",\"pas"))
            .unwrap();
        open().put("c".into(), Result::Passes(true)).unwrap();
        let kept = open();
        assert_eq!(kept.get("a"), Some(&Result::Evidence(sample)));
        assert_eq!((kept.get("b"), kept.get("c")), (None, Some(&Result::Passes(true))));
        assert!(Kept::open(Some(Path::new(".")), &environment).is_err());
    }
}
