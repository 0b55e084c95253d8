//! `codeagent worker`: draws samples for batches that run on many machines.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use codeagent::Agent;
use codeagent::sandbox::Sandbox;
use codeagent_benchmarks::cluster::{Link, Share, Site};

use crate::agents;
use crate::answers::Source;
use crate::args::{CacheFlags, Globals, WorkerArgs};
use crate::cluster::{connect, failed};
use crate::config;
use crate::config::units::Period;
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::metrics::server::Server;
use crate::output::Output;
use crate::sandboxes;
use crate::signals::Stop;

/// How long a worker waits for a model's server that is away.
const OUTAGE: Period = Period(Duration::from_secs(30 * 60));

/// Draws samples until there is nothing to draw.
///
/// # Errors
/// Exit 2 where the worker is not what a run asks for, 3 for the model, 4 for the sandbox and the NATS servers.
pub async fn worker(
    arguments: &WorkerArgs,
    globals: &Globals,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let loaded = config::load(environment, &globals.config_flags(arguments.settings()))?;
    config::check::offered(&loaded)?;
    let mut config = loaded.config;
    config.limits.outage_wait.get_or_insert(OUTAGE);
    let cache = CacheFlags::default();
    let source = Source::decide(&arguments.model, &cache, &config, environment).await?;
    // What a run asks for is not known yet; where it compares no modules, the embedding model is no part of it.
    let mut source = source.with_embedding(&cache, &config, environment).await?;
    let stopped = || Ok(stop.exit().unwrap_or(Exit::Interrupted));
    let mut sandbox = tokio::select! {
        opened = sandboxes::open(&config.sandbox, &arguments.sandbox, environment) => opened?,
        () = stop.token().cancelled() => return stopped(),
    };
    let metrics = Server::asked(arguments.metrics.metrics_listen, globals.quiet).await?;
    if let Some(metrics) = &metrics {
        metrics.board.count(&mut source.provider, &mut sandbox);
    }
    let link = connect(&arguments.servers, environment).await?;
    let mut worker =
        OneOfMany { link, source, sandbox, name: name()?, arguments, metrics, quiet: globals.quiet };
    worker.say("waiting for a run");
    let mut waits = true;
    loop {
        let site = tokio::select! {
            site = Site::find(&worker.link, arguments.run.as_deref(), waits) => site.map_err(|error| failed(&error))?,
            () = stop.token().cancelled() => return stopped(),
        };
        let Some(site) = site else { return Ok(Exit::Done) };
        worker.serve(site, stop, output, globals).await?;
        if stop.exit().is_some() {
            return stopped();
        }
        waits = arguments.stay;
    }
}

struct OneOfMany<'a> {
    link: Link,
    source: Source,
    sandbox: Arc<dyn Sandbox>,
    name: String,
    arguments: &'a WorkerArgs,
    metrics: Option<Server>,
    quiet: bool,
}

impl OneOfMany<'_> {
    /// Draws for one run.
    async fn serve(
        &mut self,
        site: Site,
        stop: &Stop,
        output: &mut Output,
        globals: &Globals,
    ) -> Result<(), Failure> {
        let run = site.order.run.clone();
        if globals.json {
            output.json(&serde_json::json!({
                "event": "launch", "v": 1, "run_id": run, "pid": std::process::id(), "worker": self.name,
                "metrics": self.metrics.as_ref().map(Server::url),
            }))?;
        }
        self.say(&format!("drawing for the run {run} as {}", self.name));
        let stack = self.source.shared_stack(site.replies());
        let base = Agent::builder()
            .provider(stack.provider)
            .sandbox(Arc::clone(&self.sandbox))
            .repetition(self.source.repetition());
        let embedder = self.source.embedder(|source| source.stack_over(site.replies()));
        let base = agents::with_embedder(base, embedder);
        // A model in this process is shared with nobody.
        let server = self.source.server.clone().unwrap_or_else(|| self.name.clone());
        let share = Share { server, limiter: stack.limiter };
        let worker = site.worker(base, self.name.clone(), self.arguments.slots.get(), share);
        let worker = worker.map_err(|error| failed(&error))?;
        if let Some(metrics) = &self.metrics {
            metrics.board.add_run(Arc::clone(&stack.meter), worker.activity());
        }
        worker.work(stop.token()).await.map_err(|error| failed(&error))?;
        let totals = stack.meter.totals();
        self.say(&format!(
            "left the run {run}: {} calls paid, {} from the shared cache",
            totals.calls, totals.cache_hits
        ));
        Ok(())
    }

    fn say(&self, line: &str) {
        if !self.quiet {
            // Nobody can be told that stderr is gone.
            drop(writeln!(std::io::stderr(), "{}", escape::line(line)));
        }
    }
}

/// A name that no other worker has.
fn name() -> Result<String, Failure> {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(Exit::Internal, "no random name can be had").caused_by(&error))?;
    Ok(bytes.iter().fold(format!("worker-{}-", std::process::id()), |name, byte| format!("{name}{byte:02x}")))
}
