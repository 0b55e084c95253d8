//! Shows a training, keeps its state, and stops it on a signal.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use codeagent::models::train::{CheckpointError, Flow, Measured, State, Step, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Watches one training.
pub(super) struct Progress {
    kept: PathBuf,
    stop: CancellationToken,
    bar: ProgressBar,
    lines: bool,
    written: Instant,
}

impl Progress {
    pub(super) fn new(kept: PathBuf, stop: CancellationToken, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} step {pos}/{len}, {msg}, {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { kept, stop, bar, lines: !terminal && !quiet, written: Instant::now() }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| {
            // Nobody can be told that stderr is gone.
            drop(writeln!(std::io::stderr(), "{line}"));
        });
    }
}

impl Watch for Progress {
    fn step(&mut self, step: &Step) -> Flow {
        if let Some(of) = step.of {
            self.bar.set_length(of);
        }
        self.bar.set_position(step.step);
        self.bar.set_message(format!("loss {:.3}", step.loss));
        if self.lines && self.written.elapsed() >= LINE_EVERY {
            self.written = Instant::now();
            let of = step.of.map_or_else(String::new, |of| format!(" of {of}"));
            self.say(&format!("step {}{of}, loss {:.3}", step.step, step.loss));
        }
        if self.stop.is_cancelled() { Flow::Stop } else { Flow::On }
    }

    fn measured(&mut self, measured: &Measured) {
        if self.lines || !self.bar.is_hidden() {
            self.say(&format!("{}: {} {:.4}", measured.number, measured.figure, measured.value));
        }
    }

    fn keep(&mut self, state: &State) -> Result<(), CheckpointError> {
        state.write(&self.kept)
    }
}
