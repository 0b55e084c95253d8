//! `codeagent eval DATASET --out DIR`: samples of many problems, judged, resumable, in figures.

mod drawing;
mod elsewhere;
mod folder;
mod progress;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use codeagent::models::CacheMode;
use codeagent::sandbox::{Judge, JudgeOptions, Sandbox};
use codeagent::search::{BudgetLimits, Cost};
use codeagent::{AgentBuilder, Pause, Purse};
use codeagent_benchmarks::batch::{
    self, Activity, Batch, BatchFile, BatchResults, Ended, Extent, News, RunBudget, SampleBudget,
    SampleError, SampleRow, Unit,
};
use serde_json::json;
use tokio::sync::mpsc;

use crate::agents;
use crate::answers::Source;
use crate::args::{EvalArgs, Globals};
use crate::batches;
use crate::config;
use crate::config::types::Config;
use crate::config::units::Period;
use crate::environment::Environment;
use crate::events::Events;
use crate::failure::{Exit, Failure};
use crate::figures;
use crate::live::{About, Live};
use crate::metrics::server::Server;
use crate::output::Output;
use crate::sandboxes;
use crate::selection::{self, Selection};
use crate::signals::Stop;
use crate::strategies;
use crate::telemetry;
use drawing::Drawing;
use folder::BatchFolder;
use progress::Progress;

/// How long a batch waits for a server that is away, before it stops and can be continued.
const OUTAGE: Period = Period(Duration::from_secs(30 * 60));

/// News that may wait to be told.
const BACKLOG: usize = 1024;

/// Draws and judges the samples.
///
/// # Errors
/// Exit 2 for settings and a folder of another batch, 3 for the model, 4 for the sandbox, 6 for the data set.
pub async fn eval(
    arguments: &EvalArgs,
    globals: &Globals,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let loaded = config::load(environment, &globals.config_flags(arguments.settings()))?;
    config::check::offered(&loaded)?;
    let mut config = loaded.config;
    config.limits.outage_wait.get_or_insert(OUTAGE);
    let selection =
        selection::select(&arguments.dataset, arguments.protocol, &arguments.selection, environment)?;
    let strategy = strategies::asked(&config)?;
    let mut source =
        Source::find(&strategy, &arguments.model, &arguments.cache, &config, environment).await?;
    let mut sandbox = tokio::select! {
        opened = sandboxes::open(&config.sandbox, &arguments.sandbox, environment) => opened?,
        // Nothing is begun yet, so there is nothing to save.
        () = stop.token().cancelled() => return Ok(stop.exit().unwrap_or(Exit::Interrupted)),
    };
    let metrics = Server::asked(arguments.metrics.metrics_listen, globals.quiet).await?;
    if let Some(metrics) = &metrics {
        metrics.board.count(&mut source.provider, &mut sandbox);
    }
    let builder = agents::builder(&config, &strategy, &sandbox, &source, environment)?
        .protocol(arguments.protocol.name());
    let extent = extent(arguments, &config, &selection);
    let pause = Pause::default();
    let draft =
        agents::build(builder.clone().provider(Arc::clone(&source.provider)).budget(extent.run.limits()))?;
    let file = BatchFile::new(&draft, &selection.dataset, file_name(arguments), extent);
    let folder =
        BatchFolder::open(&environment.directory().join(&arguments.out), file, &config.store, environment)
            .await?;
    if matches!(arguments.cache.mode(), CacheMode::Off | CacheMode::Refresh) {
        folder.require_unused().await?;
    }
    let rows = folder.rows().await?;
    let per_sample = folder.file.extent.per_sample;
    let units = batch::pending(&selection.problems, arguments.samples.get(), per_sample, &rows);
    let standing = batch::standing(&rows, &units);
    let stack = source.stack(Some(Arc::clone(&folder.store)));
    let embedder = source.embedder(|source| source.stack(Some(Arc::clone(&folder.store))));
    let spent = batch::spent(standing.iter().copied());
    let agent = agents::with_embedder(builder, embedder).provider(stack.provider).pause(pause.clone());
    let batch = batch_in(&folder, agent, spent, sandbox, &config, arguments);
    telemetry::watch_queue(&batch.activity);
    if let Some(metrics) = &metrics {
        metrics.board.add_run(stack.meter, batch.activity.clone());
    }
    let purse = batch.purse.clone();
    let drawing = tokio::select! {
        prepared = Drawing::prepare(batch, &folder.file.spec, arguments, &config, &source, environment) => prepared?,
        () = stop.token().cancelled() => return Ok(stop.exit().unwrap_or(Exit::Interrupted)),
    };
    let mut told = Told {
        progress: Progress::new(globals.quiet, units.len(), &standing, purse),
        events: Events::open(arguments.events.as_deref(), environment)?,
        live: Live::open(about(&folder), pause.clone(), stop.clone(), environment),
        folder,
        metrics,
    };
    told.publish();
    source.notice.iter().for_each(|notice| told.progress.say(notice));
    told.launch(globals, output)?;
    let time = config.budget.run_seconds.map(Duration::from_secs_f64);
    let ended = run(&drawing, units, sleep(pause, time), stop, &mut told, output).await;
    told.progress.finish();
    // What is finished counts, however it ended.
    let results = told.folder.conclude(&batches::ks(&arguments.k, arguments.samples.get())).await?;
    told.folder.close().await?;
    if !told.events.on_stdout {
        show(&results, &told.folder, globals, output)?;
    }
    Ok(exit(ended?, &results, arguments, stop))
}

/// The batch of a folder, of which `spent` is paid already.
fn batch_in(
    folder: &BatchFolder,
    agent: AgentBuilder,
    spent: Cost,
    sandbox: Arc<dyn Sandbox>,
    config: &Config,
    arguments: &EvalArgs,
) -> Batch {
    let options =
        JudgeOptions { limits: config.sandbox.limits(), isolate_tests: true, ..JudgeOptions::default() };
    Batch {
        id: folder.file.run_id.clone(),
        agent,
        per_sample: folder.file.extent.per_sample,
        purse: Purse::new(folder.file.extent.run.limits(), spent),
        seed: config.search.seed,
        judge: Judge::new(sandbox),
        options,
        store: Arc::clone(&folder.store),
        searches: usize::try_from(config.limits.searches).unwrap_or(usize::MAX),
        tells_events: arguments.events.is_some(),
        activity: Activity::default(),
    }
}

fn file_name(arguments: &EvalArgs) -> String {
    arguments.dataset.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn about(folder: &BatchFolder) -> About {
    About {
        run_id: folder.file.run_id.clone(),
        verb: "eval",
        subject: folder.file.dataset.clone(),
        folder: folder.path().to_path_buf(),
    }
}

/// Who is told what comes of samples.
struct Told {
    progress: Progress,
    events: Events,
    live: Live,
    folder: BatchFolder,
    metrics: Option<Server>,
}

impl Told {
    /// Says as JSON that the batch begins, where that is asked for.
    fn launch(&self, globals: &Globals, output: &mut Output) -> Result<(), Failure> {
        if !globals.json || self.events.on_stdout {
            return Ok(());
        }
        let (run_id, out) = (&self.folder.file.run_id, self.folder.path().display().to_string());
        let socket = self.live.socket().map(|path| path.display().to_string());
        output.json(&json!({
            "event": "launch", "v": 1, "run_id": run_id, "pid": std::process::id(), "socket": socket, "out": out,
            "metrics": self.metrics.as_ref().map(Server::url),
        }))
    }

    /// Takes in what came of a sample.
    fn finished(&mut self, row: &SampleRow) -> Result<(), Failure> {
        self.folder.append(row)?;
        self.progress.finished(row);
        self.publish();
        Ok(())
    }

    fn publish(&self) {
        if let Some(metrics) = &self.metrics {
            self.progress.publish(&metrics.board);
        }
    }

    /// Shows the time passing.
    fn tick(&mut self) {
        if let Some(news) = self.live.news() {
            self.progress.say(&news);
        }
        self.live.progress(self.progress.status());
        self.live.elsewhere(self.progress.elsewhere());
        self.progress.tick();
    }
}

/// Runs the batch to its end, its time limit or the first signal.
async fn run(
    drawing: &Drawing,
    units: Vec<Unit>,
    time_over: impl Future<Output = ()>,
    stop: &Stop,
    told: &mut Told,
    output: &mut Output,
) -> Result<Ended, Failure> {
    let (news, mut heard) = mpsc::channel(BACKLOG);
    let signalled = stop.token().clone();
    let stopped = async move {
        tokio::select! {
            () = signalled.cancelled() => {}
            () = time_over => {}
        }
    };
    // The sender ends with the batch, so that what is told last is heard.
    let running = async move { drawing.run(units, stopped, &news).await };
    tokio::pin!(running);
    let mut clock = tokio::time::interval(Duration::from_secs(1));
    let mut ended = None;
    loop {
        tokio::select! {
            result = &mut running, if ended.is_none() => ended = Some(result?),
            heard = heard.recv() => match (heard, &ended) {
                (Some(News::Event(event)), _) => told.events.write(&event, output)?,
                (Some(News::Step(step)), _) => told.progress.step(*step),
                (Some(News::Finished(row)), _) => told.finished(&row)?,
                (None, Some(ended)) => return Ok(ended.clone()),
                (Some(_), _) | (None, None) => {}
            },
            _ = clock.tick() => told.tick(),
        }
    }
}

/// The time of the command, in which it is not paused.
async fn sleep(pause: Pause, time: Option<Duration>) {
    match time {
        Some(time) => pause.sleep(time).await,
        None => std::future::pending().await,
    }
}

fn extent(arguments: &EvalArgs, config: &Config, selection: &Selection) -> Extent {
    // A float is saturated when cast; the schema keeps it in range.
    let micro_usd = |usd: f64| (usd * 1e6) as u64;
    Extent {
        samples: arguments.samples.get(),
        problems: selection.problems.iter().map(|it| it.problem.id.clone()).collect(),
        per_sample: SampleBudget {
            limits: BudgetLimits {
                calls: config.budget.calls,
                generations: config.budget.generations,
                tokens: config.budget.tokens,
                micro_usd: config.budget.per_problem_usd.map(micro_usd),
                ..BudgetLimits::default()
            },
            seconds: config.budget.seconds,
        },
        run: RunBudget { tokens: config.budget.run_tokens, micro_usd: config.budget.run_usd.map(micro_usd) },
    }
}

fn show(
    results: &BatchResults,
    folder: &BatchFolder,
    globals: &Globals,
    output: &mut Output,
) -> Result<(), Failure> {
    if globals.json {
        let done = json!({"event": "done", "v": 1, "results": results});
        return output.json(&done);
    }
    output.line(&format!(
        "{} of {} samples passed; {} of {} problems are solved",
        results.statuses.get(&batch::SampleStatus::Passed).unwrap_or(&0),
        results.n_samples,
        results.solved,
        results.n_problems,
    ))?;
    figures::pass_at_k(&results.pass_at_k, output)?;
    let usd = results.cost.usd.map_or_else(|| "price unknown".to_owned(), |usd| format!("${usd:.4}"));
    let tokens = results.tokens;
    output.line(&format!("{} calls, {} tokens in, {} out, {usd}", results.calls, tokens.r#in, tokens.out))?;
    if let Some(repetition) = results.repetition {
        output.line(&repetition.to_string())?;
    }
    if !results.failures.is_empty() {
        let failures = results.failures.iter().map(|(class, count)| format!("{class} {count}"));
        output.line(&format!("not passed: {}", failures.collect::<Vec<_>>().join(", ")))?;
    }
    if results.error_count() > 0 {
        let errors = results.errors.iter().map(|(kind, count)| format!("{kind} {count}"));
        let errors = errors.collect::<Vec<_>>().join(", ");
        output.line(&format!(
            "errors, which count nowhere and are tried again by the same command: {errors}"
        ))?;
    }
    output.line(&format!("folder: {}", crate::escape::line(&folder.path().display().to_string())))
}

/// The exit code, and a word on stderr where the batch did not come to its end.
fn exit(ended: Ended, results: &BatchResults, arguments: &EvalArgs, stop: &Stop) -> Exit {
    let pass_at_1 = || results.pass_at_k.get(&1).map_or(0.0, |it| it.mean.value);
    let (why, exit) = match (ended, stop.exit()) {
        (Ended::Done, _) if arguments.max_errors.is_exceeded(results.error_count(), results.n_samples) => {
            return if results.errors.contains_key("not_recorded") {
                Exit::Provider
            } else {
                Exit::Unresolved
            };
        }
        (Ended::Done, _) if arguments.fail_under.is_some_and(|least| pass_at_1() < least) => {
            return Exit::Negative;
        }
        (Ended::Done, _) => return Exit::Done,
        (Ended::Down(SampleError { message, kind }), _) => {
            let exit = match kind {
                codeagent::solution::FailureKind::Sandbox => Exit::Sandbox,
                codeagent::solution::FailureKind::Store | codeagent::solution::FailureKind::Internal => {
                    Exit::Internal
                }
                _ => Exit::Provider,
            };
            (message, exit)
        }
        (Ended::Cancelled, Some(Exit::Capped)) => ("it was cancelled".to_owned(), Exit::Capped),
        (Ended::Cancelled, Some(exit)) => ("it was interrupted".to_owned(), exit),
        (Ended::Cancelled, None) => ("its time is over (--max-time)".to_owned(), Exit::Capped),
        (Ended::CalledOff, _) => ("it was cancelled by `codeagent queue cancel`".to_owned(), Exit::Capped),
        (Ended::RunBudget, _) => (
            "what all samples together may spend is spent (--max-cost, --max-tokens-total)".to_owned(),
            Exit::Capped,
        ),
    };
    let failure = Failure::new(exit, "the batch is not finished")
        .because(why)
        .hint("the same command continues, with a larger budget if you like");
    // Nobody can be told that stderr is gone.
    drop(writeln!(std::io::stderr(), "{failure}"));
    exit
}
