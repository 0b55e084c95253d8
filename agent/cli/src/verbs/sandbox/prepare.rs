//! `codeagent sandbox prepare`: makes the interpreter of the wasm sandbox, once per machine and version.

use codeagent::sandbox::wasm::Interpreter;
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
        let was_prepared = sandbox.is_prepared();
        sandboxes::prepare(&sandbox, quiet)?;
        let interpreter = sandbox.interpreter().map_err(|error| sandboxes::unavailable(&error))?;
        Ok((was_prepared, interpreter))
    });
    let (was_prepared, interpreter) = prepared
        .await
        .map_err(|error| Failure::new(Exit::Internal, "the preparation broke down").caused_by(&error))??;
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
