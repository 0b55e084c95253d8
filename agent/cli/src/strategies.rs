//! The strategy that flags and configuration ask for.

use std::collections::BTreeMap;

use codeagent::Strategy;

use crate::config::types::Config;
use crate::failure::Failure;

/// The strategy that is asked for. The settings of the others are checked too, so that no mistake waits in silence.
///
/// # Errors
/// Exit 2 for a name that there is not, or settings that the strategy does not have.
pub fn asked(config: &Config) -> Result<Strategy, Failure> {
    let mut settings: BTreeMap<&str, serde_json::Value> = BTreeMap::new();
    for (name, table) in &config.search.methods {
        let table = serde_json::to_value(table)
            .map_err(|error| Failure::usage(error.to_string()).at(format!("search.{name}")))?;
        named(name, &table)?;
        settings.insert(name, table);
    }
    let name = &config.search.strategy;
    named(name, &settings.remove(name.as_str()).unwrap_or_default())
}

/// A strategy by name, with its settings as JSON.
///
/// # Errors
/// As [`asked`].
pub fn named(name: &str, settings: &serde_json::Value) -> Result<Strategy, Failure> {
    Strategy::by_name(name, settings).map_err(|error| {
        Failure::usage(error.to_string())
            .at("search")
            .hint("see `codeagent solve --help` and docs/strategies.md")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::failure::Exit;

    #[test]
    fn settings_of_other_strategies_are_checked_too() {
        let mut config = Config::default();
        let table = |text: &str| text.parse::<toml::Table>().unwrap();
        config.search.methods.insert("codechain".to_owned(), table("rounds = 2"));
        assert!(asked(&config).is_ok());
        config.search.methods.insert("resample".to_owned(), table("samplez = 2"));
        assert!(asked(&config).unwrap_err().to_string().contains("samplez"));
    }

    #[test]
    fn a_wrong_strategy_is_named_with_those_there_are() {
        let mut config = Config::default();
        config.search.strategy = "magic".to_owned();
        let failure = asked(&config).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        let shown = json!(failure.to_string()).to_string();
        assert!(shown.contains("there is no strategy `magic`; choose one of adaptive"), "{shown}");
    }
}
