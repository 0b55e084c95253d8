//! The folder of a batch: `run.json`, the store, `samples.jsonl` and `results.json`. All but the store can be made again
//! from it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use codeagent::store::{DirectoryLock, LockError, Store};
use codeagent_benchmarks::batch::{BatchFile, BatchResults, SampleRow, stored_rows};

use crate::batches;
use crate::config::types;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::run_folder::write_whole;
use crate::stores;

/// An open folder, locked while it is.
pub(super) struct BatchFolder {
    pub(super) file: BatchFile,
    pub(super) store: Arc<Store>,
    path: PathBuf,
    /// Whether the batch was begun before.
    continues: bool,
    samples: File,
    _lock: DirectoryLock,
}

impl BatchFolder {
    /// Opens the folder of a batch, made if need be, and takes down how the batch grew.
    ///
    /// # Errors
    /// Exit 2 if the folder is in use, holds something else, or another batch; exit 70 if the disk does not take it.
    pub(super) async fn open(
        path: &Path,
        file: BatchFile,
        store: &types::Store,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let unwritable = |error: &dyn std::error::Error| unwritable(path, error);
        require_ours(path)?;
        std::fs::create_dir_all(path).map_err(|error| unwritable(&error))?;
        let lock = DirectoryLock::acquire(path).map_err(|error| match error {
            LockError::Held { .. } => in_progress(&error),
            _ => unwritable(&error),
        })?;
        let continues = path.join("run.json").is_file();
        let file = continued(path, file)?;
        let store = stores::open(store, path, environment).await.map_err(|error| unwritable(&error))?;
        store.claim(&file.run_id).await.map_err(|error| in_progress(&error))?;
        let text = serde_json::to_vec_pretty(&file).map_err(|error| unwritable(&error))?;
        write_whole(&path.join("run.json"), &text).map_err(|error| unwritable(&error))?;
        let rows =
            stored_rows(&store, &file.run_id).await.map_err(|error| batches::unreadable(path, &error))?;
        let samples = write_samples(path, &rows).map_err(|error| unwritable(&error))?;
        Ok(Self { file, store: Arc::new(store), path: path.to_path_buf(), continues, samples, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that no search was begun here, since answers that are asked for anew make another batch.
    ///
    /// # Errors
    /// Exit 2 if there is one.
    pub(super) async fn require_unused(&self) -> Result<(), Failure> {
        let rows = self.rows().await?;
        if rows.is_empty() && !self.continues {
            return Ok(());
        }
        Err(Failure::usage("this batch was begun before, and its answers are kept")
            .hint("to ask anew, give a new folder with --out, or another --seed"))
    }

    /// The rows that are stored.
    ///
    /// # Errors
    /// Exit 6 if they can't be read.
    pub(super) async fn rows(&self) -> Result<Vec<SampleRow>, Failure> {
        let rows = stored_rows(&self.store, &self.file.run_id).await;
        rows.map_err(|error| batches::unreadable(&self.path, &error))
    }

    /// Adds a row to `samples.jsonl`: it is in the file when this returns.
    ///
    /// # Errors
    /// Exit 70 if the disk does not take it; the store has it.
    pub(super) fn append(&mut self, row: &SampleRow) -> Result<(), Failure> {
        let line = serde_json::to_string(row).map_err(std::io::Error::from);
        let written = line.and_then(|line| self.samples.write_all(format!("{line}\n").as_bytes()));
        written.map_err(|error| unwritable(&self.path, &error))
    }

    /// Writes `samples.jsonl` in order, one row for each sample, and `results.json`; both whole or not at all.
    ///
    /// # Errors
    /// Exit 6 if the store can't be read, 70 if the disk does not take them.
    pub(super) async fn conclude(&mut self, ks: &[u64]) -> Result<BatchResults, Failure> {
        let rows = self.rows().await?;
        self.samples = write_samples(&self.path, &rows).map_err(|error| unwritable(&self.path, &error))?;
        let results = BatchResults::of(&self.file, ks, &rows);
        let text = serde_json::to_vec_pretty(&results).map_err(|error| unwritable(&self.path, &error))?;
        write_whole(&self.path.join("results.json"), &text)
            .map_err(|error| unwritable(&self.path, &error))?;
        Ok(results)
    }

    /// Closes the store.
    ///
    /// # Errors
    /// Exit 70 if it can't be written to the end.
    pub(super) async fn close(&self) -> Result<(), Failure> {
        self.store.close().await.map_err(|error| unwritable(&self.path, &error))
    }
}

fn in_progress(error: &dyn std::error::Error) -> Failure {
    Failure::usage("this batch is in progress elsewhere")
        .caused_by(error)
        .hint("wait for it, or give another folder with --out")
}

/// Refuses a folder that holds something else: nobody wants our files among theirs.
fn require_ours(path: &Path) -> Result<(), Failure> {
    let Ok(mut entries) = std::fs::read_dir(path) else { return Ok(()) };
    if path.join("run.json").is_file() || path.join("run.db").is_file() || entries.next().is_none() {
        return Ok(());
    }
    Err(Failure::usage("this folder holds something else than a batch")
        .at(path.display().to_string())
        .hint("give a new folder with --out"))
}

/// The batch as a continuation of the one in the folder, if there is one.
fn continued(path: &Path, file: BatchFile) -> Result<BatchFile, Failure> {
    let place = path.join("run.json");
    let bytes = match std::fs::read(&place) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(file),
        Err(error) => return Err(batches::unreadable(path, &error)),
    };
    let begun = batches::parse(&bytes, &place)?;
    file.continuing(begun).map_err(|refused| {
        Failure::usage("the folder holds another batch")
            .at(path.display().to_string())
            .caused_by(&refused)
            .hint("give another folder with --out; only more samples, more problems and larger budgets continue one")
    })
}

fn write_samples(path: &Path, rows: &[SampleRow]) -> std::io::Result<File> {
    let path = path.join("samples.jsonl");
    let mut text = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut text, row)?;
        text.push(b'\n');
    }
    write_whole(&path, &text)?;
    File::options().append(true).open(path)
}

fn unwritable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::Internal, format!("the folder {} can't be written", path.display()))
        .caused_by(error)
        .hint("check the disk; the same command continues")
}
