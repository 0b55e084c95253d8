//! Local models: from a profile to an engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use codeagent::models::decode::{GuardConfig, Language, RepetitionGuard};
use codeagent::models::local::embedded::{self, EmbeddedStyle};
use codeagent::models::local::{
    ChatStyle, DeviceChoice, Engine, EngineError, EngineOptions, LoadError, LoadOptions, Local, LocalModel,
    ProcessorFactory, RowStart, TemplateStyle, hub,
};

use crate::config::types::{LocalDevice, ModelProfile, Repetition};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};

/// Loads the model of a profile and starts its engine.
///
/// # Errors
/// Exit 3 where the files cannot be used, with the place in them and a remedy.
pub async fn provider(profile: &ModelProfile, environment: &Environment) -> Result<Local, Failure> {
    let path = profile.path.as_ref().map(|path| find(path, environment));
    let options = load_options(profile);
    let guards = profile.repetition != Some(Repetition::Off);
    let mut engine = EngineOptions::default();
    if let Some(mib) = profile.kv_budget_mib {
        engine.kv_budget = usize::try_from(mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
    }
    let loading = tokio::task::spawn_blocking(move || start(path.as_deref(), &options, engine, guards));
    loading.await.map_err(|error| {
        Failure::new(Exit::Internal, "the local model could not be loaded").caused_by(&error)
    })?
}

/// The model of a path, or without one the embedded model.
fn start(
    path: Option<&Path>,
    options: &LoadOptions,
    engine: EngineOptions,
    guards: bool,
) -> Result<Local, Failure> {
    let (model, style): (_, Arc<dyn ChatStyle>) = match path {
        Some(path) => {
            let model = LocalModel::open(path, options).map_err(|error| unusable(&error))?;
            let style = TemplateStyle::new(&model.chat, &model.name).map_err(|error| unusable(&error))?;
            (model, Arc::new(style))
        }
        None => (embedded::load(options).map_err(|error| unusable(&error))?, Arc::new(EmbeddedStyle)),
    };
    let guard = repetition_guard(&model);
    let engine = Engine::start(model, engine).map_err(|error| not_started(&error))?;
    Ok(Local::new(engine, style).with_processors(guards.then_some(guard).into_iter().collect()))
}

/// The guard against repetition, for every row of a model.
fn repetition_guard(model: &LocalModel) -> Arc<ProcessorFactory> {
    let guard = RepetitionGuard::new(Arc::clone(&model.vocabulary), Language::Python, GuardConfig::default());
    Arc::new(move |_: &RowStart<'_>| Box::new(guard.clone()))
}

/// How a profile wants its model loaded.
#[must_use]
pub fn load_options(profile: &ModelProfile) -> LoadOptions {
    LoadOptions {
        device: match profile.device {
            None => DeviceChoice::Auto,
            Some(LocalDevice::Cpu) => DeviceChoice::Cpu,
            Some(LocalDevice::Gpu) => DeviceChoice::Gpu,
        },
        quantise: profile.quantise.unwrap_or(false),
        slow_ok: profile.slow_ok.unwrap_or(false),
        ..LoadOptions::default()
    }
}

/// A folder or file, or the id of a model that the hub's tools have put on this disk.
#[must_use]
pub fn find(path: &str, environment: &Environment) -> PathBuf {
    let here = environment.directory().join(path);
    if here.exists() {
        return here;
    }
    let folder = |variable: &str| environment.variable(variable).map(PathBuf::from);
    let cache = folder("HF_HUB_CACHE")
        .or_else(|| folder("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache/huggingface/hub")));
    cache.and_then(|cache| hub::find(path, &cache)).unwrap_or(here)
}

/// Files that make no model.
#[must_use]
pub fn unusable(error: &LoadError) -> Failure {
    Failure::new(Exit::Provider, "the local model cannot be used").caused_by(error).hint(error.remedy())
}

/// An engine that did not start or answer.
#[must_use]
pub fn not_started(error: &EngineError) -> Failure {
    Failure::new(Exit::Provider, "the local model does not answer").caused_by(error)
}
