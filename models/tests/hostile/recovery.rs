//! Whole stacks against a hostile server: what is tried again, split, learned and found.

use std::sync::Arc;
use std::time::Duration;

use codeagent_models::discover::discover_at;
use codeagent_models::{
    Chat, ErrorKind, Found, MemoryStore, Provider, Request, RetryPolicy, Server, Stack, StackConfig,
};
use futures_util::future::join_all;

use crate::stub::{Act, STOP, Stub, delta, good, json, response, stream};
use crate::{config, question};

/// A stack whose waits take no time.
fn stack(stub: &Stub, store: &Arc<MemoryStore>) -> Stack {
    let retry = RetryPolicy { base: Duration::from_millis(1), budget_floor: 1_000, ..RetryPolicy::default() };
    let chat = Chat::new(config(stub)).unwrap();
    Stack::build(chat, Arc::clone(store), StackConfig { retry, ..StackConfig::default() })
}

#[tokio::test]
async fn every_passing_fault_in_a_row_is_survived() {
    let faults = vec![
        json(500, "{}"),
        json(200, "{\"choices\":[]}"),
        response(200, "text/html", "<html>"),
        Act::Reset,
        stream(delta("half")),
        json(503, ""),
        json(200, r#"{"error":{"code":429}}"#),
        stream([&delta("at last"), STOP].concat()),
    ];
    let stub = Stub::start(faults).await;
    let stack = stack(&stub, &Arc::default());
    let reply = stack.provider.complete(&question("hi")).await.unwrap();
    assert_eq!(reply.choices[0].text, "at last");
    let totals = stack.meter.totals();
    assert_eq!((totals.calls, totals.attempts, totals.retries, totals.in_flight), (1, 8, 7, 0));
}

#[tokio::test]
async fn a_refused_key_is_tried_once() {
    let stub = Stub::start(vec![json(401, "{}")]).await;
    let error = stack(&stub, &Arc::default()).provider.complete(&question("hi")).await.unwrap_err();
    assert_eq!((error.kind(), stub.seen().len()), (ErrorKind::Refused, 1));
}

#[tokio::test]
async fn fewer_choices_than_asked_are_asked_for_one_by_one() {
    let stub = Stub::start(vec![good("one"), good("a"), good("b"), good("c")]).await;
    let store = Arc::<MemoryStore>::default();
    let stack = stack(&stub, &store);
    let request = Request { n: 3, ..question("hi") };
    let reply = stack.provider.complete(&request).await.unwrap();
    let mut texts: Vec<_> = reply.choices.iter().map(|choice| choice.text.as_str()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["a", "b", "c"]);
    // The server is not asked for several again, and no answer is asked for twice.
    assert_eq!((stub.seen().len(), store.len()), (4, 3));
    let again = stack.provider.complete(&request).await.unwrap();
    assert!(again.cached && again.choices == reply.choices && stub.seen().len() == 4);
}

#[tokio::test]
async fn fields_that_a_server_refuses_are_left_out() {
    let renamed = r#"{"error":{"param":"max_tokens","message":"Unsupported parameter: 'max_tokens'"}}"#;
    let options = r#"{"detail":[{"loc":["body","stream_options"],"msg":"extra fields not permitted"}]}"#;
    let stub = Stub::start(vec![json(400, renamed), json(422, options), good("a")]).await;
    let chat = Chat::new(config(&stub)).unwrap();
    for _ in 0..2 {
        chat.complete(&question("hi")).await.unwrap();
    }
    let seen = stub.seen();
    let names: Vec<_> = seen
        .iter()
        .map(|text| {
            ["\"max_tokens\"", "\"max_completion_tokens\"", "stream_options"].map(|f| text.contains(f))
        })
        .collect();
    let (first, second, rest) = ([true, false, true], [false, true, true], [false, true, false]);
    assert_eq!(names, [first, second, rest, rest]);
}

#[tokio::test]
async fn many_in_flight_are_all_answered() {
    let stub = Stub::start(vec![good("a"), json(500, ""), good("a"), json(429, ""), good("a")]).await;
    let stack = stack(&stub, &Arc::default());
    let requests: Vec<_> = (0..50).map(|seed| Request { seed, ..question("hi") }).collect();
    let replies = join_all(requests.iter().map(|request| stack.provider.complete(request))).await;
    assert!(replies.iter().all(|reply| reply.as_ref().is_ok_and(|reply| reply.choices[0].text == "a")));
    assert_eq!(stack.meter.totals().attempts, 52);
}

#[tokio::test]
async fn servers_on_this_machine_are_found() {
    let list = |names: &str| Stub::start(vec![json(200, &format!("{{\"data\":[{names}]}}"))]);
    let good = list(r#"{"id":"a","x":1},{"id":"b\u0007"},{"id":"c"}"#).await;
    let other = Stub::start(vec![response(200, "text/html", "<html>")]).await;
    let hanging = Stub::start(vec![Act::WriteAndHang(Vec::new())]).await;
    let ports = [
        (Server::Ollama, 1),
        (Server::LlamaCpp, other.port()),
        (Server::Vllm, hanging.port()),
        (Server::SgLang, good.port()),
    ];
    let expected =
        Found { server: Server::SgLang, base_url: good.base_url(), models: vec!["a".into(), "c".into()] };
    assert_eq!(discover_at(&ports, Duration::from_secs(2)).await, [expected]);
    assert!(good.seen()[0].starts_with("GET /v1/models HTTP/1.1\r\n"));
}
