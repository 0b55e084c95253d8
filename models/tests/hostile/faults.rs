//! Every fault of a server, and what the provider makes of it.

use std::time::{Duration, Instant};

use codeagent_models::ErrorKind::{BadRequest, ContextTooLong, Filtered, RateLimited, Refused, Transient};
use codeagent_models::{Chat, ChatConfig, Provider, Reply, Timeouts};

use crate::stub::{
    Act, DONE, STOP, Stub, delta, good, head, json, response, response_with, stream, stream_head,
};
use crate::{answer, ask, config, fault, question};

#[tokio::test]
async fn good_answers_in_many_forms() {
    assert_eq!(answer(good("hello")).await, "hello");
    assert_eq!(answer(stream([&delta("hel"), &delta("lo"), STOP, DONE].concat())).await, "hello");
    assert_eq!(answer(stream([&delta("no done"), STOP].concat())).await, "no done");
    // A stream that says it is JSON, JSON that says it is plain text, and comments before an answer.
    let unsaid = response(200, "application/json", [&delta("a"), STOP, DONE].concat());
    assert_eq!(answer(unsaid).await, "a");
    let body = r#"{"choices":[{"message":{"content":"b"},"finish_reason":"stop"}]}"#;
    assert_eq!(answer(response(200, "text/plain", body)).await, "b");
    let keep_alive = [": keep-alive\n\n", &delta("c"), ": x\n\n", STOP, DONE].concat();
    assert_eq!(answer(stream(keep_alive)).await, "c");
}

#[tokio::test]
async fn statuses_of_the_table() {
    for (status, kind) in [
        (429, RateLimited),
        (503, RateLimited),
        (500, Transient),
        (502, Transient),
        (504, Transient),
        (408, Transient),
        (409, Transient),
        (400, BadRequest),
        (404, BadRequest),
        (422, BadRequest),
        (401, Refused),
        (403, Refused),
        (402, Refused),
        (301, BadRequest),
    ] {
        let (seen, text) = fault(json(status, r#"{"error":{"message":"because"}}"#)).await;
        assert_eq!(seen, kind, "{status}");
        assert!(text.contains(&format!("status {status}")) && text.contains("because"), "{text}");
    }
}

#[tokio::test]
async fn the_wait_that_the_server_asks_for() {
    let wait = async |headers: &str| {
        let stub = Stub::start(vec![response_with(429, "application/json", headers, "{}")]).await;
        ask(&stub).await.unwrap_err().retry_after()
    };
    assert_eq!(wait("").await, None);
    assert_eq!(wait("retry-after: 7\r\n").await, Some(Duration::from_secs(7)));
    assert_eq!(wait("retry-after: 9999\r\n").await, Some(Duration::from_secs(120)));
    assert_eq!(wait("retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n").await, Some(Duration::ZERO));
}

#[tokio::test]
async fn refusals_of_their_own_kind() {
    let long = r#"{"error":{"code":"context_length_exceeded","message":"x"}}"#;
    assert_eq!(fault(json(400, long)).await.0, ContextTooLong);
    let filter = r#"{"error":{"code":"content_filter","message":"x"}}"#;
    assert_eq!(fault(json(400, filter)).await.0, Filtered);
    let filtered = r#"{"choices":[{"message":{"content":null},"finish_reason":"content_filter"}]}"#;
    assert_eq!(fault(json(200, filtered)).await.0, Filtered);
    let quota = r#"{"error":{"code":"insufficient_quota","message":"x"}}"#;
    assert_eq!(fault(json(429, quota)).await.0, Refused);
    let field = r#"{"error":{"param":"temperature","message":"x"}}"#;
    assert!(fault(json(400, field)).await.1.contains("field temperature"));
}

#[tokio::test]
async fn bodies_that_are_no_answer() {
    let html = fault(response(200, "text/html", "<!doctype html><title>Login</title>")).await;
    assert!(html.0 == Transient && html.1.contains("HTML page; check base_url"), "{html:?}");
    for body in [
        "",
        "{",
        "null",
        "[]",
        "42",
        "plain words",
        "{}",
        r#"{"choices":[]}"#,
        r#"{"choices":"x"}"#,
        r#"{"choices":[{"message":{"content":null},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":"no finish reason"}}]}"#,
        r#"{"choices":[{"message":{"content":"raw "#,
    ] {
        assert_eq!(fault(json(200, body)).await.0, Transient, "{body}");
    }
    assert_eq!(fault(json(200, &"[".repeat(5_000))).await.0, Transient);
    let nul = "{\"choices\":[{\"message\":{\"content\":\"a\0b\"},\"finish_reason\":\"stop\"}]}";
    assert_eq!(fault(json(200, nul)).await.0, Transient);
    let latin1 = b"{\"choices\":[{\"message\":{\"content\":\"\xe9\"},\"finish_reason\":\"stop\"}]}";
    assert_eq!(fault(response(200, "application/json", latin1)).await.0, Transient);
}

#[tokio::test]
async fn errors_with_status_200() {
    let body = r#"{"error":{"message":"upstream is busy","code":429}}"#;
    assert_eq!(fault(json(200, body)).await.0, RateLimited);
    assert_eq!(fault(json(200, r#"{"error":"upstream is gone"}"#)).await.0, Transient);
    let midway = [delta("half"), r#"data: {"error":{"message":"gone","code":502}}"#.into()].concat();
    assert_eq!(fault(stream(midway)).await.0, Transient);
    let key = [delta("half"), "data: {\"error\":{\"code\":401}}\n\n".into()].concat();
    assert_eq!(fault(stream(key)).await.0, Refused);
}

#[tokio::test]
async fn answers_that_are_cut() {
    let cut = |length| {
        let body = r#"{"choices":[{"message":{"content":"a"#.as_bytes().to_vec();
        Act::Write([head(200, "application/json", "", length), body].concat())
    };
    assert_eq!(fault(cut(Some(500))).await.0, Transient);
    assert_eq!(fault(cut(None)).await.0, Transient);
    assert_eq!(fault(stream(delta("no finish"))).await.0, Transient);
    assert_eq!(fault(stream([&delta("done without finish"), DONE].concat())).await.0, Transient);
    assert_eq!(fault(stream("data: {\"choices\":[{\"del")).await.0, Transient);
    assert_eq!(fault(stream([&delta("a"), "data: {\"cho\n\n", STOP].concat())).await.0, Transient);
    assert_eq!(fault(stream("data: \u{0}\u{1}\n\n")).await.0, Transient);
    assert_eq!(fault(stream(b"data: \xff\xfe\n\n")).await.0, Transient);
    // What is cut after the finish reason is whole.
    assert_eq!(answer(stream([&delta("whole"), STOP, "data: {\"usage\":"].concat())).await, "whole");
    assert_eq!(answer(stream([&delta("whole"), STOP, "data: [DO"].concat())).await, "whole");
}

#[tokio::test]
async fn duplicates_count_once() {
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n";
    let body = [&delta("once"), STOP, STOP, &delta("once"), usage, usage, DONE, DONE].concat();
    let stub = Stub::start(vec![stream(body)]).await;
    let reply = ask(&stub).await.unwrap();
    assert_eq!((reply.choices[0].text.as_str(), reply.usage.input, reply.usage.output), ("once", 9, 2));
}

#[tokio::test]
async fn absurd_usage_is_estimated() {
    let body = r#"{"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":-1,"completion_tokens":1e300}}"#;
    let stub = Stub::start(vec![json(200, body)]).await;
    let usage = ask(&stub).await.unwrap().usage;
    assert!(usage.estimated && usage.input < 100 && usage.output < 100, "{usage:?}");
}

#[tokio::test]
async fn answers_beyond_the_limits() {
    let big = "x".repeat(30_000);
    let (kind, text) = fault(good(&big)).await;
    assert!(kind == Transient && text.contains("larger than 20000 bytes"), "{text}");
    let unsaid = Act::Write([head(200, "application/json", "", None), big.clone().into_bytes()].concat());
    assert!(fault(unsaid).await.1.contains("larger than 20000 bytes"));
    assert!(fault(stream(delta(&"x".repeat(5_000)))).await.1.contains("longer than 4000 bytes"));
    let endless = Act::Drip(stream_head(), delta("again").repeat(50).into_bytes(), 0);
    assert!(fault(endless).await.1.contains("larger than 20000 bytes"));
    let endless_refusal = Act::Drip(head(500, "text/plain", "", None), vec![b'x'; 10_000], 0);
    assert_eq!(fault(endless_refusal).await.0, Transient);
}

/// Asks with little patience, for the head of the answer or for the rest of it.
async fn hurried(bytes: Vec<u8>, first_byte_ms: u64, silence_ms: u64) -> Result<Reply, String> {
    let stub = Stub::start(vec![Act::WriteAndHang(bytes)]).await;
    let timeouts = Timeouts {
        first_byte: Duration::from_millis(first_byte_ms),
        silence: Duration::from_millis(silence_ms),
        ..config(&stub).timeouts
    };
    let chat = Chat::new(ChatConfig { timeouts, ..config(&stub) }).unwrap();
    chat.complete(&question("hi")).await.map_err(|error| {
        assert_eq!(error.kind(), Transient);
        error.to_string()
    })
}

#[tokio::test]
async fn servers_that_hang() {
    let nothing = hurried(Vec::new(), 100, 30_000).await;
    assert!(nothing.unwrap_err().contains("began no answer within 100ms"));
    let midway = hurried([stream_head(), delta("a").into_bytes()].concat(), 30_000, 100).await;
    assert!(midway.unwrap_err().contains("fell silent for 100ms"));
    let body = [head(200, "application/json", "", Some(99)), b"{".to_vec()].concat();
    assert!(hurried(body, 30_000, 100).await.unwrap_err().contains("fell silent for 100ms"));
    // Nothing is lost of an answer that is whole when the server falls silent.
    let whole = [delta("whole"), STOP.into()].concat().into_bytes();
    let reply = hurried([stream_head(), whole].concat(), 30_000, 100).await;
    assert_eq!(reply.unwrap().choices[0].text, "whole");
}

#[tokio::test]
async fn slow_loris_is_bounded_by_the_total() {
    let stub = Stub::start(vec![Act::Drip(stream_head(), b": \n".to_vec(), 20)]).await;
    let timeouts = Timeouts { total: Some(Duration::from_millis(400)), ..config(&stub).timeouts };
    let start = Instant::now();
    let chat = Chat::new(ChatConfig { timeouts, ..config(&stub) }).unwrap();
    let error = chat.complete(&question("hi")).await.unwrap_err();
    assert!(error.kind() == Transient && error.to_string().contains("longer than 400ms"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn connections_that_fail() {
    assert_eq!(fault(Act::Reset).await.0, Transient);
    assert_eq!(fault(Act::Write(Vec::new())).await.0, Transient);
    assert_eq!(fault(Act::Write(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec())).await.0, Transient);
    let stub = Stub::start(vec![good("a")]).await;
    let closed = ChatConfig { base_url: "http://127.0.0.1:1/v1".into(), ..config(&stub) };
    let error = Chat::new(closed).unwrap().complete(&question("hi")).await.unwrap_err();
    assert!(error.kind() == Transient && error.to_string().contains("is the server running"), "{error}");
    let timeouts = Timeouts { connect: Duration::from_secs(1), ..config(&stub).timeouts };
    let unknown = ChatConfig { base_url: "http://no-such-host.invalid/v1".into(), timeouts, ..config(&stub) };
    let error = Chat::new(unknown).unwrap().complete(&question("hi")).await.unwrap_err();
    assert_eq!(error.kind(), Transient);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let stub =
        Stub::start(vec![response_with(307, "text/plain", "location: http://127.0.0.1:1/\r\n", "")]).await;
    let error = ask(&stub).await.unwrap_err();
    assert!(error.kind() == BadRequest && error.to_string().contains("base_url redirects"), "{error}");
    assert_eq!(stub.seen().len(), 1);
}
