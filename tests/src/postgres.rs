//! A PostgreSQL server for tests: started in a folder of its own, gone with the value.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::binary::until;

/// Whom the server runs as where we are root, which it refuses to be.
const NOBODY: u32 = 65534;

/// A running server. Stops when dropped.
pub struct PostgresServer {
    _folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    server: Child,
}

impl PostgresServer {
    /// Starts a server, or says that this machine has none; under CI that is a failure.
    ///
    /// # Panics
    /// If there is one and it does not start.
    #[must_use]
    #[expect(clippy::expect_used, clippy::print_stderr, reason = "a test helper")]
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "PostgreSQL is missing: install the package postgresql"
            );
            eprintln!("SKIPPED: this machine has no PostgreSQL (Debian package postgresql)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a folder for the data");
        if is_root(folder.path()) {
            for path in [folder.path(), &data] {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("a folder of nobody");
            }
        }
        std::fs::set_permissions(&data, PermissionsExt::from_mode(0o700)).expect("a private folder");
        let run = |name: &str| unprivileged(&programs.join(name), folder.path());
        let made = run("initdb")
            .args(["--auth=trust", "--username=codeagent", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .expect("initdb starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port();
        let server = run("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-k"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres starts");
        let server = Self { _folder: folder, programs, port, server };
        until("the server answers", || server.sql("postgres", "SELECT 1").is_some());
        Some(server)
    }

    /// Makes an empty database and gives its address.
    ///
    /// # Panics
    /// If it can't be made.
    #[must_use]
    pub fn database(&self, name: &str) -> String {
        assert!(self.sql("postgres", &format!("CREATE DATABASE {name}")).is_some(), "a database {name}");
        format!("postgres://codeagent@127.0.0.1:{}/{name}", self.port)
    }

    /// What a statement gives, as text; `None` if it failed.
    #[must_use]
    pub fn sql(&self, database: &str, statement: &str) -> Option<String> {
        let port = self.port.to_string();
        let done = Command::new(self.programs.join("psql"))
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-U",
                "codeagent",
                "-d",
                database,
                "-qtA",
                "-c",
                statement,
            ])
            .env("PGCONNECT_TIMEOUT", "5")
            .stderr(Stdio::null())
            .output()
            .ok()?;
        done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // Its children see that it is gone, and end.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// The folder of the server's programs, as Debian and others have it.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = debian.chain(std::env::split_paths(&path)).collect();
    folders.retain(|folder| ["postgres", "initdb", "psql"].iter().all(|name| folder.join(name).is_file()));
    folders.into_iter().next()
}

fn is_root(folder: &Path) -> bool {
    std::fs::metadata(folder).is_ok_and(|folder| folder.uid() == 0)
}

/// A program that ends with us, and is not root.
fn unprivileged(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if std::env::var_os("USER").is_some_and(|user| user == "root") || is_root(Path::new("/proc/self")) {
        let nobody = NOBODY.to_string();
        command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
    }
    command.args(["--pdeathsig", "KILL"]).arg(program).current_dir(folder);
    command
}
