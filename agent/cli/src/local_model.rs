//! Local models: from a profile to an engine.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use codeagent::models::decode::{GuardConfig, Language, RepetitionGuard};
use codeagent::models::local::embedded::{self, EmbeddedStyle};
use codeagent::models::local::{
    self, ChatStyle, DeviceChoice, Engine, EngineError, EngineOptions, LoadError, LoadOptions, Local,
    LocalModel, ProcessorFactory, RowStart, TemplateStyle, hub,
};

use crate::config::types::{LocalDevice, ModelProfile, Repetition, Speculation};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};

/// Loads the model of a profile and starts its engine, which answers conversations.
///
/// # Errors
/// Exit 3 where the files cannot be used, with the place in them and a remedy.
pub async fn provider(profile: &ModelProfile, environment: &Environment) -> Result<Local, Failure> {
    let engine = engine(profile, environment).await?;
    let model = engine.model();
    let style: Arc<dyn ChatStyle> = match profile.path {
        Some(_) => Arc::new(TemplateStyle::new(&model.chat, &model.name).map_err(|error| unusable(&error))?),
        None => Arc::new(EmbeddedStyle),
    };
    let guards = profile.repetition != Some(Repetition::Off);
    let guard = guards.then(|| repetition_guard(model));
    Ok(Local::new(engine, style).with_processors(guard.into_iter().collect()))
}

/// Loads the model of a profile, or without a path the embedded one, and starts its engine.
///
/// # Errors
/// As [`provider`].
pub async fn engine(profile: &ModelProfile, environment: &Environment) -> Result<Engine, Failure> {
    let path = profile.path.as_ref().map(|path| find(path, environment));
    let load = load_options(profile);
    let mut options = EngineOptions::default();
    if let Some(mib) = profile.kv_budget_mib {
        options.kv_budget = usize::try_from(mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
    }
    let threads = profile.threads.and_then(|threads| usize::try_from(threads).ok());
    options.threads = threads.and_then(NonZeroUsize::new);
    options.speculation = match profile.speculation.unwrap_or_default() {
        Speculation::Auto => local::Speculation::Auto,
        Speculation::Always => local::Speculation::Always,
        Speculation::Off => local::Speculation::Off,
    };
    let draft = profile.draft.as_ref().map(|path| find(path, environment));
    let start = move || {
        let model = path.map_or_else(|| embedded::load(&load), |path| LocalModel::open(&path, &load));
        let model = model.map_err(|error| unusable(&error))?;
        let draft = draft.map(|path| LocalModel::open(&path, &load)).transpose();
        let started = match draft.map_err(|error| unusable(&error))? {
            Some(draft) => Engine::start_with_draft(model, draft, options),
            None => Engine::start(model, options),
        };
        started.map_err(|error| not_started(&error))
    };
    tokio::task::spawn_blocking(start).await.map_err(|error| {
        Failure::new(Exit::Internal, "the local model could not be loaded").caused_by(&error)
    })?
}

/// The guard against repetition, for every row of a model.
#[must_use]
pub fn repetition_guard(model: &LocalModel) -> Arc<ProcessorFactory> {
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
