//! `codeagent doctor`: what works on this machine, and for what does not, a fix.

mod folders;
mod sandbox;

use codeagent::models::discover;
use serde::Serialize;

use crate::args::{Globals, ModelFlags};
use crate::config;
use crate::config::types::Config;
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::model::{self, Resolved};
use crate::output::Output;
use crate::verbs;

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    name: &'static str,
    state: State,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Something is missing that most uses do without.
    Warning,
    Failed,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Ok, detail: detail.into(), fix: None, exit: Exit::Done }
    }

    fn warning(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, state: State::Warning, detail: detail.into(), fix: Some(fix.into()), exit: Exit::Done }
    }

    fn failed(name: &'static str, failure: &Failure) -> Self {
        let fix = failure.remedy().map(str::to_owned);
        Self { name, state: State::Failed, detail: failure.summary(), fix, exit: failure.exit() }
    }

    /// The same finding about something that need not work.
    fn optional(self) -> Self {
        match self.state {
            State::Failed => Self { state: State::Warning, exit: Exit::Done, ..self },
            _ => self,
        }
    }
}

/// Runs every check. Exits as the first that failed would.
///
/// # Errors
/// Exit 70 if stdout fails.
pub async fn doctor(
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (first, config) = configuration(globals, environment);
    let mut exit = first.exit;
    show(&first, globals.json, output)?;
    let mut checks = vec![folders::clock(), folders::cache(environment), folders::store(environment).await];
    checks.extend(sandbox::checks(&config.sandbox, environment).await);
    checks.push(answers(&config, environment).await);
    for check in checks {
        show(&check, globals.json, output)?;
        if exit == Exit::Done {
            exit = check.exit;
        }
    }
    Ok(exit)
}

fn show(check: &Check, json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        return output.json(check);
    }
    let word = match check.state {
        State::Ok => "ok     ",
        State::Warning => "warning",
        State::Failed => "FAILED ",
    };
    output.line(&format!("{word} {}: {}", check.name, escape::line(&check.detail)))?;
    let lead = if check.state == State::Ok { "note" } else { "try" };
    check.fix.iter().try_for_each(|fix| output.line(&format!("        {lead}: {}", escape::line(fix))))
}

/// The configuration; where it is bad the other checks go on with the defaults.
fn configuration(globals: &Globals, environment: &Environment) -> (Check, Config) {
    match config::load(environment, &globals.config_flags(Vec::new())) {
        Ok(loaded) => {
            let files = verbs::config::files(&loaded);
            let detail =
                if files.is_empty() { "no file, only defaults".to_owned() } else { files.join(", ") };
            (Check::ok("configuration", detail), loaded.config)
        }
        Err(failure) => (Check::failed("configuration", &failure), Config::default()),
    }
}

/// The model that a verb would use, without asking it anything.
async fn answers(config: &Config, environment: &Environment) -> Check {
    const NAME: &str = "model";
    let resolved = model::resolve(&ModelFlags::default(), config, environment, discover).await;
    match resolved {
        Ok(Resolved::Model(chosen)) => match chosen.chat(environment) {
            Ok(_) => {
                let profile = &chosen.profile;
                let place = profile.base_url.as_ref().map(|url| url.as_str()).or(profile.path.as_deref());
                let model = profile.model.as_deref().unwrap_or_default();
                let detail = format!("{}: {model} at {}", chosen.name, place.unwrap_or_default());
                Check::ok(NAME, format!("{detail} (`codeagent providers --probe` asks it)"))
            }
            Err(failure) => Check::failed(NAME, &failure),
        },
        Ok(Resolved::Nothing) => Check::warning(
            NAME,
            "none is configured and no server was found on this machine",
            "start a server such as Ollama, set OPENAI_API_KEY, or add [model.default] to the configuration",
        ),
        Err(failure) => Check::failed(NAME, &failure).optional(),
    }
}
