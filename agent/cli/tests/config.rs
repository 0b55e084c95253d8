//! `config show`, `check` and `path` as a user sees them.

#![expect(clippy::unwrap_used, reason = "tests of a binary")]

mod common;

use common::{Ended, Home};

fn home_with_files() -> Home {
    let home = Home::new();
    std::fs::create_dir_all(home.path(".config/codeagent")).unwrap();
    let user = "[model.default]\nbase_url = \"http://127.0.0.1:8000/v1\"\nmodel = \"m\"\napi_key_env = \"MINE\"\n\
                [search.custom]\napi_key = \"sk-canary-1\"\nrollouts = 3\n[store]\nurl = \"sqlite:runs.db\"\n";
    std::fs::write(home.path(".config/codeagent/config.toml"), user).unwrap();
    home.write("codeagent.toml", "[budget]\ncalls = 40\n");
    home
}

#[test]
fn show_prints_values_with_origins_and_masks_secrets() {
    let home = home_with_files();
    let output = home
        .command(["config", "show", "--set", "search.seed=7"])
        .env("CODEAGENT_LIMITS__JOBS", "2")
        .output();
    let ended = Ended::of(&output.unwrap(), home.root());
    assert!(!ended.stdout.contains("canary"), "{}", ended.stdout);
    insta::assert_snapshot!("show", ended.shown());
}

#[test]
fn show_as_json_has_an_object_per_value() {
    let ended = home_with_files().run(&["config", "show", "--json"]);
    let rows: Vec<serde_json::Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let row = rows.iter().find(|row| row["key"] == "budget.calls").unwrap();
    assert_eq!((&row["value"], &row["origin"]), (&40.into(), &"codeagent.toml:2:9".into()));
    let secret = rows.iter().find(|row| row["key"] == "search.custom.api_key").unwrap();
    assert_eq!(secret["value"], "***");
}

#[test]
fn check_and_path_name_the_files() {
    let home = home_with_files();
    insta::assert_snapshot!("check", home.run(&["config", "check"]).shown());
    insta::assert_snapshot!("path", home.run(&["config", "path", "--config", "x.toml"]).shown());
}

#[test]
fn path_helps_with_a_broken_file() {
    let home = home_with_files();
    home.write("codeagent.toml", "broken");
    assert_eq!(home.run(&["config", "path"]).code, Some(0));
    assert_eq!(home.run(&["config", "check"]).code, Some(2));
}

#[test]
fn variables_of_a_file_count_only_when_it_is_named() {
    let home = Home::new();
    home.write(".env", "CODEAGENT_BUDGET__CALLS=9\n");
    assert!(!home.run(&["config", "show"]).stdout.contains("budget.calls"));
    let named = home.run(&["config", "show", "--env-file", ".env"]).stdout;
    assert!(named.contains("budget.calls = 9  # CODEAGENT_BUDGET__CALLS"), "{named}");
}
