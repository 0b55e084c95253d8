//! `codeagent providers`: the models that could answer, and with `--probe` whether they do.

use std::time::Instant;

use codeagent::models::{Found, Message, Provider, Request, discover};
use serde::Serialize;

use crate::args::{Globals, ProvidersArgs};
use crate::config;
use crate::config::types::{Config, ModelProfile};
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::model::{self, Chosen, Resolved};
use crate::output::Output;

/// Everything that was found, as JSON.
#[derive(Serialize)]
struct Listing {
    v: u32,
    profiles: Vec<Profile>,
    servers: Vec<Server>,
}

#[derive(Serialize)]
struct Profile {
    name: String,
    provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<Probe>,
}

#[derive(Serialize)]
struct Probe {
    ok: bool,
    detail: String,
}

#[derive(Serialize)]
struct Server {
    name: &'static str,
    base_url: String,
    models: Vec<String>,
}

/// Lists profiles and servers. With `--probe`, exits with 3 if one that was asked did not answer.
///
/// # Errors
/// Exit 2 for a bad configuration or an unknown model.
pub async fn providers(
    arguments: &ProvidersArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = config::load(environment, &globals.config_flags(Vec::new()))?.config;
    let servers = discover().await;
    let mut profiles = Vec::new();
    for (name, resolved) in candidates(arguments, &config, environment, &servers).await? {
        profiles.push(profile(name, resolved, arguments.probe, environment).await);
    }
    let failed = profiles.iter().any(|profile| profile.probe.as_ref().is_some_and(|probe| !probe.ok));
    let servers = servers.into_iter().map(|Found { server, base_url, models }| Server {
        name: server.name(),
        base_url,
        models,
    });
    let listing = Listing { v: 1, profiles, servers: servers.collect() };
    if globals.json {
        output.json(&listing)?
    } else {
        print(&listing, output)?
    }
    Ok(if failed { Exit::Provider } else { Exit::Done })
}

type Candidate = (String, Result<Chosen, (ModelProfile, Failure)>);

/// The model of the flags, or else every profile and what the environment names.
async fn candidates(
    arguments: &ProvidersArgs,
    config: &Config,
    environment: &Environment,
    servers: &[Found],
) -> Result<Vec<Candidate>, Failure> {
    let found = async || servers.to_vec();
    if arguments.model.model.is_some() || arguments.model.base_url.is_some() {
        return Ok(match model::resolve(&arguments.model, config, environment, found).await? {
            Resolved::Model(chosen) => vec![(chosen.name.clone(), Ok(*chosen))],
            Resolved::Nothing => Vec::new(),
        });
    }
    let mut profiles = config.model.clone();
    if model::uses_openai(environment) {
        profiles.insert("openai".to_owned(), model::openai(config));
    }
    let mut candidates = Vec::new();
    for (name, profile) in profiles {
        let resolved = model::of_profile(&name, profile.clone(), environment, found).await;
        candidates.push((name, resolved.map_err(|failure| (profile, failure))));
    }
    Ok(candidates)
}

async fn profile(
    name: String,
    resolved: Result<Chosen, (ModelProfile, Failure)>,
    probe: bool,
    environment: &Environment,
) -> Profile {
    let (settings, problem, probed) = match resolved {
        Ok(chosen) => {
            let connection = chosen.chat(environment);
            let problem = connection.as_ref().err().map(Failure::summary);
            let probed = match (probe, &connection) {
                (false, _) | (true, Ok(None)) => None,
                (true, Ok(Some(chat))) => Some(ask(chat).await),
                (true, Err(failure)) => Some(Probe { ok: false, detail: failure.summary() }),
            };
            (chosen.profile, problem, probed)
        }
        Err((settings, failure)) => {
            let detail = failure.summary();
            let probed = probe.then(|| Probe { ok: false, detail: detail.clone() });
            (settings, Some(detail), probed)
        }
    };
    Profile {
        name,
        provider: settings.provider.name(),
        base_url: settings.base_url.map(String::from),
        model: settings.model,
        path: settings.path,
        key: settings.api_key_env.map(String::from),
        problem,
        probe: probed,
    }
}

/// Asks one short question.
async fn ask(chat: &impl Provider) -> Probe {
    let request = Request {
        messages: vec![Message::user("Answer with one word: ready")],
        temperature: 0.0,
        top_p: None,
        max_output_tokens: 16,
        n: 1,
        stop: Vec::new(),
        seed: 0,
        logprobs: None,
        draw: 0,
        distinct: false,
    };
    let started = Instant::now();
    match chat.complete(&request).await {
        Ok(reply) => {
            let (usage, ms) = (reply.usage, started.elapsed().as_millis());
            let detail = format!(
                "{} answered in {ms} ms, {} tokens in, {} out",
                reply.model, usage.input, usage.output
            );
            Probe { ok: true, detail }
        }
        Err(error) => Probe { ok: false, detail: error.to_string() },
    }
}

fn print(listing: &Listing, output: &mut Output) -> Result<(), Failure> {
    for profile in &listing.profiles {
        let place = profile.base_url.as_deref().or(profile.path.as_deref()).unwrap_or("no address");
        let model = profile.model.as_deref().unwrap_or("no model named");
        output.line(&escape::line(&format!("{}: {} {model} at {place}", profile.name, profile.provider)))?;
        let notes = profile.problem.iter().map(|text| ("problem", text));
        let notes = notes
            .chain(profile.probe.iter().map(|probe| (if probe.ok { "ok" } else { "failed" }, &probe.detail)));
        for (word, text) in notes {
            output.line(&format!("  {word}: {}", escape::line(text)))?;
        }
    }
    for server in &listing.servers {
        let models = server.models.join(", ");
        output.line(&escape::line(&format!("found {} at {}: {models}", server.name, server.base_url)))?;
    }
    if listing.profiles.is_empty() && listing.servers.is_empty() {
        output.line("no model: start a server such as Ollama, set OPENAI_API_KEY, or add [model.default] to the configuration")?;
    }
    Ok(())
}
