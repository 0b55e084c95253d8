//! The sandbox that flags and configuration ask for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(unix)]
use codeagent::sandbox::wasm::Workers;
use codeagent::sandbox::wasm::{Stage, WasmSandbox};
use codeagent::sandbox::{Sandbox, SandboxError};
use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::args::SandboxFlags;
use crate::config::types::{self, SandboxKind};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};

/// The argument that makes this executable a worker of the wasm sandbox. No verb: nobody calls it by hand.
#[cfg(unix)]
const WORKER: &str = "__sandbox-worker";

/// Opens the sandbox; says on stderr what takes long the first time.
///
/// # Errors
/// Exit 2 where consent is missing, exit 4 where the machine does not offer the sandbox.
pub async fn open(
    config: &types::Sandbox,
    flags: &SandboxFlags,
    environment: &Environment,
) -> Result<Arc<dyn Sandbox>, Failure> {
    flags
        .require_consent(config.kind)
        .map_err(|complaint| Failure::usage(complaint.reason).hint(complaint.remedy))?;
    let (config, environment) = (config.clone(), environment.clone());
    let opened = tokio::task::spawn_blocking(move || match config.kind {
        SandboxKind::Wasm => wasm(&environment),
        SandboxKind::Local | SandboxKind::None => local(&config, &environment),
    });
    opened
        .await
        .map_err(|error| Failure::new(Exit::Internal, "the sandbox could not be opened").caused_by(&error))?
}

fn wasm(environment: &Environment) -> Result<Arc<dyn Sandbox>, Failure> {
    let sandbox = wasm_sandbox(environment)?;
    if !sandbox.is_prepared() {
        tracing::warn!(
            "preparing the wasm sandbox; this takes about 20 seconds, once per machine and version"
        );
        prepare(&sandbox, false)?;
    }
    Ok(Arc::new(sandbox))
}

/// Prepares the sandbox, and shows on a terminal what is being done.
///
/// # Errors
/// Exit 4 if it can't be prepared.
pub fn prepare(sandbox: &WasmSandbox, quiet: bool) -> Result<(), Failure> {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(None, target);
    bar.enable_steady_tick(Duration::from_millis(120));
    let prepared = sandbox.prepare(|stage| {
        bar.set_message(format!("{} the interpreter", stage_name(stage)));
        tracing::info!(stage = stage_name(stage), "preparing the wasm sandbox");
    });
    bar.finish_and_clear();
    prepared.map_err(|error| unavailable(&error))
}

/// The wasm sandbox in the user's cache folder, not prepared.
///
/// # Errors
/// Exit 4 where there is no cache folder.
pub fn wasm_sandbox(environment: &Environment) -> Result<WasmSandbox, Failure> {
    let folder = environment.cache_dir().ok_or_else(|| {
        Failure::new(Exit::Sandbox, "there is no folder for the wasm sandbox's interpreter")
            .hint("set HOME, XDG_CACHE_HOME or CODEAGENT_CACHE_DIR")
    })?;
    let sandbox = WasmSandbox::with_cache(folder);
    #[cfg(unix)]
    if let Ok(workers) = Workers::of_this_program([WORKER]) {
        return Ok(sandbox.with_workers(workers));
    }
    Ok(sandbox)
}

/// Whether this process was started as a worker of the wasm sandbox.
#[cfg(unix)]
#[must_use]
pub fn is_worker() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER)
}

/// What is being done, as a word.
const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Linking => "linking",
        Stage::Initialising => "initialising",
        Stage::Compiling => "compiling",
        Stage::Storing => "storing",
        _ => "working",
    }
}

#[cfg(target_os = "linux")]
fn local(config: &types::Sandbox, environment: &Environment) -> Result<Arc<dyn Sandbox>, Failure> {
    use codeagent::sandbox::local::{LocalConfig, LocalSandbox};
    use codeagent::sandbox::session::Level;

    let unisolated = config.kind == SandboxKind::None;
    let config = LocalConfig {
        python: python(config, environment),
        level: unisolated.then_some(Level::None),
        i_accept_no_isolation: unisolated,
    };
    let sandbox = LocalSandbox::new(config).map_err(|e| unavailable(&e))?;
    Ok(Arc::new(sandbox))
}

#[cfg(not(target_os = "linux"))]
fn local(_: &types::Sandbox, _: &Environment) -> Result<Arc<dyn Sandbox>, Failure> {
    Err(Failure::new(Exit::Sandbox, "the local sandbox needs Linux").hint("use --sandbox wasm"))
}

/// The interpreter of the local sandbox: configured, or of `CODEAGENT_PYTHON`, else the sandbox's choice.
#[must_use]
pub fn python(config: &types::Sandbox, environment: &Environment) -> Option<PathBuf> {
    config.python.as_deref().or_else(|| environment.variable("CODEAGENT_PYTHON")).map(PathBuf::from)
}

/// The failure that an error of the sandbox makes.
#[must_use]
pub fn unavailable(error: &SandboxError) -> Failure {
    let failure = match error {
        SandboxError::Unavailable { backend, what, remedy } => {
            return Failure::new(Exit::Sandbox, format!("the {backend} sandbox lacks {what}"))
                .hint(remedy.as_str());
        }
        SandboxError::Prepare { .. } => Failure::new(Exit::Sandbox, "the sandbox could not be prepared")
            .hint("check that the cache folder is yours and has 200 MiB free; `codeagent doctor` says more"),
        _ => Failure::new(Exit::Sandbox, "the sandbox broke down")
            .hint("try again; `codeagent doctor` checks it"),
    };
    failure.caused_by(error)
}
