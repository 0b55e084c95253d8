//! `codeagent solve PROBLEM`: one problem to a program that passes its tests.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codeagent::models::CacheMode;
use codeagent::sandbox::{Judge, JudgeOptions, Report, Sandbox};
use codeagent::search::{BudgetLimits, StopReason};
use codeagent::solution::{FailureKind, Outcome};
use codeagent::{Pause, Problem, Run, RunSpec, Sketch, Status, Strategy};
use codeagent_benchmarks::{ProblemWithHidden, Protocol, add_visible_tests, verify};
use serde::Serialize;

use crate::agents;
use crate::answers::Source;
use crate::args::{Globals, SolveArgs};
use crate::config;
use crate::config::types::Config;
use crate::environment::Environment;
use crate::events::Events;
use crate::failure::{Exit, Failure};
use crate::input;
use crate::live::{About, Live};
use crate::output::Output;
use crate::problems;
use crate::progress::Progress;
use crate::run_folder::{RunFolder, write_whole};
use crate::sandboxes;
use crate::signals::Stop;
use crate::strategies;

/// The strategy that fills sketches.
const SKETCHED: &str = "anpl";

/// What came of it, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    v: u32,
    status: &'static str,
    task_id: &'a str,
    protocol: Protocol,
    program: Option<&'a str>,
    visible: Counted,
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<Counted>,
    strategy: &'static str,
    seed: u64,
    calls: u64,
    generations: u64,
    tokens: Tokens,
    /// `null` where the model's price is unknown.
    cost_usd: Option<f64>,
    wall_ms: u128,
    run_id: &'a str,
    stop_reason: Option<StopReason>,
    model: &'a str,
}

#[derive(Serialize, Clone, Copy)]
struct Counted {
    passed: usize,
    total: usize,
}

#[derive(Serialize)]
struct Tokens {
    r#in: u64,
    out: u64,
    cached: u64,
}

/// What a search is of, for its report.
struct Searched<'a> {
    problem: &'a Problem,
    protocol: Protocol,
    strategy: Strategy,
    seed: u64,
    model: String,
    run_id: String,
    wall: Duration,
}

/// Solves the problem.
///
/// # Errors
/// Exit 2 for settings, 3 for the model, 4 for the sandbox, 6 for the problem.
pub async fn solve(
    arguments: &SolveArgs,
    globals: &Globals,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let loaded = config::load(environment, &globals.config_flags(arguments.settings()))?;
    config::check::offered(&loaded)?;
    let config = loaded.config;
    let problem = problem(arguments, environment)?;
    let strategy = sketched(strategies::asked(&config)?, arguments, &config, &problem.problem, environment)?;
    let source = Source::find(&strategy, &arguments.model, &arguments.cache, &config, environment).await?;
    let sandbox = tokio::select! {
        opened = sandboxes::open(&config.sandbox, &arguments.sandbox, environment) => opened?,
        // Nothing is begun yet, so there is nothing to save.
        () = stop.token().cancelled() => return Ok(stop.exit().unwrap_or(Exit::Interrupted)),
    };
    let builder = agents::builder(&config, &strategy, &sandbox, &source, environment)?
        .budget(budget(&config))
        .time_limit(config.budget.seconds.map(Duration::from_secs_f64))
        .protocol(arguments.protocol.name());

    let draft = agents::build(builder.clone().provider(Arc::clone(&source.provider)))?;
    let identity = draft.run_spec(&problem.problem);
    let folder = RunFolder::open(arguments.run_dir.as_deref(), &identity, &config.store, environment).await?;
    if matches!(arguments.cache.mode(), CacheMode::Off | CacheMode::Refresh) {
        folder.require_unused(&identity).await?;
    }
    let pause = Pause::default();
    let mut live =
        Live::open(about(&problem.problem, &identity, &folder), pause.clone(), stop.clone(), environment);
    let builder = agents::with_models(builder, &source, &folder.store);
    let builder = builder.store(Arc::clone(&folder.store)).pause(pause);
    let agent = agents::build(builder)?;

    let progress = Progress::new(globals.quiet, config.budget.seconds.map(Duration::from_secs_f64));
    let notices = source.notice.iter().cloned().chain(source.out_of_range(&problem.problem.statement));
    notices.for_each(|notice| progress.say(&notice));
    let mut events = Events::open(arguments.events.as_deref(), environment)?;
    let started = Instant::now();
    let run = agent.solve(problem.problem.clone());
    let outcome = watch(run, &progress, &mut live, stop, &mut events, output).await;
    let searched = Searched {
        problem: &problem.problem,
        protocol: arguments.protocol,
        strategy,
        seed: config.search.seed,
        model: source.provider.model().to_owned(),
        run_id: identity.run_id().to_owned(),
        wall: started.elapsed(),
    };
    progress.finish();
    let outcome = outcome?;
    let judged = tokio::select! {
        judged = judge(&outcome, &problem, &sandbox, &config), if arguments.judge => judged,
        () = stop.token().cancelled(), if arguments.judge => Ok(None),
        else => Ok(None),
    };
    let hidden = judged.as_ref().ok().and_then(Option::as_ref);
    show(&outcome, hidden, &searched, globals, events.on_stdout, output)?;
    progress.say(&ending(&outcome, hidden, &searched));
    // The program is out; only now may something fail.
    save(arguments.out.as_deref(), &outcome, environment)?;
    save_sketch(arguments.sketch_out.as_deref(), &searched.strategy, &outcome, environment)?;
    let hidden = judged?;
    folder.close().await?;
    if let Some(exit) = stop.exit() {
        return Ok(exit);
    }
    match outcome.failure.as_ref().map(refused) {
        // The object is on stdout already, and there is to be one.
        Some(failure) if globals.json => {
            // Nobody can be told that stderr is gone.
            drop(writeln!(std::io::stderr(), "{failure}"));
            Ok(failure.exit())
        }
        Some(failure) => Err(failure),
        None => Ok(exit(&outcome, hidden.as_ref())),
    }
}

/// The problem, with what the user knows of it besides.
fn problem(arguments: &SolveArgs, environment: &Environment) -> Result<ProblemWithHidden, Failure> {
    let mut problem = problems::load(&arguments.problem, arguments.protocol, environment)?;
    if let Some(file) = &arguments.tests {
        let file = environment.directory().join(file);
        let added = add_visible_tests(&mut problem.problem, &file);
        if added.map_err(|error| Failure::data(&error))? == 0 {
            tracing::warn!("{} holds no new test of `{}`", file.display(), problem.problem.id);
        }
    }
    if let Some(file) = &arguments.repair {
        problem.problem.buggy = Some(input::text(file, environment)?);
    }
    Ok(problem)
}

fn about(problem: &Problem, identity: &RunSpec, folder: &RunFolder) -> About {
    About {
        run_id: identity.run_id().to_owned(),
        verb: "solve",
        subject: problem.id.clone(),
        folder: folder.path().to_path_buf(),
    }
}

/// The strategy that is asked for, or the one that fills the holes of a sketch where there is one.
fn sketched(
    asked: Strategy,
    arguments: &SolveArgs,
    config: &Config,
    problem: &Problem,
    environment: &Environment,
) -> Result<Strategy, Failure> {
    let Some(path) = &arguments.sketch else { return Ok(asked) };
    if let Some(name) = arguments.search.strategy.as_deref().filter(|name| *name != SKETCHED) {
        return Err(Failure::usage(format!("--sketch and --strategy {name} exclude each other"))
            .hint(format!("leave --strategy out; `{SKETCHED}` fills sketches")));
    }
    let text = input::text(path, environment)?;
    let wrong = |error: codeagent::SketchError| {
        Failure::new(Exit::Data, error.reason.clone())
            .at(format!("{}:{}:{}", path.display(), error.line, error.column))
            .hint(error.remedy)
    };
    let sketch = Sketch::parse(&text).map_err(wrong)?;
    sketch.check_problem(problem).map_err(wrong)?;
    let asked = if asked.name() == SKETCHED {
        asked
    } else {
        let table = config.search.methods.get(SKETCHED);
        let settings = table.map(serde_json::to_value).transpose().unwrap_or_default().unwrap_or_default();
        strategies::named(SKETCHED, &settings)?
    };
    asked.with_sketch(sketch).map_err(|error| Failure::usage(error.to_string()))
}

/// One problem is the whole run, so the smaller of the two money limits holds.
fn budget(config: &Config) -> BudgetLimits {
    let limits = [config.budget.per_problem_usd, config.budget.run_usd];
    let usd = limits.into_iter().flatten().reduce(f64::min);
    BudgetLimits {
        calls: config.budget.calls,
        generations: config.budget.generations,
        tokens: config.budget.tokens,
        // A float is saturated when cast; the schema keeps it in range.
        micro_usd: usd.map(|usd| (usd * 1e6) as u64),
        ..BudgetLimits::default()
    }
}

/// Runs the search to its end and shows it meanwhile. The first signal asks it to stop.
async fn watch(
    mut run: Run,
    progress: &Progress,
    live: &mut Live,
    stop: &Stop,
    events: &mut Events,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let handle = run.handle();
    let mut clock = tokio::time::interval(Duration::from_secs(1));
    let mut asked = false;
    loop {
        tokio::select! {
            event = run.next() => match event {
                Some(event) => {
                    progress.event(&event);
                    events.write(&event, output)?;
                }
                None => return Ok(run.outcome().await),
            },
            () = stop.token().cancelled(), if !asked => {
                asked = true;
                handle.cancel();
                progress.say("stopping: the best program so far is kept, and the same command continues");
            }
            _ = clock.tick() => {
                if let Some(news) = live.news() {
                    progress.say(&news);
                }
                live.progress(progress.status());
                progress.tick();
            }
        }
    }
}

async fn judge(
    outcome: &Outcome,
    problem: &ProblemWithHidden,
    sandbox: &Arc<dyn Sandbox>,
    config: &Config,
) -> Result<Option<Report>, Failure> {
    let Some(solution) = &outcome.solution else { return Ok(None) };
    let options = JudgeOptions { limits: config.sandbox.limits(), ..JudgeOptions::default() };
    let verification = verify(&solution.program, problem, &Judge::new(Arc::clone(sandbox)), &options)
        .await
        .map_err(|error| sandboxes::unavailable(&error))?;
    Ok(Some(verification.hidden))
}

fn save(out: Option<&Path>, outcome: &Outcome, environment: &Environment) -> Result<(), Failure> {
    let (Some(path), Some(solution)) = (out, &outcome.solution) else { return Ok(()) };
    write_whole(&environment.directory().join(path), solution.program.as_bytes()).map_err(|error| {
        Failure::new(Exit::Internal, format!("the program can't be written to {}", path.display()))
            .caused_by(&error)
            .hint("it is on stdout and in the run's store")
    })
}

/// Writes the sketch with its holes filled from the program, whether the tests pass or not.
fn save_sketch(
    out: Option<&Path>,
    strategy: &Strategy,
    outcome: &Outcome,
    environment: &Environment,
) -> Result<(), Failure> {
    let (Some(path), Some(sketch)) = (out, strategy.sketch()) else { return Ok(()) };
    let filled = outcome.solution.as_ref().map(|solution| sketch.filled(&solution.program));
    let text = filled.as_ref().unwrap_or(sketch).to_text();
    write_whole(&environment.directory().join(path), text.as_bytes()).map_err(|error| {
        Failure::new(Exit::Internal, format!("the sketch can't be written to {}", path.display()))
            .caused_by(&error)
            .hint("the same command writes it again")
    })
}

fn show(
    outcome: &Outcome,
    hidden: Option<&Report>,
    searched: &Searched<'_>,
    globals: &Globals,
    events_on_stdout: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    let program = outcome.solution.as_ref().map(|solution| solution.program.as_str());
    if events_on_stdout {
        return Ok(());
    }
    if !globals.json {
        let Some(program) = program else { return Ok(()) };
        return output.line(program.trim_end_matches('\n'));
    }
    output.json(&Shown {
        v: 1,
        status: outcome.status.word(),
        task_id: &searched.problem.id,
        protocol: searched.protocol,
        program,
        visible: Counted { passed: outcome.passed as usize, total: outcome.total as usize },
        hidden: hidden.map(|report| Counted { passed: report.passed(), total: report.total() }),
        strategy: searched.strategy.name(),
        seed: searched.seed,
        calls: outcome.cost.calls,
        generations: outcome.cost.generations,
        tokens: Tokens {
            r#in: outcome.cost.input_tokens,
            out: outcome.cost.output_tokens,
            cached: outcome.cached_tokens,
        },
        cost_usd: outcome.priced.then(|| outcome.cost.micro_usd as f64 / 1e6),
        wall_ms: searched.wall.as_millis(),
        run_id: &searched.run_id,
        stop_reason: outcome.stop_reason,
        model: &searched.model,
    })
}

fn ending(outcome: &Outcome, hidden: Option<&Report>, searched: &Searched<'_>) -> String {
    let tests = match outcome.total {
        0 => "there was no visible test to check it with".to_owned(),
        total => format!("{} of {total} visible tests pass", outcome.passed),
    };
    let judged = hidden.map_or_else(String::new, |report| {
        format!(", {} of {} hidden ones (protocol {})", report.passed(), report.total(), searched.protocol)
    });
    let calls = outcome.cost.calls;
    let ended = if outcome.failure.is_some() { "stopped" } else { outcome.status.word() };
    format!("{ended}: {tests}{judged}; {calls} model calls; run {}", searched.run_id)
}

fn refused(failure: &codeagent::solution::Failure) -> Failure {
    let (exit, what, hint) = match failure.kind {
        FailureKind::Provider | FailureKind::Refused => (
            Exit::Provider,
            "the model did not answer",
            "check the server, its address and the key (`codeagent providers --probe`); then the same command continues",
        ),
        FailureKind::NotRecorded => (
            Exit::Provider,
            "there is no recorded answer to a question of this search",
            "connect a model with --base-url and -m; the same command continues",
        ),
        FailureKind::Sandbox => (
            Exit::Sandbox,
            "the sandbox broke down",
            "`codeagent doctor` checks it; the same command continues",
        ),
        FailureKind::Store => (
            Exit::Internal,
            "the store of the run failed",
            "check that the disk has room and is writable; the same command continues",
        ),
        _ => (Exit::Internal, "the search broke down", "please report it; the same command continues"),
    };
    Failure::new(exit, what).because(failure.message.clone()).hint(hint)
}

fn exit(outcome: &Outcome, hidden: Option<&Report>) -> Exit {
    match (outcome.status, hidden) {
        (Status::Solved, Some(report)) if !report.is_passed() => Exit::Negative,
        (Status::Solved, _) => Exit::Done,
        (Status::Capped, _) => Exit::Capped,
        _ => Exit::Negative,
    }
}

/// The reports of `--json` hold what the events can't: it is an object of its own.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_money_limit_holds() {
        let mut config = Config::default();
        assert_eq!(budget(&config).micro_usd, None);
        config.budget.run_usd = Some(2.0);
        config.budget.per_problem_usd = Some(0.25);
        assert_eq!(budget(&config).micro_usd, Some(250_000));
    }
}
