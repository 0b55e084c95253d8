//! `codeagent sandbox prepare`: makes the interpreter of the wasm sandbox, once per machine and version.

use std::time::Duration;

use codeagent::sandbox::wasm::Interpreter;
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde_json::json;

use crate::args::Globals;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::sandboxes;

/// Prepares the interpreter and says where it is.
///
/// # Errors
/// Exit 4 if it can't be prepared.
pub(super) async fn prepare(
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let sandbox = sandboxes::wasm_sandbox(environment)?;
    let quiet = globals.quiet;
    let prepared = tokio::task::spawn_blocking(move || {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.enable_steady_tick(Duration::from_millis(120));
        let was_prepared = sandbox.is_prepared();
        let result = sandbox.prepare(|stage| {
            bar.set_message(format!("{} the interpreter", sandboxes::stage_name(stage)));
            tracing::info!(stage = sandboxes::stage_name(stage), "preparing the wasm sandbox");
        });
        bar.finish_and_clear();
        result.and_then(|()| sandbox.interpreter()).map(|interpreter| (was_prepared, interpreter))
    });
    let (was_prepared, interpreter) = prepared
        .await
        .map_err(|error| Failure::new(Exit::Internal, "the preparation broke down").caused_by(&error))?
        .map_err(|error| sandboxes::unavailable(&error))?;
    show(&interpreter, was_prepared, globals.json, output)?;
    Ok(Exit::Done)
}

fn show(
    interpreter: &Interpreter,
    was_prepared: bool,
    json: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    let path = interpreter.path.display().to_string();
    if json {
        return output.json(&json!({
            "v": 1, "interpreter": interpreter.name, "path": path, "bytes": interpreter.bytes,
            "was_prepared": was_prepared,
        }));
    }
    let already = if was_prepared { "was prepared already" } else { "is prepared" };
    let mib = interpreter.bytes >> 20;
    output.line(&format!("{} {already}: {path} ({mib} MiB)", interpreter.name))
}
