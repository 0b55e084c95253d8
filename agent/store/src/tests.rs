//! The store as a whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use sqlx::{ConnectOptions, Connection};

use crate::conformance::deviations;
use crate::{Begun, Event, NewRun, RunHead, Sample, Store, StoreError};

struct Bed {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Bed {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.db");
        Self { _folder: folder, path }
    }

    async fn open(&self) -> Store {
        Store::open(&self.path).await.unwrap()
    }
}

fn new_run(id: &str, fingerprint: &str) -> NewRun {
    NewRun { id: id.into(), fingerprint: fingerprint.into(), spec: format!("{{\"id\":\"{id}\"}}") }
}

async fn execute(path: &Path, statement: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = options.connect().await.unwrap();
    sqlx::query(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_does_what_a_store_must() {
    let folder = tempfile::tempdir().unwrap();
    let count = AtomicUsize::new(0);
    let open = async || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        Store::open(folder.path().join(format!("{number}.db"))).await.unwrap()
    };
    assert_eq!(deviations(open).await, []);
}

#[tokio::test]
async fn a_changed_sample_is_named() {
    let bed = Bed::new();
    let store = bed.open().await;
    let sample = Sample { task: "t/1".into(), sample: 1, attempt: 1, body: "{}".into() };
    store.put_sample("b", sample).await.unwrap();
    store.close().await.unwrap();
    execute(&bed.path, "UPDATE samples SET attempt = 3 WHERE sample = 1").await;
    let damaged = bed.open().await.samples("b").await.unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged { .. }), "{damaged}");
}

/// What a first release wrote, before there were samples.
#[tokio::test]
async fn a_store_of_the_first_schema_is_migrated() {
    let bed = Bed::new();
    let store = bed.open().await;
    store.begin_run(&new_run("r1", "f1")).await.unwrap();
    store.close().await.unwrap();
    execute(&bed.path, "DROP TABLE samples").await;
    execute(&bed.path, "DROP TABLE attempts").await;
    execute(&bed.path, "DELETE FROM codeagent_migrations WHERE version > 1").await;
    // Who only reads changes nothing, and finds none.
    let reader = Store::open_read_only(&bed.path).await.unwrap();
    assert_eq!(reader.attempts().await.unwrap(), []);
    reader.close().await.unwrap();
    let store = bed.open().await;
    assert_eq!(store.attempts().await.unwrap(), []);
    assert_eq!(store.samples("b").await.unwrap(), []);
    assert_eq!(store.runs().await.unwrap().len(), 1);
}

#[tokio::test]
async fn equal_large_bodies_are_stored_once() {
    let bed = Bed::new();
    let store = bed.open().await;
    let body = vec![7; 100_000];
    for key in ["a", "b", "c"] {
        store.put_reply(key, &body).await.unwrap();
        store.put_execution(key, &body).await.unwrap();
    }
    assert_eq!(store.reply("b").await.unwrap().as_deref(), Some(body.as_slice()));
    store.close().await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&bed.path);
    let mut connection = options.connect().await.unwrap();
    let blobs: i64 =
        sqlx::query_scalar("SELECT count(*) FROM blobs").fetch_one(&mut connection).await.unwrap();
    assert_eq!(blobs, 1);
    assert!(fs::metadata(&bed.path).unwrap().len() < 100_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_at_once_lose_nothing() {
    let bed = Bed::new();
    let store = bed.open().await;
    store.begin_run(&new_run("r1", "f1")).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..300_u64 {
        let store = store.clone();
        tasks.spawn(async move {
            store.put_reply(&format!("k{i}"), &i.to_le_bytes()).await.unwrap();
            store.append_events("r1", &[(i, i.to_string())]).await.unwrap();
            assert_eq!(store.reply(&format!("k{i}")).await.unwrap(), Some(i.to_le_bytes().to_vec()));
        });
    }
    tasks.join_all().await;
    let expected: Vec<_> = (0..300).map(|seq| Event { seq, body: seq.to_string() }).collect();
    assert_eq!(store.events("r1").await.unwrap(), expected);
}

#[tokio::test]
async fn queued_writes_are_written_though_nothing_follows() {
    let bed = Bed::new();
    let store = bed.open().await;
    store.begin_run(&new_run("r1", "f1")).await.unwrap();
    store.queue_events("r1", vec![(0, "a".into())]).await.unwrap().done().await.unwrap();
    assert_eq!(store.events("r1").await.unwrap().len(), 1);
    drop(store.queue_events("r1", vec![(1, "b".into())]).await.unwrap());
    store.close().await.unwrap();
    assert_eq!(bed.open().await.events("r1").await.unwrap().len(), 2);
}

/// What `kill -9` leaves: the files as they are at some moment, the log not folded in.
#[tokio::test]
async fn acknowledged_writes_survive_a_crash() {
    let bed = Bed::new();
    let store = bed.open().await;
    store.begin_run(&new_run("r1", "f1")).await.unwrap();
    store.put_reply("k", b"paid for").await.unwrap();

    let crashed = Bed::new();
    for suffix in ["", "-wal"] {
        let name = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        fs::copy(name(&bed.path), name(&crashed.path)).unwrap();
    }
    let reopened = crashed.open().await;
    assert_eq!(reopened.reply("k").await.unwrap(), Some(b"paid for".to_vec()));
    assert!(matches!(reopened.begin_run(&new_run("r1", "f1")).await.unwrap(), Begun::Continues(_)));
}

#[tokio::test]
async fn a_store_that_was_only_dropped_opens_again() {
    let bed = Bed::new();
    let store = bed.open().await;
    store.put_reply("k", b"v").await.unwrap();
    drop(store);
    assert_eq!(bed.open().await.reply("k").await.unwrap(), Some(b"v".to_vec()));
}

#[tokio::test]
async fn closing_folds_the_log_in_and_refuses_later_calls() {
    let bed = Bed::new();
    let store = bed.open().await;
    let clone = store.clone();
    store.put_reply("k", b"v").await.unwrap();
    store.close().await.unwrap();
    assert!(!PathBuf::from(format!("{}-wal", bed.path.display())).exists());
    let closed = StoreError::Closed { path: bed.path.clone() };
    assert_eq!(clone.put_reply("k", b"v").await.unwrap_err(), closed);
    assert_eq!(clone.reply("k").await.unwrap_err(), closed);
}

async fn check_damage(statement: &'static str, place: &str) {
    let bed = Bed::new();
    let store = bed.open().await;
    store.begin_run(&new_run("r1", "f1")).await.unwrap();
    store.put_reply("small", b"v").await.unwrap();
    store.put_reply("large", &vec![1; 9_000]).await.unwrap();
    store.append_events("r1", &[(0, "event".into())]).await.unwrap();
    store.close().await.unwrap();
    execute(&bed.path, statement).await;
    let store = bed.open().await;
    let errors = [
        store.reply("small").await.err(),
        store.reply("large").await.err(),
        store.events("r1").await.err(),
        store.run("r1").await.err(),
    ];
    let found: Vec<_> = errors.into_iter().flatten().collect();
    assert_eq!(found, [StoreError::Damaged { path: bed.path.clone(), place: place.into() }], "{statement}");
}

#[tokio::test]
async fn a_changed_row_is_named() {
    check_damage("UPDATE replies SET body = x'77' WHERE key = 'small'", "replies small").await;
    check_damage("UPDATE blobs SET data = x'00'", "replies large").await;
    check_damage("UPDATE blobs SET size = 9223372036854775807", "replies large").await;
    check_damage("UPDATE replies SET sum = x'00' WHERE key = 'large'", "replies large").await;
    check_damage("UPDATE events SET body = x'ff'", "events r1 0").await;
    check_damage("UPDATE events SET seq = 1", "events r1 1").await;
    check_damage("UPDATE runs SET spec = '{}'", "runs r1 f1").await;
}

#[tokio::test]
async fn a_damaged_reply_can_be_written_again() {
    let bed = Bed::new();
    let store = bed.open().await;
    let body = vec![1; 9_000];
    store.put_reply("k", &body).await.unwrap();
    execute(&bed.path, "UPDATE blobs SET data = x'00'").await;
    assert!(matches!(store.reply("k").await, Err(StoreError::Damaged { .. })));
    store.put_reply("k", &body).await.unwrap();
    assert_eq!(store.reply("k").await.unwrap(), Some(body));
}

/// One flipped byte anywhere: an error or a miss, never a wrong answer.
#[tokio::test]
async fn flipped_bytes_never_change_an_answer() {
    let bed = Bed::new();
    let store = bed.open().await;
    for i in 0..40_u8 {
        store.put_reply(&format!("k{i}"), &vec![i; 100 * usize::from(i)]).await.unwrap();
    }
    store.close().await.unwrap();
    let intact = fs::read(&bed.path).unwrap();
    for step in 0..60_usize {
        let mut bytes = intact.clone();
        let at = (step * 7_919 + 13) % bytes.len();
        bytes[at] ^= 1 << (step % 8);
        let flipped = Bed::new();
        fs::write(&flipped.path, bytes).unwrap();
        let Ok(store) = Store::open(&flipped.path).await else {
            continue;
        };
        for i in 0..40_u8 {
            if let Ok(Some(body)) = store.reply(&format!("k{i}")).await {
                assert_eq!(body, vec![i; 100 * usize::from(i)], "byte {at}");
            }
        }
    }
}

#[tokio::test]
async fn a_newer_store_is_refused_by_version() {
    let bed = Bed::new();
    bed.open().await.close().await.unwrap();
    execute(
        &bed.path,
        "INSERT INTO codeagent_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'later', 1, x'00', 0)",
    )
    .await;
    let refused = Store::open(&bed.path).await.unwrap_err();
    assert_eq!(
        refused,
        StoreError::Newer { path: bed.path.clone(), found: 99, known: crate::sqlite::VERSION }
    );
    assert!(refused.to_string().contains("schema version 99"), "{refused}");
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_alone() {
    let bed = Bed::new();
    fs::write(&bed.path, "print('hello')\n".repeat(100)).unwrap();
    assert!(matches!(Store::open(&bed.path).await, Err(StoreError::NotAStore { .. })));
    assert!(fs::read_to_string(&bed.path).unwrap().starts_with("print"));

    let other = Bed::new();
    fs::write(&other.path, "").unwrap();
    execute(&other.path, "CREATE TABLE theirs (x)").await;
    let before = fs::read(&other.path).unwrap();
    assert!(matches!(Store::open(&other.path).await, Err(StoreError::NotAStore { .. })));
    assert_eq!(fs::read(&other.path).unwrap(), before);
}

#[tokio::test]
async fn places_that_cannot_hold_a_store_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("absent/run.db"), folder.path().to_path_buf()] {
        let error = Store::open(&path).await.unwrap_err();
        assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[tokio::test]
async fn paths_may_hold_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b?mode=ro#ü%20'\"").join("run.db");
    fs::create_dir(path.parent().unwrap()).unwrap();
    let store = Store::open(&path).await.unwrap();
    store.put_reply("k", b"v").await.unwrap();
    assert!(path.exists());
}

#[tokio::test]
async fn texts_beyond_the_limit_are_refused() {
    let bed = Bed::new();
    let store = bed.open().await;
    let body = vec![0; crate::body::BODY_BYTES_MAX + 1];
    assert!(matches!(store.put_reply("k", &body).await, Err(StoreError::TooLarge { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_put_is_got(
        entries in proptest::collection::vec((any::<String>(), proptest::collection::vec(any::<u8>(), 0..9_000)), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bed = Bed::new();
            let store = bed.open().await;
            let mut expected = std::collections::BTreeMap::new();
            for (key, body) in &entries {
                store.put_reply(key, body).await.unwrap();
                expected.insert(key, body);
            }
            for (key, body) in expected {
                assert_eq!(store.reply(key).await.unwrap().as_ref(), Some(body));
                assert_eq!(store.execution(key).await.unwrap(), None);
            }
        });
    }
}

/// SQLite's own result codes, brought about in a connection of our own, and what they are to a user.
#[tokio::test]
async fn result_codes_have_their_meaning() {
    let bed = Bed::new();
    bed.open().await.close().await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&bed.path);
    let options = options.busy_timeout(std::time::Duration::ZERO);
    let insert = "INSERT INTO blobs (hash, size, data) VALUES ('h', 1, zeroblob(1000000))";
    let path = bed.path.clone();

    let mut holder = options.connect().await.unwrap();
    let mut other = options.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut holder).await.unwrap();
    let error = sqlx::query(insert).execute(&mut other).await.unwrap_err();
    assert_eq!(StoreError::of(&path, &error), StoreError::Locked { path: path.clone() });
    sqlx::query("ROLLBACK").execute(&mut holder).await.unwrap();

    sqlx::query("PRAGMA max_page_count = 40").execute(&mut holder).await.unwrap();
    let error = sqlx::query(insert).execute(&mut holder).await.unwrap_err();
    assert_eq!(StoreError::of(&path, &error), StoreError::DiskFull { path: path.clone() });

    sqlx::query("PRAGMA query_only = 1").execute(&mut other).await.unwrap();
    let error = sqlx::query(insert).execute(&mut other).await.unwrap_err();
    assert_eq!(StoreError::of(&path, &error), StoreError::ReadOnly { path: path.clone() });
}

/// A second process on one store waits for the first one's transaction and then both have written.
#[tokio::test]
async fn two_stores_on_one_file_take_turns() {
    let bed = Bed::new();
    let (first, second) = (bed.open().await, bed.open().await);
    for i in 0..20 {
        let (key, other) = (format!("a{i}"), format!("b{i}"));
        let (one, two) = tokio::join!(first.put_reply(&key, b"1"), second.put_reply(&other, b"2"));
        one.and(two).unwrap();
    }
    assert_eq!(first.reply("b19").await.unwrap(), Some(b"2".to_vec()));
}

/// A store with one finished run, closed, and nothing beside it.
async fn finished() -> Bed {
    let bed = Bed::new();
    let store = bed.open().await;
    store.begin_run(&new_run("r1", "f1")).await.unwrap();
    store.append_events("r1", &[(0, "a".into()), (1, "b".into())]).await.unwrap();
    store.finish_run("r1", "solved", "{}").await.unwrap();
    store.close().await.unwrap();
    bed
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[tokio::test]
async fn a_reader_sees_what_a_writer_adds() {
    let bed = Bed::new();
    let writer = bed.open().await;
    let reader = Store::open_read_only(&bed.path).await.unwrap();
    assert_eq!(reader.run_heads().await.unwrap(), []);
    writer.begin_run(&new_run("r1", "f1")).await.unwrap();
    writer.append_events("r1", &[(0, "a".into()), (1, "b".into()), (2, "c".into())]).await.unwrap();
    let heads = reader.run_heads().await.unwrap();
    let run = reader.run("r1").await.unwrap();
    let expected = RunHead {
        id: "r1".into(),
        status: "running".into(),
        created_us: run.created_us,
        finished_us: None,
        events: 3,
    };
    assert_eq!(heads, [expected]);
    let event = |seq, body: &str| Event { seq, body: body.into() };
    assert_eq!(reader.events_from("r1", 1, 1).await.unwrap(), [event(1, "b")]);
    assert_eq!(reader.events_from("r1", 3, 9).await.unwrap(), []);
    writer.append_events("r1", &[(3, "d".into())]).await.unwrap();
    assert_eq!(reader.events_from("r1", 3, 9).await.unwrap(), [event(3, "d")]);
    assert_eq!(reader.events_from("r1", u64::MAX, 9).await.unwrap(), []);

    writer.finish_run("r1", "solved", "{}").await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(reader.run("r1").await.unwrap().status, "solved", "the writer has gone");
    bed.open().await.append_events("r1", &[(4, "e".into())]).await.unwrap();
    assert_eq!(reader.run_heads().await.unwrap()[0].events, 5, "another one came");
}

#[tokio::test]
async fn a_reader_writes_nothing() {
    let bed = finished().await;
    let before = fs::read(&bed.path).unwrap();
    let reader = Store::open_read_only(&bed.path).await.unwrap();
    let refused = StoreError::ReadOnly { path: bed.path.clone() };
    assert_eq!(reader.put_reply("k", b"v").await.unwrap_err(), refused);
    assert_eq!(reader.append_events("r1", &[(9, "x".into())]).await.unwrap_err(), refused);
    assert_eq!(reader.events("r1").await.unwrap().len(), 2);
    reader.close().await.unwrap();
    assert_eq!(reader.runs().await.unwrap_err(), StoreError::Closed { path: bed.path.clone() });
    assert_eq!(fs::read(&bed.path).unwrap(), before);
}

/// As in a folder where nothing may be written, which the rights of root would not show.
#[tokio::test]
async fn a_finished_store_is_read_where_no_file_can_be_made() {
    let bed = finished().await;
    std::os::unix::fs::symlink("nowhere", beside(&bed.path, "-shm")).unwrap();
    let reader = Store::open_read_only(&bed.path).await.unwrap();
    assert_eq!(reader.run("r1").await.unwrap().status, "solved");
    assert_eq!(reader.events("r1").await.unwrap().len(), 2);

    fs::remove_file(beside(&bed.path, "-shm")).unwrap();
    let writer = bed.open().await;
    writer.append_events("r1", &[(2, "c".into())]).await.unwrap();
    assert_eq!(reader.events("r1").await.unwrap().len(), 3, "it is one that somebody writes to again");

    let crashed = Bed::new();
    for suffix in ["", "-wal"] {
        fs::copy(beside(&bed.path, suffix), beside(&crashed.path, suffix)).unwrap();
    }
    std::os::unix::fs::symlink("nowhere", beside(&crashed.path, "-shm")).unwrap();
    let refused = Store::open_read_only(&crashed.path).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::CannotOpen { .. }),
        "what waits in the log would be missed: {refused}"
    );
}

#[tokio::test]
async fn a_reader_refuses_what_is_no_store_and_makes_none() {
    let bed = Bed::new();
    assert!(matches!(Store::open_read_only(&bed.path).await, Err(StoreError::CannotOpen { .. })));
    assert!(!bed.path.exists());
    fs::write(&bed.path, "").unwrap();
    assert!(matches!(Store::open_read_only(&bed.path).await, Err(StoreError::NotAStore { .. })));
    assert_eq!(fs::metadata(&bed.path).unwrap().len(), 0);
    fs::write(&bed.path, "print('hello')\n".repeat(100)).unwrap();
    assert!(matches!(Store::open_read_only(&bed.path).await, Err(StoreError::NotAStore { .. })));

    let newer = finished().await;
    execute(
        &newer.path,
        "INSERT INTO codeagent_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'later', 1, x'00', 0)",
    )
    .await;
    assert!(matches!(Store::open_read_only(&newer.path).await, Err(StoreError::Newer { .. })));
}
