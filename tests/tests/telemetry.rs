//! `[telemetry]`: what a collector is sent of a search, what it is not, and that one that is dead is in nobody's way.

#![expect(clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::collector::{Collector, Seen};
use codeagent_tests::server::ModelServer;
use codeagent_tests::skill::{SkilledModel, puzzle, puzzles};
use serde_json::json;

const SEARCH: [&str; 6] = ["--strategy", "reflexion", "--seed", "1", "--set", "budget.calls=8"];

/// A word of the problem, of the prompts and of the programs.
const FOREIGN: [&str; 3] = ["Roman numeral", "```", "def "];

/// What the key of the collector is.
const KEY: &str = "collector-key-93b1";

fn server() -> ModelServer {
    let model = SkilledModel::new(0.3);
    ModelServer::answering(move |request| model.answer(request))
}

/// A search with the spans of it sent to a collector. `from` says where answers come from.
fn solve(place: &Sandboxed, from: &[&str], endpoint: &str, more: &[&str]) -> Ended {
    let mut command = place.command(&["solve", "--json"]);
    command.arg(puzzle("roman")).args(SEARCH).args(from).args(more);
    command.args(["--set", &format!("telemetry.otlp_endpoint={endpoint}")]);
    Ended::of(command.env("COLLECTOR_KEY", KEY))
}

fn named<'s>(spans: &'s [Seen], name: &str) -> Vec<&'s Seen> {
    spans.iter().filter(|seen| seen.span.name.starts_with(name)).collect()
}

/// A search with a live model, recorded on `tape.jsonl`, and what it came to.
fn record(place: &Sandboxed, server: &ModelServer, collector: &Collector) -> Ended {
    let live =
        ["-m", "scripted", "--base-url", &server.base_url(), "--record", "tape.jsonl", "--run-dir", "live"];
    let ended = solve(place, &live, &collector.endpoint(), &[]);
    assert!(matches!(ended.code, Some(0 | 1 | 5)), "{ended:?}");
    ended
}

#[test]
fn calls_of_a_server_name_it() {
    let (place, server, collector) = (Sandboxed::new(), server(), Collector::start());
    let _ = record(&place, &server, &collector);
    let (spans, scopes) = collector.spans();
    let calls = named(&spans, "chat");
    assert_eq!(calls.len(), server.count());
    for call in calls {
        assert_eq!(call.attributes["server.address"], "127.0.0.1");
        let port = call.attributes["server.port"].as_u64().unwrap();
        assert!(server.base_url().contains(&format!(":{port}/")), "{call:?}");
        assert_eq!(call.attributes["gen_ai.provider.name"], "openai-compatible");
    }
    for scope in scopes {
        assert_eq!(scope.name, "codeagent");
        let release = "codeagent.gen_ai.conventions.release";
        assert!(scope.attributes.iter().any(|it| it.key == release), "{scope:?}");
    }
    let metrics: BTreeSet<String> = collector.metrics().into_iter().collect();
    for name in [
        "gen_ai.client.token.usage",
        "gen_ai.client.operation.duration",
        "codeagent.tasks",
        "codeagent.sandbox.duration",
    ] {
        assert!(metrics.contains(name), "{name}: {metrics:?}");
    }
}

#[test]
fn a_replayed_search_is_a_tree_of_spans() {
    let place = Sandboxed::new();
    let recorded = record(&place, &server(), &Collector::start());
    let collector = Collector::start();
    let replay = ["--replay", "tape.jsonl", "--run-dir", "run"];
    let ended = solve(&place, &replay, &collector.endpoint(), &[]);
    assert_eq!((ended.code, ended.result()), (recorded.code, recorded.result()));
    let spans = collector.spans().0;
    let roots = named(&spans, "invoke_agent codeagent");
    assert_eq!(roots.len(), 1, "one search: {spans:?}");
    let root = roots[0];
    assert!(root.span.parent_span_id.is_empty(), "{root:?}");
    assert_eq!(root.attributes["gen_ai.operation.name"], "invoke_agent");
    assert_eq!(root.attributes["gen_ai.agent.name"], "codeagent");
    assert_eq!(root.attributes["codeagent.strategy"], "reflexion");
    assert_eq!(root.attributes["codeagent.tests.total"], ended.json()["visible"]["total"]);
    assert_eq!(root.attributes["codeagent.budget.calls"], ended.json()["calls"]);
    let run = &root.attributes["gen_ai.conversation.id"];
    assert_eq!(*run, ended.json()["run_id"]);

    let (chats, tools) = (named(&spans, "chat scripted"), named(&spans, "execute_tool sandbox"));
    assert_eq!(json!(chats.len()), ended.json()["calls"], "a span for each call: {spans:?}");
    assert!(!tools.is_empty());
    assert_eq!(1 + chats.len() + tools.len(), spans.len(), "and nothing else: {spans:?}");
    for seen in chats.iter().chain(&tools) {
        assert_eq!(seen.span.trace_id, root.span.trace_id);
        assert_eq!(seen.span.parent_span_id, root.span.span_id, "{seen:?}");
        assert_eq!(seen.attributes["gen_ai.conversation.id"], *run);
        assert!(seen.span.start_time_unix_nano >= root.span.start_time_unix_nano);
        assert!(seen.span.end_time_unix_nano <= root.span.end_time_unix_nano);
    }
    let input = |seen: &&Seen| seen.attributes["gen_ai.usage.input_tokens"].as_u64().unwrap();
    let input: u64 = chats.iter().map(input).sum();
    assert_eq!(json!(input), root.attributes["codeagent.budget.input_tokens"]);
    chats.into_iter().for_each(check_call);
    for tool in tools {
        assert_eq!(tool.attributes["gen_ai.tool.name"], "sandbox");
        assert_eq!(tool.attributes["gen_ai.operation.name"], "execute_tool");
    }
}

/// Checks what the span of a replayed call says.
fn check_call(chat: &Seen) {
    // CLIENT.
    assert_eq!(chat.span.kind, 3);
    assert_eq!(chat.attributes["gen_ai.operation.name"], "chat");
    assert_eq!(chat.attributes["gen_ai.provider.name"], "replay");
    assert_eq!(chat.attributes["gen_ai.request.model"], "scripted");
    assert_eq!(chat.attributes["gen_ai.response.finish_reasons"], json!(["stop"]));
    for name in [
        "gen_ai.request.temperature",
        "gen_ai.request.max_tokens",
        "gen_ai.request.seed",
        "gen_ai.request.choice.count",
        "gen_ai.response.model",
        "gen_ai.usage.output_tokens",
    ] {
        assert!(chat.attributes.contains_key(name), "{name}: {chat:?}");
    }
}

#[test]
fn prompts_programs_and_keys_stay_here() {
    let (place, server, collector) = (Sandboxed::new(), server(), Collector::start());
    let from = ["-m", "scripted", "--base-url", &server.base_url(), "--run-dir", "run"];
    let header = ["--set", "telemetry.headers_env.x-collector-key=COLLECTOR_KEY"];
    let ended = solve(&place, &from, &collector.endpoint(), &header);
    assert!(matches!(ended.code, Some(0 | 1 | 5)), "{ended:?}");
    assert!(server.requests().iter().any(|request| request.to_string().contains(FOREIGN[0])));
    assert!(!collector.requests().is_empty());
    for (body, headers) in collector.requests() {
        assert_eq!(headers["x-collector-key"], KEY);
        assert_eq!(headers["content-type"], "application/x-protobuf");
        let body = String::from_utf8_lossy(&body);
        for text in FOREIGN.iter().chain([&KEY]) {
            assert!(!body.contains(text), "{text} is sent");
        }
    }
}

/// A search that was cut short and goes on: what comes from the cache was sent before, and is no call.
#[test]
fn replies_of_the_cache_are_events_and_no_calls() {
    let (place, server) = (Sandboxed::new(), server());
    let from = ["-m", "scripted", "--base-url", &server.base_url(), "--run-dir", "run"];
    let (first, second) = (Collector::start(), Collector::start());
    let cut = solve(&place, &from, &first.endpoint(), &["--set", "budget.calls=2"]);
    assert!(matches!(cut.code, Some(0 | 5)), "{cut:?}");
    let paid = named(&first.spans().0, "chat").len();
    assert_eq!(paid, server.count());
    let ended = solve(&place, &from, &second.endpoint(), &["--set", "budget.calls=3"]);
    let spans = second.spans().0;
    assert_eq!(named(&spans, "chat").len(), server.count() - paid, "{ended:?}");
    if cut.code == Some(5) {
        let events =
            |seen: &Seen| seen.events.iter().filter(|(name, _)| name == "codeagent.cached_reply").count();
        assert_eq!(spans.iter().map(events).sum::<usize>(), paid, "{spans:?}");
    }
}

#[test]
fn each_sample_of_a_batch_is_a_trace() {
    let (place, server, collector) = (Sandboxed::new(), server(), Collector::start());
    let rows: String = puzzles().iter().map(|puzzle| format!("{puzzle}\n")).collect();
    let _ = place.file("puzzles.jsonl", rows);
    let mut eval = place.command(&["eval", "puzzles.jsonl", "--out", "run", "--limit", "2", "-n", "2"]);
    eval.args(["--strategy", "resample", "-m", "scripted", "--base-url", &server.base_url()]);
    eval.args(["--set", &format!("telemetry.otlp_endpoint={}", collector.endpoint())]);
    let ended = Ended::of(&mut eval);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let spans = collector.spans().0;
    let roots = named(&spans, "invoke_agent");
    let distinct = |of: fn(&Seen) -> String| roots.iter().map(|seen| of(seen)).collect::<BTreeSet<_>>().len();
    assert_eq!(roots.len(), 4);
    assert_eq!(distinct(|seen| format!("{:?}", seen.span.trace_id)), 4);
    assert_eq!(distinct(|seen| seen.attributes["gen_ai.conversation.id"].to_string()), 4);
    assert_eq!(named(&spans, "chat").len(), server.count());
    assert!(collector.metrics().iter().any(|name| name == "codeagent.queue.depth"));
}

#[test]
fn prompts_and_replies_are_sent_where_that_is_asked_for() {
    let (place, server, collector) = (Sandboxed::new(), server(), Collector::start());
    let from = ["-m", "scripted", "--base-url", &server.base_url(), "--run-dir", "run"];
    let ended = solve(&place, &from, &collector.endpoint(), &["--set", "telemetry.content=true"]);
    assert!(matches!(ended.code, Some(0 | 1 | 5)), "{ended:?}");
    for chat in named(&collector.spans().0, "chat") {
        let held = |name: &str| {
            chat.events.iter().find_map(|(_, held)| held.get(name)?.as_str()).unwrap_or_default().to_owned()
        };
        let asked: serde_json::Value = serde_json::from_str(&held("gen_ai.input.messages")).unwrap();
        assert!(asked[0]["parts"][0]["content"].is_string() && asked[0]["role"].is_string(), "{asked}");
        assert!(held("gen_ai.output.messages").contains("\"finish_reason\""), "{chat:?}");
    }
}

#[test]
fn a_dead_collector_is_in_nobodys_way() {
    let (place, server) = (Sandboxed::new(), server());
    // One accepts connections and never answers, the other is not there.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let start = Instant::now();
    let from = ["-m", "scripted", "--base-url", &server.base_url(), "--run-dir", "plain"];
    let plain = solve(&place, &from, "", &[]);
    let took = start.elapsed();
    assert!(plain.stderr.is_empty() || !plain.stderr.contains("telemetry"), "{plain:?}");
    for (number, address) in [silent.local_addr().unwrap(), gone].into_iter().enumerate() {
        let folder = format!("run{number}");
        let from = ["-m", "scripted", "--base-url", &server.base_url(), "--run-dir", &folder];
        let start = Instant::now();
        let ended = solve(&place, &from, &format!("http://{address}"), &[]);
        assert_eq!((ended.code, ended.result()), (plain.code, plain.result()), "{ended:?}");
        assert!(start.elapsed() < took * 3 + Duration::from_secs(8), "{:?}, {took:?}", start.elapsed());
    }
    assert!(solve(&place, &["--replay", "none"], "http://127.0.0.1:1", &[]).code == Some(3));
}

#[test]
fn what_the_headers_need_is_named() {
    let place = Sandboxed::new();
    let more = ["--set", "telemetry.headers_env.authorization=NOT_SET"];
    let ended = solve(&place, &["--replay", "none"], "http://127.0.0.1:1", &more);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("NOT_SET") && ended.stderr.contains("headers_env"), "{ended:?}");
    let off = ["--set", "telemetry.headers_env.authorization=NOT_SET", "--set", "telemetry.enabled=false"];
    assert_eq!(solve(&place, &["--replay", "none"], "http://127.0.0.1:1", &off).code, Some(3));
}
