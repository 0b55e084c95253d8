//! `codeagent config show|check|path`: the configuration in force and where it comes from.

use std::path::Path;

use serde_json::json;
use toml::Value;
use url::Url;

use crate::args::{ConfigAction, Globals};
use crate::config::layer::Setting;
use crate::config::{self, Loaded, PROJECT_FILE};
use crate::environment::{Environment, is_secret_name};
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// What is shown for a secret.
const MASK: &str = "***";

/// Does what is asked.
///
/// # Errors
/// Exit 2 for a bad configuration.
pub fn config(
    action: ConfigAction,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let loaded = || config::load(environment, &globals.config_flags(Vec::new()));
    match action {
        ConfigAction::Show => show(&loaded()?, globals.json, output)?,
        ConfigAction::Check => check(&loaded()?, globals.json, output)?,
        ConfigAction::Path => path(globals, environment, output)?,
    }
    Ok(Exit::Done)
}

fn show(loaded: &Loaded, json: bool, output: &mut Output) -> Result<(), Failure> {
    for setting in loaded.settings() {
        let (key, value, origin) = (setting.key.to_string(), masked(setting), setting.origin.to_string());
        if json {
            output.json(&json!({"key": key, "value": value, "origin": origin}))?;
        } else {
            output.line(&escape::line(&format!("{key} = {value}  # {origin}")))?;
        }
    }
    Ok(())
}

/// The value without what may be secret. Settings never hold keys, but free tables may hold anything.
fn masked(setting: &Setting) -> Value {
    // `api_key_env` names a variable and is no secret.
    let named = setting.key.0.iter().any(|name| is_secret_name(&name.replace("api_key_env", "")));
    match &setting.value {
        _ if named && !is_known(setting) => Value::String(MASK.to_owned()),
        Value::String(text) => Value::String(without_password(text)),
        value => value.clone(),
    }
}

/// Whether the schema names this setting; then it is known to hold no secret.
fn is_known(setting: &Setting) -> bool {
    !config::schema::Node::of(&setting.key).is_some_and(config::schema::Node::is_free)
}

fn without_password(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    if url.password().is_none() {
        return text.to_owned();
    }
    // An address with a password has a host, so setting it cannot fail.
    let _ = url.set_password(Some(MASK));
    url.into()
}

fn check(loaded: &Loaded, json: bool, output: &mut Output) -> Result<(), Failure> {
    let files = files(loaded);
    if json {
        return output.json(&json!({"v": 1, "ok": true, "files": files}));
    }
    match files.as_slice() {
        [] => output.line("ok: no configuration file, only defaults, variables and flags"),
        _ => output.line(&escape::line(&format!("ok: {}", files.join(", ")))),
    }
}

/// The files that were read, the strongest first.
#[must_use]
pub fn files(loaded: &Loaded) -> Vec<String> {
    let files = [&loaded.explicit_file, &loaded.project_file, &loaded.user_file];
    files.into_iter().flatten().map(|path| path.display().to_string()).collect()
}

/// Where files are looked for. Reads none of them, so that it helps with a broken one.
fn path(globals: &Globals, environment: &Environment, output: &mut Output) -> Result<(), Failure> {
    let project = config::project_file(environment.directory());
    let candidates = [
        ("flag", globals.config.as_ref().map(|path| environment.directory().join(path))),
        ("project", Some(project.unwrap_or_else(|| environment.directory().join(PROJECT_FILE)))),
        ("user", environment.user_config()),
    ];
    for (layer, path) in candidates.into_iter().filter_map(|(layer, path)| Some((layer, path?))) {
        let state = if path.exists() { "read" } else { "absent" };
        if globals.json {
            output.json(&json!({"layer": layer, "path": path, "exists": path.exists()}))?;
        } else {
            output.line(&format!("{layer}: {} ({state})", shown(&path)))?;
        }
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    escape::line(&path.display().to_string())
}
