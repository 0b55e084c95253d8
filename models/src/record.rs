//! Recording: every answer of a provider goes to a cassette before it is used.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;

use crate::cassette::{Cassette, line, recording_key, storage, whole_lines};
use crate::error::ModelError;
use crate::key::{CacheKey, hash_of};
use crate::provider::{Capabilities, Provider, Reply, Request};

/// Appends a provider's answers to a cassette.
#[derive(Debug)]
pub struct Recorder<P> {
    inner: P,
    recording: Arc<Recording>,
}

/// A cassette that is being recorded, by one provider or by several.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    tape: Mutex<Tape>,
}

#[derive(Debug)]
struct Tape {
    file: File,
    /// Hash of the reply recorded last, by key: an answer that came from a cache is not recorded twice.
    recorded: BTreeMap<CacheKey, blake3::Hash>,
}

impl<P: Provider> Recorder<P> {
    /// Records to a file, after what it holds already; a last line that was cut off in writing is dropped.
    ///
    /// # Errors
    /// Kind `Storage` where the file can't be opened or holds something else than a recording.
    pub fn open(inner: P, path: impl Into<PathBuf>) -> Result<Self, ModelError> {
        Ok(Self::onto(inner, Arc::new(Recording::open(path)?)))
    }

    /// Records onto a cassette that others may record onto, too.
    pub const fn onto(inner: P, recording: Arc<Recording>) -> Self {
        Self { inner, recording }
    }

    async fn run(&self, request: &Request) -> Result<Reply, ModelError> {
        let reply = self.inner.complete(request).await?;
        let mut tape = self.recording.tape.lock().unwrap_or_else(PoisonError::into_inner);
        tape.append(&self.recording.path, self.inner.model(), request, &reply)?;
        Ok(reply)
    }
}

impl Recording {
    /// Goes on behind what a file holds already; a last line that was cut off in writing is dropped.
    ///
    /// # Errors
    /// As [`Recorder::open`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, ModelError> {
        let path = path.into();
        let tape = Mutex::new(Tape::open(&path)?);
        Ok(Self { path, tape })
    }
}

impl<P: Provider> Provider for Recorder<P> {
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(self.run(request))
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }
}

impl Tape {
    fn open(path: &Path) -> Result<Self, ModelError> {
        let fault = |error: std::io::Error| io_fault("open", path, error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(fault)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(fault)?;
        let kept = whole_lines(&text);
        let cassette = Cassette::parse(&path.display().to_string(), text.get(..kept).unwrap_or_default())?;
        file.set_len(kept as u64).map_err(fault)?;
        file.seek(SeekFrom::End(0)).map_err(fault)?;
        if kept > 0 && !text.get(..kept).is_some_and(|kept| kept.ends_with('\n')) {
            file.write_all(b"\n").map_err(fault)?;
        }
        let recorded = cassette
            .entries
            .iter()
            .map(|entry| (recording_key(&entry.model, &entry.request), hash_of(&entry.reply)))
            .collect();
        Ok(Self { file, recorded })
    }

    fn append(
        &mut self,
        path: &Path,
        model: &str,
        request: &Request,
        reply: &Reply,
    ) -> Result<(), ModelError> {
        let (key, hash) = (recording_key(model, request), hash_of(reply));
        if self.recorded.get(&key) == Some(&hash) {
            return Ok(());
        }
        let line = line(model, request, reply)?;
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.flush())
            .map_err(|error| io_fault("write", path, error))?;
        self.recorded.insert(key, hash);
        Ok(())
    }
}

pub(crate) fn io_fault(verb: &str, path: &Path, error: std::io::Error) -> ModelError {
    storage(format!("could not {verb} recording {}: {error}", path.display())).with_source(error)
}
