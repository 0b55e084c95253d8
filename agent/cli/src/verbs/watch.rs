//! `codeagent watch DIR`: a batch in the terminal, while it runs or afterwards.

mod screen;

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::{Duration, Instant};

use codeagent::store::DirectoryLock;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::args::{Globals, WatchArgs};
use crate::config::types;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::signals::Stop;
use crate::{batches, config, live};
use screen::{Board, View};

/// How often the folder is looked at; more rarely where a look takes long.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A look may take this share of the time.
const LOOK_SHARE: u32 = 10;

/// How long a key is waited for at a time.
const KEY_WAIT: Duration = Duration::from_millis(50);

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Watches a batch until a key, or, without a terminal, until nobody works on it.
///
/// # Errors
/// Exit 2 for a folder that is none, exit 6 for a damaged one, exit 70 if the terminal can't be used.
pub async fn watch(
    arguments: &WatchArgs,
    globals: &Globals,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = config::load(environment, &globals.config_flags(Vec::new()))?.config.store;
    let folder = environment.directory().join(&arguments.folder);
    let board = look(&folder, &config, environment).await?;
    if arguments.once || globals.json {
        let line = |output: &mut Output| {
            if globals.json { output.json(board.results()) } else { tell(&board, output) }
        };
        return line(output).map(|()| Exit::Done);
    }
    if !std::io::stdout().is_terminal() {
        return lines(board, &folder, &config, environment, stop, output).await;
    }
    // It is read key by key from here on, so that a signal comes only from elsewhere.
    let mut terminal = ratatui::try_init().map_err(|error| unusable(&error))?;
    let watched = on_screen(&mut terminal, board, &folder, &config, environment, stop).await;
    ratatui::try_restore().map_err(|error| unusable(&error))?;
    watched.map(|()| stop.exit().unwrap_or(Exit::Done))
}

async fn look(folder: &Path, config: &types::Store, environment: &Environment) -> Result<Board, Failure> {
    let batch = batches::read(folder, config, environment).await?;
    let is_live = DirectoryLock::is_held(folder);
    let elsewhere = match is_live {
        Some(true) => elsewhere(&batch.file.run_id, environment).await,
        _ => None,
    };
    Ok(Board::of(&batch.file, &batch.rows, is_live).with_elsewhere(elsewhere))
}

/// What workers on other machines are at, where the process that owns the batch runs here and knows.
async fn elsewhere(run: &str, environment: &Environment) -> Option<String> {
    let (found, _) = live::found(environment).await;
    found.into_iter().find(|found| found.answer.run_id == run)?.answer.elsewhere
}

async fn on_screen(
    terminal: &mut ratatui::DefaultTerminal,
    mut board: Board,
    folder: &Path,
    config: &types::Store,
    environment: &Environment,
    stop: &Stop,
) -> Result<(), Failure> {
    let mut view = View::default();
    let mut next = Instant::now() + LOOK_EVERY;
    while !stop.token().is_cancelled() {
        terminal.draw(|frame| screen::draw(frame, &board, &view)).map_err(|error| unusable(&error))?;
        // Blocking for a moment is fine: nothing else runs.
        while event::poll(KEY_WAIT).map_err(|error| unusable(&error))? {
            match event::read().map_err(|error| unusable(&error))? {
                Event::Key(key) if key.kind == KeyEventKind::Press && is_end(key) => return Ok(()),
                Event::Key(key) if key.kind == KeyEventKind::Press => view.key(key.code, board.problems()),
                _ => {}
            }
            terminal.draw(|frame| screen::draw(frame, &board, &view)).map_err(|error| unusable(&error))?;
        }
        if Instant::now() >= next {
            let begun = Instant::now();
            board = look(folder, config, environment).await?;
            next = Instant::now() + LOOK_EVERY.max(begun.elapsed() * LOOK_SHARE);
        }
    }
    Ok(())
}

fn is_end(key: KeyEvent) -> bool {
    let is_interrupt = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
    is_interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
}

async fn lines(
    mut board: Board,
    folder: &Path,
    config: &types::Store,
    environment: &Environment,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    loop {
        tell(&board, output)?;
        if board.is_live() != Some(true) {
            return Ok(Exit::Done);
        }
        tokio::select! {
            () = tokio::time::sleep(LINE_EVERY) => {}
            () = stop.token().cancelled() => return Ok(stop.exit().unwrap_or(Exit::Interrupted)),
        }
        board = look(folder, config, environment).await?;
    }
}

fn tell(board: &Board, output: &mut Output) -> Result<(), Failure> {
    output.line(&crate::escape::line(&board.line()))
}

fn unusable(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Internal, "the terminal can't be used")
        .caused_by(error)
        .hint("`codeagent watch DIR --once` prints one line")
}
