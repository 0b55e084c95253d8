//! What the command says and returns when it cannot do what was asked.

use std::fmt;

use serde_json::json;

use crate::escape;

/// How a process of ours ends. The numbers are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Exit {
    /// Done, verdict positive.
    Done = 0,
    /// Done, verdict negative: not solved, tests fail.
    Negative = 1,
    /// Usage or configuration.
    Usage = 2,
    /// Provider: unreachable, refused, credentials, quota, or no recorded answer.
    Provider = 3,
    /// Sandbox or a required tool is not available.
    Sandbox = 4,
    /// Stopped early by a cap; state saved, the same command continues.
    Capped = 5,
    /// Input data invalid.
    Data = 6,
    /// Finished, but some samples ended in errors of ours.
    Unresolved = 7,
    /// Internal error.
    Internal = 70,
    /// Interrupted (SIGINT) after saving.
    Interrupted = 130,
    /// Terminated (SIGTERM) after saving.
    Terminated = 143,
}

impl Exit {
    /// The process's exit status.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The class of failure in one word, as in JSON.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Done | Self::Negative => "verdict",
            Self::Usage => "usage",
            Self::Provider => "provider",
            Self::Sandbox => "sandbox",
            Self::Capped => "capped",
            Self::Data => "data",
            Self::Unresolved => "unresolved",
            Self::Internal => "internal",
            Self::Interrupted | Self::Terminated => "interrupted",
        }
    }
}

/// An error of the command: an exit code, what happened, why, and what to do.
///
/// Shown as three lines, or, where it has a place in a file, as one: `file:line:col: what: why; what to do`. All
/// texts are escaped when shown, so they may quote foreign input; they must never quote a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    place: Option<String>,
    what: String,
    why: Option<String>,
    hint: Option<String>,
}

impl Failure {
    /// A failure with an exit code and what happened, a lower-case fragment.
    #[must_use]
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, place: None, what: what.into(), why: None, hint: None }
    }

    /// Wrong usage or configuration: exit 2.
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// A fault of a data file, with its place and remedy: exit 6.
    #[must_use]
    pub fn data(error: &codeagent_benchmarks::DatasetError) -> Self {
        Self::new(Exit::Data, error.reason.clone()).at(error.place.to_string()).hint(error.remedy.clone())
    }

    /// Tells the bad rows of a file, one per line on stderr, and how many more there are.
    pub fn tell_faults(faults: &[codeagent_benchmarks::DatasetError], count: usize) {
        use std::io::Write as _;
        let mut stderr = std::io::stderr().lock();
        // Nobody can be told that stderr is gone.
        for fault in faults {
            let _ = writeln!(stderr, "{}", Self::data(fault));
        }
        if count > faults.len() {
            let _ = writeln!(stderr, "and {} more bad lines", count - faults.len());
        }
    }

    /// The same failure at a place such as `codeagent.toml:3:1`; it is then shown on one line.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// The same failure with its cause.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// The same failure with the chain of an error as its cause.
    #[must_use]
    pub fn caused_by(self, error: &dyn std::error::Error) -> Self {
        let chain = std::iter::successors(Some(error), |e| e.source());
        self.because(chain.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }

    /// The same failure with what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// How the process ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// Place, what and why on one line, not escaped.
    #[must_use]
    pub fn summary(&self) -> String {
        let parts = [self.place.as_deref(), Some(self.what.as_str()), self.why.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The failure as one JSON object: `{"event":"error","kind","message","hint"}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        json!({"event": "error", "kind": self.exit.kind(), "message": self.summary(), "hint": self.hint})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = escape::line(&self.what);
        let why = self.why.as_deref().map(escape::line);
        let hint = self.hint.as_deref().map(escape::line);
        if let Some(place) = &self.place {
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            return write!(f, "{}: {what}{why}{hint}", escape::line(place));
        }
        write!(f, "error: {what}")?;
        if let Some(why) = why {
            write!(f, "\n  why: {why}")?;
        }
        hint.map_or(Ok(()), |hint| write!(f, "\n  try: {hint}"))
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lines_without_a_place() {
        let failure = Failure::new(Exit::Provider, "no answer from 127.0.0.1").because("connection refused");
        insta::assert_snapshot!(failure.hint("start the server"), @r"
        error: no answer from 127.0.0.1
          why: connection refused
          try: start the server
        ");
    }

    #[test]
    fn one_line_with_a_place_and_foreign_text_escaped() {
        let failure = Failure::usage("unknown key `\x1b[2J`").at("a\nb.toml:1:2").hint("remove it");
        insta::assert_snapshot!(failure, @r"a\nb.toml:1:2: unknown key `\u{1b}[2J`; remove it");
    }

    #[test]
    fn json_has_kind_message_and_hint() {
        let failure = Failure::usage("bad").at("f:1:1").because("reason").hint("fix");
        insta::assert_snapshot!(
            failure.to_json(),
            @r#"{"event":"error","kind":"usage","message":"f:1:1: bad: reason","hint":"fix"}"#
        );
    }

    #[test]
    fn the_chain_of_causes_is_kept() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        let failure = Failure::usage("x").caused_by(&Outer(std::io::Error::other("inner")));
        assert_eq!(failure, Failure::usage("x").because("outer: inner"));
    }
}
