//! `--metrics-listen`: the numbers of a batch under way, and who may read them.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use codeagent_tests::binary::{Ended, Sandboxed, until};
use codeagent_tests::http::send;
use codeagent_tests::nats::NatsServers;
use codeagent_tests::server::{Fault, ModelServer};
use codeagent_tests::skill::{SkilledModel, puzzles};
use serde_json::Value;

/// Samples of each puzzle.
const SAMPLES: usize = 3;

/// A place with the puzzles, and a slow model that fails now and then.
fn bed() -> (Sandboxed, ModelServer) {
    let place = Sandboxed::new();
    let rows: String = puzzles().iter().map(|puzzle| format!("{puzzle}\n")).collect();
    let _ = place.file("puzzles.jsonl", rows);
    let model = SkilledModel::new(0.3);
    let faults = |ordinal: u64| (ordinal % 7 == 3).then_some(Fault::Status(503));
    let latency = Duration::from_millis(80);
    (place, ModelServer::start(Box::new(move |request| model.answer(request)), Box::new(faults), latency))
}

fn eval(place: &Sandboxed, server: &ModelServer, out: &str, more: &[&str]) -> Command {
    let mut command =
        place.command(&["eval", "puzzles.jsonl", "--out", out, "--strategy", "resample", "--json"]);
    command.args(["-m", "scripted", "--base-url", &server.base_url(), "-n", &SAMPLES.to_string()]);
    command.args(["--set", "search.resample.programs=4", "--set", "limits.retry_backoff=1ms"]);
    command.args(["--set", "price.scripted.input=1", "--set", "price.scripted.output=2"]);
    command.args(["--searches", "2", "-j", "2"]).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A process that shows its metrics.
struct Running {
    child: Child,
    /// Read no further, and open as long as something is written to it.
    stdout: BufReader<ChildStdout>,
    at: String,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let launch: Value = serde_json::from_str(&line).unwrap();
        let url = launch["metrics"].as_str().unwrap();
        let at = url.strip_prefix("http://").and_then(|url| url.strip_suffix("/metrics")).unwrap().to_owned();
        Self { child, stdout, at }
    }

    fn end(self) -> Ended {
        let ended = Ended::within_patience(self.child);
        drop(self.stdout);
        ended
    }
}

/// The page of metrics; empty once nobody listens.
fn scrape(place: &str) -> String {
    if TcpStream::connect(place).is_err() {
        return String::new();
    }
    let answer = send(place, &format!("GET /metrics HTTP/1.1\r\nHost: {place}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.contains("text/plain; version=0.0.4"), "{answer:?}");
    answer.body
}

/// The number of a sample, by its name with its labels.
fn number(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    assert!(line.is_some(), "{name}: {page}");
    line.unwrap().parse().unwrap()
}

#[test]
fn a_batch_under_way_shows_its_numbers() {
    let (place, server) = bed();
    let running = Running::start(&mut eval(&place, &server, "run", &["--metrics-listen", "0"]));
    let at = running.at.clone();
    assert!(at.starts_with("127.0.0.1:"), "{at}");
    let mut page = String::new();
    until("some samples are done and some are not", || {
        page = scrape(&at);
        page.contains("outcome=\"rate_limited\"")
            && number(&page, "codeagent_samples{state=\"solved\"}") > 0.0
            && number(&page, "codeagent_model_requests_in_flight") > 0.0
    });
    let states = ["solved", "failed", "error", "left"];
    let all: f64 =
        states.iter().map(|state| number(&page, &format!("codeagent_samples{{state=\"{state}\"}}"))).sum();
    assert_eq!(all, (SAMPLES * puzzles().len()) as f64, "{page}");
    assert!(number(&page, "codeagent_samples{state=\"left\"}") > 0.0, "{page}");
    assert!(number(&page, "codeagent_queue_depth") <= number(&page, "codeagent_samples{state=\"left\"}"));
    assert!(number(&page, "codeagent_samples_under_way") <= 2.0, "{page}");
    let answered = number(&page, "codeagent_model_attempts_total{outcome=\"answered\"}");
    assert!(answered > 0.0 && answered <= server.count() as f64, "{page}");
    assert!(number(&page, "codeagent_model_attempts_total{outcome=\"rate_limited\"}") > 0.0, "{page}");
    assert!(number(&page, "codeagent_model_attempt_seconds_sum") > 0.08 * answered, "{page}");
    assert!(number(&page, "codeagent_sandbox_seconds_bucket{le=\"+Inf\"}") > 0.0, "{page}");
    let (input, output) =
        ("codeagent_tokens_total{direction=\"in\"}", "codeagent_tokens_total{direction=\"out\"}");
    let cost = number(&page, input) + 2.0 * number(&page, output);
    // Each call is rounded up, and the three numbers are read one after the other.
    assert!(number(&page, "codeagent_cost_micro_usd_total") > 0.5 * cost && cost > 0.0, "{page}");
    assert_eq!(number(&page, "codeagent_cache_hits_total"), 0.0);
    for text in ["balanced", "roman", "def "] {
        assert!(!page.contains(text), "no problem and no program: {page}");
    }

    let later = scrape(&at);
    for counter in [input, "codeagent_model_calls_total", "codeagent_sandbox_seconds_count"] {
        assert!(number(&later, counter) >= number(&page, counter), "{counter}");
    }
    for (request, status) in [
        ("GET /metrics HTTP/1.1\r\nHost: evil.example".to_owned(), 403),
        (format!("GET /metrics HTTP/1.1\r\nHost: {at}\r\nOrigin: http://evil.example"), 403),
        (format!("GET /metrics HTTP/1.1\r\nHost: {at}\r\nSec-Fetch-Site: cross-site"), 403),
        (format!("POST /metrics HTTP/1.1\r\nHost: {at}\r\nContent-Length: 0"), 405),
        (format!("GET /../run/run.db HTTP/1.1\r\nHost: {at}"), 404),
    ] {
        let answer = send(&at, &request);
        assert_eq!(answer.status, status, "{request}: {answer:?}");
        assert!(answer.head.contains("nosniff") && !answer.head.contains("access-control"), "{answer:?}");
    }
    let taken = Ended::of(&mut eval(&place, &server, "other", &["--metrics-listen", &at]));
    assert_eq!(taken.code, Some(2), "{taken:?}");
    assert!(taken.stderr.contains(&at) && taken.stderr.contains("--metrics-listen"), "{taken:?}");
    let ended = running.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(TcpStream::connect(&at).is_err(), "the port is free again");
}

#[test]
fn coordinator_and_worker_show_theirs() {
    let Some(nats) = NatsServers::single() else { return };
    let (place, server) = bed();
    let urls = nats.urls();
    let mut coordinator = eval(&place, &server, "run", &["--nats", &urls, "--metrics-listen", "0"]);
    let coordinator = Running::start(&mut coordinator);
    let mut worker = place.command(&["worker", "--nats", &urls, "--slots", "2", "--json"]);
    worker.args(["-m", "scripted", "--base-url", &server.base_url(), "--set", "limits.retry_backoff=1ms"]);
    worker.args(["--metrics-listen", "0"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let worker = Running::start(&mut worker);
    let (mut judged, mut drawn) = (String::new(), String::new());
    until("a sample is drawn and judged, and the worker is known", || {
        (judged, drawn) = (scrape(&coordinator.at), scrape(&worker.at));
        number(&judged, "codeagent_samples{state=\"solved\"}") > 0.0
            && number(&judged, "codeagent_workers") == 1.0
            && number(&drawn, "codeagent_samples_ended_total") > 0.0
            && number(&drawn, "codeagent_model_requests_in_flight") > 0.0
    });
    assert_eq!(number(&judged, "codeagent_worker_slots"), 2.0);
    assert!(number(&judged, "codeagent_queue_depth") > 0.0, "{judged}");
    assert!(number(&judged, "codeagent_sandbox_seconds_count") > 0.0, "hidden tests run here: {judged}");
    assert_eq!(number(&judged, "codeagent_model_calls_total"), 0.0, "and no model: {judged}");
    assert!(number(&judged, "codeagent_tokens_total{direction=\"out\"}") > 0.0, "{judged}");
    assert!((1.0..=2.0).contains(&number(&drawn, "codeagent_samples_under_way")), "{drawn}");
    assert!(number(&drawn, "codeagent_tokens_total{direction=\"out\"}") > 0.0, "{drawn}");
    assert!(!drawn.contains("codeagent_samples{"), "a worker knows no results: {drawn}");
    assert_eq!(coordinator.end().code, Some(0));
    assert_eq!(worker.end().code, Some(0));
}
