//! What every database that keeps a store must do, as checks that run against one.

use std::fmt;

use crate::error::StoreError;
use crate::run::{Attempt, Begun, Event, NewRun, Sample};
use crate::store::Store;

/// Texts above this are stored in another way than short ones.
const LONG: usize = 10_000;

/// Something that a store does otherwise than it must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// Name of the check.
    pub check: &'static str,
    /// What was found.
    pub found: String,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.found)
    }
}

/// Why a check failed.
#[derive(Debug)]
struct Wrong(String);

impl From<StoreError> for Wrong {
    fn from(error: StoreError) -> Self {
        Self(format!("an error: {error}"))
    }
}

type Checked = Result<(), Wrong>;

/// Runs all checks, each against a store that `open` makes empty. A store that does as it must has no deviation.
pub async fn deviations(open: impl AsyncFn() -> Store) -> Vec<Deviation> {
    let mut found = Vec::new();
    let mut note = |check, result: Checked| {
        found.extend(result.err().map(|Wrong(found)| Deviation { check, found }));
    };
    note("runs", runs(&open().await).await);
    note("ids", ids(&open().await).await);
    note("unknown runs", unknown(&open().await).await);
    note("bodies", bodies(&open().await).await);
    note("events", events(&open().await).await);
    note("failures", failures(&open().await).await);
    note("samples", samples(&open().await).await);
    note("attempts", attempts(&open().await).await);
    note("queued writes", queued(&open().await).await);
    note("many writers", many(&open().await).await);
    note("refused writes", refused(&open().await).await);
    note("closed", closed(&open().await).await);
    found
}

fn same<T: PartialEq + fmt::Debug>(found: &T, expected: &T) -> Checked {
    if found == expected { Ok(()) } else { Err(Wrong(format!("{found:?}, expected {expected:?}"))) }
}

fn holds(is_so: bool, otherwise: impl FnOnce() -> String) -> Checked {
    if is_so { Ok(()) } else { Err(Wrong(otherwise())) }
}

fn run_of(id: &str, fingerprint: &str) -> NewRun {
    NewRun { id: id.to_owned(), fingerprint: fingerprint.to_owned(), spec: format!("{{\"id\":\"{id}\"}}") }
}

async fn runs(store: &Store) -> Checked {
    let run = run_of("r1", "f1");
    same(&store.begin_run(&run).await?, &Begun::New)?;
    let again = NewRun { id: "r2".to_owned(), ..run.clone() };
    let begun = store.begin_run(&again).await?;
    let Begun::Continues(found) = &begun else { return Err(Wrong(format!("not continued: {begun:?}"))) };
    same(&(found.id.as_str(), found.status.as_str(), found.result.as_deref()), &("r1", "running", None))?;
    store.set_run_status("r1", "capped").await?;
    same(&store.run("r1").await?.status.as_str(), &"capped")?;
    let result = "x".repeat(LONG);
    store.finish_run("r1", "solved", &result).await?;
    store.set_run_status("r1", "running").await?;
    let begun = store.begin_run(&run).await?;
    let Begun::Finished(found) = &begun else { return Err(Wrong(format!("not finished: {begun:?}"))) };
    same(&(found.status.as_str(), found.result.as_deref()), &("solved", Some(result.as_str())))?;
    same(&store.run("r1").await?, found)?;
    same(&store.runs().await?, &vec![found.clone()])?;
    let heads = store.run_heads().await?;
    let head = heads.first().map(|head| (head.id.as_str(), head.status.as_str(), head.events));
    same(&head, &Some(("r1", "solved", 0)))
}

async fn ids(store: &Store) -> Checked {
    store.begin_run(&run_of("r1", "f1")).await?;
    let refused = store.begin_run(&run_of("r1", "f2")).await;
    holds(matches!(refused, Err(StoreError::RunExists { .. })), || format!("{refused:?}"))
}

async fn unknown(store: &Store) -> Checked {
    let path = store.path().to_owned();
    let expected = StoreError::NoRun { path, id: "r9".to_owned() };
    same(&store.run("r9").await.err(), &Some(expected.clone()))?;
    same(&store.finish_run("r9", "solved", "{}").await.err(), &Some(expected.clone()))?;
    same(&store.append_events("r9", &[(0, "{}".to_owned())]).await.err(), &Some(expected))?;
    let failure = store.add_failure("r9", "unit", "{}").await;
    holds(failure.is_err(), || "a failure of no run is stored".to_owned())
}

async fn bodies(store: &Store) -> Checked {
    same(&store.reply("a").await?, &None)?;
    let bodies: [&[u8]; 4] = [b"", b"\0\xff{}", &[7; LONG], &[7; LONG]];
    for (key, body) in ["a", "b", "c", "d"].into_iter().zip(bodies) {
        store.put_reply(key, body).await?;
        store.put_execution(key, body).await?;
        same(&store.reply(key).await?.as_deref(), &Some(body))?;
        same(&store.execution(key).await?.as_deref(), &Some(body))?;
    }
    store.put_reply("a", b"another").await?;
    same(&store.reply("a").await?.as_deref(), &Some(&b"another"[..]))
}

async fn events(store: &Store) -> Checked {
    store.begin_run(&run_of("r1", "f1")).await?;
    let long = "y".repeat(LONG);
    store.append_events("r1", &[(1, long.clone()), (0, "a".to_owned())]).await?;
    store.append_events("r1", &[(0, "a".to_owned()), (1, long.clone()), (2, long.clone())]).await?;
    let conflict = store.append_events("r1", &[(3, "d".to_owned()), (2, "other".to_owned())]).await;
    let path = store.path().to_owned();
    same(&conflict.err(), &Some(StoreError::EventConflict { path, run: "r1".to_owned(), seq: 2 }))?;
    let event = |seq, body: &str| Event { seq, body: body.to_owned() };
    let expected = vec![event(0, "a"), event(1, &long), event(2, &long)];
    same(&store.events("r1").await?, &expected)?;
    same(&store.events_from("r1", 1, 1).await?, &vec![event(1, &long)])?;
    same(&store.events("r9").await?, &Vec::new())
}

async fn failures(store: &Store) -> Checked {
    store.begin_run(&run_of("r1", "f1")).await?;
    for (unit, body) in [("b", "1"), ("a", "2"), ("b", "3")] {
        store.add_failure("r1", unit, body).await?;
    }
    let found: Vec<(String, u32, String)> =
        store.failures("r1").await?.into_iter().map(|it| (it.unit, it.attempt, it.body)).collect();
    let expected = [("a", 1, "2"), ("b", 1, "1"), ("b", 2, "3")];
    let owned = expected.map(|(unit, attempt, body)| (unit.to_owned(), attempt, body.to_owned()));
    same(&found, &owned.to_vec())
}

async fn samples(store: &Store) -> Checked {
    let sample = |task: &str, sample, attempt, body: &str| Sample {
        task: task.to_owned(),
        sample,
        attempt,
        body: body.to_owned(),
    };
    let long = "x".repeat(LONG);
    let puts = [
        (sample("t/1", 1, 1, "first"), true),
        (sample("t/1", 1, 1, "again"), false),
        (sample("t/1", 1, 2, &long), true),
        (sample("t/1", 1, 1, "late"), false),
        (sample("t/1", 0, 1, "other"), true),
        (sample("T/2", 0, 1, "capital letters come first"), true),
    ];
    for (sample, counts) in puts {
        same(&store.put_sample("b", sample).await?, &counts)?;
    }
    same(&store.put_sample("c", sample("t/1", 0, 1, "of another batch")).await?, &true)?;
    let expected = vec![
        sample("T/2", 0, 1, "capital letters come first"),
        sample("t/1", 0, 1, "other"),
        sample("t/1", 1, 2, &long),
    ];
    same(&store.samples("b").await?, &expected)
}

async fn attempts(store: &Store) -> Checked {
    for run in ["r1", "r2"] {
        store.begin_run(&run_of(run, &format!("f{run}"))).await?;
    }
    let long = "x".repeat(LONG);
    for (run, number, body) in [("r2", 1, "begun"), ("r1", 1, "short"), ("r2", 2, "second")] {
        same(&store.add_attempt(run, body).await?, &number)?;
    }
    store.put_attempt("r1", 1, &long).await?;
    store.put_attempt("r2", 1, "paid").await?;
    store.put_attempt("r2", 1, "first").await?;
    let path = store.path().to_owned();
    let nothing = store.put_attempt("r1", 2, "lost").await.err();
    same(&nothing, &Some(StoreError::NoRun { path, id: "r1".to_owned() }))?;
    if store.add_attempt("none", "lost").await.is_ok() {
        return Err(Wrong("an attempt at a run that is not there was stored".to_owned()));
    }
    let attempt = |run: &str, number, body: &str| Attempt { run: run.into(), number, body: body.into() };
    let expected = vec![attempt("r1", 1, &long), attempt("r2", 1, "first"), attempt("r2", 2, "second")];
    same(&store.attempts().await?, &expected)
}

async fn queued(store: &Store) -> Checked {
    store.begin_run(&run_of("r1", "f1")).await?;
    let mut first = store.queue_events("r1", vec![(0, "a".to_owned())]).await?;
    let mut lost = store.queue_events("r9", vec![(0, "a".to_owned())]).await?;
    let mut execution = store.queue_execution("e", b"report".to_vec()).await?;
    store.put_reply("k", b"answer").await?;
    same(&(first.is_done()?, execution.is_done()?), &(true, true))?;
    let path = store.path().to_owned();
    same(&lost.is_done().err(), &Some(StoreError::NoRun { path, id: "r9".to_owned() }))?;
    same(&store.events("r1").await?, &vec![Event { seq: 0, body: "a".to_owned() }])?;
    same(&store.execution("e").await?.as_deref(), &Some(&b"report"[..]))
}

async fn many(store: &Store) -> Checked {
    store.begin_run(&run_of("r1", "f1")).await?;
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..100_u64 {
        let store = store.clone();
        tasks.spawn(async move {
            // The same large text by all of them.
            store.put_execution(&format!("e{i}"), &[9; LONG]).await?;
            store.append_events("r1", &[(i, i.to_string())]).await?;
            store.add_failure("r1", "unit", &i.to_string()).await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| Wrong(error.to_string()))??;
    }
    let expected: Vec<Event> = (0..100).map(|seq| Event { seq, body: seq.to_string() }).collect();
    same(&store.events("r1").await?, &expected)?;
    let attempts: Vec<u32> = store.failures("r1").await?.iter().map(|failure| failure.attempt).collect();
    same(&attempts, &(1..=100).collect())
}

async fn refused(store: &Store) -> Checked {
    let events = [(0, "x".to_owned())];
    let (good, bad, also_good) = tokio::join!(
        store.put_reply("a", b"1"),
        store.append_events("nowhere", &events),
        store.put_reply("b", b"2"),
    );
    good?;
    also_good?;
    holds(matches!(bad, Err(StoreError::NoRun { .. })), || format!("{bad:?}"))?;
    same(&store.reply("b").await?.as_deref(), &Some(&b"2"[..]))
}

async fn closed(store: &Store) -> Checked {
    let clone = store.clone();
    store.put_reply("a", b"1").await?;
    store.close().await?;
    let late = (clone.put_reply("b", b"2").await, clone.reply("a").await);
    let is_closed = matches!(late, (Err(StoreError::Closed { .. }), Err(StoreError::Closed { .. })));
    holds(is_closed, || format!("{late:?}"))
}
