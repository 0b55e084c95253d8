//! `codeagent man DIR`: manual pages from the same definition as the command line.

use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use serde_json::json;

use crate::args::{Cli, Globals, ManArgs};
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Writes one page for the command and one for each verb; prints their paths.
///
/// # Errors
/// Exit 2 if the folder cannot be written.
pub fn man(
    arguments: &ManArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let folder = environment.directory().join(&arguments.folder);
    let pages = write(&folder).map_err(|error| {
        Failure::usage(format!("the manual pages cannot be written to {}", folder.display()))
            .caused_by(&error)
            .hint("name a folder that you may write to")
    })?;
    if globals.json {
        output.json(&json!({"v": 1, "pages": pages}))?;
    } else {
        pages.iter().try_for_each(|page| output.line(&escape::line(page)))?;
    }
    Ok(Exit::Done)
}

fn write(folder: &Path) -> io::Result<Vec<String>> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let ours = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
            name.starts_with("codeagent")
                && Path::new(name).extension().is_some_and(|extension| extension == "1")
        });
        if ours {
            pages.push(path.display().to_string());
        }
    }
    pages.sort();
    Ok(pages)
}
