//! The real `codeagent` binary, in an environment of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// A clean place to run the binary in: an empty home, its own state folder, no keys in the environment.
pub struct Sandboxed {
    folder: tempfile::TempDir,
}

impl Default for Sandboxed {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandboxed {
    /// An empty place.
    ///
    /// # Panics
    /// If no temporary folder can be made.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The folder that commands run in.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file below the folder and gives its path.
    ///
    /// # Panics
    /// If it can't be written.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a file in the temporary folder");
        path
    }

    /// The binary with `arguments`, ready to start. The compiled interpreter is shared through the machine's cache.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(path());
        command.args(arguments).current_dir(self.path()).env_clear();
        for kept in ["PATH", "CODEAGENT_CACHE_DIR", "XDG_CACHE_HOME"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        if let (None, Some(home)) = (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
            command.env("XDG_CACHE_HOME", Path::new(&home).join(".cache"));
        }
        command.env("HOME", self.path()).env("XDG_STATE_HOME", self.path().join("state"));
        command
    }

    /// Runs the binary to its end.
    ///
    /// # Panics
    /// If it can't be started.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary starts")
    }
}

/// The binary beside this test, built first if need be.
///
/// # Panics
/// If it can't be built.
#[must_use]
#[expect(clippy::expect_used, reason = "a test helper")]
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let test = std::env::current_exe().expect("the test's own path");
        let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps").to_owned();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "-p", "codeagent-cli"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo starts").success(), "the binary must build");
        profile.join("codeagent")
    })
}
