//! The table of strategies: name, policy, settings and the feedback that the method shows to models.
//!
//! A new published method is its policy in `search`, its questions in `prompts`, operators only where it brings new
//! ones, and here its name and one line in each of the tables below.

use std::sync::Arc;

use codeagent_search::anpl::SketchBy;
use codeagent_search::policy::ModuleChoice;
use codeagent_search::{
    AbMcts, AbMctsConfig, Adaptive, AdaptiveConfig, AgentCoder, AgentCoderConfig, AlphaCodium,
    AlphaCodiumConfig, Anpl, AnplConfig, CodeChain, CodeChainConfig, CodeTree, CodeTreeConfig,
    CriticalSampling, CriticalSamplingConfig, Evolve, EvolveConfig, FunCoder, FunCoderConfig, Lats,
    LatsConfig, MapCoder, MapCoderConfig, Order, PlanSearch, PlanSearchConfig, Reflexion, ReflexionConfig,
    Resample, ResampleConfig, RethinkConfig, RethinkMcts, SStar, SStarConfig, SearchPolicy, TreePlanner,
    TreePlannerConfig, UnguidedTree, UnguidedTreeConfig,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::sketch::Sketch;

/// Names of all strategies, the default first.
pub const NAMES: [&str; 20] = [
    "adaptive",
    "rethink-mcts",
    "codetree",
    "codetree-bfs",
    "codetree-dfs",
    "mapcoder",
    "codechain",
    "reflexion",
    "lats",
    "agentcoder",
    "alphacodium",
    "resample",
    "ab-mcts",
    "s-star",
    "plansearch",
    "evolve",
    "funcoder",
    "tree-planner",
    "critical-sampling",
    "anpl",
];

/// A strategy with its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategy {
    name: &'static str,
    settings: Settings,
}

#[derive(Debug, Clone, PartialEq)]
enum Settings {
    Adaptive(Box<AdaptiveConfig>),
    AbMcts(AbMctsConfig),
    RethinkMcts(RethinkConfig),
    CodeTree(CodeTreeConfig),
    UnguidedTree(UnguidedTreeConfig, Order),
    MapCoder(MapCoderConfig),
    CodeChain(CodeChainConfig),
    Reflexion(ReflexionConfig),
    Lats(LatsConfig),
    AgentCoder(AgentCoderConfig),
    AlphaCodium(AlphaCodiumConfig),
    Resample(ResampleConfig),
    SStar(SStarConfig),
    PlanSearch(PlanSearchConfig),
    Evolve(EvolveConfig),
    FunCoder(FunCoderConfig),
    TreePlanner(TreePlannerConfig),
    CriticalSampling(CriticalSamplingConfig),
    Anpl(AnplConfig, Option<Arc<Sketch>>),
}

/// What models are told of a failed program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedbackStyle {
    /// The failed tests.
    Tests,
    /// The failed tests and an analysis of the blocks that one of them ran through.
    TestsAndTrace,
    /// The failed tests; where a revision that has failed, too, is revised once more, with the analysis. It costs a call,
    /// and most programs are mended without it or never.
    TestsThenTrace,
}

impl FeedbackStyle {
    /// Whether every program that fails is analysed block by block, as soon as it has failed.
    #[must_use]
    pub const fn analyses_failures(self) -> bool {
        matches!(self, Self::TestsAndTrace)
    }

    /// Whether a revision that has failed, too, is analysed before it is revised.
    #[must_use]
    pub const fn analyses_revisions(self) -> bool {
        matches!(self, Self::TestsThenTrace)
    }
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
    /// Only some strategies fill sketches.
    #[error("strategy `{name}` fills no sketch; choose `anpl`")]
    NoSketch {
        /// The strategy.
        name: &'static str,
    },
}

impl Default for Strategy {
    fn default() -> Self {
        Self::adaptive()
    }
}

impl Strategy {
    /// Whatever is likely to pay, step by step.
    #[must_use]
    pub fn adaptive() -> Self {
        Self { name: "adaptive", settings: Settings::Adaptive(Box::default()) }
    }

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
            "adaptive" => Settings::Adaptive(read(name, settings)?),
            "ab-mcts" => Settings::AbMcts(read(name, settings)?),
            "codetree" => Settings::CodeTree(read(name, settings)?),
            "codetree-bfs" => Settings::UnguidedTree(read(name, settings)?, Order::BreadthFirst),
            "codetree-dfs" => Settings::UnguidedTree(read(name, settings)?, Order::DepthFirst),
            "mapcoder" => Settings::MapCoder(read(name, settings)?),
            "codechain" => Settings::CodeChain(read(name, settings)?),
            "reflexion" => Settings::Reflexion(read(name, settings)?),
            "lats" => Settings::Lats(read(name, settings)?),
            "agentcoder" => Settings::AgentCoder(read(name, settings)?),
            "alphacodium" => Settings::AlphaCodium(read(name, settings)?),
            "resample" => Settings::Resample(read(name, settings)?),
            "s-star" => Settings::SStar(read(name, settings)?),
            "plansearch" => Settings::PlanSearch(read(name, settings)?),
            "evolve" => Settings::Evolve(read(name, settings)?),
            "funcoder" => Settings::FunCoder(read(name, settings)?),
            "tree-planner" => Settings::TreePlanner(read(name, settings)?),
            "critical-sampling" => Settings::CriticalSampling(read(name, settings)?),
            "anpl" => Settings::Anpl(read(name, settings)?, None),
            _ => Settings::RethinkMcts(read(name, settings)?),
        };
        Ok(Self { name, settings })
    }

    /// The same strategy, made to fill the holes of a sketch.
    ///
    /// # Errors
    /// [`StrategyError::NoSketch`] for every strategy but `anpl`.
    pub fn with_sketch(mut self, sketch: Sketch) -> Result<Self, StrategyError> {
        let Settings::Anpl(_, place) = &mut self.settings else {
            return Err(StrategyError::NoSketch { name: self.name });
        };
        *place = Some(Arc::new(sketch));
        Ok(self)
    }

    /// The sketch whose holes it fills.
    #[must_use]
    pub const fn sketch(&self) -> Option<&Arc<Sketch>> {
        match &self.settings {
            Settings::Anpl(_, sketch) => sketch.as_ref(),
            _ => None,
        }
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
            Settings::Adaptive(config) => Box::new(Adaptive::new((**config).clone())),
            Settings::AbMcts(config) => Box::new(AbMcts::new(config.clone())),
            Settings::RethinkMcts(config) => Box::new(RethinkMcts::new(config.clone())),
            Settings::CodeTree(config) => Box::new(CodeTree::new(config.clone())),
            Settings::UnguidedTree(config, order) => Box::new(UnguidedTree::new(config.clone(), *order)),
            Settings::MapCoder(config) => Box::new(MapCoder::new(config.clone())),
            Settings::CodeChain(config) => Box::new(CodeChain::new(config.clone())),
            Settings::Reflexion(config) => Box::new(Reflexion::new(config.clone())),
            Settings::Lats(config) => Box::new(Lats::new(config.clone())),
            Settings::AgentCoder(config) => Box::new(AgentCoder::new(config.clone())),
            Settings::AlphaCodium(config) => Box::new(AlphaCodium::new(config.clone())),
            Settings::Resample(config) => Box::new(Resample::new(config.clone())),
            Settings::SStar(config) => Box::new(SStar::new(config.clone())),
            Settings::PlanSearch(config) => Box::new(PlanSearch::new(config.clone())),
            Settings::Evolve(config) => Box::new(Evolve::new(config.clone())),
            Settings::FunCoder(config) => Box::new(FunCoder::new(config.clone())),
            Settings::TreePlanner(config) => Box::new(TreePlanner::new(config.clone())),
            Settings::CriticalSampling(config) => Box::new(CriticalSampling::new(config.clone())),
            Settings::Anpl(config, sketch) => {
                let by = if sketch.is_some() { SketchBy::User } else { SketchBy::Model };
                Box::new(Anpl::new(config.clone(), by))
            }
        }
    }

    /// The settings in full, as JSON; part of a run's identity.
    #[must_use]
    pub fn settings(&self) -> Value {
        match &self.settings {
            Settings::Adaptive(config) => serde_json::to_value(config),
            Settings::AbMcts(config) => serde_json::to_value(config),
            Settings::RethinkMcts(config) => serde_json::to_value(config),
            Settings::CodeTree(config) => serde_json::to_value(config),
            Settings::UnguidedTree(config, _) => serde_json::to_value(config),
            Settings::MapCoder(config) => serde_json::to_value(config),
            Settings::CodeChain(config) => serde_json::to_value(config),
            Settings::Reflexion(config) => serde_json::to_value(config),
            Settings::Lats(config) => serde_json::to_value(config),
            Settings::AgentCoder(config) => serde_json::to_value(config),
            Settings::AlphaCodium(config) => serde_json::to_value(config),
            Settings::Resample(config) => serde_json::to_value(config),
            Settings::SStar(config) => serde_json::to_value(config),
            Settings::PlanSearch(config) => serde_json::to_value(config),
            Settings::Evolve(config) => serde_json::to_value(config),
            Settings::FunCoder(config) => serde_json::to_value(config),
            Settings::TreePlanner(config) => serde_json::to_value(config),
            Settings::CriticalSampling(config) => serde_json::to_value(config),
            Settings::Anpl(config, None) => serde_json::to_value(config),
            Settings::Anpl(config, Some(sketch)) => serde_json::to_value(config)
                .map(|settings| serde_json::json!({"settings": settings, "sketch": **sketch})),
        }
        .unwrap_or_default()
    }

    /// Whether it clusters the sub-modules of programs, by an embedding model where there is one.
    #[must_use]
    pub fn compares_modules(&self) -> bool {
        matches!(&self.settings, Settings::CodeChain(config) if config.module_choice != ModuleChoice::Random)
    }

    /// What models are told of programs that fail.
    #[must_use]
    pub const fn feedback(&self) -> FeedbackStyle {
        match self.settings {
            Settings::Adaptive(_) => FeedbackStyle::TestsThenTrace,
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
