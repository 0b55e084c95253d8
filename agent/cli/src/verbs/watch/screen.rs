//! What a batch looks like in a terminal.

use std::collections::BTreeMap;

use codeagent_benchmarks::batch::{BatchFile, BatchResults, SampleRow, SampleStatus};
use ratatui::Frame;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::text::Line;
use ratatui::widgets::{Block, Gauge, Paragraph, Row, Table, TableState};

use crate::batches;
use crate::escape;

/// Lines that a page key moves by.
const PAGE: usize = 10;

/// What is shown of a batch.
pub(super) struct Board {
    title: String,
    results: BatchResults,
    problems: Vec<ProblemLine>,
    is_live: Option<bool>,
    elsewhere: Option<String>,
}

/// What the samples of one problem came to.
struct ProblemLine {
    id: String,
    samples: usize,
    passed: usize,
    calls: u64,
    worst: Option<SampleStatus>,
}

/// Which part of it is looked at.
#[derive(Default)]
pub(super) struct View {
    selected: usize,
    unsolved_only: bool,
}

impl Board {
    /// The state of a batch. `is_live` says whether a process works on it, where that can be told.
    pub(super) fn of(file: &BatchFile, rows: &[SampleRow], is_live: Option<bool>) -> Self {
        let text = |path: &str| match file.spec.pointer(path) {
            Some(serde_json::Value::String(text)) => text.clone(),
            _ => "?".to_owned(),
        };
        let title =
            format!("{}: {} with {}, run {}", file.dataset, text("/strategy"), text("/model"), file.run_id);
        let results = BatchResults::of(file, &batches::ks(&[], file.extent.samples), rows);
        let mut by_problem: BTreeMap<&str, Vec<&SampleRow>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.sample < file.extent.samples) {
            by_problem.entry(row.task_id.as_str()).or_default().push(row);
        }
        let line = |id: &String| {
            let rows = by_problem.remove(id.as_str()).unwrap_or_default();
            ProblemLine {
                id: escape::line(id),
                samples: rows.iter().filter(|row| row.is_resolved()).count(),
                passed: rows.iter().filter(|row| row.passed).count(),
                calls: rows.iter().map(|row| row.calls).sum(),
                worst: rows.iter().map(|row| row.status).max(),
            }
        };
        let problems = file.extent.problems.iter().map(line).collect();
        Self { title: escape::line(&title), results, problems, is_live, elsewhere: None }
    }

    /// The same, with what workers on other machines are at.
    pub(super) fn with_elsewhere(self, line: Option<String>) -> Self {
        Self { elsewhere: line.map(|line| escape::line(&line)), ..self }
    }

    /// The figures.
    pub(super) const fn results(&self) -> &BatchResults {
        &self.results
    }

    /// Number of problems.
    pub(super) const fn problems(&self) -> usize {
        self.problems.len()
    }

    /// Whether a process works on it.
    pub(super) const fn is_live(&self) -> Option<bool> {
        self.is_live
    }

    /// The state in one line.
    pub(super) fn line(&self) -> String {
        let it = &self.results;
        let pass = it
            .pass_at_k
            .get(&1)
            .map_or_else(String::new, |it| format!(", pass@1 {:.1} %", it.mean.value * 100.0));
        let elsewhere = self.elsewhere.as_ref().map_or_else(String::new, |line| format!(" | {line}"));
        format!(
            "{} of {} samples, {} passed{pass}; {} calls, {}{elsewhere}",
            self.done(),
            it.n_samples,
            self.passed(),
            it.calls,
            self.money()
        )
    }

    fn done(&self) -> u64 {
        let it = &self.results.statuses;
        it.iter().filter(|(status, _)| **status != SampleStatus::Error).map(|(_, count)| count).sum()
    }

    fn passed(&self) -> u64 {
        self.results.statuses.get(&SampleStatus::Passed).copied().unwrap_or(0)
    }

    fn money(&self) -> String {
        self.results.cost.usd.map_or_else(|| "price unknown".to_owned(), |usd| format!("${usd:.4}"))
    }
}

impl View {
    /// Moves by a key.
    pub(super) fn key(&mut self, key: KeyCode, problems: usize) {
        let last = problems.saturating_sub(1);
        self.selected = match key {
            KeyCode::Up => self.selected.saturating_sub(1),
            KeyCode::Down => (self.selected + 1).min(last),
            KeyCode::PageUp => self.selected.saturating_sub(PAGE),
            KeyCode::PageDown => (self.selected + PAGE).min(last),
            KeyCode::Home => 0,
            KeyCode::End => last,
            KeyCode::Char('u') => {
                self.unsolved_only = !self.unsolved_only;
                0
            }
            _ => self.selected,
        };
    }
}

/// Draws the board.
pub(super) fn draw(frame: &mut Frame<'_>, board: &Board, view: &View) {
    let [head, bar, middle, elsewhere, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(3),
        Constraint::Min(5),
        Constraint::Length(u16::from(board.elsewhere.is_some())),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Line::from(board.title.as_str()).bold(), head);
    progress(frame, board, bar);
    let [left, right] = Layout::horizontal([Constraint::Length(38), Constraint::Min(20)]).areas(middle);
    frame.render_widget(Line::from(board.elsewhere.as_deref().unwrap_or_default()), elsewhere);
    figures(frame, board, left);
    problems(frame, board, view, right);
    frame.render_widget(
        Line::from("↑ ↓ PgUp PgDn scroll · u unsolved only · q leave (the batch goes on)").dim(),
        foot,
    );
}

#[expect(clippy::cast_precision_loss, reason = "a bar")]
fn progress(frame: &mut Frame<'_>, board: &Board, area: Rect) {
    let total = board.results.n_samples.max(1);
    let state = match board.is_live {
        Some(true) => "running",
        _ if board.results.complete => "finished",
        Some(false) => "stopped; the same command continues",
        None => "not finished",
    };
    let gauge = Gauge::default()
        .block(Block::bordered().title(state))
        .gauge_style(Style::new().fg(Color::Blue))
        .ratio((board.done() as f64 / total as f64).clamp(0.0, 1.0))
        .label(format!("{} of {} samples", board.done(), board.results.n_samples));
    frame.render_widget(gauge, area);
}

fn figures(frame: &mut Frame<'_>, board: &Board, area: Rect) {
    let it = &board.results;
    let mut lines = Vec::new();
    for (k, pass) in &it.pass_at_k {
        let (value, lo, hi) = (pass.mean.value * 100.0, pass.mean.lo * 100.0, pass.mean.hi * 100.0);
        lines.push(Line::from(format!("pass@{k:<4}{value:6.1} %  [{lo:.1}, {hi:.1}]")));
    }
    lines.push(Line::from(format!("solved   {} of {} problems", it.solved, it.n_problems)));
    lines.push(Line::default());
    for status in [
        SampleStatus::Passed,
        SampleStatus::Failed,
        SampleStatus::Timeout,
        SampleStatus::Capped,
        SampleStatus::Error,
    ] {
        let count = it.statuses.get(&status).copied().unwrap_or(0);
        lines.push(Line::styled(format!("{:<9}{count:>6}", word(status)), Style::new().fg(colour(status))));
    }
    lines.push(Line::default());
    lines.push(Line::from(format!("calls    {}", it.calls)));
    lines.push(Line::from(format!("tokens   {} in, {} out", it.tokens.r#in, it.tokens.out)));
    lines.push(Line::from(format!("cost     {}", board.money())));
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title("figures")), area);
}

fn problems(frame: &mut Frame<'_>, board: &Board, view: &View, area: Rect) {
    let shown = board.problems.iter().filter(|line| !view.unsolved_only || line.passed == 0);
    let rows = shown.map(|line| {
        let worst = line.worst.map_or("", word);
        let colour = if line.passed > 0 { Color::Green } else { line.worst.map_or(Color::Reset, colour) };
        let cells = [
            line.id.clone(),
            format!("{}/{}", line.passed, line.samples),
            line.calls.to_string(),
            worst.to_owned(),
        ];
        Row::new(cells).style(Style::new().fg(colour))
    });
    let widths = [Constraint::Min(12), Constraint::Length(7), Constraint::Length(7), Constraint::Length(8)];
    let title = if view.unsolved_only { "problems without a pass" } else { "problems" };
    let table = Table::new(rows, widths)
        .header(Row::new(["id", "passed", "calls", "worst"]).dim())
        .row_highlight_style(Style::new().reversed())
        .block(Block::bordered().title(title));
    let mut state = TableState::new().with_selected(view.selected);
    frame.render_stateful_widget(table, area, &mut state);
}

const fn word(status: SampleStatus) -> &'static str {
    match status {
        SampleStatus::Passed => "passed",
        SampleStatus::Failed => "failed",
        SampleStatus::Timeout => "timeout",
        SampleStatus::Capped => "capped",
        _ => "error",
    }
}

const fn colour(status: SampleStatus) -> Color {
    match status {
        SampleStatus::Passed => Color::Green,
        SampleStatus::Failed => Color::Red,
        SampleStatus::Timeout | SampleStatus::Capped => Color::Yellow,
        _ => Color::Magenta,
    }
}

#[cfg(test)]
mod tests {
    use codeagent_benchmarks::batch::Extent;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;

    use super::*;

    fn row(task: &str, sample: u32, status: &str, calls: u64) -> SampleRow {
        serde_json::from_value(json!({
            "v": 1, "run_id": "r", "task_id": task, "sample": sample, "completion": "", "solution": "",
            "status": status, "passed": status == "passed", "public_passed": false,
            "tests": {"passed": 0, "total": 1}, "tokens": {"in": 10, "cached": 0, "out": 5}, "cost_usd": 0.25,
            "wall_ms": 1, "calls": calls, "nodes": 2, "found": {"calls": 1, "tokens": 1, "micro_usd": 1}, "seed": 1,
            "strategy": "adaptive", "model": "m", "search": "s", "attempt": 1,
        }))
        .unwrap()
    }

    fn board() -> Board {
        let file = BatchFile {
            v: 1,
            run_id: "a1b2".into(),
            fingerprint: "f".into(),
            dataset: "some.jsonl".into(),
            spec: json!({"strategy": "adaptive", "model": "a\u{1b}[2Jmodel"}),
            extent: Extent {
                samples: 2,
                problems: ["one", "two", "three"].map(String::from).to_vec(),
                ..Extent::default()
            },
            amendments: Vec::new(),
            difficulties: std::collections::BTreeMap::new(),
        };
        let rows = [
            row("one", 0, "passed", 1),
            row("one", 1, "timeout", 4),
            row("two", 0, "failed", 9),
            row("two", 1, "error", 1),
        ];
        Board::of(&file, &rows, Some(true))
    }

    fn drawn(view: &View) -> String {
        let mut terminal = Terminal::new(TestBackend::new(90, 22)).unwrap();
        terminal.draw(|frame| draw(frame, &board(), view)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn a_board_shows_figures_and_problems() {
        insta::assert_snapshot!(drawn(&View::default()));
    }

    #[test]
    fn keys_move_and_filter() {
        let mut view = View::default();
        view.key(KeyCode::End, 3);
        view.key(KeyCode::Down, 3);
        assert_eq!(view.selected, 2);
        view.key(KeyCode::PageUp, 3);
        assert_eq!(view.selected, 0);
        view.key(KeyCode::Char('u'), 3);
        let screen = drawn(&view);
        assert!(!screen.contains("one ") && screen.contains("two "), "{screen}");
    }

    #[test]
    fn a_small_terminal_is_no_fault() {
        let mut terminal = Terminal::new(TestBackend::new(12, 4)).unwrap();
        terminal.draw(|frame| draw(frame, &board(), &View::default())).unwrap();
    }

    #[test]
    fn one_line_says_it_all() {
        assert_eq!(board().line(), "3 of 6 samples, 1 passed, pass@1 25.0 %; 15 calls, $1.0000");
        let elsewhere = board().with_elsewhere(Some("2 workers at 3 samples\u{1b}".to_owned())).line();
        assert!(elsewhere.contains("$1.0000 | 2 workers at 3 samples") && !elsewhere.contains('\u{1b}'));
    }
}
