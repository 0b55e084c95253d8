//! Progress of a batch on stderr: a bar on a terminal, a line per 30 seconds elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use codeagent::Purse;
use codeagent_benchmarks::batch::{SampleRow, Step};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::elsewhere::Elsewhere;
use crate::escape;
use crate::metrics::board::{Board, Standing};
use crate::progress::usd;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Shows how far a batch is.
pub(super) struct Progress {
    bar: ProgressBar,
    quiet: bool,
    terminal: bool,
    purse: Purse,
    started: Instant,
    written: Instant,
    standing: Standing,
    /// Samples that had a result before.
    before: usize,
    priced: bool,
    elsewhere: Elsewhere,
}

impl Progress {
    /// Progress of a batch in which so many samples are `open`, and the `rows` are there already. Quiet shows
    /// nothing.
    pub(super) fn new(quiet: bool, open: usize, rows: &[&SampleRow], purse: Purse) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let done = rows.len();
        let total = done.saturating_add(open);
        let bar = ProgressBar::with_draw_target(u64::try_from(total).ok(), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:20} {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        let now = Instant::now();
        bar.set_position(done as u64);
        Self {
            bar,
            quiet,
            terminal,
            purse,
            started: now,
            written: now,
            standing: Standing {
                total,
                done,
                passed: rows.iter().filter(|row| row.passed).count(),
                errors: 0,
            },
            before: done,
            priced: rows.iter().all(|row| row.cost_usd.is_some()),
            elsewhere: Elsewhere::default(),
        }
    }

    /// Shows a line of its own above the bar.
    pub(super) fn say(&self, line: &str) {
        if self.quiet {
            return;
        }
        let line = escape::line(line);
        if self.terminal {
            self.bar.println(line);
        } else {
            // Nobody can be told that stderr is gone.
            drop(writeln!(std::io::stderr(), "{line}"));
        }
    }

    /// Takes in what came of a sample.
    pub(super) fn finished(&mut self, row: &SampleRow) {
        self.priced &= row.cost_usd.is_some();
        self.elsewhere.finished(&row.task_id, row.sample);
        match &row.error {
            None => {
                self.standing.done += 1;
                self.standing.passed += usize::from(row.passed);
                self.bar.inc(1);
            }
            Some(error) => {
                self.standing.errors += 1;
                self.say(&format!("{}, sample {}: {}", row.task_id, row.sample, error.message));
            }
        }
    }

    /// Takes in how far a search elsewhere is.
    pub(super) fn step(&mut self, step: Step) {
        self.elsewhere.step(step, Instant::now());
    }

    /// What workers on other machines are at.
    pub(super) fn elsewhere(&self) -> Option<String> {
        self.elsewhere.line(Instant::now())
    }

    /// Shows the time passing. To be called every second or so.
    pub(super) fn tick(&mut self) {
        let line = || match self.elsewhere() {
            Some(elsewhere) => format!("{} | {elsewhere}", self.status()),
            None => self.status(),
        };
        if self.terminal {
            self.bar.set_message(escape::line(&line()));
        } else if self.written.elapsed() >= LINE_EVERY {
            self.say(&line());
            self.written = Instant::now();
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Shows how the batch stands on a board.
    pub(super) fn publish(&self, board: &Board) {
        board.set_batch(&self.purse, self.standing);
    }

    /// How far it is, in one line.
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    pub(super) fn status(&self) -> String {
        let spent = self.purse.spent();
        let Standing { total, done, passed, errors } = self.standing;
        let share = if done > 0 { 100.0 * passed as f64 / done as f64 } else { 0.0 };
        let money = if self.priced { usd(spent.micro_usd) } else { "price unknown".to_owned() };
        let tokens = spent.input_tokens.saturating_add(spent.output_tokens);
        let errors = if errors > 0 { format!(", {errors} errors") } else { String::new() };
        let fresh = done - self.before;
        let elapsed = self.started.elapsed().as_secs_f64();
        let rate = fresh as f64 / elapsed.max(0.001);
        let left = if fresh == 0 {
            "time left unknown".to_owned()
        } else {
            format!("{} left", period(self.standing.left() as f64 / rate))
        };
        format!(
            "{done} of {total} samples, {passed} passed ({share:.1} %){errors} | {} calls, {tokens} tokens, {money} | {:.1} samples/min, {left}",
            spent.calls,
            rate * 60.0,
        )
    }
}

/// Seconds as a person says them.
fn period(seconds: f64) -> String {
    // Saturated when cast.
    let minutes = (seconds / 60.0).ceil() as u64;
    match (minutes / 60, minutes % 60) {
        (0, 0..=1) if seconds < 60.0 => format!("{seconds:.0} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::period;

    #[test]
    fn periods_are_rounded_to_what_matters() {
        let shown = [3.2, 59.9, 60.0, 61.0, 3_600.0, 9_000.0].map(period);
        assert_eq!(shown, ["3 s", "60 s", "1 min", "2 min", "1 h 0 min", "2 h 30 min"]);
    }
}
