//! The real `codeagent` binary, in an environment of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::server::ModelServer;

/// The strategies there are.
pub use codeagent::strategy::NAMES as STRATEGIES;

/// Longest wait of [`until`]: what takes longer hangs, even on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

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
        // Threads of the embedded model that wait for each other would take the cores of the other tests.
        command.env("CANDLE_NUM_THREADS", "1").env("RAYON_NUM_THREADS", "1");
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

    /// `solve PROBLEM` with the model of a server, and `more` arguments. Failed requests are tried again at once.
    #[must_use]
    pub fn solve(&self, problem: impl AsRef<Path>, server: &ModelServer, more: &[&str]) -> Command {
        let mut command = self.command(&["solve"]);
        command.arg(problem.as_ref()).args(["-m", "scripted", "--base-url", &server.base_url()]);
        command.args(["--json", "--set", "limits.retry_backoff=1ms"]).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The events of a run, named by its folder or id, without times and without what the reply cache did.
    ///
    /// # Panics
    /// If there is no such run.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn events(&self, run: &str) -> Vec<Value> {
        let shown = Ended::of(&mut self.command(&["show", run, "--json"]));
        assert_eq!(shown.code, Some(0), "{shown:?}");
        let event = |line| serde_json::from_str(line).expect("an event");
        let mut events: Vec<Value> = shown.stdout.lines().map(event).collect();
        for fields in events.iter_mut().filter_map(Value::as_object_mut) {
            for varying in ["t_us", "ms", "cached"] {
                fields.remove(varying);
            }
        }
        events
    }
}

/// How the binary ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The exit status; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote on stdout.
    pub stdout: String,
    /// What it wrote on stderr.
    pub stderr: String,
}

impl Ended {
    /// Runs a command to its end.
    ///
    /// # Panics
    /// If it can't be started.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn of(command: &mut Command) -> Self {
        command.output().expect("the binary starts").into()
    }

    /// Waits for a process that was started before.
    ///
    /// # Panics
    /// If it takes more than two minutes: what it had said by then is told, and it is killed.
    #[must_use]
    #[expect(clippy::expect_used, clippy::panic, reason = "a test helper")]
    pub fn within_patience(child: Child) -> Self {
        let id = child.id().to_string();
        let (told, ended) = std::sync::mpsc::channel();
        let waiting = std::thread::spawn(move || told.send(child.wait_with_output()));
        if let Ok(output) = ended.recv_timeout(PATIENCE * 2) {
            return output.expect("its output can be read").into();
        }
        drop(Command::new("kill").args(["-KILL", &id]).status());
        drop(waiting.join());
        let said = ended.try_recv().map(|output| output.map(Self::from));
        panic!("waited in vain for the end of a process: {said:?}");
    }

    /// The object on the first line of stdout.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[expect(clippy::panic, reason = "a test helper")]
    pub fn json(&self) -> Value {
        let line = self.stdout.lines().next().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The object on stdout without the time that it took.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn result(&self) -> Value {
        let mut result = self.json();
        result.as_object_mut().and_then(|fields| fields.remove("wall_ms"));
        result
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// Waits until something is so, looking every millisecond.
///
/// # Panics
/// If it is not so after a minute.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// All bytes of the files below a folder, each with its path.
///
/// # Panics
/// If one can't be read.
#[must_use]
#[expect(clippy::expect_used, reason = "a test helper")]
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            found.push((path, bytes));
        }
    }
    found
}

/// The binary beside this test. Built first if it is missing or older than the sources: `cargo test --workspace` has
/// built it, and building this one package again would build its dependencies with other features.
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
        let binary = profile.join("codeagent");
        let built = std::fs::metadata(&binary).and_then(|metadata| metadata.modified()).ok();
        if built.is_none_or(|built| built < newest_source()) {
            build(profile.ends_with("release"));
        }
        binary
    })
}

#[expect(clippy::expect_used, reason = "a test helper")]
fn build(release: bool) {
    let mut build = Command::new(env!("CARGO"));
    build
        // As the test run that this is a part of builds it: with other features all dependencies would be built again.
        .args(["test", "--no-run", "--quiet", "--locked", "--workspace", "--test", "help"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if release {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo starts").success(), "the binary must build");
}

/// When a file that the binary is made of was last changed.
fn newest_source() -> SystemTime {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let parts = [
        "search",
        "sandbox",
        "models",
        "prompts",
        "agent",
        "benchmarks",
        "examples",
        "Cargo.lock",
        "Cargo.toml",
    ];
    parts.iter().map(|part| newest(&root.join(part))).max().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn newest(path: &Path) -> SystemTime {
    let is_product =
        |path: &Path| !["target", "tests", "benches", "fuzz"].iter().any(|name| path.ends_with(name));
    let own = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
    let own = own.and_then(|metadata| metadata.modified().ok()).unwrap_or(SystemTime::UNIX_EPOCH);
    let inside = std::fs::read_dir(path).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    inside.filter(|path| is_product(path)).map(|path| newest(&path)).fold(own, SystemTime::max)
}
