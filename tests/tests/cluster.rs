//! Batches on many machines: a coordinator and workers, all of them the real binary, around real NATS servers. Whatever is
//! killed, the results are those of a batch on one machine.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests, which say what they measured or left out"
)]
#![expect(clippy::indexing_slicing, reason = "JSON has null where nothing is")]

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use codeagent_benchmarks::cluster::{Access, Link, NatsQueue, RunNames};
use codeagent_benchmarks::queue::{
    Control, Disposal, Job, Lease, Pulled, QueueError, Work, WorkQueue as _, conformance, serve,
};
use codeagent_tests::binary::{Ended, Sandboxed, files, until};
use codeagent_tests::nats::NatsServers;
use codeagent_tests::server::{Fault, Faults, ModelServer};
use codeagent_tests::skill::{SkilledModel, puzzles};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

#[path = "cluster/access.rs"]
mod access;
#[path = "cluster/money.rs"]
mod money;
#[path = "cluster/scaling.rs"]
mod scaling;

/// Samples of each puzzle.
const SAMPLES: &str = "3";

/// Searches at a time of each worker, and so many steps of each.
const SLOTS: usize = 2;

/// A place with puzzles, a model server and NATS servers.
struct Bed {
    place: Sandboxed,
    server: ModelServer,
    nats: NatsServers,
}

fn model(faults: Box<Faults>, latency: Duration) -> ModelServer {
    let model = SkilledModel::new(0.3);
    ModelServer::start(Box::new(move |request| model.answer(request)), faults, latency)
}

fn place() -> Sandboxed {
    let place = Sandboxed::new();
    let rows: String = puzzles().iter().map(|puzzle| format!("{puzzle}\n")).collect();
    let _ = place.file("puzzles.jsonl", rows);
    place
}

fn eval(place: &Sandboxed, server: &ModelServer, more: &[&str]) -> Command {
    let mut command = place.command(&["eval", "puzzles.jsonl", "--out", "run", "--strategy", "resample"]);
    command.args(["-m", "scripted", "--base-url", &server.base_url(), "--seed", "5"]);
    if !more.contains(&"-n") {
        command.args(["-n", SAMPLES]);
    }
    command.args(["--set", "search.resample.programs=4", "--set", "limits.retry_backoff=1ms", "-j", "2"]);
    command.args(more).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What the same batch comes to on one machine: its results and its rows.
fn alone() -> &'static (Value, Vec<Value>) {
    static ALONE: OnceLock<(Value, Vec<Value>)> = OnceLock::new();
    ALONE.get_or_init(|| {
        let (place, server) = (place(), model(Box::new(|_| None), Duration::ZERO));
        let ended = Ended::of(&mut eval(&place, &server, &[]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        (results(&place), rows(&place))
    })
}

fn results(place: &Sandboxed) -> Value {
    serde_json::from_slice(&std::fs::read(place.path().join("run/results.json")).unwrap()).unwrap()
}

/// The rows without what differs between runs that end alike.
fn rows(place: &Sandboxed) -> Vec<Value> {
    let text = std::fs::read_to_string(place.path().join("run/samples.jsonl")).unwrap();
    let rows = text.lines().map(|line| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        row.as_object_mut().unwrap().remove("wall_ms");
        row
    });
    rows.collect()
}

impl Bed {
    fn new(nats: NatsServers, latency: Duration) -> Self {
        Self { place: place(), server: model(Box::new(|_| None), latency), nats }
    }

    fn coordinator(&self, more: &[&str]) -> Child {
        let urls = self.nats.urls();
        let lease: &[&str] = if more.contains(&"--lease") { &[] } else { &["--lease", "2s"] };
        let more = [&["--nats", &urls], lease, more].concat();
        eval(&self.place, &self.server, &more).spawn().unwrap()
    }

    fn worker(&self, more: &[&str]) -> Child {
        let mut command = self.place.command(&["worker", "--nats", &self.nats.urls()]);
        if !more.contains(&"--slots") {
            command.args(["--slots", &SLOTS.to_string()]);
        }
        command.args(["-m", "scripted", "--base-url", &self.server.base_url()]).args(more);
        command.args(["--set", "limits.retry_backoff=1ms"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn queue(&self, action: &[&str]) -> Ended {
        let urls = self.nats.urls();
        let command = [&["queue"][..], action, &["--nats", &urls]].concat();
        Ended::of(&mut self.place.command(&command))
    }

    /// Waits until so many requests were made, or somebody ended.
    fn after(&self, requests: usize, who: &mut Child) {
        until("the model was asked", || self.server.count() >= requests || who.try_wait().unwrap().is_some());
        assert!(who.try_wait().unwrap().is_none(), "it ended before its time");
    }

    fn run_id(&self) -> String {
        let path = self.place.path().join("run/run.json");
        until("the batch has begun", || path.is_file());
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        file.get("run_id").and_then(Value::as_str).unwrap().to_owned()
    }

    /// The coordinator ends well, and everything is as on one machine.
    fn ends_as_alone(&self, coordinator: Child) {
        let ended = Ended::within_patience(coordinator);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        self.is_as_alone();
    }

    fn is_as_alone(&self) {
        let (results_alone, rows_alone) = alone();
        assert_eq!(&results(&self.place), results_alone);
        assert_eq!(&rows(&self.place), rows_alone);
        // Money is what the attempts that count have cost, each call once.
        let calls: u64 = rows_alone.iter().filter_map(|row| row["calls"].as_u64()).sum();
        assert_eq!(results_alone["calls"], json!(calls));
        assert!(self.server.count() as u64 >= calls);
    }

    /// What all attempts paid for, as the report tells it.
    fn paid(&self) -> Value {
        let report = Ended::of(&mut self.place.command(&["report", "run", "--json"]));
        assert_eq!(report.code, Some(0), "{report:?}");
        report.json()["paid"].clone()
    }

    /// Every answer that was given is in the bill of one attempt.
    fn all_is_billed(&self) {
        assert_eq!(self.paid()["calls"], json!(self.server.count()));
    }

    /// Requests that were made more than once.
    fn repeated(&self) -> usize {
        let requests = self.server.requests();
        let distinct: BTreeSet<String> = requests.iter().map(Value::to_string).collect();
        requests.len() - distinct.len()
    }
}

fn end(mut child: Child) {
    drop(child.kill());
    drop(child.wait());
}

fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// Ends by itself, and well.
fn leaves(worker: Child) {
    let ended = Ended::within_patience(worker);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_on_a_server_does_what_a_queue_must() {
    let Some(servers) = NatsServers::single() else { return };
    let link = Link::connect(&[servers.urls()], &Access::default()).await.unwrap();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let open = async || {
        let run = format!("r{}", count.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        NatsQueue::make(&link, &RunNames { run }, Duration::from_secs(30)).await.unwrap()
    };
    assert_eq!(conformance::deviations(open).await, Vec::<String>::new());
}

/// What a silent worker had comes to another one, which is told that it was given out before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_ends_in_silence_and_heartbeats_keep_it() {
    let Some(servers) = NatsServers::single() else { return };
    let link = Link::connect(&[servers.urls()], &Access::default()).await.unwrap();
    let names = RunNames { run: "r".to_owned() };
    let one = NatsQueue::make(&link, &names, Duration::from_secs(1)).await.unwrap();
    let other = NatsQueue::bind(&link, &names).await.unwrap();
    let take = async |queue: &NatsQueue, wait| match queue.pull(2, wait).await.unwrap() {
        Pulled::Leases(leases) => leases,
        Pulled::Over => panic!("it is not over"),
    };
    for sample in 0..2 {
        assert!(one.publish(&conformance::ticket("t", sample, 0)).await.unwrap());
    }
    let leases = take(&one, Duration::from_secs(2)).await;
    assert_eq!(leases.len(), 2);
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        one.heartbeat(&leases[0]).await;
    }
    let again = take(&other, Duration::from_millis(500)).await;
    assert_eq!(
        again.iter().map(|lease| (lease.ticket.sample, lease.deliveries)).collect::<Vec<_>>(),
        [(1, 2)]
    );
    assert!(other.ack(&again[0]).await && one.ack(&leases[0]).await);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(take(&other, Duration::from_millis(300)).await, []);
}

#[test]
fn many_machines_draw_what_one_would() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::ZERO);
    // Workers may come before there is anything to do.
    let workers = [bed.worker(&[]), bed.worker(&[])];
    let coordinator = bed.coordinator(&[]);
    bed.ends_as_alone(coordinator);
    assert_eq!(
        (bed.server.count(), bed.repeated()),
        (results(&bed.place)["calls"].as_u64().unwrap() as usize, 0)
    );
    workers.into_iter().for_each(leaves);
    bed.all_is_billed();
    assert_eq!(bed.paid()["attempts"], json!(rows(&bed.place).len()));
    let run = bed.run_id();
    let status = bed.queue(&["status", &run, "--json"]);
    assert_eq!(
        (&status.json()["control"], &status.json()["tasks"]),
        (&json!("finished"), &json!(0)),
        "{status:?}"
    );
    // Each search can be looked at, as if it had been run here.
    let shown = Ended::of(&mut bed.place.command(&["show", "run"]));
    assert_eq!(shown.stdout.lines().count(), rows(&bed.place).len(), "{shown:?}");
    let search = rows(&bed.place)[0]["search"].as_str().unwrap().to_owned();
    let shown = Ended::of(&mut bed.place.command(&["show", "run", "--search", &search]));
    assert!(shown.code == Some(0) && shown.stdout.contains("#1 resample"), "{shown:?}");
    // The same command finds everything done.
    let again = Ended::within_patience(bed.coordinator(&[]));
    assert_eq!(again.code, Some(0), "{again:?}");
    bed.is_as_alone();
}

/// What searches may see lies on the servers; what they may not is nowhere but where it is judged.
#[test]
fn hidden_tests_never_leave_the_coordinator() {
    const HIDDEN: &str = "canary-hidden-8fe1";
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(50));
    let rows = puzzles().into_iter().map(|mut puzzle| {
        let hidden = puzzle["hidden_tests"].as_array_mut().unwrap();
        hidden.push(json!({"in": format!("['{HIDDEN}']"), "out": "'x'"}));
        puzzle["reference"] = json!(format!("def f(): return '{HIDDEN}'"));
        format!("{puzzle}\n")
    });
    let _ = bed.place.file("puzzles.jsonl", rows.collect::<String>());
    let holds = |text: &str| {
        let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        files(bed.nats.path()).iter().any(|(_, bytes)| holds(bytes))
    };
    let (mut coordinator, worker) = (bed.coordinator(&[]), bed.worker(&["-vvv"]));
    bed.after(10, &mut coordinator);
    until("problems lie on the server", || holds("balanced and properly nested"));
    assert!(!holds(HIDDEN));
    let ended = Ended::within_patience(coordinator);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!holds(HIDDEN));
    let said = Ended::within_patience(worker);
    assert!(!format!("{said:?}").contains(HIDDEN));
    let hidden = |row: &Value| {
        let puzzle = puzzles().into_iter().find(|puzzle| puzzle["id"] == row["task_id"]).unwrap();
        puzzle["hidden_tests"].as_array().unwrap().len() as u64
    };
    for row in self::rows(&bed.place) {
        // The one with the mark is there beside the others, and no program passes it.
        let expected = (json!(hidden(&row) + 1), json!(false));
        assert_eq!((row["tests"]["total"].clone(), row["passed"].clone()), expected, "{row}");
    }
}

/// Killed at moments of all kinds, again and again; others go on with what they left.
#[test]
fn killed_workers_cost_nothing_but_time() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(40));
    let (mut coordinator, steady) = (bed.coordinator(&[]), bed.worker(&[]));
    let kills = 3;
    for kill in 0..kills {
        let worker = bed.worker(&[]);
        bed.after(8 * (kill + 1), &mut coordinator);
        std::thread::sleep(Duration::from_millis(13 * kill as u64));
        end(worker);
    }
    bed.ends_as_alone(coordinator);
    leaves(steady);
    assert!(bed.repeated() <= kills * SLOTS * SLOTS, "{} answers were paid again", bed.repeated());
}

/// A worker dies the moment its result is on the server, before the task is off the queue.
#[test]
fn a_worker_killed_between_result_and_acknowledgement_leaves_one_result() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(20));
    let urls = bed.nats.urls();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(async_nats::connect(&urls)).unwrap();
    let mut results = runtime.block_on(client.subscribe("ca.*.res")).unwrap();
    let coordinator = bed.coordinator(&[]);
    for _ in 0..3 {
        let worker = bed.worker(&[]);
        let heard = runtime.block_on(async { futures_util::StreamExt::next(&mut results).await });
        end(worker);
        assert!(heard.is_some());
    }
    let last = bed.worker(&[]);
    bed.ends_as_alone(coordinator);
    leaves(last);
}

/// Every result comes twice, under another name the second time, so that the server does not notice.
#[test]
fn results_that_come_twice_count_once() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::ZERO);
    let urls = bed.nats.urls();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(async_nats::connect(&urls)).unwrap();
    let mut results = runtime.block_on(client.subscribe("ca.*.res")).unwrap();
    let echo = runtime.spawn(async move {
        let mut seen = BTreeSet::new();
        while let Some(result) = futures_util::StreamExt::next(&mut results).await {
            if seen.insert(result.payload.to_vec()) {
                client.publish(result.subject.clone(), result.payload).await.unwrap();
                client.publish(result.subject, "no result at all".into()).await.unwrap();
            }
        }
    });
    let (coordinator, worker) = (bed.coordinator(&[]), bed.worker(&[]));
    bed.ends_as_alone(coordinator);
    leaves(worker);
    echo.abort();
    assert_eq!(bed.repeated(), 0);
    bed.all_is_billed();
}

#[test]
fn a_killed_coordinator_finds_what_workers_did_meanwhile() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(40));
    let worker = bed.worker(&[]);
    for kill in 1..3 {
        let mut coordinator = bed.coordinator(&[]);
        bed.after(8 * kill, &mut coordinator);
        end(coordinator);
    }
    let asked = bed.server.count();
    until("the worker goes on alone", || bed.server.count() > asked + 4);
    bed.ends_as_alone(bed.coordinator(&[]));
    leaves(worker);
    assert_eq!(bed.repeated(), 0);
    bed.all_is_billed();
}

#[test]
fn everything_on_the_server_may_be_deleted_meanwhile() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(40));
    let (mut coordinator, worker) = (bed.coordinator(&[]), bed.worker(&[]));
    bed.after(10, &mut coordinator);
    let reset = bed.queue(&["reset", &bed.run_id()]);
    assert_eq!(reset.code, Some(0), "{reset:?}");
    bed.ends_as_alone(coordinator);
    leaves(worker);
}

/// Each part alone, one after the other, while the others are still there.
#[test]
fn any_part_on_the_server_may_be_deleted_meanwhile() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(60));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(async_nats::connect(bed.nats.urls())).unwrap();
    let server = runtime.block_on(async { async_nats::jetstream::new(client) });
    let (mut coordinator, worker) = (bed.coordinator(&[]), bed.worker(&[]));
    let run = bed.run_id();
    let parts = ["CA_WORK", "CA_RES", "KV_CA_BOX", "OBJ_CA_BOX", "KV_CA_REP", "KV_CA_RUN", "KV_CA_LIVE"];
    for (count, part) in parts.into_iter().enumerate() {
        bed.after(5 * (count + 1), &mut coordinator);
        let deleted = runtime.block_on(server.delete_stream(format!("{part}_{run}")));
        assert!(deleted.is_ok(), "{part}: {:?}", deleted.err());
    }
    bed.ends_as_alone(coordinator);
    leaves(worker);
}

/// With a lease this long nothing is mended before the end.
#[test]
fn a_run_ends_though_what_says_so_was_deleted() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(60));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(async_nats::connect(bed.nats.urls())).unwrap();
    let server = runtime.block_on(async { async_nats::jetstream::new(client) });
    let calls = alone().0["calls"].as_u64().unwrap() as usize;
    let (mut coordinator, worker) = (bed.coordinator(&["--lease", "600s"]), bed.worker(&[]));
    let run = bed.run_id();
    bed.after(calls - 4, &mut coordinator);
    runtime.block_on(server.delete_stream(format!("KV_CA_RUN_{run}"))).unwrap();
    bed.ends_as_alone(coordinator);
    leaves(worker);
}

#[test]
fn a_cluster_survives_its_leader_and_then_two_of_three() {
    let Some(nats) = NatsServers::cluster() else { return };
    let mut bed = Bed::new(nats, Duration::from_millis(150));
    let (mut coordinator, worker) = (bed.coordinator(&[]), bed.worker(&[]));
    bed.after(6, &mut coordinator);
    let leader = bed.nats.leader(&format!("CA_WORK_{}", bed.run_id()));
    bed.nats.kill(leader);
    bed.after(16, &mut coordinator);
    bed.nats.revive(leader);
    bed.nats.wait();
    let others = [(leader + 1) % 3, (leader + 2) % 3];
    others.into_iter().for_each(|index| bed.nats.kill(index));
    std::thread::sleep(Duration::from_secs(2));
    others.into_iter().for_each(|index| bed.nats.revive(index));
    bed.ends_as_alone(coordinator);
    leaves(worker);
}

/// In the middle of the batch the model refuses everybody for a while. Whoever is refused asks again, later and later; no
/// task goes to another worker for that, and no answer is paid twice.
#[test]
fn a_storm_of_refusals_slows_a_batch_and_changes_nothing() {
    const STORM: std::ops::Range<u64> = 10..34;
    let Some(nats) = NatsServers::single() else { return };
    let mut bed = Bed::new(nats, Duration::ZERO);
    let refused = |ordinal: u64| STORM.contains(&ordinal).then_some(Fault::Status(429));
    bed.server = model(Box::new(refused), Duration::ZERO);
    let (coordinator, workers) = (bed.coordinator(&[]), [bed.worker(&[]), bed.worker(&[])]);
    bed.ends_as_alone(coordinator);
    workers.into_iter().for_each(leaves);
    let answered = results(&bed.place)["calls"].as_u64().unwrap();
    assert_eq!(bed.server.count() as u64, answered + STORM.end - STORM.start);
}

#[test]
fn a_worker_that_is_asked_to_leave_gives_back_what_it_has() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::from_millis(100));
    let mut coordinator = bed.coordinator(&["--lease", "600s"]);
    let leaving = bed.worker(&[]);
    bed.after(5, &mut coordinator);
    signal(&leaving, "-TERM");
    let left = Ended::within_patience(leaving);
    assert_eq!(left.code, Some(143), "{left:?}");
    let staying = bed.worker(&[]);
    bed.ends_as_alone(coordinator);
    leaves(staying);
}

#[test]
fn a_run_is_paused_resumed_cancelled_and_continued() {
    let Some(nats) = NatsServers::single() else { return };
    // So slow that it is not over before somebody hears of a cancellation.
    let bed = Bed::new(nats, Duration::from_millis(300));
    let (mut coordinator, worker) = (bed.coordinator(&[]), bed.worker(&[]));
    bed.after(5, &mut coordinator);
    let run = bed.run_id();
    let control = || bed.queue(&["status", &run, "--json"]).json();
    let pausing = bed.queue(&["pause", &run]);
    assert_eq!(pausing.code, Some(0), "{pausing:?}");
    // From here on nothing is begun, and what is under way comes to its end.
    until("what is under way is done", || control()["leased"] == 0);
    let asked = bed.server.count();
    std::thread::sleep(Duration::from_millis(1_500));
    let paused = control();
    assert_eq!((&paused["control"], bed.server.count()), (&json!("paused"), asked), "{paused}");
    assert_eq!(paused["workers"].as_array().unwrap().len(), 1, "{paused}");
    assert_eq!(bed.queue(&["resume", &run]).code, Some(0));
    until("it goes on", || bed.server.count() > asked);
    assert_eq!(bed.queue(&["cancel", &run]).code, Some(0));
    let ended = Ended::within_patience(coordinator);
    assert!(ended.code == Some(5) && ended.stderr.contains("queue cancel"), "{ended:?}");
    leaves(worker);
    let (coordinator, worker) = (bed.coordinator(&[]), bed.worker(&[]));
    bed.ends_as_alone(coordinator);
    leaves(worker);
    assert_eq!(bed.queue(&["reset", &run]).code, Some(0));
    let none = bed.queue(&["status", &run]);
    assert!(none.code == Some(2) && none.stderr.contains("there is no run"), "{none:?}");
}

/// A task that was given out too often is an error of its own, and no other's.
#[test]
fn a_task_that_kills_workers_is_left_out() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::ZERO);
    let coordinator = bed.coordinator(&[]);
    let run = bed.run_id();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut first, mut deliveries) = (None, 0);
    runtime.block_on(async {
        let link = Link::connect(&[bed.nats.urls()], &Access::default()).await.unwrap();
        while deliveries < 5 {
            let Ok(queue) = NatsQueue::bind(&link, &RunNames { run: run.clone() }).await else { continue };
            let Ok(Pulled::Leases(leases)) = queue.pull(1, Duration::from_secs(2)).await else { continue };
            for lease in leases {
                // The others are given back late, so that this one comes alone.
                let ticket = first.get_or_insert_with(|| lease.ticket.clone());
                let is_first = lease.ticket == *ticket;
                deliveries = if is_first { lease.deliveries } else { deliveries };
                queue.nack(&lease, if is_first { Duration::ZERO } else { Duration::from_secs(3) }).await;
            }
        }
    });
    let worker = bed.worker(&[]);
    let ended = Ended::within_patience(coordinator);
    assert_eq!(ended.code, Some(7), "{ended:?}");
    leaves(worker);
    assert_eq!(results(&bed.place)["errors"], json!({"poison": 1}));
    let (expected, found) = (alone().1.clone(), rows(&bed.place));
    assert_eq!(found.iter().filter(|row| expected.contains(row)).count(), expected.len() - 1);
}

#[test]
fn what_can_not_be_is_told_before_anything_is_spent() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::ZERO);
    let eval = |more: &[&str]| Ended::of(&mut eval(&bed.place, &bed.server, more));
    let urls = bed.nats.urls();
    let capped = eval(&["--nats", &urls, "--max-tokens-total", "100k"]);
    assert!(capped.code == Some(2) && capped.stderr.contains("one for each sample"), "{capped:?}");
    let gone = eval(&["--nats", "nats://user:hunter2@127.0.0.1:1"]);
    assert!(gone.code == Some(4) && gone.stderr.contains("127.0.0.1:1"), "{gone:?}");
    assert!(!gone.stderr.contains("hunter2"), "{gone:?}");
    let mut coordinator = bed.coordinator(&[]);
    let run = bed.run_id();
    until("it waits for workers", || bed.queue(&["status", &run]).stdout.contains("running: 18 tasks"));
    let mut other = bed.place.command(&["worker", "--nats", &urls, "-m", "other", "--base-url"]);
    let other = Ended::of(other.arg(bed.server.base_url()));
    assert!(other.code == Some(2) && other.stderr.contains("another value of model"), "{other:?}");
    assert!(coordinator.try_wait().unwrap().is_none());
    signal(&coordinator, "-INT");
    assert_eq!(Ended::within_patience(coordinator).code, Some(130));
    assert_eq!(bed.server.count(), 0);
}

/// What all samples may spend together holds without workers that know of each other.
#[test]
fn caps_of_the_run_hold_on_many_machines() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::ZERO);
    let caps = ["--set", "budget.tokens=20000", "--set", "search.resample.max_output_tokens=300"];
    let limited = |limit: &str| {
        let worker = bed.worker(&[]);
        let more = [&caps[..], &["--max-tokens-total", limit]].concat();
        let ended = Ended::within_patience(bed.coordinator(&more));
        end(worker);
        let tokens = results(&bed.place)["tokens"].clone();
        (ended.code, tokens["in"].as_u64().unwrap() + tokens["out"].as_u64().unwrap(), ended)
    };
    let (code, spent, ended) = limited("24k");
    assert_eq!(code, Some(5), "{ended:?}");
    assert!(spent > 0 && spent <= 24_000, "{spent}");
    let (code, more, ended) = limited("10M");
    assert!(code == Some(0) && more > spent, "{ended:?}");
    assert_eq!(bed.repeated(), 0);
}

/// Takes note of tasks, and is done at once.
struct Noting {
    done: tokio::sync::watch::Sender<Vec<u32>>,
}

impl Work for Noting {
    type Error = QueueError;

    fn begin(&self, lease: &Lease, _: CancellationToken) -> Result<Job<QueueError>, QueueError> {
        let (done, sample) = (self.done.clone(), lease.ticket.sample);
        Ok(Box::pin(async move {
            done.send_modify(|done| done.push(sample));
            Ok(Disposal::Done)
        }))
    }

    fn broken<'a>(&'a self, _: &'a Lease, _: &'a JoinError) -> BoxFuture<'a, ()> {
        unreachable!("a task that only takes notes does not break")
    }
}

/// So many tasks come to four workers, each once, though a fifth had taken some and died.
async fn tiny_tasks(count: u32) {
    const LOST: u32 = 20;
    let Some(servers) = NatsServers::single() else { return };
    let link = Link::connect(&[servers.urls()], &Access::default()).await.unwrap();
    let names = RunNames { run: "tiny".to_owned() };
    let queue = NatsQueue::make(&link, &names, Duration::from_secs(4)).await.unwrap();
    let publish = async |samples: std::ops::Range<u32>| {
        for sample in samples {
            assert!(queue.publish(&conformance::ticket("tiny", sample, 0)).await.unwrap());
        }
    };
    publish(0..LOST).await;
    let dying = NatsQueue::bind(&link, &names).await.unwrap();
    let mut taken = 0;
    while taken < LOST as usize {
        let pulled = dying.pull(LOST as usize, Duration::from_secs(2)).await.unwrap();
        assert!(pulled != Pulled::Over, "the queue ended with {taken} of {LOST} tasks given out");
        if let Pulled::Leases(leases) = pulled {
            taken += leases.len();
        }
    }
    drop(dying);
    let (done, mut counted) = tokio::sync::watch::channel(Vec::new());
    let worker = async || {
        let queue = NatsQueue::bind(&link, &names).await.unwrap();
        serve(&queue, 16, &CancellationToken::new(), &Noting { done: done.clone() }).await.unwrap();
    };
    // Nothing is finished before everything is done: what the dead one had comes back only when its leases end.
    let finish = async {
        publish(LOST..count).await;
        let all = counted.wait_for(|done: &Vec<u32>| done.len() >= count as usize);
        let waited = tokio::time::timeout(Duration::from_secs(600), all).await.is_ok();
        assert!(waited, "only {} of {count} tasks were done", done.borrow().len());
        queue.steer(Control::Finished).await.unwrap();
    };
    tokio::join!(finish, worker(), worker(), worker(), worker());
    let mut done = done.borrow().clone();
    done.sort_unstable();
    assert_eq!(done, (0..count).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_tiny_tasks() {
    tiny_tasks(2_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; for whoever changes the queue"]
async fn a_hundred_thousand_tiny_tasks() {
    let started = std::time::Instant::now();
    tiny_tasks(100_000).await;
    eprintln!("100 000 tasks in {:.1} s", started.elapsed().as_secs_f64());
}
