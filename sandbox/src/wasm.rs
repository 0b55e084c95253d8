//! The default back-end: CPython on wasmtime, with nothing to install.
//!
//! CPython comes with the build (`carriers`). Once per machine and version it is linked (`link`), initialised,
//! photographed (`snapshot`), compiled and kept in the user's cache folder (`cache`). Every [`Session`] is a fresh
//! instance of that photograph: nothing is left of one program when the next starts. All that an instance can reach are
//! the host's functions (`host`): standard streams, the line of requests and answers (`line`), a clock and seeded
//! randomness. There are no files, processes, threads or sockets, so there is nothing to forbid.
//!
//! Instances live in worker processes (`pool`, `remote`, `worker`), which lock themselves down besides (`lockdown`), or,
//! for a program that can't be started as its own worker, on threads of this process (`session`), which is slower where
//! several run at a time.
//!
//! As many programs run at once as there are cores, in the order in which they were asked for. A program that waits
//! for its next request does not count, so a session may wait for another one.

mod cache;
mod carriers;
mod clock;
mod engine;
mod files;
mod guest;
mod host;
mod line;
mod link;
#[cfg(unix)]
mod lockdown;
mod machine;
#[cfg(unix)]
mod message;
#[cfg(unix)]
mod pool;
#[cfg(unix)]
mod remote;
#[cfg(unix)]
mod renewal;
mod session;
mod snapshot;
mod ticker;
#[cfg(unix)]
pub mod worker;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_core::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::SandboxError;
use crate::session::{Capabilities, Level, Open, Sandbox, Session};
use cache::Cache;
use machine::{Machine, Made};
use session::WasmSession;

#[cfg(unix)]
pub use pool::Workers;

/// Name of this back-end.
const NAME: &str = "wasm";

/// Layers of containment, outermost first.
const LAYERS: [&str; 5] = [
    "no system calls: an instance reaches the host's functions only",
    "a linear memory of its own with a limit",
    "interruption at the time limit",
    "no files, processes, threads or sockets",
    "an instance like new for every session",
];

/// Limits and how they are enforced.
const LIMITS: [&str; 5] = [
    "wall: interruption by epochs, every 5 ms; sleeping is charged",
    "cpu: the thread's CPU clock, at the same interruptions",
    "memory: growth of the linear memory",
    "output: bytes written to stdout and stderr, counted by the host",
    "answer: bytes of a frame, counted by the host",
];

/// Runs Python programs in CPython on wasmtime. Cheap to clone; clones share the interpreter and the permits to run.
#[derive(Clone)]
pub struct WasmSandbox {
    shared: Arc<Shared>,
}

struct Shared {
    cache: Cache,
    /// The interpreter in the cache folder, once it is known to be there.
    made: OnceLock<Made>,
    /// The interpreter in this process.
    machine: OnceLock<Arc<Machine>>,
    /// Held by whoever makes or loads the interpreter.
    loading: Mutex<()>,
    permits: Arc<Semaphore>,
    #[cfg(unix)]
    pool: Option<Arc<pool::Pool>>,
}

/// What is being done while the interpreter is prepared, once per machine and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Linking CPython's libraries and compiling them quickly.
    Linking,
    /// Starting CPython and compiling its standard library.
    Initialising,
    /// Compiling the initialised interpreter.
    Compiling,
    /// Writing it to the cache folder.
    Storing,
}

/// The prepared interpreter, as `doctor` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// Name and version, such as `CPython 3.14.0`.
    pub name: String,
    /// Modules that programs can import, in order, without private ones.
    pub modules: Vec<String>,
    /// The compiled code in the cache folder.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Memory of an interpreter before its program does anything, in bytes.
    pub memory_bytes: usize,
}

impl WasmSandbox {
    /// A sandbox that keeps its interpreter in the user's cache folder: `$CODEAGENT_CACHE_DIR`, else
    /// `$XDG_CACHE_HOME/codeagent`, else `~/.cache/codeagent`. Prepares nothing yet.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] when no such folder is known.
    pub fn new() -> Result<Self, SandboxError> {
        Cache::of_user().map(Self::from_cache)
    }

    /// A sandbox that keeps its interpreter in this folder, which must not be writable for others.
    #[must_use]
    pub fn with_cache(folder: impl Into<PathBuf>) -> Self {
        Self::from_cache(Cache::at(folder.into()))
    }

    /// The same sandbox with its programs in worker processes.
    #[cfg(unix)]
    #[must_use]
    pub fn with_workers(self, workers: Workers) -> Self {
        let permits = Arc::new(Semaphore::new(workers.count.max(1)));
        let pool = Some(Arc::new(pool::Pool::new(workers)));
        let cache = self.shared.cache.clone();
        Self { shared: Arc::new(Shared { permits, pool, ..Shared::new(cache) }) }
    }

    fn from_cache(cache: Cache) -> Self {
        Self { shared: Arc::new(Shared::new(cache)) }
    }

    /// Prepares the interpreter, unless it is prepared, and says meanwhile what is being done. Blocks: some 20 seconds
    /// on two cores the first time, some milliseconds afterwards. The first [`Sandbox::open`] does it otherwise.
    ///
    /// # Errors
    /// [`SandboxError::Prepare`] when the cache folder cannot be used or the interpreter cannot be made.
    pub fn prepare(&self, progress: impl Fn(Stage)) -> Result<(), SandboxError> {
        self.shared.made(&progress).map(|_| ())
    }

    /// Whether the interpreter lies in the cache folder, whole, so that the next start is quick.
    #[must_use]
    pub fn is_prepared(&self) -> bool {
        self.shared.find().is_some()
    }

    /// What the prepared interpreter is; prepares it if need be. Blocks like [`Self::prepare`].
    ///
    /// # Errors
    /// Those of [`Self::prepare`].
    pub fn interpreter(&self) -> Result<Interpreter, SandboxError> {
        let Made { path, manifest } = self.shared.made(&|_| ())?;
        Ok(Interpreter {
            name: manifest.report.interpreter.clone(),
            modules: manifest.report.modules.clone(),
            path: path.clone(),
            bytes: manifest.bytes,
            memory_bytes: manifest.report.memory_bytes,
        })
    }

    /// Ids of the worker processes that wait for a session.
    #[cfg(unix)]
    #[must_use]
    pub fn idle_workers(&self) -> Vec<u32> {
        self.shared.pool.as_ref().map(|pool| pool.ids()).unwrap_or_default()
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, SandboxError> + Send + 'static,
    ) -> Result<T, SandboxError> {
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || work(&shared))
            .await
            .unwrap_or_else(|error| Err(SandboxError::Worker { reason: error.to_string() }))
    }

    async fn machine(&self) -> Result<Arc<Machine>, SandboxError> {
        match self.shared.machine.get() {
            Some(machine) => Ok(Arc::clone(machine)),
            None => self.blocking(Shared::machine).await,
        }
    }

    #[cfg(unix)]
    async fn open_remote(
        &self,
        pool: &Arc<pool::Pool>,
        open: Open,
    ) -> Result<Box<dyn Session>, SandboxError> {
        let path = match self.shared.made.get() {
            Some(made) => made.path.clone(),
            None => self.blocking(|shared| shared.made(&|_| ()).map(|made| made.path.clone())).await?,
        };
        let permits = Arc::clone(&self.shared.permits);
        Ok(Box::new(remote::RemoteSession::new(Arc::clone(pool), permits, path, open)))
    }
}

impl Shared {
    fn new(cache: Cache) -> Self {
        Self {
            cache,
            made: OnceLock::new(),
            machine: OnceLock::new(),
            loading: Mutex::new(()),
            permits: Arc::new(Semaphore::new(cores())),
            #[cfg(unix)]
            pool: None,
        }
    }

    /// The interpreter in the cache folder, if it is there.
    fn find(&self) -> Option<&Made> {
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if self.made.get().is_none() {
            let engine = engine::for_runs(1).ok()?;
            let made = Made::find(&engine, &self.cache)?;
            return Some(self.made.get_or_init(|| made));
        }
        self.made.get()
    }

    /// The interpreter in the cache folder, made by the first who asks.
    fn made(&self, progress: &dyn Fn(Stage)) -> Result<&Made, SandboxError> {
        if let Some(made) = self.find() {
            return Ok(made);
        }
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let made = Made::prepare(&engine::for_runs(1)?, &self.cache, progress)?;
        Ok(self.made.get_or_init(|| made))
    }

    /// The interpreter in this process, loaded by the first who asks.
    fn machine(&self) -> Result<Arc<Machine>, SandboxError> {
        let made = self.made(&|_| ())?;
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(machine) = self.machine.get() {
            return Ok(Arc::clone(machine));
        }
        let machine = Arc::new(Machine::load(engine::for_runs(engine::SESSIONS_MAX)?, made)?);
        Ok(Arc::clone(self.machine.get_or_init(|| machine)))
    }

    /// Layers that are in force beyond those of every instance, and layers that this machine lacks.
    fn process_layers(&self) -> (Vec<String>, Vec<String>) {
        #[cfg(unix)]
        if self.pool.is_some() {
            let (mut layers, missing) = lockdown::layers();
            layers.insert(0, "a worker process for one program at a time".into());
            return (layers, missing);
        }
        (Vec::new(), vec!["worker processes: programs run on threads of this process".into()])
    }
}

impl Sandbox for WasmSandbox {
    fn open(&self, open: Open) -> BoxFuture<'_, Result<Box<dyn Session>, SandboxError>> {
        Box::pin(async move {
            #[cfg(unix)]
            if let Some(pool) = &self.shared.pool {
                return self.open_remote(pool, open).await;
            }
            let machine = self.machine().await?;
            let permit = acquire(&self.shared.permits).await?;
            let session = WasmSession::start(machine, Arc::clone(&self.shared.permits), permit, open)?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    fn capabilities(&self) -> Capabilities {
        let (mut layers, missing) = self.shared.process_layers();
        layers.extend(LAYERS.map(Into::into));
        let made = self.shared.made.get();
        Capabilities {
            layers,
            missing,
            limits: LIMITS.map(Into::into).to_vec(),
            modules: made.map(|made| made.manifest.report.modules.clone()).unwrap_or_default(),
            absent: made.map(|made| made.manifest.report.absent.clone()).unwrap_or_default(),
            ..Capabilities::new(NAME, Level::Strict, carriers::INTERPRETER)
        }
    }
}

/// Cores that programs may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Waits for the permit to run a program, behind those who asked before.
async fn acquire(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, SandboxError> {
    let permit = Arc::clone(permits).acquire_owned().await;
    permit.map_err(|_| SandboxError::Worker { reason: "the sandbox was closed".into() })
}

#[cfg(test)]
mod tests;
