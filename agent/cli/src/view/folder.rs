//! The runs of a folder: what is known of each, brought up to date when somebody asks, a slice of time at a time.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use codeagent::store::{DirectoryLock, Event, Run, RunHead, Store, StoreError};
use codeagent_benchmarks::batch::BatchError;
use serde::Serialize;
use tokio::sync::{Mutex, MutexGuard};

use super::summary::Summary;
use crate::config::types;
use crate::environment::Environment;
use crate::stores;

/// How long one request may read runs that nobody has read before.
const SLICE: Duration = Duration::from_millis(400);

/// What is this young is not looked up again.
const FRESH: Duration = Duration::from_millis(250);

/// File times may be coarse: a file that was written within this may change without showing it.
const SETTLED: Duration = Duration::from_secs(2);

/// How often is looked which runs of a store that others share are the folder's.
const OWN_EVERY: Duration = Duration::from_secs(2);

/// Events of one run that are read at a time.
const EVENTS_MAX: usize = 200;

/// A folder of runs, open for reading. Where its store is shared with others, it has those runs alone that are its own.
pub struct Folder {
    path: PathBuf,
    config: types::Store,
    store: Store,
    is_shared: bool,
    index: Mutex<Index>,
}

/// What is known of the runs of a folder.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// The runs, oldest first.
    pub(crate) rows: Vec<Row>,
    /// Number of the last look at the store that found something new.
    pub(crate) version: u64,
    /// Runs that were not read to their end so far.
    pub(crate) unread: usize,
    by_id: HashMap<String, usize>,
    looked: Option<Instant>,
    /// The folder's runs where its store is shared, as of some moment.
    own: Option<(Instant, BTreeSet<String>)>,
    /// The store's files at the last look.
    stamp: Option<Stamp>,
}

/// When the files of a store were last written, and their sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: (SystemTime, u64),
    log: Option<(SystemTime, u64)>,
}

/// What is known of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Its id.
    pub(crate) id: String,
    /// `running` until it is finished.
    pub(crate) status: String,
    /// In microseconds since 1970 UTC.
    pub(crate) created_us: i64,
    /// In microseconds since 1970 UTC.
    pub(crate) finished_us: Option<i64>,
    /// The rest.
    #[serde(flatten)]
    pub(crate) summary: Summary,
    /// What is wrong with it, where it can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) damage: Option<String>,
    /// Version of the index in which it changed last.
    #[serde(skip)]
    pub(crate) changed: u64,
    /// What it was read at.
    #[serde(skip)]
    seen: Option<RunHead>,
    /// Number of the next event to read.
    #[serde(skip)]
    next: u64,
}

impl Folder {
    /// Opens the store of a folder for reading, and looks whether it can be listed.
    ///
    /// # Errors
    /// Those of reading the store.
    pub async fn open(
        path: PathBuf,
        config: types::Store,
        environment: &Environment,
    ) -> Result<Self, BatchError> {
        let store = stores::open_for_reading(&config, &path, environment).await?;
        store.run_heads().await?;
        let is_shared = stores::runs_of(&config, &path, &store).await?.is_some();
        Ok(Self { path, config, store, is_shared, index: Mutex::default() })
    }

    /// One of its runs.
    pub(crate) async fn run(&self, id: &str) -> Result<Run, BatchError> {
        self.require_own(id).await?;
        Ok(self.store.run(id).await?)
    }

    /// At most so many events of one of its runs, from a number on.
    pub(crate) async fn events(&self, id: &str, from: u64, most: usize) -> Result<Vec<Event>, BatchError> {
        self.require_own(id).await?;
        Ok(self.store.events_from(id, from, most).await?)
    }

    /// Refuses runs of others.
    async fn require_own(&self, id: &str) -> Result<(), BatchError> {
        if !self.is_shared || self.index().await?.by_id.contains_key(id) {
            return Ok(());
        }
        Err(StoreError::NoRun { path: self.path.clone(), id: id.to_owned() }.into())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a process writes there now; `None` where the system does not tell.
    #[must_use]
    pub fn is_live(&self) -> Option<bool> {
        DirectoryLock::is_held(&self.path)
    }

    /// What is known of its runs after another look. Who asks meanwhile waits for this look and shares what it found.
    pub(crate) async fn index(&self) -> Result<MutexGuard<'_, Index>, BatchError> {
        let mut index = self.index.lock().await;
        if index.looked.is_none_or(|looked| looked.elapsed() >= FRESH || index.unread > 0) {
            if self.is_shared && index.own.as_ref().is_none_or(|(at, _)| at.elapsed() >= OWN_EVERY) {
                let own = stores::runs_of(&self.config, &self.path, &self.store).await?;
                index.own = Some((Instant::now(), own.unwrap_or_default()));
            }
            index.look(&self.store).await?;
        }
        Ok(index)
    }
}

impl Index {
    async fn look(&mut self, store: &Store) -> Result<(), StoreError> {
        let stamp = Stamp::of(store.path());
        self.looked = Some(Instant::now());
        if self.unread == 0 && stamp.is_some_and(Stamp::is_settled) && stamp == self.stamp {
            return Ok(());
        }
        let until = Instant::now() + SLICE;
        let version = self.version + 1;
        self.unread = 0;
        for head in store.run_heads().await? {
            if self.own.as_ref().is_some_and(|(_, own)| !own.contains(&head.id)) {
                continue;
            }
            let at = *self.by_id.entry(head.id.clone()).or_insert_with(|| {
                self.rows.push(Row::new(&head));
                self.rows.len() - 1
            });
            let Some(row) = self.rows.get_mut(at).filter(|row| row.seen.as_ref() != Some(&head)) else {
                continue;
            };
            if Instant::now() < until {
                row.read(&head, store, until).await;
                row.changed = version;
                self.version = version;
            }
            self.unread += usize::from(row.seen.as_ref() != Some(&head));
        }
        self.stamp = stamp;
        Ok(())
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let stamp = |path: &Path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Some(Self { file: stamp(path)?, log: stamp(Path::new(&log)) })
    }

    /// Whether the last write is long enough ago that another one since would have changed the time.
    fn is_settled(self) -> bool {
        let newest = self.log.map_or(self.file.0, |log| log.0.max(self.file.0));
        newest.elapsed().is_ok_and(|age| age > SETTLED)
    }
}

impl Row {
    fn new(head: &RunHead) -> Self {
        Self {
            id: head.id.clone(),
            status: head.status.clone(),
            created_us: head.created_us,
            finished_us: head.finished_us,
            summary: Summary::default(),
            damage: None,
            changed: 0,
            seen: None,
            next: 0,
        }
    }

    /// Reads what is new of the run, until the time is up.
    async fn read(&mut self, head: &RunHead, store: &Store, until: Instant) {
        self.damage = None;
        self.status.clone_from(&head.status);
        self.finished_us = head.finished_us;
        match self.try_read(head, store, until).await {
            Ok(is_whole) => self.seen = is_whole.then(|| head.clone()),
            Err(error) => {
                self.damage = Some(error.to_string());
                self.seen = Some(head.clone());
            }
        }
    }

    async fn try_read(&mut self, head: &RunHead, store: &Store, until: Instant) -> Result<bool, StoreError> {
        if self.next == 0 || head.finished_us.is_some() {
            let run = store.run(&head.id).await?;
            if self.next == 0 {
                self.summary = Summary::of_spec(&serde_json::from_str(&run.spec).unwrap_or_default());
            }
            if run.is_finished() {
                self.summary.finish(&run);
                return Ok(true);
            }
        }
        while self.next < head.events {
            let events = store.events_from(&head.id, self.next, EVENTS_MAX).await?;
            let Some(last) = events.last() else { break };
            self.next = last.seq + 1;
            events.iter().for_each(|event| self.summary.absorb(event));
            if Instant::now() >= until {
                return Ok(self.next >= head.events);
            }
        }
        Ok(true)
    }
}
