//! A running `codeagent view`, asked over its port, and a browser that looks at its page.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::binary::Sandboxed;
use crate::http::{Answer, send};

/// A viewer. Ends when dropped.
pub struct Viewer {
    /// The process.
    pub child: Child,
    /// The address that it printed, without the token.
    pub base: String,
    /// The token.
    pub token: String,
}

impl Viewer {
    /// Starts a viewer of a folder and waits for its address.
    ///
    /// # Panics
    /// If it does not print one.
    #[must_use]
    pub fn start(place: &Sandboxed, folder: &str) -> Self {
        Self::start_with(place, folder, &[])
    }

    /// As [`Self::start`], with more arguments.
    ///
    /// # Panics
    /// If it does not print an address.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn start_with(place: &Sandboxed, folder: &str, more: &[&str]) -> Self {
        let mut command = place.command(&["view", folder, "--quiet"]);
        let mut child = command
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its stdout")).read_line(&mut line).expect("a line");
        let (base, token) = line.trim().split_once("/?token=").expect("an address with a token");
        Self { base: base.to_owned(), token: token.to_owned(), child }
    }

    /// The body that a path is answered with.
    ///
    /// # Panics
    /// If the answer's status is not 200.
    #[must_use]
    pub fn get(&self, path: &str) -> String {
        let answer = self.answer(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    /// What a path is answered with.
    #[must_use]
    pub fn answer(&self, path: &str) -> Answer {
        let host = self.base.trim_start_matches("http://");
        send(host, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}", self.token))
    }

    /// As [`Self::get`], for JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path)).expect("JSON")
    }

    /// The list of runs once all of them are read.
    #[must_use]
    pub fn runs(&self) -> Vec<Value> {
        while self.json("/api/runs?since=999999999").get("unread") != Some(&json!(0)) {}
        let list = self.json("/api/runs");
        list.get("runs").and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// The page's address with the token, and a place on the page such as `#/RUN/NODE`.
    #[must_use]
    pub fn page(&self, place: &str) -> String {
        format!("{}/?token={}{place}", self.base, self.token)
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A browser without a window: Debian's chromium.
pub struct Browser {
    program: PathBuf,
    profile: tempfile::TempDir,
}

impl Browser {
    /// The browser of this machine. `None`, with a notice on stderr, where there is none.
    ///
    /// # Panics
    /// Under CI (`CI=true`), where its absence is a failure.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "a test helper speaks to the person who runs the tests")]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn find() -> Option<Self> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let programs = std::env::split_paths(&folders).map(|folder| folder.join("chromium"));
        let Some(program) = programs.into_iter().find(|program| program.is_file()) else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs chromium for the viewer's page");
            eprintln!(
                "SKIPPED: no chromium to look at the viewer's page with; install the package `chromium`"
            );
            return None;
        };
        Some(Self { program, profile: tempfile::tempdir().expect("a temporary folder") })
    }

    /// The page's elements as text, after its scripts have run for five seconds of the browser's own clock.
    #[must_use]
    pub fn elements(&self, address: &str, width: u32) -> String {
        self.look(address, width, 900, &["--dump-dom"])
    }

    /// Takes a picture of the page.
    pub fn picture(&self, address: &str, (width, height): (u32, u32), dark: bool, file: &Path) {
        let file = format!("--screenshot={}", file.display());
        let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!dark));
        let _ = self.look(address, width, height, &[&file, &scheme]);
    }

    /// The browser's own program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// What it is always started with.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--no-first-run",
        ];
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        flags.iter().map(|flag| (*flag).to_owned()).chain([profile]).collect()
    }

    #[expect(clippy::expect_used, reason = "a test helper")]
    fn look(&self, address: &str, width: u32, height: u32, more: &[&str]) -> String {
        let output = Command::new(&self.program)
            .args(self.flags())
            .arg("--virtual-time-budget=5000")
            .arg(format!("--window-size={width},{height}"))
            .args(more)
            .arg(address)
            .stdin(Stdio::null())
            .output()
            .expect("chromium starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}
