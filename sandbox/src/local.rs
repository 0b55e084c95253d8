//! The back-end `local` (Linux): a warm CPython that forks per program.
//!
//! A `zygote` is an interpreter that has imported what programs import most and makes contained copies of itself ahead,
//! one for each program; a `pool` keeps one per hash seed. A program is a process of its own inside layers that each
//! hold without the others: namespaces with a read-only root and private mounts (`root`), landlock (`landlock_rules`), a
//! seccomp filter (`filter`), resource limits (`rlimits`) and no privileges. A thread per session (`supervisor`) keeps the
//! clocks, counts the output and kills. A containment that was promised and cannot be had is an error, never a weaker run.
//!
//! Where a cgroup v2 subtree is delegated to us, `cgroup` limits physical memory and processes too.
//!
//! Left out: site packages (only the standard library).

mod cgroup;
mod channel;
mod contained;
#[cfg(test)]
mod cost;
mod ending;
mod ends;
mod filter;
mod identity;
mod interpreter;
mod landlock_rules;
mod output;
mod plan;
mod pool;
mod report;
mod rlimits;
mod root;
mod session;
mod setup;
mod start;
mod supervisor;
mod sys;
mod tell;
#[cfg(test)]
mod tests;
mod waiting;
mod zygote;

use std::path::PathBuf;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use tokio::sync::Semaphore;

use self::landlock_rules::Landlock;
use self::pool::Pool;
use self::session::LocalSession;
use self::setup::{Layers, Setup};
use crate::error::SandboxError;
use crate::session::{Capabilities, Level, Open, Sandbox, Session};

const BACKEND: &str = "local";

/// How a [`LocalSandbox`] is made. The default asks for the strongest containment that the machine offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalConfig {
    /// The Python to run; `None` for the first CPython of version 3.9 or newer on the search path.
    pub python: Option<PathBuf>,
    /// The level to hold; `None` for the stronger one of [`Level::Strict`] and [`Level::Unprivileged`] that works.
    pub level: Option<Level>,
    /// Must be `true` for [`Level::None`], which lets programs do whatever the user may.
    pub i_accept_no_isolation: bool,
}

/// Runs programs with a Python of this machine.
#[derive(Debug)]
pub struct LocalSandbox {
    pool: Arc<Pool>,
    capabilities: Capabilities,
    /// Programs that work at the same time, at most one per core; fair, so that none waits for ever.
    slots: Arc<Semaphore>,
}

impl LocalSandbox {
    /// Finds the interpreter and tries the layers out by starting it once. Takes about a tenth of a second and blocks:
    /// inside an async runtime call it by `spawn_blocking`.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] if there is no suitable Python, or if a level is asked for that does not work
    /// here (or none is, and none works); it names the missing layer and the remedy.
    pub fn new(config: LocalConfig) -> Result<Self, SandboxError> {
        if config.level == Some(Level::None) && !config.i_accept_no_isolation {
            return Err(unavailable(
                "isolation at level `none`".to_owned(),
                "set i_accept_no_isolation if programs may do whatever you may, or choose another level",
            ));
        }
        let interpreter = interpreter::find(config.python.as_deref())?;
        let levels =
            config.level.map_or_else(|| vec![Level::Strict, Level::Unprivileged], |level| vec![level]);
        let mut missing = Vec::new();
        for level in levels {
            match attempt(&interpreter, level) {
                Ok(pool) => return Ok(Self::with(pool, level, missing)),
                Err(reason) => missing.push(format!("{}: {reason}", level_name(level))),
            }
        }
        let reasons = missing.join("; ");
        Err(unavailable(
            format!("what its level needs ({reasons})"),
            "allow user namespaces, landlock and seccomp for this process, ask for a lower level, or use the wasm sandbox",
        ))
    }

    fn with(pool: Pool, level: Level, mut missing: Vec<String>) -> Self {
        let setup = pool.setup();
        missing.extend(tell::missing(setup));
        let capabilities = Capabilities {
            threads: true,
            files: true,
            layers: tell::in_force(setup),
            missing,
            limits: tell::limits(setup),
            modules: setup.interpreter.modules.clone(),
            ..Capabilities::new(BACKEND, level, setup.interpreter.name.clone())
        };
        Self { pool: Arc::new(pool), capabilities, slots: Arc::new(Semaphore::new(cores())) }
    }
}

impl Sandbox for LocalSandbox {
    fn open(&self, open: Open) -> BoxFuture<'_, Result<Box<dyn Session>, SandboxError>> {
        Box::pin(async move {
            let _slot = self.slots.acquire().await.map_err(|_| supervisor::gone())?;
            let (link, ready) = supervisor::start(Arc::clone(&self.pool), open)?;
            ready.await.map_err(|_| supervisor::gone())??;
            let session: Box<dyn Session> = Box::new(LocalSession { link, slots: Arc::clone(&self.slots) });
            Ok(session)
        })
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }
}

/// Starts the interpreter once at this level.
fn attempt(interpreter: &interpreter::Interpreter, level: Level) -> Result<Pool, String> {
    let landlock = Landlock::detect();
    if level > Level::None && landlock.is_none() {
        return Err("landlock is not there (Linux 5.13, enabled at boot)".to_owned());
    }
    let layers = Layers {
        namespaces: level == Level::Strict,
        landlock: landlock.filter(|_| level > Level::None),
        seccomp: level > Level::None,
    };
    let setup = Setup::new(interpreter.clone(), layers).map_err(|error| error.to_string())?;
    let pool = Pool::new(Arc::new(setup), cores() + 2);
    match start::rehearse(&pool) {
        Ok(()) => Ok(pool),
        Err(SandboxError::Worker { reason }) => Err(reason),
        Err(error) => Err(error.to_string()),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

const fn level_name(level: Level) -> &'static str {
    match level {
        Level::Strict => "strict",
        Level::Unprivileged => "unprivileged",
        Level::None => "none",
    }
}

fn unavailable(what: String, remedy: &str) -> SandboxError {
    SandboxError::Unavailable { backend: BACKEND, what, remedy: remedy.to_owned() }
}

/// Turns a failed system call into an error that says what for.
fn host<E: Into<std::io::Error>>(action: &str) -> impl FnOnce(E) -> SandboxError {
    let action = action.to_owned();
    move |error| SandboxError::Host { action, source: error.into() }
}
