//! Tests of configurations: defaults are the documented ones, and what is wrong is said.

use crate::{CodeChainConfig, ModuleChoice, PuctFormula, ReflexionConfig, ResampleConfig, RethinkConfig};

fn refused<T: serde::de::DeserializeOwned + std::fmt::Debug>(json: &str, expected: &str) {
    let error = serde_json::from_str::<T>(json).unwrap_err().to_string();
    assert!(error.contains(expected), "{json} was refused with {error:?}");
}

#[test]
fn an_empty_configuration_is_the_default_one() {
    assert_eq!(serde_json::from_str::<ResampleConfig>("{}").unwrap(), ResampleConfig::default());
    assert_eq!(serde_json::from_str::<ReflexionConfig>("{}").unwrap(), ReflexionConfig::default());
    assert_eq!(serde_json::from_str::<RethinkConfig>("{}").unwrap(), RethinkConfig::default());
    assert_eq!(serde_json::from_str::<CodeChainConfig>("{}").unwrap(), CodeChainConfig::default());
}

#[test]
fn single_settings_change_alone() {
    let rethink = r#"{"rollouts": 4, "puct": {"formula": "published"}}"#;
    let rethink: RethinkConfig = serde_json::from_str(rethink).unwrap();
    assert_eq!((rethink.rollouts, rethink.thoughts, rethink.puct.c_base), (4, 3, 10.0));
    assert_eq!(rethink.puct.formula, PuctFormula::Published);
    let chain = r#"{"module_choice": "best_passing", "clusters": [2]}"#;
    let chain: CodeChainConfig = serde_json::from_str(chain).unwrap();
    assert_eq!((chain.module_choice, chain.clusters), (ModuleChoice::BestPassing, vec![2]));
}

#[test]
fn what_is_out_of_range_is_refused_with_the_range() {
    refused::<ResampleConfig>(r#"{"temperature": 9}"#, "a temperature must lie in [0, 2], got 9");
    refused::<ResampleConfig>(r#"{"programs": 0}"#, "a count must lie in [1, 10000], got 0");
    refused::<ResampleConfig>(r#"{"max_output_tokens": 0}"#, "at least 1 token");
    refused::<RethinkConfig>(r#"{"gamma": 1.5}"#, "a share must lie in [0, 1], got 1.5");
    refused::<RethinkConfig>(r#"{"puct": {"c_base": 0}}"#, "a constant must be above 0");
    refused::<RethinkConfig>(r#"{"puct": {"c": -1}}"#, "must not be negative");
    refused::<CodeChainConfig>(r#"{"clusters": []}"#, "at least one count");
    refused::<CodeChainConfig>(r#"{"clusters": [5, 0]}"#, "a count must lie in");
}

#[test]
fn unknown_settings_are_refused() {
    refused::<ReflexionConfig>(r#"{"max_iteration": 3}"#, "unknown field `max_iteration`");
    refused::<RethinkConfig>(r#"{"puct": {"cbase": 3}}"#, "unknown field `cbase`");
}
