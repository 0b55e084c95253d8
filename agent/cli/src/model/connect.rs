//! From a model that was decided on to a connection: dialect, key and time limits.

use codeagent::models::decode::{GuardConfig, RepetitionRule};
use codeagent::models::{
    ApiKey, Chat, ChatConfig, Concurrency, ConfigError, Dialect, Embeddings, Limits, Price, PriceTable,
    Server, Timeouts,
};
use url::{Host, Url};

use super::Chosen;
use crate::config::types::{Config, Provider, Repetition};
use crate::config::units;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};

impl Chosen {
    /// The server's connection. `None` for models that are local files.
    ///
    /// # Errors
    /// Exit 3 if the key is missing, exit 2 if the settings make no connection.
    pub fn chat(&self, environment: &Environment) -> Result<Option<Chat>, Failure> {
        let Some(config) = self.connection(environment)? else { return Ok(None) };
        Chat::new(config).map(Some).map_err(|error| self.unreachable(&error))
    }

    /// The same server's embeddings.
    ///
    /// # Errors
    /// As [`Self::chat`].
    pub fn embeddings(&self, environment: &Environment) -> Result<Option<Embeddings>, Failure> {
        let Some(config) = self.connection(environment)? else { return Ok(None) };
        Embeddings::new(config).map(Some).map_err(|error| self.unreachable(&error))
    }

    fn connection(&self, environment: &Environment) -> Result<Option<ChatConfig>, Failure> {
        let (Some(url), Some(model)) = (&self.profile.base_url, &self.profile.model) else { return Ok(None) };
        warn_of_plain_http(url.as_str());
        let mut config = ChatConfig::new(url.as_str(), model);
        config.api_key = self.key(environment)?;
        config.dialect = self.dialect();
        config.stream = self.profile.stream.unwrap_or(config.stream);
        config.timeouts = self.timeouts();
        config.cut_repetition = self.repetition() != Repetition::Off;
        Ok(Some(config))
    }

    fn unreachable(&self, error: &ConfigError) -> Failure {
        Failure::usage(format!("the model `{}` cannot be reached as configured", self.name)).caused_by(error)
    }

    /// What becomes of answers that repeat themselves. A local model was guarded while it drew: what it is cut for stays cut.
    #[must_use]
    pub fn repetition(&self) -> Repetition {
        match self.profile.repetition.unwrap_or_default() {
            Repetition::Continue if self.profile.provider == Provider::Candle => Repetition::Cut,
            repetition => repetition,
        }
    }

    /// The same with its parameters, for what rests on the answers.
    #[must_use]
    pub fn rule(&self) -> RepetitionRule {
        match self.repetition() {
            Repetition::Off => RepetitionRule::Off,
            _ if self.profile.provider == Provider::Candle => RepetitionRule::Guard(GuardConfig::default()),
            Repetition::Cut => RepetitionRule::cut(),
            Repetition::Continue => RepetitionRule::continued(),
        }
    }

    /// How the server is spoken to; part of the keys of stored answers.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self.profile.provider {
            Provider::OpenAi => Dialect::OpenAi,
            Provider::LlamaCpp => Dialect::LlamaCpp,
            Provider::Vllm => Dialect::Vllm,
            Provider::Ollama => Dialect::Ollama,
            Provider::OpenAiCompatible | Provider::Candle | Provider::Replay => Dialect::Compatible,
        }
    }

    /// The key: of the variable that the profile names, for OpenAI of `OPENAI_API_KEY`, else none.
    fn key(&self, environment: &Environment) -> Result<Option<ApiKey>, Failure> {
        let named = self.profile.api_key_env.as_ref().map(|name| name.as_str());
        let usual = (self.profile.provider == Provider::OpenAi).then_some("OPENAI_API_KEY");
        let Some(name) = named.or(usual) else { return Ok(None) };
        let Some(text) = environment.variable(name) else {
            // A server behind OPENAI_BASE_URL may want no key; a key that was configured is meant to be there.
            let optional = named.is_none() && environment.variable("OPENAI_BASE_URL").is_some();
            return if optional { Ok(None) } else { Err(self.no_key(name)) };
        };
        ApiKey::new(text).map(Some).map_err(|error| {
            Failure::new(Exit::Provider, format!("the key in {name} cannot be used")).caused_by(&error)
        })
    }

    fn no_key(&self, variable: &str) -> Failure {
        Failure::new(Exit::Provider, format!("the model `{}` needs a key", self.name))
            .because(format!("the variable {variable} is not set"))
            .hint(format!("set {variable}, or read it from a file with --env-file"))
    }

    fn timeouts(&self) -> Timeouts {
        let (profile, usual) = (&self.profile, Timeouts::default());
        Timeouts {
            connect: profile.connect_timeout.map_or(usual.connect, |period| period.0),
            first_byte: profile.first_byte_timeout.map_or(usual.first_byte, |period| period.0),
            silence: profile.idle_timeout.map_or(usual.silence, |period| period.0),
            total: profile.total_timeout.map(|period| period.0),
        }
    }

    /// What those who ask this model of this server have in common, as a name of letters and digits. `None` for models in
    /// this process.
    #[cfg(feature = "nats")]
    #[must_use]
    pub fn server(&self) -> Option<String> {
        let url = Url::parse(self.profile.base_url.as_ref()?.as_str()).ok()?;
        let (system, model) = (rustix::system::uname(), self.profile.model.as_deref().unwrap_or_default());
        // A loopback address is another server on each machine.
        let host = match is_loopback(&url) {
            true => system.nodename().to_string_lossy(),
            false => url.host_str()?.into(),
        };
        let port = url.port_or_known_default().unwrap_or_default();
        let hash = blake3::hash(format!("{host}\n{port}\n{}\n{model}", url.path()).as_bytes()).to_hex();
        hash.get(..16).map(str::to_owned)
    }

    /// How much is asked of the server at once.
    #[must_use]
    pub fn limits(&self, config: &Config) -> Limits {
        let concurrency = match self.profile.concurrency.unwrap_or(config.limits.concurrency) {
            units::Concurrency::Auto => Concurrency::AUTO,
            units::Concurrency::Between { min, max } => Concurrency { min: min.into(), max: max.into() },
        };
        Limits {
            concurrency,
            requests_per_minute: config.limits.requests_per_minute,
            tokens_per_minute: config.limits.tokens_per_minute.map(u64::from),
        }
    }
}

/// The configured prices by model name.
///
/// # Errors
/// Exit 2 for a price that is none.
pub fn prices(config: &Config) -> Result<PriceTable, Failure> {
    let prices = config.price.iter().map(|(model, price)| {
        let checked = Price::new(price.input, price.cached_input, price.output).map_err(|error| {
            Failure::usage(error.to_string())
                .at(format!("price.{model:?}"))
                .hint("give USD per million tokens")
        })?;
        Ok((model.clone(), checked))
    });
    prices.collect()
}

/// The same, with those of models in this process, which cost nothing unless a price is configured for them.
///
/// # Errors
/// As [`prices`].
pub fn prices_with_free<'a>(
    models: impl IntoIterator<Item = &'a str>,
    config: &Config,
) -> Result<PriceTable, Failure> {
    let free = |prices: PriceTable, model| {
        if prices.price(model).is_some() { prices } else { prices.with(model, Price::FREE) }
    };
    Ok(models.into_iter().fold(prices(config)?, free))
}

/// The dialect that is spoken on the usual port of a server.
pub(super) const fn provider_of(server: Server) -> Provider {
    match server {
        Server::Ollama => Provider::Ollama,
        Server::LlamaCpp => Provider::LlamaCpp,
        Server::Vllm => Provider::Vllm,
        _ => Provider::OpenAiCompatible,
    }
}

/// Whether two addresses are of one server, whatever the loopback address is called.
pub(super) fn same_server(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (Url::parse(one), Url::parse(other)) else { return false };
    let port = one.port_or_known_default() == other.port_or_known_default();
    port && (one.host() == other.host() || (is_loopback(&one) && is_loopback(&other)))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn warn_of_plain_http(url: &str) {
    if Url::parse(url).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url)) {
        tracing::warn!(%url, "prompts and keys go to this server unencrypted: use https if it has it");
    }
}
