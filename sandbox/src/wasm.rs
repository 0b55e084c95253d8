//! The default back-end: CPython on wasmtime, in this process, with nothing to install.
//!
//! CPython comes with the build (`carriers`). Once per machine and version it is linked (`link`), initialised,
//! photographed (`snapshot`), compiled and kept in the user's cache folder (`cache`). Every [`Session`] is a fresh
//! instance of that photograph on a thread of its own (`session`): nothing is left of one program when the next
//! starts. All that an instance can reach are the host's functions (`host`): standard streams, the channel of
//! requests and answers (`channel`), a clock and seeded randomness. There are no files, processes, threads or
//! sockets, so there is nothing to forbid.
//!
//! As many programs run at once as there are cores, in the order in which they were asked for. A program that waits
//! for its next request does not count, so a session may wait for another one.

mod cache;
mod carriers;
mod channel;
mod clock;
mod engine;
mod files;
mod guest;
mod host;
mod link;
mod machine;
mod session;
mod snapshot;
mod ticker;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_core::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::SandboxError;
use crate::session::{Capabilities, Level, Open, Sandbox, Session};
use cache::Cache;
use machine::Machine;
use session::WasmSession;

/// Name of this back-end.
const NAME: &str = "wasm";

/// Layers of containment, outermost first.
const LAYERS: [&str; 5] = [
    "no system calls: an instance reaches the host's functions only",
    "a linear memory of its own with a limit",
    "interruption at the time limit",
    "no files, processes, threads or sockets",
    "a fresh instance per session",
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
    machine: OnceLock<Arc<Machine>>,
    /// Held by whoever loads the machine.
    loading: Mutex<()>,
    permits: Arc<Semaphore>,
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

    fn from_cache(cache: Cache) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shared = Shared {
            cache,
            machine: OnceLock::new(),
            loading: Mutex::new(()),
            permits: Arc::new(Semaphore::new(cores)),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Prepares the interpreter, unless it is prepared, and says meanwhile what is being done. Blocks: some 20 seconds
    /// on two cores the first time, some milliseconds afterwards. The first [`Sandbox::open`] does it otherwise.
    ///
    /// # Errors
    /// [`SandboxError::Prepare`] when the cache folder cannot be used or the interpreter cannot be made.
    pub fn prepare(&self, progress: impl Fn(Stage)) -> Result<(), SandboxError> {
        self.shared.machine(&progress).map(|_| ())
    }

    /// Whether the interpreter lies in the cache folder, whole, so that the next start is quick.
    #[must_use]
    pub fn is_prepared(&self) -> bool {
        self.shared.machine.get().is_some() || Machine::is_made(&self.shared.cache)
    }

    /// What the prepared interpreter is; prepares it if need be. Blocks like [`Self::prepare`].
    ///
    /// # Errors
    /// Those of [`Self::prepare`].
    pub fn interpreter(&self) -> Result<Interpreter, SandboxError> {
        let machine = self.shared.machine(&|_| ())?;
        Ok(Interpreter {
            name: machine.manifest.report.interpreter.clone(),
            modules: machine.manifest.report.modules.clone(),
            path: machine.path.clone(),
            bytes: machine.manifest.bytes,
            memory_bytes: machine.memory_base,
        })
    }

    async fn machine(&self) -> Result<Arc<Machine>, SandboxError> {
        if let Some(machine) = self.shared.machine.get() {
            return Ok(Arc::clone(machine));
        }
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || shared.machine(&|_| ()))
            .await
            .unwrap_or_else(|error| Err(SandboxError::Worker { reason: error.to_string() }))
    }
}

impl Shared {
    /// The interpreter, loaded by the first who asks.
    fn machine(&self, progress: &dyn Fn(Stage)) -> Result<Arc<Machine>, SandboxError> {
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(machine) = self.machine.get() {
            return Ok(Arc::clone(machine));
        }
        let machine = Arc::new(Machine::load(&self.cache, progress)?);
        Ok(Arc::clone(self.machine.get_or_init(|| machine)))
    }
}

impl Sandbox for WasmSandbox {
    fn open(&self, open: Open) -> BoxFuture<'_, Result<Box<dyn Session>, SandboxError>> {
        Box::pin(async move {
            let machine = self.machine().await?;
            let permit = acquire(&self.shared.permits).await?;
            let session = WasmSession::start(machine, Arc::clone(&self.shared.permits), permit, open)?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    fn capabilities(&self) -> Capabilities {
        let machine = self.shared.machine.get();
        Capabilities {
            layers: LAYERS.map(Into::into).to_vec(),
            limits: LIMITS.map(Into::into).to_vec(),
            modules: machine.map(|machine| machine.manifest.report.modules.clone()).unwrap_or_default(),
            ..Capabilities::new(NAME, Level::Strict, carriers::INTERPRETER)
        }
    }
}

/// Waits for the permit to run a program, behind those who asked before.
async fn acquire(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, SandboxError> {
    let permit = Arc::clone(permits).acquire_owned().await;
    permit.map_err(|_| SandboxError::Worker { reason: "the sandbox was closed".into() })
}

#[cfg(test)]
mod tests;
