//! `codeagent model list|add|info|verify|requantize|bench`: models on this disk.

mod bench;

use std::path::{Path, PathBuf};

use codeagent::models::local::{Checkpoint, LoadOptions, Manifest, requantize};
use serde_json::json;

use crate::args::{Globals, ModelAction, ModelArgs};
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::local_model::{find, unusable};
use crate::output::Output;

/// Does what is asked.
///
/// # Errors
/// Exit 3 for files that make no model, exit 2 for folders that cannot be written.
pub fn model(
    arguments: &ModelArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match &arguments.action {
        ModelAction::List => list(globals, environment, output),
        ModelAction::Add { path } => add(path, environment, output),
        ModelAction::Info { path } => {
            let manifest = manifest(path, environment)?;
            output.json(&manifest)?;
            Ok(Exit::Done)
        }
        ModelAction::Verify { path, quantise } => verify(path, *quantise, globals, environment, output),
        ModelAction::Requantize { input, output: to, .. } => {
            let (from, to) = (find(input, environment), environment.directory().join(to));
            requantize::to_q8_0(&from, &to).map_err(|error| unusable(&error))?;
            output.line(&escape::line(&format!("wrote {}", to.display())))?;
            Ok(Exit::Done)
        }
        ModelAction::Bench(flags) => bench::bench(flags, globals, environment, output),
    }
}

/// The folder of the manifests of models that were added.
fn folder(environment: &Environment) -> Result<PathBuf, Failure> {
    let state = environment.state_dir().ok_or_else(|| {
        Failure::usage("there is no folder for the list of models").hint("set HOME or XDG_STATE_HOME")
    })?;
    Ok(state.join("models"))
}

fn manifest(path: &str, environment: &Environment) -> Result<Manifest, Failure> {
    let path = find(path, environment);
    let mut checkpoint = Checkpoint::open(&path).map_err(|error| unusable(&error))?;
    Manifest::of(&mut checkpoint, &path, &LoadOptions::default()).map_err(|error| unusable(&error))
}

fn add(path: &str, environment: &Environment, output: &mut Output) -> Result<Exit, Failure> {
    let (manifest, folder) = (manifest(path, environment)?, folder(environment)?);
    let text = serde_json::to_string_pretty(&manifest)
        .map_err(|error| Failure::new(Exit::Internal, "the manifest has no JSON form").caused_by(&error))?;
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.@+".contains(c) { c } else { '_' };
    let file = folder.join(manifest.name.chars().map(safe).collect::<String>()).join("model.json");
    let written =
        file.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&file, text));
    written
        .map_err(|error| Failure::usage(format!("{} cannot be written", file.display())).caused_by(&error))?;
    output
        .line(&escape::line(&format!("added {}: use it with -m candle:{}", manifest.name, manifest.path)))?;
    Ok(Exit::Done)
}

fn list(globals: &Globals, environment: &Environment, output: &mut Output) -> Result<Exit, Failure> {
    let entries = std::fs::read_dir(folder(environment)?).into_iter().flatten().filter_map(Result::ok);
    let read = |entry: std::fs::DirEntry| -> Option<Manifest> {
        serde_json::from_slice(&std::fs::read(entry.path().join("model.json")).ok()?).ok()
    };
    let mut models: Vec<Manifest> = entries.filter_map(read).collect();
    models.sort_by(|a, b| a.name.cmp(&b.name));
    if globals.json {
        output.json(&json!({ "v": 1, "models": models }))?;
        return Ok(Exit::Done);
    }
    for model in &models {
        let here = if Path::new(&model.path).exists() { "" } else { " (no longer there)" };
        let line = format!(
            "{}: {}, {:.1} M parameters, context {} at {}{here}",
            model.name,
            model.architecture,
            millions(model.parameters),
            model.context,
            model.path
        );
        output.line(&escape::line(&line))?;
    }
    if models.is_empty() {
        output.line("no model was added: codeagent model add PATH")?;
    }
    Ok(Exit::Done)
}

fn verify(
    path: &str,
    quantise: bool,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let checkpoint = Checkpoint::open(&find(path, environment)).map_err(|error| unusable(&error))?;
    let options = LoadOptions { quantise, ..LoadOptions::default() };
    let tensors = checkpoint.tensors(&options);
    let fit = checkpoint.check_fit(&options);
    if globals.json {
        let tensors: Vec<_> = tensors
            .iter()
            .map(|tensor| {
                json!({ "name": tensor.name, "stored": format!("{:?}", tensor.stored),
                    "loaded": format!("{:?}", tensor.loaded), "shape": tensor.shape, "padding": tensor.padding,
                    "bytes": tensor.bytes, "kernel": tensor.kernel.map(|kernel| kernel.name()) })
            })
            .collect();
        output.json(&json!({ "v": 1, "name": checkpoint.name(), "tensors": tensors,
            "problem": fit.as_ref().err().map(ToString::to_string) }))?;
    } else {
        for tensor in &tensors {
            let kernel = tensor.kernel.map_or("-", |kernel| kernel.name());
            let padding = if tensor.padding > 0 { format!(" +{}", tensor.padding) } else { String::new() };
            let line = format!(
                "{kernel:<6} {:?} -> {:?} {:?}{padding} {}",
                tensor.stored, tensor.loaded, tensor.shape, tensor.name
            );
            output.line(&escape::line(&line))?;
        }
        let bytes: u64 = tensors.iter().map(|tensor| tensor.bytes).sum();
        output.line(&escape::line(&format!("{}: {} MiB when loaded", checkpoint.name(), bytes >> 20)))?;
    }
    fit.map_err(|error| unusable(&error))?;
    Ok(Exit::Done)
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn millions(count: u64) -> f64 {
    count as f64 / 1e6
}
