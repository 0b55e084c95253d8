//! The `codeagent` process: arguments in, streams and an exit code out.

use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use codeagent::models::install_tls;
use codeagent_cli::args::{Cli, Verb};
use codeagent_cli::environment::Environment;
use codeagent_cli::failure::{Exit, Failure};
use codeagent_cli::output::Output;
#[cfg(unix)]
use codeagent_cli::sandboxes;
use codeagent_cli::signals::Stop;
use codeagent_cli::telemetry::Telemetry;
use codeagent_cli::{logging, panic_report, verbs};

fn main() -> ExitCode {
    #[cfg(unix)]
    if sandboxes::is_worker() {
        return codeagent::sandbox::wasm::worker::main();
    }
    name_threads();
    let mut output = Output::new(std::io::stdout());
    // The hook of `panic_report` has said what there is to say; here is only the exit code to give.
    let exit = std::panic::catch_unwind(AssertUnwindSafe(|| start(&mut output))).unwrap_or(Exit::Internal);
    ExitCode::from(exit.code())
}

/// The tensor library reads the machine's description before every product where this variable does not say how many threads
/// it has, which takes longer than the products of a small model.
fn name_threads() {
    const THREADS: &str = "RAYON_NUM_THREADS";
    if std::env::var_os(THREADS).is_none()
        && let Ok(threads) = std::thread::available_parallelism()
    {
        #[expect(unsafe_code, reason = "no other thread runs yet that could read the environment")]
        // SAFETY: this is the first thing that the process does.
        unsafe {
            std::env::set_var(THREADS, threads.to_string());
        }
    }
}

fn start(output: &mut Output) -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, output),
    };
    let json = cli.globals.json;
    run(cli, output).unwrap_or_else(|failure| report(&failure, json, output))
}

/// Help and version are results; everything else that clap says is an error of usage.
fn refuse(error: &clap::Error, output: &mut Output) -> Exit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let shown = output.bytes(error.render().to_string().as_bytes());
        return shown.map_or_else(|failure| failure.exit(), |()| Exit::Done);
    }
    let text = error.render().to_string();
    if std::env::args_os().any(|argument| argument == "--json") {
        let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        return report(&Failure::usage(what).hint("see `codeagent --help`"), true, output);
    }
    // Nobody can be told that stderr is gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
    Exit::Usage
}

fn report(failure: &Failure, json: bool, output: &mut Output) -> Exit {
    let _ = writeln!(std::io::stderr(), "{failure}");
    if json {
        // A failure to say that something failed is not worth another exit code.
        let _ = output.json(&failure.to_json());
    }
    failure.exit()
}

fn run(cli: Cli, output: &mut Output) -> Result<Exit, Failure> {
    let mut environment = Environment::of_process()?;
    if let Some(path) = &cli.globals.env_file {
        environment.add_file(path)?;
    }
    panic_report::install(&environment);
    install_tls();
    let telemetry = Telemetry::asked(&cli, &environment)?;
    logging::install(&cli.globals, &environment, telemetry.as_ref().and_then(Telemetry::sink))?;
    let stop = Stop::watch()?;
    tracing::debug!(version = env!("CARGO_PKG_VERSION"), "started");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::new(Exit::Internal, "the async runtime could not be started").caused_by(&error)
    })?;
    let exit = runtime.block_on(dispatch(&cli, &environment, &stop, output));
    // What still blocks by now has nothing to save: stores were closed by the verbs that opened them.
    runtime.shutdown_background();
    if let Some(telemetry) = telemetry {
        telemetry.close();
    }
    exit
}

#[expect(clippy::too_many_lines, clippy::cognitive_complexity, reason = "one arm per verb")]
async fn dispatch(
    cli: &Cli,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let globals = &cli.globals;
    match &cli.verb {
        Verb::Solve(arguments) => verbs::solve::solve(arguments, globals, environment, stop, output).await,
        Verb::Eval(arguments) => verbs::eval::eval(arguments, globals, environment, stop, output).await,
        #[cfg(feature = "nats")]
        Verb::Worker(arguments) => verbs::worker::worker(arguments, globals, environment, stop, output).await,
        #[cfg(feature = "nats")]
        Verb::Queue(arguments) => {
            or_stop(stop, verbs::queue::queue(arguments, globals, environment, output)).await
        }
        Verb::Estimate(arguments) => {
            or_stop(stop, verbs::estimate::estimate(arguments, globals, environment, output)).await
        }
        Verb::Verify(arguments) => {
            or_stop(stop, verbs::verify::verify(arguments, globals, environment, output)).await
        }
        Verb::Score(arguments) => {
            or_stop(stop, verbs::score::score(arguments, globals, environment, output)).await
        }
        Verb::Compare(arguments) => {
            or_stop(stop, verbs::compare::compare(arguments, globals, environment, output)).await
        }
        verb @ (Verb::Ps | Verb::Pause(_) | Verb::Resume(_) | Verb::Cancel(_)) => {
            or_stop(stop, verbs::live::live(verb, globals, environment, output)).await
        }
        Verb::Watch(arguments) => verbs::watch::watch(arguments, globals, environment, stop, output).await,
        Verb::Report(arguments) => {
            or_stop(stop, verbs::report::report(arguments, globals, environment, output)).await
        }
        Verb::Datasets(arguments) => {
            or_stop(stop, verbs::datasets::datasets(arguments, globals, environment, output)).await
        }
        Verb::Export(arguments) => {
            or_stop(stop, verbs::export::export(arguments, globals, environment, output)).await
        }
        Verb::Import(arguments) => verbs::import::import(arguments, environment, output),
        Verb::Rank(arguments) => {
            or_stop(stop, verbs::rank::rank(arguments, globals, environment, output)).await
        }
        Verb::Critic(arguments) => {
            verbs::scorers::critic(arguments, globals, environment, stop, output).await
        }
        Verb::Reranker(arguments) => {
            verbs::scorers::reranker(arguments, globals, environment, stop, output).await
        }
        Verb::Repeteval(arguments) => {
            or_stop(stop, verbs::repeteval::repeteval(arguments, globals, environment, output)).await
        }
        Verb::Modules(arguments) => {
            or_stop(stop, verbs::modules::modules(arguments, globals, environment, output)).await
        }
        Verb::Falsify(arguments) => {
            or_stop(stop, verbs::falsify::falsify(arguments, globals, environment, output)).await
        }
        Verb::Exec(arguments) => {
            or_stop(stop, verbs::exec::exec(arguments, globals, environment, output)).await
        }
        Verb::Sandbox(arguments) => {
            or_stop(stop, verbs::sandbox::sandbox(arguments, globals, environment, output)).await
        }
        Verb::Show(arguments) => {
            or_stop(stop, verbs::show::show(arguments, environment, globals, output)).await
        }
        Verb::View(arguments) => {
            or_stop(stop, verbs::view::view(arguments, globals, environment, output)).await
        }
        Verb::Config(arguments) => verbs::config::config(arguments.action, globals, environment, output),
        Verb::Providers(arguments) => {
            or_stop(stop, verbs::providers::providers(arguments, globals, environment, output)).await
        }
        Verb::Model(arguments) => verbs::model::model(arguments, globals, environment, output),
        Verb::Doctor(_) => or_stop(stop, verbs::doctor::doctor(globals, environment, output)).await,
        Verb::Completions(arguments) => verbs::completions::completions(arguments, output),
        Verb::Man(arguments) => verbs::man::man(arguments, globals, environment, output),
    }
}

/// A verb that has nothing to save when it is stopped: dropping it ends its programs and connections.
async fn or_stop(stop: &Stop, verb: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    tokio::select! {
        result = verb => result,
        () = stop.token().cancelled() => Ok(stop.exit().unwrap_or(Exit::Interrupted)),
    }
}
