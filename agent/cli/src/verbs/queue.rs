//! `codeagent queue`: batches that run on many machines, seen and steered from any of them.

use codeagent_benchmarks::cluster::{Link, Overview, RunNames};
use codeagent_benchmarks::queue::Control;

use crate::args::{Globals, QueueAction, QueueArgs, RunArgs, StatusArgs};
use crate::cluster::{connect, failed};
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Does what is asked for with a run.
///
/// # Errors
/// Exit 2 where there is no such run, 4 where no server can be reached.
pub async fn queue(
    arguments: &QueueArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match &arguments.action {
        QueueAction::Status(arguments) => status(arguments, globals, environment, output).await?,
        QueueAction::Pause(arguments) => steer(arguments, Control::Paused, environment).await?,
        QueueAction::Resume(arguments) => steer(arguments, Control::Running, environment).await?,
        QueueAction::Cancel(arguments) => steer(arguments, Control::Cancelled, environment).await?,
        QueueAction::Reset(arguments) => {
            let link = connect(&arguments.servers, environment).await?;
            link.reset(&names(arguments)).await.map_err(|error| failed(&error))?;
        }
    }
    Ok(Exit::Done)
}

fn names(arguments: &RunArgs) -> RunNames {
    RunNames { run: arguments.run.clone() }
}

async fn steer(arguments: &RunArgs, control: Control, environment: &Environment) -> Result<(), Failure> {
    let link = connect(&arguments.servers, environment).await?;
    Overview::steer(&link, &names(arguments), control).await.map_err(|error| failed(&error))
}

async fn status(
    arguments: &StatusArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<(), Failure> {
    let link = connect(&arguments.servers, environment).await?;
    let runs = match &arguments.run {
        Some(run) => vec![RunNames { run: run.clone() }],
        None => link.runs().await.map_err(|error| failed(&error))?,
    };
    for names in &runs {
        show(&overview(&link, names).await?, globals, output)?;
    }
    if runs.is_empty() && !globals.json {
        output.line("no runs")?;
    }
    Ok(())
}

async fn overview(link: &Link, names: &RunNames) -> Result<Overview, Failure> {
    Overview::of(link, names).await.map_err(|error| failed(&error))
}

fn show(run: &Overview, globals: &Globals, output: &mut Output) -> Result<(), Failure> {
    if globals.json {
        return output.json(run);
    }
    let control = match run.control {
        Control::Running => "running",
        Control::Paused => "paused",
        Control::Cancelled => "cancelled",
        Control::Finished => "finished",
    };
    let slots: usize = run.workers.iter().map(|worker| worker.slots).sum();
    output.line(&format!(
        "{}  {control}: {} tasks lie there, {} of them are worked on, {} results wait; {} workers with {slots} slots",
        escape::line(&run.run),
        run.tasks,
        run.leased,
        run.results,
        run.workers.len(),
    ))
}
