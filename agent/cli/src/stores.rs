//! The store that `store.url` names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use codeagent::store::{Store, StoreError};
use codeagent_benchmarks::batch::{BatchError, BatchFile, stored_rows};

use crate::config::types;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};

/// Where a store is.
enum Place {
    /// A file of the run's own.
    Own(PathBuf),
    /// A file that several runs may share.
    File(PathBuf),
    /// A database that several runs may share.
    #[cfg(feature = "postgres")]
    Database(String),
}

fn place(config: &types::Store, folder: &Path, environment: &Environment) -> Result<Place, StoreError> {
    let url = config.url.0.as_str();
    match url.strip_prefix("sqlite:") {
        _ if url == "sqlite" => Ok(Place::Own(folder.join("run.db"))),
        Some(path) => Ok(Place::File(environment.directory().join(path))),
        #[cfg(feature = "postgres")]
        None => Ok(Place::Database(url.to_owned())),
        #[cfg(not(feature = "postgres"))]
        None => Err(StoreError::CannotOpen {
            path: PathBuf::from("postgres://…"),
            reason: "this program was built without the feature `postgres`".to_owned(),
        }),
    }
}

/// Opens the store of the run in `folder`, making it if need be.
///
/// # Errors
/// The store's.
pub async fn open(
    config: &types::Store,
    folder: &Path,
    environment: &Environment,
) -> Result<Store, StoreError> {
    match place(config, folder, environment)? {
        Place::Own(path) | Place::File(path) => Store::open(path).await,
        #[cfg(feature = "postgres")]
        Place::Database(url) => Store::open_postgres(&url).await,
    }
}

/// The store of answers that a verb without runs paid for, so that the same command pays for none twice; `None` where there
/// is no folder for it.
///
/// # Errors
/// Exit 70 if the disk does not take it.
pub async fn replies(verb: &str, environment: &Environment) -> Result<Option<Arc<Store>>, Failure> {
    let Some(folder) = environment.state_dir().map(|state| state.join(verb)) else { return Ok(None) };
    std::fs::create_dir_all(&folder).map_err(|error| not_kept(&error))?;
    let store = Store::open(folder.join("replies.db")).await.map_err(|error| not_kept(&error))?;
    Ok(Some(Arc::new(store)))
}

/// Answers that can't be kept.
#[must_use]
pub fn not_kept(error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::Internal, "the answers of the model can't be kept")
        .caused_by(error)
        .hint("check the disk, or name another folder with XDG_STATE_HOME")
}

/// Opens the store of the run in `folder` for reading, also while another process writes to it.
///
/// # Errors
/// The store's.
pub async fn open_for_reading(
    config: &types::Store,
    folder: &Path,
    environment: &Environment,
) -> Result<Store, StoreError> {
    match place(config, folder, environment)? {
        Place::Own(path) | Place::File(path) => Store::open_read_only(path).await,
        #[cfg(feature = "postgres")]
        Place::Database(url) => Store::open_postgres(&url).await,
    }
}

/// The ids of the runs that belong to a folder; `None` where the store is the folder's own, so that all do.
///
/// # Errors
/// Those of reading the store; a folder without a `run.json` has no runs.
pub async fn runs_of(
    config: &types::Store,
    folder: &Path,
    store: &Store,
) -> Result<Option<BTreeSet<String>>, BatchError> {
    if config.url.0 == "sqlite" {
        return Ok(None);
    }
    let bytes = std::fs::read(folder.join("run.json")).unwrap_or_default();
    if let Ok(batch) = serde_json::from_slice::<BatchFile>(&bytes) {
        let rows = stored_rows(store, &batch.run_id).await?;
        return Ok(Some(rows.into_iter().map(|row| row.search).collect()));
    }
    let run: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let id = run.get("fingerprint").and_then(|it| it.as_str()).and_then(|it| it.get(..16));
    Ok(Some(id.map(str::to_owned).into_iter().collect()))
}
