//! The seam between the back-ends and everything above them: a [`Sandbox`] opens a [`Session`], which is one contained
//! program with a framed channel to the host, and which says at its end what the machinery saw.
//!
//! The channel carries opaque bytes, so nothing here names a language. What the bytes mean is the business of the
//! driver inside (for Python: `python/driver.py`) and of the judge outside; neither end trusts them.

use std::time::Duration;

use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::limits::Limits;
use crate::verdict::Clock;

/// Runs untrusted programs. Object-safe; share it as `Arc<dyn Sandbox>`.
pub trait Sandbox: Send + Sync {
    /// Starts one contained interpreter with its driver waiting for the first request.
    ///
    /// # Errors
    /// [`SandboxError`] if the program could not be contained as promised; never the program's own fault.
    ///
    /// # Cancellation
    /// Dropping the future or the session kills the program and everything that it started.
    fn open(&self, open: Open) -> BoxFuture<'_, Result<Box<dyn Session>, SandboxError>>;

    /// What this sandbox is and what it enforces on this machine.
    fn capabilities(&self) -> Capabilities;
}

/// What a session starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Bytes on the program's standard input.
    pub stdin: Vec<u8>,
    /// Limits of the whole session.
    pub limits: Limits,
    /// Seeds randomness and hash order inside.
    pub seed: u64,
}

/// One contained program.
pub trait Session: Send {
    /// Sends one request and waits for one answer, at most `deadline` and at most what the session's limits leave.
    /// When the deadline passes the program is killed.
    ///
    /// # Errors
    /// [`SandboxError`] if the machinery failed.
    fn exchange<'a>(
        &'a mut self,
        request: &'a [u8],
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Exchange, SandboxError>>;

    /// Closes the channel, waits for the program to end by itself within what the limits leave (or kills it where it
    /// does not), and says what it left.
    ///
    /// # Errors
    /// [`SandboxError`] if the machinery failed.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Ending, SandboxError>>;
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// The program answered. A claim: the bytes are the program's and may be anything.
    Answer(Vec<u8>),
    /// The program ended, or was ended, without an answer; [`Session::finish`] says how.
    Ended,
}

/// How a contained program ended and what it used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// Why it ended.
    pub cause: Cause,
    /// What it wrote to stdout, cut at the output limit.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr, cut at the output limit.
    pub stderr: Vec<u8>,
    /// What it used.
    pub usage: Usage,
    /// Whether an allocation was refused because of the memory limit, as seen by the host.
    pub memory_refused: bool,
    /// What it tried and was refused, in order, without repetitions, at most 32.
    pub refusals: Vec<String>,
}

/// Why a contained program ended. The first cause wins, in the order of the variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ended", rename_all = "kebab-case")]
pub enum Cause {
    /// Killed at the output limit.
    OutputLimit,
    /// Killed at a time limit.
    Timeout {
        /// Which clock.
        clock: Clock,
    },
    /// Killed at the memory limit.
    Memory,
    /// Died of a signal or trap that the host did not send.
    Crashed {
        /// The signal or trap, as a word.
        cause: String,
    },
    /// Ended by itself.
    Exited {
        /// Its status.
        status: i32,
    },
}

/// What a contained program used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Wall-clock time from start to end.
    pub wall: Duration,
    /// CPU time.
    pub cpu: Duration,
    /// Largest memory, in MiB, the interpreter included.
    pub peak_mib: u32,
}

/// What a sandbox is and what it enforces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// Name of the back-end: `wasm` or `local`.
    pub backend: String,
    /// How strongly programs are contained.
    pub level: Level,
    /// The interpreter, such as `CPython 3.14.0`.
    pub interpreter: String,
    /// Whether programs may start threads.
    pub threads: bool,
    /// Layers of containment in force, outermost first.
    pub layers: Vec<String>,
    /// Layers that this machine does not offer, each with the reason.
    pub missing: Vec<String>,
    /// Limits that are enforced, each with its means, such as `memory: size of the address space`.
    pub limits: Vec<String>,
    /// Modules that programs can import, in order, without private ones; empty where that is not known yet.
    pub modules: Vec<String>,
    /// Standard modules that programs cannot import, in order. A program that fails for want of one is told so.
    pub absent: Vec<String>,
    /// Whether programs may have files of their own.
    pub files: bool,
}

impl Capabilities {
    /// A sandbox of this name: without threads, and with no layers to tell of.
    #[must_use]
    pub fn new(backend: impl Into<String>, level: Level, interpreter: impl Into<String>) -> Self {
        Self {
            backend: backend.into(),
            level,
            interpreter: interpreter.into(),
            threads: false,
            layers: Vec::new(),
            missing: Vec::new(),
            limits: Vec::new(),
            modules: Vec::new(),
            absent: Vec::new(),
            files: false,
        }
    }
}

/// How strongly programs are contained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Resource limits only: no isolation. Must be asked for in so many words.
    None,
    /// Landlock, seccomp and resource limits.
    Unprivileged,
    /// All of that inside namespaces of its own; for `wasm`, a machine of its own.
    Strict,
}
