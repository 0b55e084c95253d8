//! Answers in a file of JSON lines, appended as they come, so that an interrupted command goes on where it was.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use codeagent_benchmarks::repetition::{Measured, RepetitionPrompt};
use serde::{Deserialize, Serialize};

use crate::args::repeteval::RepetitionMethod;
use crate::failure::{Exit, Failure};

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// Name of the method.
    pub(super) method: String,
    /// Number of the sample, from 0.
    pub(super) sample: u64,
    /// What the model wrote behind the prompt.
    pub(super) text: String,
    #[serde(flatten)]
    pub(super) measured: Measured,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    id: String,
    #[serde(flatten)]
    answer: Answer,
    /// Hash of the settings and the prompt.
    setting: String,
}

type Key = (String, String, u64);

/// The answers so far, and their file.
pub(super) struct Answers {
    path: PathBuf,
    file: File,
    setting: String,
    known: HashMap<Key, (Measured, String)>,
}

impl Answers {
    /// Opens a file to go on after its last whole line.
    ///
    /// # Errors
    /// Exit 2 if it cannot be used, or holds something else.
    pub(super) fn open(path: PathBuf, setting: String) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| unusable(&path, &error);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(failed)?;
        if file.try_lock().is_err() {
            return Err(Failure::usage("another command is writing these answers")
                .at(path.display().to_string())
                .hint("wait for it, or name another file with --out"));
        }
        let (mut known, mut number, mut whole) = (HashMap::new(), 0, 0);
        let (mut reader, mut bytes) = (BufReader::new(&file), Vec::new());
        while reader.read_until(b'\n', &mut bytes).map_err(failed)? > 0 && bytes.ends_with(b"\n") {
            number += 1;
            let line: Line = serde_json::from_slice(&bytes).map_err(|error| {
                Failure::usage("this is no answer of `repeteval run`")
                    .at(format!("{}:{number}:{}", path.display(), error.column()))
                    .caused_by(&error)
                    .hint("name another file with --out")
            })?;
            let Answer { method, sample, measured, .. } = line.answer;
            known.insert((line.id, method, sample), (measured, line.setting));
            whole += bytes.len() as u64;
            bytes.clear();
        }
        if !bytes.is_empty() && !b"{\"id\":".starts_with(&bytes) && !bytes.starts_with(b"{\"id\":") {
            return Err(Failure::usage("this file holds something else than answers")
                .at(path.display().to_string())
                .hint("name another file with --out"));
        }
        // The torn end of an interrupted command.
        file.set_len(whole).map_err(failed)?;
        file.seek(SeekFrom::Start(whole)).map_err(failed)?;
        Ok(Self { path, file, setting, known })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of an answer to this prompt under these settings.
    pub(super) fn get(
        &self,
        prompt: &RepetitionPrompt,
        method: RepetitionMethod,
        sample: u64,
    ) -> Option<&Measured> {
        let (measured, setting) = self.known.get(&(prompt.id.clone(), method.name().to_owned(), sample))?;
        (*setting == self.setting_of(prompt)).then_some(measured)
    }

    /// Which of the first `samples` answers to this prompt are still to be drawn.
    ///
    /// # Errors
    /// Exit 2 if the file has one that was drawn with other settings or for another prompt of this name.
    pub(super) fn missing(
        &self,
        prompt: &RepetitionPrompt,
        method: RepetitionMethod,
        samples: u64,
    ) -> Result<Vec<u64>, Failure> {
        let missing = (0..samples).filter(|sample| self.get(prompt, method, *sample).is_none());
        let missing: Vec<u64> = missing.collect();
        let name = method.name().to_owned();
        if missing.iter().any(|sample| self.known.contains_key(&(prompt.id.clone(), name.clone(), *sample))) {
            return Err(Failure::usage("these answers were drawn with other settings or for other prompts")
                .at(self.path.display().to_string())
                .hint("name another file with --out, or remove this one"));
        }
        Ok(missing)
    }

    /// Keeps an answer that was missing: it is in the file when this returns.
    ///
    /// # Errors
    /// Exit 2 if the file cannot be written.
    pub(super) fn put(&mut self, prompt: &RepetitionPrompt, answer: Answer) -> Result<(), Failure> {
        let key = (prompt.id.clone(), answer.method.clone(), answer.sample);
        let setting = self.setting_of(prompt);
        let measured = answer.measured.clone();
        let line = Line { id: prompt.id.clone(), answer, setting: setting.clone() };
        let line = serde_json::to_string(&line).map_err(|error| {
            Failure::new(Exit::Internal, "an answer could not be written as JSON").caused_by(&error)
        })?;
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        written.map_err(|error| unusable(&self.path, &error))?;
        self.known.insert(key, (measured, setting));
        Ok(())
    }

    fn setting_of(&self, prompt: &RepetitionPrompt) -> String {
        let hash = blake3::hash(format!("{}\n{}", self.setting, prompt.prompt).as_bytes());
        hash.to_hex().chars().take(16).collect()
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("the file of answers {} cannot be used", path.display()))
        .caused_by(error)
        .hint("name a file that can be written with --out")
}
