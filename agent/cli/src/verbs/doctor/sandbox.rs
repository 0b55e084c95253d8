//! Both back-ends: whether they are there, and whether a program runs in them.

use std::sync::Arc;
use std::time::Duration;

use codeagent::sandbox::session::Capabilities;
use codeagent::sandbox::{Limits, Program, Run, Sandbox, run_program};

use super::Check;
use crate::args::SandboxFlags;
use crate::config::types::{self, SandboxKind};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::sandboxes;

/// Checks both back-ends; the one that is not configured need not work.
pub(super) async fn checks(config: &types::Sandbox, environment: &Environment) -> Vec<Check> {
    let wasm = wasm(config, environment).await;
    let local = backend("sandbox local", SandboxKind::Local, config, environment).await;
    match config.kind {
        SandboxKind::Wasm => vec![wasm, local.optional()],
        SandboxKind::Local => vec![wasm.optional(), local],
        SandboxKind::None => vec![
            wasm.optional(),
            local.optional(),
            Check::warning(
                "sandbox none",
                "configured: programs are not isolated",
                "set sandbox.kind = \"wasm\"",
            ),
        ],
    }
}

/// Preparing takes long and is done at the first use anyway, so here it is only looked at.
async fn wasm(config: &types::Sandbox, environment: &Environment) -> Check {
    const NAME: &str = "sandbox wasm";
    match sandboxes::wasm_sandbox(environment) {
        Ok(sandbox) if sandbox.is_prepared() => backend(NAME, SandboxKind::Wasm, config, environment).await,
        Ok(_) => Check::warning(
            NAME,
            "not prepared yet; the first use takes some 20 seconds longer",
            "run `codeagent sandbox prepare`",
        ),
        Err(failure) => Check::failed(NAME, &failure),
    }
}

async fn backend(
    name: &'static str,
    kind: SandboxKind,
    config: &types::Sandbox,
    environment: &Environment,
) -> Check {
    let config = types::Sandbox { kind, ..config.clone() };
    let tried = match sandboxes::open(&config, &SandboxFlags::default(), environment).await {
        Ok(sandbox) => trial(&sandbox).await.map(|()| sandbox.capabilities()),
        Err(failure) => Err(failure),
    };
    match tried {
        Ok(capabilities) if capabilities.missing.is_empty() => Check::ok(name, describe(&capabilities)),
        Ok(capabilities) => {
            let missing = capabilities.missing.join("; ");
            // Weaker than it could be, yet what it promises holds.
            Check {
                fix: Some(format!("not in force here: {missing}")),
                ..Check::ok(name, describe(&capabilities))
            }
        }
        Err(failure) => Check::failed(name, &failure),
    }
}

fn describe(capabilities: &Capabilities) -> String {
    let level = format!("{:?}", capabilities.level).to_lowercase();
    format!("{}, level {level}: {}", capabilities.interpreter, capabilities.layers.join(", "))
}

/// Runs a program whose output only an interpreter can know.
async fn trial(sandbox: &Arc<dyn Sandbox>) -> Result<(), Failure> {
    let program = Program { source: "print(sum(int(x) for x in input().split()))".to_owned(), entry: None };
    let limits = Limits::default().with_wall(Duration::from_secs(10));
    let run = Run { program, stdin: b"19 23\n".to_vec(), limits, ..Run::default() };
    let execution = run_program(sandbox, &run).await.map_err(|error| sandboxes::unavailable(&error))?;
    if execution.stdout == b"42\n" {
        return Ok(());
    }
    let verdict = execution.verdict.class();
    Err(Failure::new(Exit::Sandbox, format!("a program that adds two numbers ended with `{verdict}`"))
        .because(String::from_utf8_lossy(&execution.stderr).into_owned())
        .hint("report it with this output"))
}
