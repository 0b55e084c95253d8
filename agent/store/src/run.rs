//! The plain records that go into a store and come out of it.

/// A run that is about to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Identity, unique in the store.
    pub id: String,
    /// Hash of everything that decides the run's course; a run with an equal fingerprint is the same run.
    pub fingerprint: String,
    /// What was asked for, as JSON.
    pub spec: String,
}

/// A stored run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Identity.
    pub id: String,
    /// Hash of everything that decides the run's course.
    pub fingerprint: String,
    /// What was asked for, as JSON.
    pub spec: String,
    /// `running`, or the status with which it was finished or left.
    pub status: String,
    /// The result as JSON; `None` until the run is finished.
    pub result: Option<String>,
    /// When it began, in microseconds since 1970 UTC.
    pub created_us: i64,
    /// When it was finished, in microseconds since 1970 UTC.
    pub finished_us: Option<i64>,
}

impl Run {
    /// Whether the run has a result.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.result.is_some()
    }
}

/// A stored run without its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHead {
    /// Identity.
    pub id: String,
    /// `running`, or the status with which it was finished.
    pub status: String,
    /// When it began, in microseconds since 1970 UTC.
    pub created_us: i64,
    /// When it was finished, in microseconds since 1970 UTC.
    pub finished_us: Option<i64>,
    /// The number that its next event will have.
    pub events: u64,
}

/// What [`crate::Store::begin_run`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// No run with this fingerprint was stored; it is now.
    New,
    /// A run with this fingerprint was begun before and not finished. It keeps the id that it had.
    Continues(Run),
    /// A run with this fingerprint is finished; its result is in the record.
    Finished(Run),
}

/// One stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number within the run.
    pub seq: u64,
    /// The event as JSON.
    pub body: String,
}

/// What came of one sample of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Id of the problem.
    pub task: String,
    /// Number of the sample, from 0.
    pub sample: u32,
    /// How many times it was tried, this one included.
    pub attempt: u32,
    /// What came of it, as JSON.
    pub body: String,
}

/// What one time that a run was carried out has paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Id of the run.
    pub run: String,
    /// Number of the attempt, from 1, in the order in which they were entered.
    pub number: u32,
    /// What it paid for, as JSON.
    pub body: String,
}

/// One stored failure of ours: something that could not be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Key of the call or execution.
    pub unit: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// What happened, as JSON.
    pub body: String,
}
