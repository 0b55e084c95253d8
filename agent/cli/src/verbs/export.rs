//! `codeagent export DIR --format F`: the samples of a batch in the form of another program.

use std::path::{Path, PathBuf};

use codeagent_benchmarks::batch::{BatchFile, BatchResults};
use codeagent_benchmarks::formats::inspect::Span;
use codeagent_benchmarks::formats::{
    Export, ExportError, Unattempted, apps, bigcode, evalplus, human_eval, inspect, livecodebench, lm_eval,
    training,
};
use codeagent_benchmarks::{Dataset, Protocol, load_dataset_under};
use serde_json::Value;

use crate::args::{ExportArgs, ExportFormat, Globals};
use crate::batches::{self, ReadBatch};
use crate::config;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::run_folder::{write_named, write_whole};

/// What was made of a batch.
enum Exported {
    /// One file.
    One(Vec<u8>),
    /// A folder of its own, with these files.
    Folder(Vec<File>),
    /// Files that join others in a folder, the last one last.
    Into(Vec<File>),
}

/// A path inside the folder, and what the file holds.
type File = (PathBuf, Vec<u8>);

/// Exports the samples.
///
/// # Errors
/// Exit 2 for flags that do not fit the form, a folder that is none, and a place that can't be written; exit 6 for a damaged
/// batch, another data set, and ids that the form has no place for.
pub async fn export(
    arguments: &ExportArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    check(arguments)?;
    let folder = environment.directory().join(&arguments.folder);
    let config = config::load(environment, &globals.config_flags(Vec::new()))?.config.store;
    let batch = batches::read(&folder, &config, environment).await?;
    let dataset = arguments.dataset.as_deref();
    let dataset = dataset.map(|path| dataset_of(&batch.file, path, environment)).transpose()?;
    let export = Export::new(&batch.file, &batch.rows, dataset.as_ref())
        .map_err(|error| refused(&error, &arguments.folder))?;
    let unattempted = if arguments.complete { Unattempted::Empty } else { Unattempted::LeftOut };
    let exported = match arguments.format {
        ExportFormat::LmEval => {
            let span = batches::span(&folder, &config, environment).await?;
            harness(&batch, span, &export)?
        }
        ExportFormat::Inspect => {
            let span = batches::span(&folder, &config, environment).await?;
            log(&batch, span, &export)?
        }
        ExportFormat::EvalplusDir => {
            let files = evalplus::files(&export, unattempted);
            let files = files.map_err(|error| refused(&error, &arguments.folder))?;
            Exported::Folder(files.into_iter().map(|(path, text)| (path, text.as_bytes().to_vec())).collect())
        }
        ExportFormat::HumanEval => one(|out| human_eval::write(&export, unattempted, out))?,
        ExportFormat::HumanEvalResults => one(|out| human_eval::write_results(&export, unattempted, out))?,
        ExportFormat::Evalplus => one(|out| evalplus::write(&export, unattempted, out))?,
        ExportFormat::Bigcode => one(|out| bigcode::write(&export, unattempted, out))?,
        ExportFormat::Apps => one(|out| apps::write(&export, unattempted, out))?,
        ExportFormat::Livecodebench => one(|out| livecodebench::write(&export, unattempted, out))?,
        ExportFormat::Sft => one(|out| training::write_chats(&export, out))?,
        ExportFormat::Dpo => one(|out| training::write_pairs(&export, out))?,
    };
    let unresolved = export.unresolved();
    if unresolved > 0 && arguments.format != ExportFormat::Inspect {
        tracing::warn!(
            "{unresolved} samples ended in errors and are left out; the same `codeagent eval` tries them again"
        );
    }
    match (exported, &arguments.out) {
        (Exported::One(bytes), None) => output.bytes(&bytes)?,
        (Exported::One(bytes), Some(path)) => write_named("the samples", path, &bytes, environment)?,
        (Exported::Folder(files), Some(path)) => write_folder(path, &files, environment)?,
        (Exported::Into(files), Some(path)) => write_into(path, &files, environment)?,
        // The flags were checked.
        (Exported::Folder(_) | Exported::Into(_), None) => return Err(without_out(arguments.format)),
    }
    Ok(Exit::Done)
}

/// Checks that the flags fit the form, before anything is read.
fn check(arguments: &ExportArgs) -> Result<(), Failure> {
    let format = arguments.format;
    if format.is_folder() && arguments.out.is_none() {
        return Err(without_out(format));
    }
    if format.needs_statements() && arguments.dataset.is_none() {
        return Err(Failure::usage(format!("--format {} needs the problems' statements", name(format)))
            .hint("give the data set of the batch with --dataset"));
    }
    if arguments.complete && !format.can_be_completed() {
        return Err(Failure::usage(format!("--complete means nothing for --format {}", name(format)))
            .hint("leave it out"));
    }
    Ok(())
}

fn without_out(format: ExportFormat) -> Failure {
    Failure::usage(format!("--format {} is a folder of files", name(format)))
        .hint("name the folder with --out")
}

fn name(format: ExportFormat) -> String {
    clap::ValueEnum::to_possible_value(&format).map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The data set of a batch, with the tests visible that its protocol shows.
fn dataset_of(batch: &BatchFile, path: &Path, environment: &Environment) -> Result<Dataset, Failure> {
    let said = |key: &str| batch.spec.get("dataset").and_then(|it| it.get(key)).and_then(Value::as_str);
    let protocol: Protocol = said("protocol").unwrap_or_default().parse().map_err(|error| {
        Failure::new(Exit::Data, "the batch names no protocol that this version knows").caused_by(&error)
    })?;
    let loaded = load_dataset_under(&environment.directory().join(path), protocol);
    let dataset = loaded.map_err(|error| Failure::data(&error))?;
    if said("hash") != Some(dataset.hash.as_str()) {
        return Err(Failure::new(Exit::Data, "this is another data set than that of the batch")
            .at(path.display().to_string())
            .hint(format!("give `{}`, as it was", batch.dataset)));
    }
    Ok(dataset)
}

/// An id that the form, or the data set, has no place for: exit 6.
fn refused(error: &ExportError, folder: &Path) -> Failure {
    Failure::new(Exit::Data, "the batch can't be written in this form")
        .at(folder.display().to_string())
        .caused_by(error)
        .hint("choose another --format, or give the data set of the batch")
}

fn one(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<Exported, Failure> {
    Ok(Exported::One(written(write)?))
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    write(&mut bytes).map_err(|error| {
        Failure::new(Exit::Internal, "the samples could not be written in this form").caused_by(&error)
    })?;
    Ok(bytes)
}

/// A log of Inspect.
fn log(batch: &ReadBatch, span: Span, export: &Export<'_>) -> Result<Exported, Failure> {
    let ks = batches::ks(&[], batch.file.extent.samples);
    let results = BatchResults::of(&batch.file, &ks, &batch.rows);
    one(|out| inspect::write(export, &results, span, out))
}

/// The two files of lm-evaluation-harness, that of results last: it says that the other one is there.
fn harness(batch: &ReadBatch, span: Span, export: &Export<'_>) -> Result<Exported, Failure> {
    let ks = batches::ks(&[], batch.file.extent.samples);
    let results = BatchResults::of(&batch.file, &ks, &batch.rows);
    let began = span.began;
    let [results_name, samples_name] = lm_eval::names(export, began);
    Ok(Exported::Into(vec![
        (samples_name.into(), written(|out| lm_eval::write_samples(export, &ks, out))?),
        (results_name.into(), written(|out| lm_eval::write_results(export, &results, began, out))?),
    ]))
}

/// Writes a folder that is there whole or not at all. One that holds something is refused: what it holds would count, too.
fn write_folder(path: &Path, files: &[File], environment: &Environment) -> Result<(), Failure> {
    let folder = environment.directory().join(path);
    if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::usage("this folder holds something already")
            .at(path.display().to_string())
            .hint("name a new folder with --out"));
    }
    let parent = folder.parent().unwrap_or(&folder);
    let written = || -> std::io::Result<()> {
        let mut builder = tempfile::Builder::new();
        // As any folder that the user makes, not as a secret.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let whole = builder.tempdir_in(parent)?;
        for (name, bytes) in files {
            let file = whole.path().join(name);
            file.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(file, bytes)?;
        }
        std::fs::rename(whole.path(), &folder)?;
        // It has another name now.
        drop(whole.keep());
        Ok(())
    };
    written().map_err(|error| unwritable(path, &error))
}

/// Writes files into a folder, made if need be; each is there whole or not at all.
fn write_into(path: &Path, files: &[File], environment: &Environment) -> Result<(), Failure> {
    let folder = environment.directory().join(path);
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| files.iter().try_for_each(|(name, bytes)| write_whole(&folder.join(name), bytes)));
    written.map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("the samples can't be written to {}", path.display()))
        .caused_by(error)
        .hint("name a folder that can be made and written")
}
