//! Showing the page in the person's own browser.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use tempfile::NamedTempFile;

use crate::environment::Environment;

/// A file that leads a browser to the page, there as long as this is: who lists processes sees the arguments of all of
/// them, so the address with its token may not be one.
#[derive(Debug)]
pub struct Lead {
    _file: NamedTempFile,
    _opener: Child,
}

/// Opens `url` in the browser. `None` where there is no screen, or nothing that opens files on it.
#[must_use]
pub fn open(url: &str, environment: &Environment) -> Option<Lead> {
    let opener = opener(environment)?;
    let mut file = tempfile::Builder::new().prefix("codeagent-view-").suffix(".html").tempfile().ok()?;
    write!(file, "<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={url}\">").ok()?;
    let mut command = Command::new(opener);
    command.arg(file.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let opener = command.spawn().ok()?;
    Some(Lead { _file: file, _opener: opener })
}

fn opener(environment: &Environment) -> Option<&'static str> {
    if cfg!(target_os = "macos") {
        return Some("open");
    }
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| environment.variable(name).is_some());
    has_screen.then_some("xdg-open")
}
