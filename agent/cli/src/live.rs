//! Runs that are live on this machine. Each listens on a socket of its own, where others ask how it goes, and ask it to
//! pause, to go on, or to end.
//!
//! The sockets lie in the state folder and not in the run folders, so that all of a user's runs are found, and below the
//! machine's name, since several machines may share a home. A question is a line of JSON, and so is its answer.

mod line;
mod place;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use codeagent::Pause;
use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use crate::environment::Environment;
use crate::signals::Stop;
use place::Place;

/// Version of questions and answers.
const VERSION: u8 = 1;

/// How long one side waits for the other. A run that has all cores busy still answers by then.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is asked of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// How it goes.
    Tell,
    /// Ask the model nothing until it may go on.
    Pause,
    /// Go on.
    Resume,
    /// End as by Ctrl-C; the same command continues.
    Cancel,
}

#[derive(Debug, Serialize, Deserialize)]
struct Question {
    v: u8,
    wish: Wish,
}

/// What a run says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Version of the form.
    pub v: u8,
    /// The run or batch.
    pub run_id: String,
    /// `solve` or `eval`.
    pub verb: String,
    /// The process.
    pub pid: u32,
    /// What it does.
    pub state: State,
    /// For how long it has been running, in seconds, pauses included.
    pub seconds: u64,
    /// The problem or the data set.
    pub subject: String,
    /// How far it is, for people.
    pub progress: String,
    /// What workers on other machines are at, for people; nothing where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<String>,
    /// Its folder.
    pub folder: PathBuf,
}

/// What a live run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It works.
    Running,
    /// It asks the model nothing, and its time stands still.
    Paused,
    /// It saves what is under way, and ends.
    Stopping,
}

/// Which run this process carries out.
#[derive(Debug, Clone)]
pub struct About {
    /// The run or batch.
    pub run_id: String,
    /// `solve` or `eval`.
    pub verb: &'static str,
    /// The problem or the data set.
    pub subject: String,
    /// Its folder.
    pub folder: PathBuf,
}

/// A run of this process, open to questions until dropped.
pub struct Live {
    shared: Arc<Shared>,
    place: Option<Place>,
    /// Why nobody can ask, where that is so.
    trouble: Option<String>,
    was_paused: bool,
    _listening: JoinSet<()>,
}

struct Shared {
    about: About,
    began: Instant,
    pause: Pause,
    stop: Stop,
    progress: Mutex<String>,
    elsewhere: Mutex<Option<String>>,
}

impl Live {
    /// Opens a run to questions. Where that can't be, it goes on without, and says so once.
    #[must_use]
    pub fn open(about: About, pause: Pause, stop: Stop, environment: &Environment) -> Self {
        let (progress, elsewhere) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { about, began: Instant::now(), pause, stop, progress, elsewhere });
        let mut listening = JoinSet::new();
        let (place, trouble) = match Place::of_process(environment).and_then(|place| place.listen()) {
            Ok((place, listener)) => {
                listening.spawn(listen(listener, Arc::clone(&shared)));
                (Some(place), None)
            }
            Err(error) => {
                (None, Some(format!("`codeagent ps`, `pause` and `cancel` can't reach this run: {error}")))
            }
        };
        Self { shared, place, trouble, was_paused: false, _listening: listening }
    }

    /// The socket, where there is one.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        self.place.as_ref().map(Place::path)
    }

    /// Takes down how far the run is.
    pub fn progress(&self, line: String) {
        *self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }

    /// Takes down what workers on other machines are at.
    pub fn elsewhere(&self, line: Option<String>) {
        *self.shared.elsewhere.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }

    /// A line for the user about what has changed since the last call.
    pub fn news(&mut self) -> Option<String> {
        if self.trouble.is_some() {
            return self.trouble.take();
        }
        let is_paused = self.shared.pause.is_paused();
        if is_paused == std::mem::replace(&mut self.was_paused, is_paused) {
            return None;
        }
        let run = &self.shared.about.run_id;
        Some(if is_paused {
            format!("paused: what is under way is finished; `codeagent resume {run}` goes on")
        } else {
            "going on".to_owned()
        })
    }
}

async fn listen(listener: UnixListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            // One after the other: a client that does not get on has its time, and then the next one comes.
            Ok((stream, _)) => drop(tokio::time::timeout(PATIENCE, shared.answer(stream)).await),
            // Descriptors are short; others close theirs.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

impl Shared {
    async fn answer(&self, mut stream: UnixStream) -> std::io::Result<()> {
        let question: Question = line::read(&mut stream).await?;
        self.grant(question.wish);
        line::write(&mut stream, &self.tell()).await
    }

    fn grant(&self, wish: Wish) {
        match wish {
            Wish::Tell => {}
            Wish::Pause => self.pause.pause(),
            Wish::Resume => self.pause.resume(),
            Wish::Cancel => self.stop.cancel(),
        }
    }

    fn tell(&self) -> Answer {
        let state = match (self.stop.token().is_cancelled(), self.pause.is_paused()) {
            (true, _) => State::Stopping,
            (false, true) => State::Paused,
            (false, false) => State::Running,
        };
        Answer {
            v: VERSION,
            run_id: self.about.run_id.clone(),
            verb: self.about.verb.to_owned(),
            pid: std::process::id(),
            state,
            seconds: self.began.elapsed().as_secs(),
            subject: self.about.subject.clone(),
            progress: self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            elsewhere: self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            folder: self.about.folder.clone(),
        }
    }
}

/// A live run, and where to ask it.
pub struct Found {
    /// What it said of itself.
    pub answer: Answer,
    place: Place,
}

/// All live runs of the user on this machine, the oldest first, and how many did not answer.
pub async fn found(environment: &Environment) -> (Vec<Found>, usize) {
    let (mut found, mut silent) = (Vec::new(), 0);
    for place in Place::all(environment) {
        match ask(&place, Wish::Tell).await {
            Ok(answer) => found.push(Found { answer, place }),
            Err(_) if place.is_left_behind() => place.remove(),
            // It ended meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => silent += 1,
        }
    }
    found.sort_by_key(|it| (std::cmp::Reverse(it.answer.seconds), it.answer.pid));
    (found, silent)
}

impl Found {
    /// Asks it for something.
    ///
    /// # Errors
    /// The system's, where it does not answer.
    pub async fn ask(&self, wish: Wish) -> std::io::Result<Answer> {
        ask(&self.place, wish).await
    }
}

async fn ask(place: &Place, wish: Wish) -> std::io::Result<Answer> {
    let asked = async {
        let mut stream = place.connect().await?;
        line::write(&mut stream, &Question { v: VERSION, wish }).await?;
        line::read(&mut stream).await
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests;
