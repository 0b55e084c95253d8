//! The interpreter, loaded and ready to be instantiated: made once per machine and version, loaded once per process.

#![expect(unsafe_code, reason = "compiled code is loaded without checks by the engine")]

use std::hash::{Hash as _, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::{Engine, InstancePre, Module};

use super::cache::{Cache, Lock, Manifest, check_owner};
use super::host::Host;
use super::ticker::Ticker;
use super::{Stage, carriers, host, link, snapshot};
use crate::error::SandboxError;

/// To be raised whenever the linker or the host changes what the snapshot holds.
const FORMAT: u32 = 2;

/// A loaded interpreter.
pub(super) struct Machine {
    pub(super) engine: Engine,
    pub(super) interpreter: InstancePre<Host>,
    pub(super) ticker: Arc<Ticker>,
    /// Memory of the interpreter before a program does anything, in bytes.
    pub(super) memory_base: usize,
    /// Address of the driver's main function.
    pub(super) main: u32,
}

/// The interpreter in the cache folder.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// The compiled code.
    pub(super) path: PathBuf,
    /// What it is.
    pub(super) manifest: Manifest,
}

impl Made {
    /// Finds the interpreter, and makes it first where it has not been made.
    ///
    /// # Errors
    /// [`SandboxError::Prepare`] when the cache folder cannot be used or the interpreter cannot be made.
    pub(super) fn prepare(
        engine: &Engine,
        cache: &Cache,
        progress: &dyn Fn(Stage),
    ) -> Result<Self, SandboxError> {
        let key = key(engine);
        let manifest = match cache.find(&key) {
            Some(manifest) => manifest,
            None => {
                let lock = cache.lock()?;
                // Another process may have been the one to make it.
                match cache.find(&key) {
                    Some(manifest) => manifest,
                    None => make(engine, cache, &key, &lock, progress)?,
                }
            }
        };
        Ok(Self { path: cache.code(&key), manifest })
    }

    /// The interpreter at a path, which must have been found whole.
    ///
    /// # Errors
    /// [`SandboxError::Prepare`] when its manifest cannot be read.
    pub(super) fn at(path: &Path) -> Result<Self, SandboxError> {
        let failed = |reason: String| SandboxError::Prepare { path: path.to_owned(), reason };
        let text = std::fs::read(path.with_extension("json")).map_err(|error| failed(error.to_string()))?;
        let manifest = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
        Ok(Self { path: path.to_owned(), manifest })
    }

    /// The interpreter, if it has been made and is whole.
    pub(super) fn find(engine: &Engine, cache: &Cache) -> Option<Self> {
        let key = key(engine);
        cache.find(&key).map(|manifest| Self { path: cache.code(&key), manifest })
    }
}

impl Machine {
    /// Loads the interpreter from a file that [`Made`] names, which must have been found whole.
    ///
    /// # Errors
    /// [`SandboxError::Prepare`] when it cannot be loaded.
    pub(super) fn load(engine: Engine, made: &Made) -> Result<Self, SandboxError> {
        let path = made.path.as_path();
        let failed = |reason: String| SandboxError::Prepare { path: path.to_owned(), reason };
        let engine_failed = |error: wasmtime::Error| failed(format!("{error:#}"));
        check_owner(path).map_err(|error| failed(error.to_string()))?;
        // SAFETY: the file is the output of this engine's compiler: it had the hash that was recorded when it was
        // written, and was not touched since; it and its folder belong to this user, nobody else may write to them, and
        // its name is a hash of all that went into it, the engine's version and settings among them.
        let module = unsafe { Module::deserialize_file(&engine, path) }.map_err(engine_failed)?;
        let interpreter = host::linker(&engine, &module)
            .and_then(|linker| linker.instantiate_pre(&module))
            .map_err(engine_failed)?;
        let memory_base = module
            .get_export("memory")
            .and_then(|export| usize::try_from(export.memory()?.minimum()).ok())
            .and_then(|pages| pages.checked_mul(link::PAGE_BYTES as usize))
            .ok_or_else(|| failed("the module exports no memory".into()))?;
        let ticker = Arc::new(Ticker::start(engine.clone()).map_err(|error| failed(error.to_string()))?);
        Ok(Self { engine, interpreter, ticker, memory_base, main: made.manifest.report.main })
    }
}

/// Makes the interpreter. Takes some 20 seconds of two cores.
fn make(
    engine: &Engine,
    cache: &Cache,
    key: &str,
    lock: &Lock,
    progress: &dyn Fn(Stage),
) -> Result<Manifest, SandboxError> {
    let failed = |reason: String| SandboxError::Prepare { path: cache.code(key), reason };
    let snapshot = snapshot::make(progress).map_err(|error| failed(error.to_string()))?;
    progress(Stage::Compiling);
    let code = engine.precompile_module(&snapshot.module).map_err(|error| failed(format!("{error:#}")))?;
    progress(Stage::Storing);
    cache.store(key, &code, snapshot.report, lock)
}

/// Names the compiled interpreter: a hash of all that goes into it.
fn key(engine: &Engine) -> String {
    let mut hasher = KeyHasher(blake3::Hasher::new_derive_key("codeagent-sandbox compiled interpreter 1"));
    (FORMAT, env!("CARGO_PKG_VERSION"), carriers::HASH, snapshot::DRIVER, snapshot::PREPARE)
        .hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().to_hex().chars().take(32).collect()
}

/// BLAKE3 as a hasher of values, because the engine's compatibility is given as such a value.
struct KeyHasher(blake3::Hasher);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let (first, _) =
            self.0.finalize().as_bytes().split_first_chunk::<8>().map_or(([0; 8], ()), |(a, _)| (*a, ()));
        u64::from_le_bytes(first)
    }
}
