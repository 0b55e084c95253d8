//! The folder of one run: locked while a run writes, with its spec and its store.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use codeagent::RunSpec;
use codeagent::store::{DirectoryLock, LockError, Store};

use crate::config::types;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::stores;

/// An open run folder.
pub struct RunFolder {
    /// The store of the run.
    pub store: Arc<Store>,
    path: PathBuf,
    _lock: DirectoryLock,
}

impl RunFolder {
    /// Opens the folder of a run, made if need be: `given`, else one named by the run's id in the state folder.
    ///
    /// # Errors
    /// Exit 2 if another process writes there or there is no place for runs, exit 70 if the disk does not take it.
    pub async fn open(
        given: Option<&Path>,
        identity: &RunSpec,
        store: &types::Store,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let path = place(given, identity, environment)?;
        let unwritable = |error: &dyn std::error::Error| {
            Failure::new(Exit::Internal, format!("the run folder {} can't be written", path.display()))
                .caused_by(error)
                .hint("check the disk, or give another folder with --run-dir")
        };
        std::fs::create_dir_all(&path).map_err(|error| unwritable(&error))?;
        let lock = DirectoryLock::acquire(&path).map_err(|error| match error {
            LockError::Held { .. } => in_progress(&error),
            _ => unwritable(&error),
        })?;
        let spec = serde_json::to_vec_pretty(identity).map_err(|error| unwritable(&error))?;
        write_whole(&path.join("run.json"), &spec).map_err(|error| unwritable(&error))?;
        let store = stores::open(store, &path, environment).await.map_err(|error| unwritable(&error))?;
        store.claim(identity.run_id()).await.map_err(|error| in_progress(&error))?;
        Ok(Self { store: Arc::new(store), path, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that no run was begun here: answers that are asked for anew make another search, and the one that is there
    /// would be recalled instead.
    ///
    /// # Errors
    /// Exit 2 if there is one.
    pub async fn require_unused(&self, identity: &RunSpec) -> Result<(), Failure> {
        let runs = self.store.run_heads().await.map_err(|error| {
            Failure::new(Exit::Internal, "the store of the run can't be read").caused_by(&error)
        })?;
        if runs.iter().all(|run| run.id != identity.run_id()) {
            return Ok(());
        }
        Err(Failure::usage("this search was begun before, and its answers are kept")
            .hint("to ask anew, give a new folder with --run-dir, or another --seed"))
    }

    /// Closes the store.
    ///
    /// # Errors
    /// Exit 70 if it can't be written to the end.
    pub async fn close(self) -> Result<(), Failure> {
        self.store.close().await.map_err(|error| {
            Failure::new(Exit::Internal, "the store of the run can't be closed").caused_by(&error)
        })
    }
}

fn in_progress(error: &dyn std::error::Error) -> Failure {
    Failure::usage("this run is in progress elsewhere")
        .caused_by(error)
        .hint("wait for it, or search with another --seed")
}

fn place(given: Option<&Path>, identity: &RunSpec, environment: &Environment) -> Result<PathBuf, Failure> {
    if let Some(given) = given {
        return Ok(environment.directory().join(given));
    }
    let state = environment.state_dir().ok_or_else(|| {
        Failure::usage("there is no folder for runs").hint("set HOME or XDG_STATE_HOME, or give --run-dir")
    })?;
    Ok(state.join("runs").join(identity.run_id()))
}

/// The folder of a run that is there: as given, or by the start of its id among the runs of the state folder.
///
/// # Errors
/// Exit 2 if there is none, or more than one.
pub fn find(run: &str, environment: &Environment) -> Result<PathBuf, Failure> {
    let given = environment.directory().join(run);
    if ["run.db", "run.json"].iter().any(|name| given.join(name).is_file()) {
        return Ok(given);
    }
    let runs = environment.state_dir().map(|state| state.join("runs")).unwrap_or_default();
    let mut found: Vec<PathBuf> = std::fs::read_dir(&runs)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(run)))
        .collect();
    found.sort();
    match (found.pop(), found.is_empty()) {
        (Some(folder), true) => Ok(folder),
        (Some(_), false) => {
            Err(Failure::usage(format!("several runs start with `{run}`")).hint("give more of the id"))
        }
        (None, _) => Err(Failure::usage(format!("there is no run `{run}`"))
            .because(format!("neither {} nor {} holds it", given.display(), runs.display()))
            .hint("give the run_id that `solve --json` printed, or the folder of its --run-dir")),
    }
}

/// Writes a file that the user named, whole or not at all; `what` is it in a word or two.
///
/// # Errors
/// Exit 2 if it can't be written there.
pub fn write_named(what: &str, path: &Path, bytes: &[u8], environment: &Environment) -> Result<(), Failure> {
    write_whole(&environment.directory().join(path), bytes).map_err(|error| {
        Failure::usage(format!("{what} can't be written to {}", path.display()))
            .caused_by(&error)
            .hint("name a file in a folder that exists")
    })
}

/// Writes a file so that it is there whole or not at all.
///
/// # Errors
/// The system's error.
pub fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut builder = tempfile::Builder::new();
    // As any file that the user makes, not as a secret.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
