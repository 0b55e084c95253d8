//! Live progress on stderr: a status line on a terminal, a line per 30 seconds elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use codeagent::event::{Event, EventKind};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::escape;
use crate::story;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Shows a search while it runs.
pub struct Progress {
    bar: ProgressBar,
    quiet: bool,
    terminal: bool,
    state: Arc<Mutex<State>>,
}

struct State {
    started: Instant,
    limit: Option<Duration>,
    written: Instant,
    best: Option<(u32, u32)>,
    calls: u64,
    tokens: u64,
    micro_usd: u64,
    priced: bool,
}

impl Progress {
    /// Progress of a search that may take `limit`. Quiet shows nothing.
    #[must_use]
    pub fn new(quiet: bool, limit: Option<Duration>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        let now = Instant::now();
        let state = State {
            started: now,
            limit,
            written: now,
            best: None,
            calls: 0,
            tokens: 0,
            micro_usd: 0,
            priced: true,
        };
        Self { bar, quiet, terminal, state: Arc::new(Mutex::new(state)) }
    }

    /// Shows a line of its own above the status.
    pub fn say(&self, line: &str) {
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

    /// Takes an event in: its part of the story, and the figures of the status.
    pub fn event(&self, event: &Event) {
        if let Some(line) = story::line(event) {
            self.say(&line);
        }
        self.update(|state| match &event.kind {
            EventKind::CandidateBest { passed, total } => state.best = Some((*passed, *total)),
            EventKind::LlmReply { cost_micro_usd: None, .. } => state.priced = false,
            EventKind::Budget { calls, tokens, micro_usd, .. } => {
                (state.calls, state.tokens, state.micro_usd) = (*calls, *tokens, *micro_usd);
            }
            _ => {}
        });
    }

    /// Shows the time passing. To be called every second or so.
    pub fn tick(&self) {
        let due = self.update(|state| {
            let due = state.written.elapsed() >= LINE_EVERY;
            if due {
                state.written = Instant::now();
            }
        });
        let line = self.status();
        if self.terminal {
            self.bar.set_message(line);
        } else if due {
            self.say(&line);
        }
    }

    /// Takes the status line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn update(&self, change: impl FnOnce(&mut State)) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.written;
        change(&mut state);
        state.written != before
    }

    /// How far it is, in one line.
    #[must_use]
    pub fn status(&self) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let best =
            state.best.map_or_else(|| "none yet".to_owned(), |(passed, total)| format!("{passed}/{total}"));
        let elapsed = state.started.elapsed();
        let time = match state.limit {
            Some(limit) => format!("{} s left", limit.saturating_sub(elapsed).as_secs()),
            None => format!("{} s", elapsed.as_secs()),
        };
        let usd = if state.priced { usd(state.micro_usd) } else { "price unknown".to_owned() };
        format!("best {best} | {} calls | {} tokens | {usd} | {time}", state.calls, state.tokens)
    }
}

/// Micro-USD as text, exact to the last digit that is not zero, with at least two decimals.
#[must_use]
pub fn usd(micro: u64) -> String {
    let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
    let cut = text.trim_end_matches('0');
    let decimals = cut.len() - cut.find('.').map_or(0, |at| at + 1);
    format!("${cut}{}", "0".repeat(2_usize.saturating_sub(decimals)))
}

#[cfg(test)]
mod tests {
    use super::usd;

    #[test]
    fn money_is_exact() {
        let shown = [0, 1, 1_500_000, 12_345_678, 2_000_000].map(usd);
        assert_eq!(shown, ["$0.00", "$0.000001", "$1.50", "$12.345678", "$2.00"]);
    }
}
