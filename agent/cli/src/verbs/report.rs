//! `codeagent report DIR`: the figures of a batch, as a table, an HTML page or JSON.

use codeagent_benchmarks::report::Report;

use crate::args::{Globals, ReportArgs};
use crate::batches;
use crate::config;
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::run_folder::write_named;

/// Reports on a batch.
///
/// # Errors
/// Exit 2 for a folder that is none or a file that can't be written, exit 6 for a damaged batch.
pub async fn report(
    arguments: &ReportArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = config::load(environment, &globals.config_flags(Vec::new()))?.config;
    let folder = environment.directory().join(&arguments.folder);
    let batch = batches::read(&folder, &config.store, environment).await?;
    let ks = batches::ks(&arguments.k, batch.file.extent.samples);
    let report = Report::new(batch.file, batch.rows, &ks).with_attempts(&batch.attempts);
    let mut written = false;
    if let Some(path) = &arguments.html {
        let page = report.to_html().map_err(|error| {
            Failure::new(Exit::Internal, "the report could not be made").caused_by(&error)
        })?;
        write_named("the report", path, page.as_bytes(), environment)?;
        written = true;
    }
    if let Some(path) = &arguments.markdown {
        write_named("the report", path, report.to_markdown().as_bytes(), environment)?;
        written = true;
    }
    if globals.json {
        output.json(report.results())?;
    } else if !written {
        output.bytes(escape::block(&report.to_markdown()).as_bytes())?;
    }
    Ok(Exit::Done)
}
