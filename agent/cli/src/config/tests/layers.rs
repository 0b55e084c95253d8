//! Which layer wins, and the origin of what won.

use super::*;

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn calls_and_origin(loaded: &Loaded) -> (Option<u64>, String) {
    let origin = loaded.setting(&key("budget.calls")).map_or_else(String::new, |s| s.origin.to_string());
    (loaded.config.budget.calls, origin)
}

#[test]
fn each_layer_wins_over_those_below() {
    let place = Place::new();
    assert_eq!(calls_and_origin(&place.load(&Flags::default()).unwrap()), (None, String::new()));

    place.user("[budget]\ncalls = 1\n");
    let (calls, origin) = calls_and_origin(&place.load(&Flags::default()).unwrap());
    assert_eq!(calls, Some(1));
    assert!(origin.ends_with("config.toml:2:9"), "{origin}");

    place.project("[budget]\n  calls = 2\n");
    let (calls, origin) = calls_and_origin(&place.load(&Flags::default()).unwrap());
    assert_eq!(calls, Some(2));
    assert!(origin.ends_with("codeagent.toml:2:11"), "{origin}");

    place.write("tree/project/src/team.toml", "budget.calls = 3");
    let explicit = file("team.toml");
    let expected = (Some(3), "team.toml:1:16".to_owned());
    assert_eq!(calls_and_origin(&place.load(&explicit).unwrap()), expected);

    let place = place.variable("CODEAGENT_BUDGET__CALLS", "4");
    let expected = (Some(4), "CODEAGENT_BUDGET__CALLS".to_owned());
    assert_eq!(calls_and_origin(&place.load(&explicit).unwrap()), expected);

    let flags = Flags { set: vec!["budget.calls=5".to_owned()], ..explicit };
    let expected = (Some(5), "--set budget.calls".to_owned());
    assert_eq!(calls_and_origin(&place.load(&flags).unwrap()), expected);
}

#[test]
fn layers_are_merged_value_by_value() {
    let place = Place::new();
    place.user("[model.default]\nbase_url = \"http://127.0.0.1:8000/v1\"\nmodel = \"a\"\n");
    place.project("[model.default]\nmodel = \"b\"\n");
    let profile = place.load(&Flags::default()).unwrap().config.model["default"].clone();
    assert_eq!(profile.base_url.unwrap().as_str(), "http://127.0.0.1:8000/v1");
    assert_eq!(profile.model.as_deref(), Some("b"));
}

#[test]
fn defaults_are_settings_too() {
    let loaded = Place::new().load(&Flags::default()).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.setting(&key("sandbox.kind")).unwrap().origin, Origin::Default);
}

#[test]
fn a_named_flag_sets_its_key() {
    let named = vec![("--max-cost", "budget.run_usd", "2.5".to_owned())];
    let loaded = Place::new().load(&Flags { named, ..Flags::default() }).unwrap();
    assert_eq!(loaded.config.budget.run_usd, Some(2.5));
    assert_eq!(loaded.setting(&key("budget.run_usd")).unwrap().origin, Origin::Flag("--max-cost"));
}

#[test]
fn texts_become_what_the_schema_wants() {
    let flags = set(&[
        "search.strategy=resample",
        "search.rethink-mcts.rollouts=16",
        "search.rethink-mcts.note=plain words",
        "limits.concurrency=4-32",
        "model.m.model=7",
        "model.m.idle_timeout=1h30m",
        "model.m.stream=true",
        "price.\"gpt-4.1\".input=2",
        "price.\"gpt-4.1\".output=8",
    ]);
    let config = Place::new().load(&flags).unwrap().config;
    assert_eq!(config.search.strategy, "resample");
    let methods = &config.search.methods["rethink-mcts"];
    assert_eq!(methods["rollouts"], Value::Integer(16));
    assert_eq!(methods["note"], Value::String("plain words".to_owned()));
    assert_eq!(config.limits.concurrency.to_string(), "4-32");
    let model = &config.model["m"];
    assert_eq!((model.model.as_deref(), model.stream), (Some("7"), Some(true)));
    assert_eq!(model.idle_timeout.unwrap().0.as_secs(), 5400);
    assert_eq!(config.price["gpt-4.1"].output, 8.0);
}

#[test]
fn the_whole_example_of_the_documentation_is_accepted() {
    let place = Place::new();
    place.user(include_str!("example.toml"));
    let config = place.load(&Flags::default()).unwrap().config;
    assert_eq!(config.model["critic"].provider, types::Provider::Candle);
    assert_eq!(config.sandbox.limits().memory_mib, 512);
    assert_eq!(config.sandbox.limits().cpu.as_secs(), 10);
}

#[test]
fn variables_of_one_level_are_not_settings() {
    let place = Place::new().variable("CODEAGENT_LOG", "debug").variable("CODEAGENT_SHARED", "/x");
    assert!(place.load(&Flags::default()).is_ok());
}

#[test]
fn a_table_and_a_value_of_a_strategy_replace_each_other() {
    let place = Place::new();
    place.user("[search.x]\na = 1\n").project("[search.x.a]\nb = 2\n");
    let config = place.load(&Flags::default()).unwrap().config;
    assert_eq!(config.search.methods["x"].to_string().replace(['\n', ' '], ""), "[a]b=2");
}
