//! Logs go to stderr; how much is a matter of `-v`, `-q` and `CODEAGENT_LOG`.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::args::{Color, Globals};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::telemetry::Sink;

/// Sends logs to stderr from now on, and to `sink` what it takes. `CODEAGENT_LOG` holds a filter such as `codeagent=debug` and wins over flags.
///
/// # Errors
/// Exit 2 if the filter cannot be read.
pub fn install(globals: &Globals, environment: &Environment, sink: Option<Sink>) -> Result<(), Failure> {
    let filter = match environment.variable("CODEAGENT_LOG") {
        Some(text) => EnvFilter::try_new(text).map_err(|e| {
            Failure::usage("the filter cannot be read")
                .at("CODEAGENT_LOG")
                .caused_by(&e)
                .hint("for example `codeagent=debug`")
        })?,
        None => EnvFilter::new(level(globals)),
    };
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colored(globals.color, environment))
        .with_target(globals.verbose > 1)
        .without_time()
        .with_filter(filter);
    let subscriber = tracing_subscriber::registry().with(sink).with(log);
    // A second installation happens in tests only; the first stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

/// Our crates at the level asked for; other people's stay at warnings, because their debug lines hold request headers.
fn level(globals: &Globals) -> String {
    const OURS: [&str; 8] = [
        "codeagent",
        "codeagent_benchmarks",
        "codeagent_cli",
        "codeagent_models",
        "codeagent_prompts",
        "codeagent_sandbox",
        "codeagent_search",
        "codeagent_store",
    ];
    let level = match (globals.quiet, globals.verbose) {
        (true, _) => return "error".to_owned(),
        (false, 0) => return "warn".to_owned(),
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    OURS.iter().fold("warn".to_owned(), |filter, ours| format!("{filter},{ours}={level}"))
}

/// Whether stderr is coloured: as asked, else if it is a terminal and `NO_COLOR` is unset.
#[must_use]
pub fn colored(color: Color, environment: &Environment) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stderr().is_terminal() && environment.variable("NO_COLOR").is_none(),
    }
}
