//! The table of strategies: name, policy, settings and the feedback that the method shows to models.
//!
//! A new published method is its policy in `search`, its questions in `prompts`, operators only where it brings new
//! ones, and one row here.

use codeagent_search::{
    AgentCoder, AgentCoderConfig, AlphaCodium, AlphaCodiumConfig, CodeChain, CodeChainConfig, Lats,
    LatsConfig, Reflexion, ReflexionConfig, Resample, ResampleConfig, RethinkConfig, RethinkMcts,
    SearchPolicy,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Names of all strategies, the default first.
pub const NAMES: [&str; 7] =
    ["rethink-mcts", "codechain", "reflexion", "lats", "agentcoder", "alphacodium", "resample"];

/// A strategy with its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategy {
    name: &'static str,
    settings: Settings,
}

#[derive(Debug, Clone, PartialEq)]
enum Settings {
    RethinkMcts(RethinkConfig),
    CodeChain(CodeChainConfig),
    Reflexion(ReflexionConfig),
    Lats(LatsConfig),
    AgentCoder(AgentCoderConfig),
    AlphaCodium(AlphaCodiumConfig),
    Resample(ResampleConfig),
}

/// What models are told of a failed program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeedbackStyle {
    /// The failed tests.
    Tests,
    /// The failed tests and an analysis of the blocks that one of them ran through.
    TestsAndTrace,
}

/// A strategy's name or settings are wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// No strategy has this name.
    #[error("there is no strategy `{name}`; choose one of {}", NAMES.join(", "))]
    Unknown {
        /// The name.
        name: String,
    },
    /// The settings do not fit the strategy.
    #[error("the settings of strategy `{name}` are wrong: {reason}")]
    Settings {
        /// The strategy.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl Default for Strategy {
    fn default() -> Self {
        Self::rethink_mcts()
    }
}

impl Strategy {
    /// RethinkMCTS with its authors' constants.
    #[must_use]
    pub fn rethink_mcts() -> Self {
        Self { name: "rethink-mcts", settings: Settings::RethinkMcts(RethinkConfig::default()) }
    }

    /// Independent programs.
    #[must_use]
    pub fn resample() -> Self {
        Self { name: "resample", settings: Settings::Resample(ResampleConfig::default()) }
    }

    /// A strategy by name, with settings as a JSON object of its policy's configuration (`null` for the defaults).
    ///
    /// # Errors
    /// [`StrategyError`] for an unknown name, and for unknown keys, wrong types or values out of range.
    pub fn by_name(name: &str, settings: &Value) -> Result<Self, StrategyError> {
        let Some(name) = NAMES.into_iter().find(|known| *known == name) else {
            return Err(StrategyError::Unknown { name: name.to_owned() });
        };
        let settings = match name {
            "codechain" => Settings::CodeChain(read(name, settings)?),
            "reflexion" => Settings::Reflexion(read(name, settings)?),
            "lats" => Settings::Lats(read(name, settings)?),
            "agentcoder" => Settings::AgentCoder(read(name, settings)?),
            "alphacodium" => Settings::AlphaCodium(read(name, settings)?),
            "resample" => Settings::Resample(read(name, settings)?),
            _ => Settings::RethinkMcts(read(name, settings)?),
        };
        Ok(Self { name, settings })
    }

    /// The strategy's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// A fresh policy.
    #[must_use]
    pub fn policy(&self) -> Box<dyn SearchPolicy> {
        match &self.settings {
            Settings::RethinkMcts(config) => Box::new(RethinkMcts::new(config.clone())),
            Settings::CodeChain(config) => Box::new(CodeChain::new(config.clone())),
            Settings::Reflexion(config) => Box::new(Reflexion::new(config.clone())),
            Settings::Lats(config) => Box::new(Lats::new(config.clone())),
            Settings::AgentCoder(config) => Box::new(AgentCoder::new(config.clone())),
            Settings::AlphaCodium(config) => Box::new(AlphaCodium::new(config.clone())),
            Settings::Resample(config) => Box::new(Resample::new(config.clone())),
        }
    }

    /// The settings in full, as JSON; part of a run's identity.
    #[must_use]
    pub fn settings(&self) -> Value {
        match &self.settings {
            Settings::RethinkMcts(config) => serde_json::to_value(config),
            Settings::CodeChain(config) => serde_json::to_value(config),
            Settings::Reflexion(config) => serde_json::to_value(config),
            Settings::Lats(config) => serde_json::to_value(config),
            Settings::AgentCoder(config) => serde_json::to_value(config),
            Settings::AlphaCodium(config) => serde_json::to_value(config),
            Settings::Resample(config) => serde_json::to_value(config),
        }
        .unwrap_or_default()
    }

    pub(crate) const fn feedback(&self) -> FeedbackStyle {
        match self.settings {
            Settings::RethinkMcts(_) => FeedbackStyle::TestsAndTrace,
            _ => FeedbackStyle::Tests,
        }
    }
}

fn read<C: DeserializeOwned + Default>(name: &'static str, settings: &Value) -> Result<C, StrategyError> {
    if settings.is_null() {
        return Ok(C::default());
    }
    C::deserialize(settings).map_err(|error| StrategyError::Settings { name, reason: error.to_string() })
}
