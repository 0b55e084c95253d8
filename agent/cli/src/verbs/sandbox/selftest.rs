//! `codeagent sandbox selftest`: programs whose verdicts are known, cheats and attacks among them, in each back-end.

use codeagent::sandbox::conformance::{Deviation, Suite, deviations};
use serde_json::json;

use crate::args::{Globals, SandboxFlags};
use crate::config::types::SandboxKind;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{config, escape, sandboxes};

/// Tests the back-end that is asked for, else the one that is configured. Exits with 1 if anything comes out otherwise
/// than it must.
///
/// # Errors
/// Exit 2 for settings, exit 4 for a sandbox that is not to be had.
pub(super) async fn selftest(
    flags: &SandboxFlags,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = config::load(environment, &globals.config_flags(flags.settings()))?.config.sandbox;
    let sandbox = sandboxes::open(&config, flags, environment).await?;
    let suite = if config.kind == SandboxKind::None { Suite::Verdicts } else { Suite::Contained };
    let found = deviations(sandbox, suite).await.map_err(|error| sandboxes::unavailable(&error))?;
    show(config.kind.name(), &found, globals.json, output)?;
    Ok(if found.is_empty() { Exit::Done } else { Exit::Negative })
}

fn show(backend: &str, found: &[Deviation], json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        let deviations: Vec<_> = found
            .iter()
            .map(|deviation| {
                json!({"check": deviation.check, "expected": deviation.expected, "actual": deviation.actual})
            })
            .collect();
        return output.json(
            &json!({"v": 1, "backend": backend, "passed": found.is_empty(), "deviations": deviations}),
        );
    }
    for deviation in found {
        let Deviation { check, expected, actual } = deviation;
        output.line(&escape::line(&format!("WRONG {check}: {actual} instead of {expected}")))?;
    }
    let verdict = if found.is_empty() { "every check came out as it must" } else { "do not rely on it" };
    output.line(&format!("{backend}: {verdict}"))
}
