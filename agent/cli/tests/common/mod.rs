//! One way to run the binary: in an empty home, with an empty environment.

#![expect(clippy::unwrap_used, reason = "a test helper: what fails here fails the test")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A home and a working directory of their own.
pub(crate) struct Home {
    root: tempfile::TempDir,
}

impl Home {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("tree")).unwrap();
        Self { root }
    }

    /// Its folder.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// A path in it.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    /// Writes a file of the working directory.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path("tree").join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The binary with arguments, not yet started.
    pub(crate) fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_codeagent")));
        command.args(arguments).env_clear().env("HOME", self.root.path()).current_dir(self.path("tree"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap(), self.root.path())
    }
}

/// How the binary ended, with the home's path as `HOME`.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The end of a process.
    pub(crate) fn of(output: &Output, home: &Path) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).replace(home.to_str().unwrap(), "HOME");
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Everything in one text, for snapshots.
    pub(crate) fn shown(&self) -> String {
        format!("exit: {:?}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}
