//! `codeagent view DIR`: a local web page of the runs in a folder.

use std::io::{IsTerminal as _, Write as _};

use codeagent::store::StoreError;
use codeagent_benchmarks::batch::BatchError;
use serde_json::json;

use crate::args::{Globals, OpenBrowser, ViewArgs};
use crate::config;
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::run_folder;
use crate::view::browser;
use crate::view::folder::Folder;
use crate::view::server::Server;

/// Shows a folder until the process is stopped.
///
/// # Errors
/// Exit 2 where there is no store or the port is in use, exit 6 where the store is damaged.
pub async fn view(
    arguments: &ViewArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = config::load(environment, &globals.config_flags(Vec::new()))?.config;
    let path = run_folder::find(&arguments.folder, environment)?;
    let shown = path.display().to_string();
    let folder =
        Folder::open(path, config.store, environment).await.map_err(|error| unreadable(&shown, &error))?;
    let server = Server::bind(arguments.port).await?;
    let url = server.url();
    if globals.json {
        let pid = std::process::id();
        output.json(&json!({ "event": "launch", "v": 1, "pid": pid, "url": url, "folder": shown }))?;
    } else {
        output.line(&url)?;
    }
    if !globals.quiet {
        // Nobody can be told that stderr is gone.
        let _ = writeln!(std::io::stderr(), "viewing {}; Ctrl-C ends it", escape::line(&shown));
    }
    let opens = arguments.open == OpenBrowser::Auto && std::io::stderr().is_terminal();
    let _lead = opens.then(|| browser::open(&url, environment)).flatten();
    server.serve(folder).await.map(|()| Exit::Done)
}

fn unreadable(folder: &str, error: &BatchError) -> Failure {
    let what = format!("the runs in {folder} can't be read");
    let BatchError::Store(error) = error else { return Failure::new(Exit::Data, what).caused_by(error) };
    let exit = match error {
        StoreError::Newer { .. } | StoreError::CannotOpen { .. } | StoreError::Locked { .. } => Exit::Usage,
        _ => Exit::Data,
    };
    Failure::new(exit, what).caused_by(error)
}
