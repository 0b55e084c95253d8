//! `codeagent import FILE --format F --dataset D`: samples of another program as rows that `score`, `rank` and `compare` read.

use codeagent_benchmarks::formats::{Imported, apps, bigcode, evalplus, human_eval, livecodebench};
use codeagent_benchmarks::{DatasetError, load_dataset};

use crate::args::{ImportArgs, ImportFormat};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::run_folder::write_named;

/// Imports the samples.
///
/// # Errors
/// Exit 6 for files that can't be read or hold no sample, exit 2 for a place that can't be written.
pub fn import(
    arguments: &ImportArgs,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let dataset = load_dataset(&environment.directory().join(&arguments.dataset));
    let dataset = dataset.map_err(|error| Failure::data(&error))?;
    dataset.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let path = environment.directory().join(&arguments.samples);
    let read: Result<Imported, DatasetError> = match arguments.format {
        ImportFormat::HumanEval => human_eval::read(&path, &dataset),
        ImportFormat::HumanEvalResults => human_eval::read_results(&path, &dataset),
        ImportFormat::Evalplus => evalplus::read(&path, &dataset),
        ImportFormat::EvalplusDir => evalplus::read_folder(&path, &dataset),
        ImportFormat::EvalplusResults => evalplus::read_results(&path, &dataset),
        ImportFormat::Bigcode => bigcode::read(&path, &dataset),
        ImportFormat::Apps => apps::read(&path, &dataset),
        ImportFormat::Livecodebench => livecodebench::read(&path, &dataset),
    };
    let imported = read.map_err(|error| Failure::data(&error))?;
    Failure::tell_faults(&imported.faults, imported.fault_count);
    if imported.samples.is_empty() {
        return Err(Failure::new(Exit::Data, "holds no sample that could be read")
            .at(path.display().to_string())
            .hint("check --format and --dataset"));
    }
    let bytes = imported.to_json_lines().map_err(|error| {
        Failure::new(Exit::Internal, "the samples could not be written").caused_by(&error)
    })?;
    match &arguments.out {
        Some(out) => write_named("the samples", out, &bytes, environment)?,
        None => output.bytes(&bytes)?,
    }
    Ok(if imported.fault_count > 0 { Exit::Data } else { Exit::Done })
}
