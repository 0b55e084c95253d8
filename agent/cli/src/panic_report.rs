//! A panic of ours: exit 70 and a report file without secrets.

use std::backtrace::Backtrace;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::escape;

/// Writes a report for each panic from now on, and says on stderr where it is.
///
/// Tasks stay isolated: the hook does not end the process. Whoever catches the panic decides whether the whole
/// command fails with [`crate::failure::Exit::Internal`].
pub fn install(environment: &Environment) {
    let folder = environment.state_dir().unwrap_or_else(std::env::temp_dir);
    let secrets: Vec<String> = environment.secrets().map(str::to_owned).collect();
    std::panic::set_hook(Box::new(move |panic| {
        let report = Report::of(panic, &secrets);
        let mut stderr = io::stderr().lock();
        // Nothing is left to be done where stderr itself fails.
        let _ = match report.save(&folder).or_else(|_| report.save(&std::env::temp_dir())) {
            Ok(path) => writeln!(
                stderr,
                "error: internal error at {}\n  try: report it with the file {}",
                report.place,
                escape::line(&path.display().to_string())
            ),
            Err(_) => writeln!(stderr, "error: internal error at {}", report.place),
        };
    }));
}

/// What is known of a panic, without secrets.
struct Report {
    place: String,
    text: String,
}

impl Report {
    fn of(panic: &PanicHookInfo<'_>, secrets: &[String]) -> Self {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("no message");
        let text = format!(
            "codeagent {} on {} {}\nplace: {place}\nmessage: {}\nbacktrace:\n{}\n",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            // Messages may quote foreign text; the start is enough to find the cause.
            escape::excerpt(&redacted(message, secrets), 500),
            Backtrace::force_capture(),
        );
        Self { text: redacted(&text, secrets), place }
    }

    /// Saves under a new name, readable by the user alone.
    fn save(&self, folder: &Path) -> io::Result<PathBuf> {
        std::fs::create_dir_all(folder)?;
        let name = |number| folder.join(format!("panic-{}-{number}.txt", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        for path in (0..100).map(name) {
            match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => return opened?.write_all(self.text.as_bytes()).map(|()| path),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// The text with each secret replaced.
#[must_use]
pub fn redacted(text: &str, secrets: &[String]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[secret]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_leaves_a_report_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let variables = [("XDG_STATE_HOME", folder.path().to_str().unwrap()), ("CANARY_KEY", "canary-123")];
        let owned = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let previous = std::panic::take_hook();
        install(&Environment::new(owned, PathBuf::new()));
        let caught = std::panic::catch_unwind(|| panic!("broken near canary-123\x1b[2J"));
        std::panic::set_hook(previous);
        assert!(caught.is_err());
        // Other tests of this process may have panicked (and been caught) meanwhile; ours is among the reports.
        let reports = std::fs::read_dir(folder.path().join("codeagent")).unwrap();
        let texts: Vec<_> = reports.map(|r| std::fs::read_to_string(r.unwrap().path()).unwrap()).collect();
        let report = texts.iter().find(|text| text.contains("broken near [secret]\\u{1b}[2J")).unwrap();
        assert!(report.contains("panic_report.rs"));
        assert!(!report.contains("canary-123"));
    }
}
