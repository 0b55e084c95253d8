//! Runs and batches in PostgreSQL.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use codeagent_store::conformance::deviations;
use codeagent_store::{NewRun, Store, StoreError};
use codeagent_tests::binary::{Ended, Sandboxed, until};
use codeagent_tests::postgres::PostgresServer;
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::{SkilledModel, puzzle, puzzles};
use codeagent_tests::viewer::Viewer;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_does_what_a_store_must() {
    let Some(server) = PostgresServer::start() else { return };
    let count = AtomicUsize::new(0);
    let open = async || {
        let name = format!("d{}", count.fetch_add(1, Ordering::Relaxed));
        Store::open_postgres(&server.database(&name)).await.unwrap()
    };
    assert_eq!(deviations(open).await, []);
}

#[tokio::test]
async fn a_name_is_claimed_once() {
    let Some(server) = PostgresServer::start() else { return };
    let url = server.database("claims");
    let (one, other) = (Store::open_postgres(&url).await.unwrap(), Store::open_postgres(&url).await.unwrap());
    one.claim("r1").await.unwrap();
    assert!(matches!(other.claim("r1").await, Err(StoreError::Locked { .. })));
    other.claim("r2").await.unwrap();
    one.close().await.unwrap();
    // The server may need a moment to see that the session is gone.
    for _ in 0..1_000 {
        if other.claim("r1").await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the name stays claimed");
}

#[tokio::test]
async fn what_can_not_be_opened_or_read_is_named_without_the_password() {
    let Some(server) = PostgresServer::start() else { return };
    let url = server.database("damaged");
    let store = Store::open_postgres(&url).await.unwrap();
    let run = NewRun { id: "r1".into(), fingerprint: "f1".into(), spec: "{}".into() };
    store.begin_run(&run).await.unwrap();
    assert!(server.sql("damaged", "UPDATE runs SET fingerprint = 'f2'").is_some());
    assert!(matches!(store.run("r1").await, Err(StoreError::Damaged { .. })));
    store.close().await.unwrap();
    assert!(
        server.sql("damaged", "UPDATE codeagent_migrations SET version = 99 WHERE version = 2").is_some()
    );
    let newer = Store::open_postgres(&url).await.unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found: 99, .. }), "{newer}");
    for url in [
        "postgres://codeagent:hunter2@127.0.0.1:1/none".to_owned(),
        "postgres://codeagent:hunter2@:x/".to_owned(),
        url.replace("codeagent@", "nobody:hunter2@"),
    ] {
        let error = Store::open_postgres(&url).await.unwrap_err();
        assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

fn server() -> ModelServer {
    let model = SkilledModel::new(0.3);
    ModelServer::answering(move |request| model.answer(request))
}

/// Puts the puzzles where a batch finds them, in `puzzles.jsonl`.
fn place_puzzles(place: &Sandboxed) {
    let rows: String = puzzles().iter().map(|puzzle| format!("{puzzle}\n")).collect();
    let _ = place.file("puzzles.jsonl", rows);
}

/// The same batch in PostgreSQL, killed once, and in SQLite.
#[test]
fn a_batch_in_postgres_ends_as_one_in_sqlite() {
    let Some(database) = PostgresServer::start() else { return };
    let server = server();
    let place = Sandboxed::new();
    place_puzzles(&place);
    let url = format!("store.url={}", database.database("batch"));
    let eval = |out: &str, more: &[&str]| -> Command {
        let mut command =
            place.command(&["eval", "puzzles.jsonl", "-n", "2", "--strategy", "reflexion", "--out", out]);
        command.args(["-m", "scripted", "--base-url", &server.base_url()]).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut killed = eval("postgres", &["--set", &url]).spawn().unwrap();
    let before = server.count();
    until("it has begun", || server.count() > before + 5 || killed.try_wait().unwrap().is_some());
    killed.kill().unwrap();
    killed.wait().unwrap();
    let ended = Ended::of(&mut eval("postgres", &["--set", &url]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = Ended::of(&mut eval("sqlite", &[]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let results = |out: &str| std::fs::read_to_string(place.path().join(out).join("results.json")).unwrap();
    assert_eq!(results("postgres"), results("sqlite"));
    assert!(!place.path().join("postgres/run.db").exists());
    let report = Ended::of(&mut place.command(&["report", "postgres", "--json", "--set", &url]));
    let mut report: Value = serde_json::from_str(&report.stdout).unwrap();
    let paid = report.as_object_mut().and_then(|report| report.remove("paid")).unwrap();
    assert!(paid["attempts"].as_u64() > Some(0), "{paid}");
    assert_eq!(report, serde_json::from_str::<Value>(&results("postgres")).unwrap());
}

/// Two batches in one database: the viewer of a folder has the runs of that folder, and no others.
#[test]
fn a_batch_in_postgres_is_viewed_and_its_neighbour_is_not() {
    let Some(database) = PostgresServer::start() else { return };
    let server = server();
    let place = Sandboxed::new();
    place_puzzles(&place);
    let url = format!("store.url={}", database.database("shared"));
    for (out, seed) in [("one", "1"), ("other", "2")] {
        let mut eval = place.command(&["eval", "puzzles.jsonl", "--strategy", "resample", "--out", out]);
        eval.args(["-m", "scripted", "--base-url", &server.base_url(), "--seed", seed, "--set", &url]);
        let ended = Ended::of(eval.args(["--set", "search.resample.programs=2"]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let (one, other) = (
        Viewer::start_with(&place, "one", &["--set", &url]),
        Viewer::start_with(&place, "other", &["--set", &url]),
    );
    let (runs, others) = (one.runs(), other.runs());
    assert_eq!((runs.len(), others.len()), (puzzles().len(), puzzles().len()));
    let ids =
        |runs: &[Value]| runs.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let (ids, others) = (ids(&runs), ids(&others));
    assert!(ids.iter().all(|id| !others.contains(id)), "{ids:?}");
    for path in ["", "/statement", "/events", "/events/0"] {
        let answer = |id: &str| one.answer(&format!("/api/runs/{id}{path}"));
        assert_eq!(answer(&ids[0]).status, 200, "{path}");
        let refused = answer(&others[0]);
        assert!(refused.status == 404 && refused.body.contains("no such"), "{path}: {refused:?}");
    }
    assert!(one.get("/metrics").contains("codeagent_runs{status="));
    let gone = "store.url=postgres://codeagent@127.0.0.1:1/none";
    let ended = Ended::of(&mut place.command(&["view", "one", "--set", gone]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("postgres://127.0.0.1:1/none"), "{ended:?}");
}

#[test]
fn a_search_in_postgres_is_shown_and_continued() {
    let Some(database) = PostgresServer::start() else { return };
    let server = server();
    let place = Sandboxed::new();
    let url = format!("store.url={}", database.database("search"));
    let solve =
        || Ended::of(&mut place.solve(puzzle("balanced"), &server, &["--run-dir", "run", "--set", &url]));
    let first = solve();
    let asked = server.count();
    assert_eq!((solve().result(), server.count()), (first.result(), asked));
    let shown = Ended::of(&mut place.command(&["show", "run", "--set", &url]));
    assert!(shown.code == Some(0) && shown.stdout.contains("#1"), "{shown:?}");
    for (url, code, says) in [
        (
            "store.url=postgres://codeagent@127.0.0.1:1/none",
            70,
            "cannot open the store postgres://127.0.0.1:1/none",
        ),
        ("store.url=postgres://codeagent:hunter2@127.0.0.1:1/none", 2, "set PGPASSWORD"),
    ] {
        let more = ["--run-dir", "other", "--set", url];
        let gone = Ended::of(&mut place.solve(puzzle("balanced"), &server, &more));
        assert_eq!(gone.code, Some(code), "{gone:?}");
        assert!(gone.stderr.contains(says) && !gone.stderr.contains("hunter2"), "{gone:?}");
    }
}
