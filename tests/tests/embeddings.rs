//! Sub-modules compared by an embedding model: a server's and the one in this process, paid once, recorded and replayed,
//! and never left out in silence.

use std::time::Duration;

use codeagent_tests::binary::{Ended, Sandboxed};
use codeagent_tests::server::{Fault, ModelServer};
use codeagent_tests::skill::{SkilledModel, puzzle, puzzles};
use serde_json::{Value, json};

/// A vector that says whether a text holds a loop: no kinship of syntax or names would say the same.
fn loops(request: &Value) -> Option<Vec<String>> {
    let text = request["input"].as_str()?;
    Some(vec![if text.contains("for ") { "[1, 0.5]" } else { "[-1, 0.5]" }.to_owned()])
}

/// A model and an embedding model; the requests of some ordinals fail.
fn server(faults: &'static [u64]) -> ModelServer {
    let model = SkilledModel::new(0.3);
    let answer = move |request: &Value| loops(request).unwrap_or_else(|| model.answer(request));
    let fault = |ordinal| faults.contains(&ordinal).then_some(Fault::Status(503));
    ModelServer::start(Box::new(answer), Box::new(fault), Duration::ZERO)
}

fn configured(place: &Sandboxed, server: &ModelServer) {
    let text = format!("[model.vectors]\nbase_url = \"{}\"\nmodel = \"vectors\"\n", server.base_url());
    let _ = place.file("embedding.toml", text);
}

fn samples(place: &Sandboxed) -> String {
    let sources = [
        "def total(values):\n    s = 0\n    for v in values:\n        s += v\n    return s\n",
        "def total(values):\n    return sum(values)\n",
        "def greet(name):\n    for _ in range(2):\n        print('hello', name)\n",
        "class Empty:\n    pass\n",
    ];
    let rows = sources.map(|source| format!("{}\n", json!({"task_id": "T/0", "solution": source})));
    place.file("samples.jsonl", rows.concat()).display().to_string()
}

/// The samples of each cluster.
fn clusters(shown: &Value) -> Vec<Vec<u64>> {
    let members = |cluster: &Value| {
        let members = cluster["members"].as_array().into_iter().flatten();
        members.filter_map(|member| member["sample"].as_u64()).collect()
    };
    shown["clusters"].as_array().into_iter().flatten().map(members).collect()
}

#[test]
fn a_server_says_what_is_alike_and_is_paid_once() {
    let (place, server) = (Sandboxed::new(), server(&[1]));
    configured(&place, &server);
    let file = samples(&place);
    let by_model = ["modules", &file, "--json", "--clusters", "2", "--config", "embedding.toml"];
    let run = |more: &[&str]| Ended::of(place.command(&by_model).args(more));
    let fast = ["--set", "limits.retry_backoff=1ms"];
    let ended = run(&[&fast[..], &["--embedding", "vectors"]].concat());
    assert_eq!(clusters(&ended.json()), [[0, 2], [1, 3]], "{ended:?}");
    assert_eq!(server.count(), 5, "four definitions, one of them asked for again after a fault");
    assert_eq!(run(&["--embedding", "vectors"]), ended);
    assert_eq!(server.count(), 5, "vectors are kept");
    assert_ne!(clusters(&run(&[]).json()), clusters(&ended.json()), "by syntax they stand otherwise");
}

#[test]
fn a_model_in_this_process_says_what_is_alike() {
    let place = Sandboxed::new();
    let file = samples(&place);
    let run = || {
        Ended::of(&mut place.command(&[
            "modules",
            &file,
            "--json",
            "--clusters",
            "2",
            "--embedding",
            "embedded",
        ]))
    };
    let ended = run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(clusters(&ended.json()).concat().len(), 4, "{ended:?}");
    assert_eq!(run(), ended);
}

#[test]
fn an_embedding_model_that_fails_is_an_error_and_not_another_method() {
    let place = Sandboxed::new();
    let down =
        ModelServer::start(Box::new(|_| Vec::new()), Box::new(|_| Some(Fault::Status(401))), Duration::ZERO);
    configured(&place, &down);
    let file = samples(&place);
    let run = |profile: &str| {
        let arguments = ["modules", &file, "--config", "embedding.toml", "--embedding", profile];
        Ended::of(&mut place.command(&arguments))
    };
    let refused = run("vectors");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(3), ""), "{refused:?}");
    assert!(refused.stderr.contains("the embedding model did not answer"), "{refused:?}");
    let unknown = run("vector");
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(unknown.stderr.contains("did you mean `vectors`?"), "{unknown:?}");
}

#[test]
fn codechain_compares_by_it_and_is_recorded_with_it() {
    let (place, server) = (Sandboxed::new(), server(&[]));
    configured(&place, &server);
    let search = ["--strategy", "codechain", "--seed", "5", "--config", "embedding.toml"];
    let search =
        [&search[..], &["--set", "search.codechain.exhaust=true", "--embedding", "vectors"]].concat();
    let live = ["--record", "tape.jsonl", "--run-dir", "live"];
    let recorded = Ended::of(place.solve(puzzle("roman"), &server, &search).args(live));
    assert!(matches!(recorded.code, Some(0 | 1)), "{recorded:?}");
    let requests = server.requests();
    let inputs: Vec<&Value> =
        requests.iter().map(|request| &request["input"]).filter(|it| it.is_string()).collect();
    assert!(!inputs.is_empty(), "modules were compared");
    let distinct: std::collections::BTreeSet<String> = inputs.iter().map(|it| it.to_string()).collect();
    assert_eq!(distinct.len(), inputs.len(), "no vector is asked for twice");
    let events = place.events("live");
    let embedded: Vec<&Value> = events.iter().filter(|event| event["type"] == "modules_embedded").collect();
    assert!((1..=5).contains(&embedded.len()), "once a round: {embedded:?}");
    assert!(embedded.iter().all(|event| event["model"] == "vectors"), "{embedded:?}");

    let asked = server.count();
    let replay = ["solve", "--json", "--replay", "tape.jsonl", "--run-dir", "again", "-j", "1"];
    let replayed = Ended::of(place.command(&replay).arg(puzzle("roman")).args(&search));
    assert_eq!((replayed.code, replayed.result()), (recorded.code, recorded.result()), "{replayed:?}");
    assert_eq!(place.events("again"), events, "the log is the same with one step in flight");
    assert_eq!(server.count(), asked, "a replay asks no server");

    // What modules are compared by is part of what a run is.
    let other = Ended::of(
        place.solve(puzzle("roman"), &server, &search[..search.len() - 2]).args(["--run-dir", "syntax"]),
    );
    assert_ne!(other.json()["run_id"], recorded.json()["run_id"]);
    assert!(place.events("syntax").iter().all(|event| event["type"] != "modules_embedded"));
}

/// Of every answer the embedding model reads the sub-modules, at the most all of it; a strategy that compares none asks
/// for no vector.
#[test]
fn an_estimate_counts_what_would_be_read() {
    let (place, server) = (Sandboxed::new(), server(&[]));
    configured(&place, &server);
    let _ = place.file("puzzles.jsonl", format!("{}\n", puzzles()[0]));
    let prices = ["scripted.input", "scripted.output", "vectors.input", "vectors.output"];
    let high = |strategy: &str, more: &[&str]| {
        let mut command = place.command(&["estimate", "puzzles.jsonl", "--json", "--strategy", strategy]);
        command.args(["-m", "scripted", "--base-url", &server.base_url(), "--config", "embedding.toml"]);
        command.args(["--set", "budget.calls=3"]).args(more);
        prices.iter().for_each(|price| {
            command.args(["--set", &format!("price.{price}=1")]);
        });
        let ended = Ended::of(&mut command);
        assert_eq!((ended.code, server.count()), (Some(0), 0), "{ended:?}");
        ended.json()["high"].clone()
    };
    let embedding = ["--set", "embedding.profile=\"vectors\""];
    let (alone, with) = (high("codechain", &[]), high("codechain", &embedding));
    assert_eq!((&alone["embedding_tokens"], &with["embedding_tokens"]), (&json!(0), &with["output_tokens"]));
    assert!(with["usd"].as_f64() > alone["usd"].as_f64(), "{with} {alone}");
    assert_eq!(high("resample", &embedding)["embedding_tokens"], 0);
}
