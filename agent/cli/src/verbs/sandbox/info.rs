//! `codeagent sandbox info`: what each back-end is on this machine, and what it enforces.

use codeagent::sandbox::session::Capabilities;
use serde_json::json;

use crate::args::{Globals, SandboxFlags};
use crate::config::types::SandboxKind;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{config, escape, sandboxes};

/// Shows both back-ends; one that is not to be had is shown with the reason.
///
/// # Errors
/// Exit 2 for settings, exit 4 if no back-end is to be had.
pub(super) async fn info(
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = config::load(environment, &globals.config_flags(Vec::new()))?.config.sandbox;
    let mut exit = Exit::Sandbox;
    for kind in [SandboxKind::Wasm, SandboxKind::Local] {
        let config = config::types::Sandbox { kind, ..config.clone() };
        match sandboxes::open(&config, &SandboxFlags::default(), environment).await {
            Ok(sandbox) => {
                exit = Exit::Done;
                show(&sandbox.capabilities(), globals.json, output)?;
            }
            Err(failure) if globals.json => {
                output.json(&json!({"v": 1, "backend": kind.name(), "available": false,
                    "reason": failure.summary(), "remedy": failure.remedy()}))?;
            }
            Err(failure) => {
                output.line(&format!("{}: not available", kind.name()))?;
                output.line(&format!("  why: {}", escape::line(&failure.summary())))?;
                failure.remedy().iter().try_for_each(|remedy| output.line(&format!("  try: {remedy}")))?;
            }
        }
    }
    Ok(exit)
}

fn show(capabilities: &Capabilities, json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        let mut shown = serde_json::to_value(capabilities).unwrap_or_default();
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("v".into(), 1.into());
            fields.insert("available".into(), true.into());
        }
        return output.json(&shown);
    }
    let level = format!("{:?}", capabilities.level).to_lowercase();
    output.line(&format!("{}: {}, level {level}", capabilities.backend, capabilities.interpreter))?;
    let yes = |is| if is { "yes" } else { "no" };
    output.line(&format!("  threads: {}, files: {}", yes(capabilities.threads), yes(capabilities.files)))?;
    for (title, lines) in [
        ("layers, outermost first", &capabilities.layers),
        ("not in force here", &capabilities.missing),
        ("limits", &capabilities.limits),
    ] {
        if !lines.is_empty() {
            output.line(&format!("  {title}:"))?;
            lines.iter().try_for_each(|line| output.line(&format!("    {}", escape::line(line))))?;
        }
    }
    let modules: Vec<&str> =
        capabilities.modules.iter().map(String::as_str).filter(|name| !name.contains('.')).collect();
    output.line(&format!("  modules: {}", modules.join(" ")))?;
    if capabilities.absent.is_empty() {
        return Ok(());
    }
    output.line(&format!("  standard modules that it lacks: {}", capabilities.absent.join(" ")))
}
