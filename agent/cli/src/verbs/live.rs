//! `codeagent ps`, `pause`, `resume`, `cancel`: live runs of this machine.

use std::io::Write as _;
use std::path::Path;

use crate::args::{Globals, LiveArgs, Verb};
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::live::{self, Answer, Found, State, Wish};
use crate::output::Output;

/// Asks one live run for what the verb says, or lists all of them.
///
/// # Errors
/// Exit 2 if there is no such run or several are meant, exit 70 if it does not answer or stdout can't be written.
pub async fn live(
    verb: &Verb,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (wish, arguments) = match verb {
        Verb::Pause(arguments) => (Wish::Pause, arguments),
        Verb::Resume(arguments) => (Wish::Resume, arguments),
        Verb::Cancel(arguments) => (Wish::Cancel, arguments),
        _ => return ps(globals, environment, output).await,
    };
    ask(wish, arguments, globals, environment, output).await
}

async fn ps(globals: &Globals, environment: &Environment, output: &mut Output) -> Result<Exit, Failure> {
    let (found, silent) = live::found(environment).await;
    for found in &found {
        if globals.json {
            output.json(&found.answer)?;
        } else {
            output.line(&row(&found.answer))?;
        }
    }
    if silent > 0 {
        // Nobody can be told that stderr is gone.
        drop(writeln!(std::io::stderr(), "{silent} more do not answer"));
    }
    Ok(Exit::Done)
}

async fn ask(
    wish: Wish,
    arguments: &LiveArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (found, _) = live::found(environment).await;
    let run = meant(&arguments.run, &found, environment)?;
    let answer = run.ask(wish).await.map_err(|error| {
        Failure::new(Exit::Internal, format!("the run {} does not answer", run.answer.run_id))
            .caused_by(&error)
            .hint("it may have ended by itself; `codeagent ps` lists those that live")
    })?;
    if globals.json {
        output.json(&answer)?
    } else {
        output.line(&row(&answer))?
    }
    Ok(Exit::Done)
}

/// The run that is meant by the start of its id, its process or its folder.
fn meant<'f>(named: &str, found: &'f [Found], environment: &Environment) -> Result<&'f Found, Failure> {
    let folder = std::fs::canonicalize(environment.directory().join(named)).ok();
    let is_meant = |answer: &Answer| {
        let here = || std::fs::canonicalize(&answer.folder).ok();
        (!named.is_empty() && answer.run_id.starts_with(named))
            || answer.pid.to_string() == named
            || folder.is_some() && here() == folder
    };
    let mut meant = found.iter().filter(|it| is_meant(&it.answer));
    match (meant.next(), meant.next()) {
        (Some(run), None) => Ok(run),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("several live runs are meant by `{named}`"))
                .hint("give more of the id"))
        }
        (None, _) => Err(Failure::usage(format!("no run `{named}` is live on this machine"))
            .hint("`codeagent ps` lists those that are; give the start of an id, a process or a folder")),
    }
}

fn row(answer: &Answer) -> String {
    let state = match answer.state {
        State::Running => "running",
        State::Paused => "paused",
        State::Stopping => "stopping",
    };
    let shown = |path: &Path| escape::line(&path.display().to_string());
    format!(
        "{:<16}  {:<5}  {state:<8}  pid {}  {} s  {}  {}  {}",
        escape::line(&answer.run_id),
        escape::line(&answer.verb),
        answer.pid,
        answer.seconds,
        escape::line(&answer.subject),
        escape::line(&answer.progress),
        shown(&answer.folder),
    )
}
