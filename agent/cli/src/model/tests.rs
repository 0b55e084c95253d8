//! Tests of the choice of a model: no network, the servers of the machine are given.

use std::path::PathBuf;

use codeagent::models::Server;

use super::*;
use crate::config::types::Repetition;
use crate::failure::Exit;

const KEY: (&str, &str) = ("OPENAI_API_KEY", "sk-canary-12345");

fn environment(variables: &[(&str, &str)]) -> Environment {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment::new(owned, PathBuf::from("/"))
}

fn flags(model: &str, base_url: &str) -> ModelFlags {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    ModelFlags { model: text(model), base_url: text(base_url) }
}

fn config(text: &str) -> Config {
    toml::from_str(text).unwrap()
}

fn server(server: Server, models: &[&str]) -> Found {
    let base_url = format!("http://127.0.0.1:{}/v1", server.port());
    Found { server, base_url, models: models.iter().map(|name| (*name).to_owned()).collect() }
}

fn resolve_with(
    flags: &ModelFlags,
    config: &Config,
    environment: &Environment,
    found: &[Found],
) -> Result<Resolved, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(resolve(flags, config, environment, async || found.to_vec()))
}

/// Who was chosen and why, as `name reason provider model url`, or the failure's summary.
fn told(resolved: Result<Resolved, Failure>) -> String {
    match resolved {
        Ok(Resolved::Nothing) => "nothing".to_owned(),
        Ok(Resolved::Model(chosen)) => {
            let profile = &chosen.profile;
            let place = profile.base_url.as_ref().map(|url| url.as_str()).or(profile.path.as_deref());
            let (provider, model) = (profile.provider.name(), profile.model.as_deref().unwrap_or("-"));
            format!("{} {:?} {provider} {model} {}", chosen.name, chosen.reason, place.unwrap_or("-"))
        }
        Err(failure) => format!("{}: {}", failure.exit().code(), failure.summary()),
    }
}

#[test]
fn what_a_local_model_is_cut_for_stays_cut_and_costs_nothing() {
    let mut chosen = embedded();
    assert_eq!(chosen.repetition(), Repetition::Cut);
    chosen.profile.repetition = Some(Repetition::Off);
    assert_eq!(chosen.repetition(), Repetition::Off);
    chosen.profile = ModelProfile::default();
    assert_eq!(chosen.repetition(), Repetition::Continue);
    let usage = codeagent::models::Usage { input: 1000, output: 1000, ..Default::default() };
    let cost =
        |config: &Config| prices_with_free(["m"], config).unwrap().price("m").unwrap().cost_micro_usd(&usage);
    assert_eq!(cost(&Config::default()), 0);
    assert_eq!(cost(&config("[price.m]\ninput = 1.0\noutput = 2.0\n")), 3000);
}

#[test]
fn the_order_is_flags_default_environment_discovery() {
    let table = config("[model.default]\nbase_url = \"http://h/v1\"\nmodel = \"d\"\n");
    let (none, some) = (Config::default(), [server(Server::Ollama, &["qwen:7b"])]);
    let openai = environment(&[KEY, ("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1")]);
    let nowhere = environment(&[]);
    let cases = [
        (flags("m", "http://x/v1"), &table, &openai, "m Asked openai-compatible m http://x/v1"),
        (flags("", ""), &table, &openai, "default DefaultProfile openai-compatible d http://h/v1"),
        (flags("", ""), &none, &openai, "openai Environment openai qwen:7b http://127.0.0.1:11434/v1"),
        (flags("", ""), &none, &nowhere, "Ollama Discovered ollama qwen:7b http://127.0.0.1:11434/v1"),
    ];
    for (flags, config, environment, expected) in cases {
        assert_eq!(told(resolve_with(&flags, config, environment, &some)), expected);
    }
    assert_eq!(told(resolve_with(&flags("", ""), &none, &nowhere, &[])), "nothing");
}

#[test]
fn names_after_m_are_profiles_providers_or_models() {
    let table = config(
        "[model.fast]\nbase_url = \"http://f/v1\"\nmodel = \"f\"\n[model.tape]\nprovider = \"replay\"\npath = \"t.jsonl\"\n",
    );
    let cases = [
        ("fast", "", "fast Asked openai-compatible f http://f/v1"),
        ("fast", "http://g/v1", "fast Asked openai-compatible f http://g/v1"),
        ("tape", "", "tape Asked replay - t.jsonl"),
        ("replay:x/y.jsonl", "", "replay:x/y.jsonl Asked replay - x/y.jsonl"),
        ("ollama:qwen:7b", "", "ollama:qwen:7b Asked ollama qwen:7b http://127.0.0.1:11434/v1"),
        ("openai:gpt", "", "openai:gpt Asked openai gpt https://api.openai.com/v1"),
        ("qwen:7b", "http://h/v1", "qwen:7b Asked openai-compatible qwen:7b http://h/v1"),
        ("fats", "", "2: -m: there is no model profile `fats`"),
        ("qwen:7b", "", "2: -m: there is no model profile `qwen:7b`"),
        ("tape", "http://h/v1", "2: --base-url: the provider replay has no address"),
        ("openai", "", "2: no model is named for https://api.openai.com/v1"),
        ("openai-compatible:m", "", "2: the model profile `openai-compatible:m` has no address"),
    ];
    for (model, url, expected) in cases {
        assert_eq!(
            told(resolve_with(&flags(model, url), &table, &environment(&[]), &[])),
            expected,
            "{model}"
        );
    }
}

#[test]
fn several_servers_or_models_are_listed() {
    let nobody = (flags("", ""), Config::default(), environment(&[]));
    let two = [server(Server::Ollama, &["a"]), server(Server::Vllm, &["b"])];
    let line = told(resolve_with(&nobody.0, &nobody.1, &nobody.2, &two));
    assert!(line.starts_with("2: several model servers") && line.contains("Ollama") && line.contains("vLLM"));
    let several = [server(Server::Ollama, &["a", "b"])];
    let line = told(resolve_with(&nobody.0, &nobody.1, &nobody.2, &several));
    assert!(line.starts_with("2: Ollama") && line.ends_with("a, b"), "{line}");
    let empty = [server(Server::Vllm, &[])];
    assert!(told(resolve_with(&nobody.0, &nobody.1, &nobody.2, &empty)).contains("offers no model"));
}

#[test]
fn the_model_of_an_address_is_asked_of_the_server_there() {
    let found = [server(Server::Ollama, &["a"]), server(Server::Vllm, &["b"])];
    let asked = |url| told(resolve_with(&flags("", url), &Config::default(), &environment(&[]), &found));
    assert!(asked("http://localhost:8000/v1").contains("openai-compatible b http://localhost:8000/v1"));
    assert!(asked("http://localhost:8001/v1").starts_with("2: no model is named"));
}

#[test]
fn a_bad_address_of_the_environment_is_named() {
    let bad = environment(&[KEY, ("OPENAI_BASE_URL", "http://me:sk-canary-12345@h/v1")]);
    let line = told(resolve_with(&flags("openai:m", ""), &Config::default(), &bad, &[]));
    assert_eq!(line, "2: OPENAI_BASE_URL: the address holds credentials");
}

#[test]
fn a_key_stays_with_its_address() {
    let table = config("[model.mine]\nbase_url = \"http://h/v1\"\nmodel = \"m\"\napi_key_env = \"MINE\"\n");
    let chosen = |url| match resolve_with(&flags("mine", url), &table, &environment(&[]), &[]) {
        Ok(Resolved::Model(chosen)) => chosen,
        other => panic!("{other:?}"),
    };
    assert!(chosen("").profile.api_key_env.is_some());
    assert!(chosen("http://h/v1").profile.api_key_env.is_some());
    assert!(chosen("http://elsewhere/v1").profile.api_key_env.is_none());
}

#[test]
fn a_missing_key_ends_with_a_remedy() {
    codeagent::models::install_tls();
    let table = config("[model.mine]\nbase_url = \"http://h/v1\"\nmodel = \"m\"\napi_key_env = \"MINE\"\n");
    let Ok(Resolved::Model(chosen)) = resolve_with(&flags("mine", ""), &table, &environment(&[]), &[]) else {
        panic!("the profile is complete");
    };
    let failure = chosen.chat(&environment(&[])).map(|_| ()).unwrap_err();
    assert_eq!(failure.exit(), Exit::Provider);
    assert!(failure.to_string().contains("MINE is not set"));
    assert!(chosen.chat(&environment(&[("MINE", "sk-canary-12345")])).unwrap().is_some());
    let failure = chosen.chat(&environment(&[("MINE", "sk canary")])).map(|_| ()).unwrap_err();
    assert!(!failure.to_string().contains("canary"));
}

#[test]
fn settings_of_a_profile_reach_the_connection() {
    let table = config(
        "[model.m]\nbase_url = \"http://h/v1\"\nmodel = \"m\"\nconcurrency = \"2-6\"\n[limits]\ntokens_per_minute = 9\n",
    );
    let Ok(Resolved::Model(chosen)) = resolve_with(&flags("m", ""), &table, &environment(&[]), &[]) else {
        panic!("the profile is complete");
    };
    let limits = chosen.limits(&table);
    assert_eq!((limits.concurrency.min, limits.concurrency.max, limits.tokens_per_minute), (2, 6, Some(9)));
}
