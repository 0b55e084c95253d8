//! Which model answers: from flags, configuration, the environment, or a server found on this machine.
//!
//! The order for a verb that needs a model: `-m`/`--base-url`; the profile `default`; `OPENAI_API_KEY` or
//! `OPENAI_BASE_URL`; the one server that is found. Where there is none, the embedded model is the verb's business.

mod connect;

pub use connect::{prices, prices_with_free};

#[cfg(test)]
mod tests;

use codeagent::models::Found;

use crate::args::ModelFlags;
use crate::config::schema::nearest;
use crate::config::types::{Config, ModelProfile, Provider};
use crate::config::units::{BaseUrl, Complaint};
use crate::environment::Environment;
use crate::failure::Failure;

/// The profile used where no other is asked for.
const DEFAULT: &str = "default";

/// The model that comes with the program, after `-m`.
const EMBEDDED: &str = codeagent::models::local::embedded::NAME;

/// The profile that `OPENAI_API_KEY` and `OPENAI_BASE_URL` belong to.
const OPENAI: &str = "openai";

/// What came of looking for a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// A model.
    Model(Box<Chosen>),
    /// Nothing was asked for and nothing was found.
    Nothing,
}

/// A model that was decided on, complete: servers have an address and a model's name, local files a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Name of the profile, or what was asked for.
    pub name: String,
    /// Why this one.
    pub reason: Reason,
    /// Its settings.
    pub profile: ModelProfile,
}

/// Why a model was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It was asked for by name or address.
    Asked,
    /// The profile `default`.
    DefaultProfile,
    /// `OPENAI_API_KEY` or `OPENAI_BASE_URL`.
    Environment,
    /// It is the only server that was found.
    Discovered,
    /// It comes with the program.
    Embedded,
}

/// Decides on a model. `found` are the servers of this machine; it is called only when they matter.
///
/// # Errors
/// Exit 2 where flags or configuration name no complete model, or several servers were found.
pub async fn resolve(
    flags: &ModelFlags,
    config: &Config,
    environment: &Environment,
    found: impl AsyncFn() -> Vec<Found>,
) -> Result<Resolved, Failure> {
    let (name, reason, profile) = if let Some((name, profile)) = from_flags(flags, config)? {
        (name, Reason::Asked, profile)
    } else if let Some(profile) = config.model.get(DEFAULT) {
        (DEFAULT.to_owned(), Reason::DefaultProfile, profile.clone())
    } else if uses_openai(environment) {
        (OPENAI.to_owned(), Reason::Environment, openai(config))
    } else {
        return Ok(match only(&found().await)? {
            Some((name, profile)) => {
                Resolved::Model(Box::new(Chosen { name, reason: Reason::Discovered, profile }))
            }
            None => Resolved::Nothing,
        });
    };
    let profile = complete(&name, profile, environment, found).await?;
    Ok(Resolved::Model(Box::new(Chosen { name, reason, profile })))
}

impl Chosen {
    /// Whether it is the model that comes with the program.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.profile.provider == Provider::Candle && self.profile.path.is_none()
    }
}

/// The model that comes with the program.
#[must_use]
pub fn embedded() -> Box<Chosen> {
    let profile = ModelProfile { provider: Provider::Candle, ..ModelProfile::default() };
    Box::new(Chosen { name: EMBEDDED.to_owned(), reason: Reason::Embedded, profile })
}

/// The profile of a name, made complete: a configured one, or the model that comes with the program.
///
/// # Errors
/// Exit 2 where there is none, or it names no complete model.
pub async fn profile(
    name: &str,
    config: &Config,
    environment: &Environment,
    found: impl AsyncFn() -> Vec<Found>,
) -> Result<Chosen, Failure> {
    let profile = match config.model.get(name) {
        Some(profile) => profile.clone(),
        None if name == EMBEDDED => embedded().profile,
        None => {
            let failure = Failure::usage(format!("there is no model profile `{name}`"));
            return Err(match nearest(name, config.model.keys().map(String::as_str)) {
                Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
                None => failure.hint(format!("add a table [model.{name}] to the configuration")),
            });
        }
    };
    of_profile(name, profile, environment, found).await
}

/// A configured profile, made complete.
///
/// # Errors
/// Exit 2 where it names no complete model.
pub async fn of_profile(
    name: &str,
    profile: ModelProfile,
    environment: &Environment,
    found: impl AsyncFn() -> Vec<Found>,
) -> Result<Chosen, Failure> {
    let profile = complete(name, profile, environment, found).await?;
    Ok(Chosen { name: name.to_owned(), reason: Reason::Asked, profile })
}

/// Whether the environment names an OpenAI-compatible service.
#[must_use]
pub fn uses_openai(environment: &Environment) -> bool {
    ["OPENAI_API_KEY", "OPENAI_BASE_URL"].iter().any(|name| environment.variable(name).is_some())
}

/// The profile `openai`: as configured, else the service itself.
#[must_use]
pub fn openai(config: &Config) -> ModelProfile {
    let mut profile = config.model.get(OPENAI).cloned().unwrap_or_default();
    if profile.provider == Provider::OpenAiCompatible {
        profile.provider = Provider::OpenAi;
    }
    profile
}

/// What `-m` and `--base-url` ask for, if anything.
fn from_flags(flags: &ModelFlags, config: &Config) -> Result<Option<(String, ModelProfile)>, Failure> {
    let url = flags.address().map_err(|complaint| bad_address(complaint, "--base-url"))?;
    let (name, mut profile) = match (&flags.model, &url) {
        (None, None) => return Ok(None),
        // A fresh profile: the key of the default one belongs to another address.
        (None, Some(url)) => (url.as_str().to_owned(), ModelProfile::default()),
        (Some(model), url) => (model.clone(), named(model, url.as_ref(), config)?),
    };
    let Some(url) = url else { return Ok(Some((name, profile))) };
    if profile.provider.is_local_file() {
        let provider = profile.provider.name();
        return Err(Failure::usage(format!("the provider {provider} has no address"))
            .at("--base-url")
            .hint("leave the flag out, or name another model with -m"));
    }
    if profile.base_url.as_ref().is_some_and(|own| *own != url) {
        // As above: a key goes to the address that it was configured for, and to no other.
        profile.api_key_env = None;
    }
    profile.base_url = Some(url);
    Ok(Some((name, profile)))
}

fn bad_address(complaint: Complaint, place: &str) -> Failure {
    Failure::usage(complaint.reason).at(place).hint(complaint.remedy)
}

/// The profile of a name after `-m`: a configured one, `provider:model`, or a model at `--base-url`.
fn named(model: &str, url: Option<&BaseUrl>, config: &Config) -> Result<ModelProfile, Failure> {
    if model == OPENAI {
        return Ok(openai(config));
    }
    if let Some(profile) = config.model.get(model) {
        return Ok(profile.clone());
    }
    if model == EMBEDDED && url.is_none() {
        return Ok(embedded().profile);
    }
    // Names of models hold colons themselves (`qwen2.5-coder:7b`), so only known providers count.
    let known = |prefix: &str| Provider::ALL.into_iter().find(|provider| provider.name() == prefix);
    if let Some((prefix, rest)) = model.split_once(':')
        && let Some(provider) = known(prefix)
        && !rest.is_empty()
    {
        let rest = Some(rest.to_owned());
        return Ok(match provider {
            _ if provider.is_local_file() => ModelProfile { provider, path: rest, ..ModelProfile::default() },
            Provider::OpenAi => ModelProfile { model: rest, ..openai(config) },
            _ => ModelProfile { provider, model: rest, ..ModelProfile::default() },
        });
    }
    if url.is_some() {
        return Ok(ModelProfile { model: Some(model.to_owned()), ..ModelProfile::default() });
    }
    let failure = Failure::usage(format!("there is no model profile `{model}`")).at("-m");
    Err(match nearest(model, config.model.keys().map(String::as_str)) {
        Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
        None => failure.hint(
            "write PROVIDER:MODEL such as `ollama:NAME`, give --base-url with it, or add a table [model.NAME] to the configuration",
        ),
    })
}

/// The model of the only server, if there is one.
fn only(found: &[Found]) -> Result<Option<(String, ModelProfile)>, Failure> {
    match found {
        [] => Ok(None),
        [server] => Ok(Some((server.server.name().to_owned(), at(server)?))),
        several => {
            let places =
                several.iter().map(|server| format!("{} at {}", server.server.name(), server.base_url));
            Err(Failure::usage("several model servers run on this machine")
                .because(places.collect::<Vec<_>>().join(", "))
                .hint("choose one with --base-url and -m"))
        }
    }
}

/// The profile of a server that was found.
fn at(server: &Found) -> Result<ModelProfile, Failure> {
    let base_url =
        server.base_url.parse::<BaseUrl>().map_err(|complaint| Failure::usage(complaint.reason))?;
    let model = only_model(server)?;
    let provider = connect::provider_of(server.server);
    Ok(ModelProfile { provider, base_url: Some(base_url), model: Some(model), ..ModelProfile::default() })
}

/// The model of a server that offers one.
fn only_model(server: &Found) -> Result<String, Failure> {
    let place = format!("{} at {}", server.server.name(), server.base_url);
    match server.models.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::usage(format!("{place} offers no model"))
            .hint("load one, or name it with -m and --base-url")),
        several => Err(Failure::usage(format!("{place} offers {} models", several.len()))
            .because(several.join(", "))
            .hint(format!("choose one: --base-url {} -m MODEL", server.base_url))),
    }
}

/// Fills in what a profile leaves to its provider, the environment or the server.
async fn complete(
    name: &str,
    mut profile: ModelProfile,
    environment: &Environment,
    found: impl AsyncFn() -> Vec<Found>,
) -> Result<ModelProfile, Failure> {
    if profile.provider.is_local_file() {
        return Ok(profile);
    }
    let url = base_url(name, &profile, environment)?;
    if profile.model.is_none() {
        let servers = found().await;
        let server = servers.iter().find(|server| connect::same_server(&server.base_url, url.as_str()));
        let model = server.map(only_model).transpose()?.ok_or_else(|| {
            Failure::usage(format!("no model is named for {}", url.as_str()))
                .hint("name one with -m: a model at --base-url, or PROVIDER:MODEL such as `openai:NAME`")
        })?;
        profile.model = Some(model);
    }
    profile.base_url = Some(url);
    Ok(profile)
}

/// The address of a profile: its own, for OpenAI that of `OPENAI_BASE_URL`, or the provider's usual one.
fn base_url(name: &str, profile: &ModelProfile, environment: &Environment) -> Result<BaseUrl, Failure> {
    if let Some(url) = &profile.base_url {
        return Ok(url.clone());
    }
    let from_environment =
        environment.variable("OPENAI_BASE_URL").filter(|_| profile.provider == Provider::OpenAi);
    let (text, place) = match (from_environment, profile.provider.default_base_url()) {
        (Some(text), _) => (text, "OPENAI_BASE_URL".to_owned()),
        (None, Some(usual)) => (usual, format!("model.{name}.base_url")),
        (None, None) => {
            return Err(Failure::usage(format!("the model profile `{name}` has no address"))
                .hint(format!("set `model.{name}.base_url`, or give --base-url")));
        }
    };
    text.parse().map_err(|complaint| bad_address(complaint, &place))
}
