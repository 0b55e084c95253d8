//! Batches that `eval` wrote, read back.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::path::Path;

use codeagent::Attempt;
use codeagent::store::RunHead;
use codeagent_benchmarks::batch::{BatchFile, SampleRow, stored_rows};
use codeagent_benchmarks::formats::Moment;
use codeagent_benchmarks::formats::inspect::Span;

use crate::config::types;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::stores;

/// A batch as it is by now; it may still be running.
pub struct ReadBatch {
    /// What was asked for.
    pub file: BatchFile,
    /// What came of its samples so far.
    pub rows: Vec<SampleRow>,
    /// What was paid for at each attempt at one of its searches.
    pub attempts: Vec<Attempt>,
}

/// Reads the folder of a batch.
///
/// # Errors
/// Exit 2 for a folder that is none, exit 6 for one that is damaged.
pub async fn read(
    path: &Path,
    config: &types::Store,
    environment: &Environment,
) -> Result<ReadBatch, Failure> {
    let place = path.join("run.json");
    let bytes = std::fs::read(&place).map_err(|error| {
        Failure::usage("this is not the folder of a batch")
            .at(path.display().to_string())
            .caused_by(&error)
            .hint("give the folder that `codeagent eval` wrote with --out")
    })?;
    let file = parse(&bytes, &place)?;
    let store = stores::open_for_reading(config, path, environment).await;
    let store = store.map_err(|error| unreadable(path, &error))?;
    let rows = stored_rows(&store, &file.run_id).await.map_err(|error| unreadable(path, &error));
    let attempts = store.attempts().await.map_err(|error| unreadable(path, &error));
    let ours = stores::runs_of(config, path, &store).await.map_err(|error| unreadable(path, &error));
    store.close().await.map_err(|error| unreadable(path, &error))?;
    let (rows, ours) = (rows?, ours?);
    let attempts = attempts?.into_iter().filter(|attempt| is_among(ours.as_ref(), &attempt.run));
    // Those that this version does not understand are left out.
    let attempts = attempts.filter_map(|attempt| serde_json::from_str(&attempt.body).ok()).collect();
    Ok(ReadBatch { file, rows, attempts })
}

/// Whether a search is among those of a batch, which are all of a store of its own.
fn is_among(ours: Option<&BTreeSet<String>>, search: &str) -> bool {
    ours.is_none_or(|ours| ours.contains(search))
}

/// When the first search of a batch began, and when the last one that came to its end did. 1970 for one without searches.
///
/// # Errors
/// Exit 6 for a damaged batch.
pub async fn span(path: &Path, config: &types::Store, environment: &Environment) -> Result<Span, Failure> {
    let store = stores::open_for_reading(config, path, environment).await;
    let store = store.map_err(|error| unreadable(path, &error))?;
    let runs = store.run_heads().await.map_err(|error| unreadable(path, &error));
    let ours = stores::runs_of(config, path, &store).await.map_err(|error| unreadable(path, &error));
    store.close().await.map_err(|error| unreadable(path, &error))?;
    let ours = ours?;
    let runs: Vec<RunHead> = runs?.into_iter().filter(|run| is_among(ours.as_ref(), &run.id)).collect();
    let began = runs.iter().map(|run| run.created_us).min().unwrap_or(0);
    let ended = runs.iter().filter_map(|run| run.finished_us).max();
    Ok(Span { began: Moment { us: began }, ended: ended.map(|us| Moment { us }) })
}

/// Reads the bytes of a `run.json`.
///
/// # Errors
/// Exit 2, with the position, where it is not that of a batch.
pub fn parse(bytes: &[u8], place: &Path) -> Result<BatchFile, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        Failure::usage("this is not the folder of a batch")
            .at(format!("{}:{}:{}", place.display(), error.line(), error.column()))
            .caused_by(&error)
            .hint("give another folder")
    })
}

/// A store or file of a batch that can't be read: exit 6.
#[must_use]
pub fn unreadable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::Data, format!("the batch in {} can't be read", path.display()))
        .caused_by(error)
        .hint("give another folder, or restore this one")
}

/// The numbers of samples of which one must pass: those that were given, else the usual ones and all samples.
#[must_use]
pub fn ks(given: &[NonZeroU64], samples: u32) -> Vec<u64> {
    if given.is_empty() {
        vec![1, 10, 100, u64::from(samples)]
    } else {
        given.iter().map(|k| k.get()).collect()
    }
}
