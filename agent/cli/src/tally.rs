//! Progress of work whose amount is known: a bar on a terminal, a line per 30 seconds elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Counts what is done.
pub struct Tally {
    bar: ProgressBar,
    what: &'static str,
    lines: bool,
    written: Instant,
}

impl Tally {
    /// A tally of `total` things. Quiet shows nothing.
    #[must_use]
    pub fn new(what: &'static str, total: usize, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(u64::try_from(total).ok(), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        Self { bar, what, lines: !terminal && !quiet, written: Instant::now() }
    }

    /// One more is done.
    pub fn advance(&mut self) {
        self.bar.inc(1);
        if self.lines && self.written.elapsed() >= LINE_EVERY {
            self.written = Instant::now();
            let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
            // Nobody can be told that stderr is gone.
            drop(writeln!(std::io::stderr(), "{done} of {total} {}", self.what));
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
