//! Embedding models behind a server that does everything a server should not.

use std::sync::Arc;
use std::time::Duration;

use codeagent_models::{
    ApiKey, ChatConfig, Embedder, Embeddings, ErrorKind, MemoryStore, RetryPolicy, Stack, StackConfig,
};

use crate::config;
use crate::stub::{Act, Stub, json, response};

/// A stack whose waits take no time.
fn embedder(config: ChatConfig) -> (Embedder, Stack) {
    let retry = RetryPolicy { base: Duration::from_millis(1), budget_floor: 1_000, ..RetryPolicy::default() };
    let model = Embeddings::new(config).unwrap();
    let stack =
        Stack::build(model, Arc::<MemoryStore>::default(), StackConfig { retry, ..StackConfig::default() });
    (Embedder::new(Arc::clone(&stack.provider)), stack)
}

fn vector(numbers: &str, tokens: u64) -> Act {
    json(
        200,
        &format!(
            r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":{numbers}}}],"model":"m","usage":{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}}}"#
        ),
    )
}

#[tokio::test]
async fn the_form_is_that_of_openai() {
    let stub = Stub::start(vec![vector("[3, 4.0]", 5)]).await;
    let config = ChatConfig { api_key: Some(ApiKey::new("canary-key").unwrap()), ..config(&stub) };
    let embedded = embedder(config).0.embed(&["def f(): pass"]).await.unwrap();
    assert_eq!((embedded.vectors, embedded.usage.input), (vec![vec![0.6, 0.8]], 5));
    let seen = stub.seen();
    let (head, body) = seen[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/embeddings HTTP/1.1"), "{head}");
    assert!(head.contains("authorization: Bearer canary-key"), "{head}");
    assert_eq!(body, r#"{"model":"m","input":"def f(): pass"}"#);
}

#[tokio::test]
async fn every_passing_fault_in_a_row_is_survived() {
    let two = r#"{"data":[{"embedding":[1]},{"embedding":[2]}]}"#;
    let faults = vec![
        json(500, "{}"),
        json(200, "{}"),
        json(200, two),
        vector("[]", 1),
        vector("[1, null]", 1),
        vector("[1e99]", 1),
        vector("\"AACAPw==\"", 1),
        response(200, "text/html", "<html>"),
        json(200, &format!("{{\"data\":[{{\"embedding\":[{}1]}}]}}", "1,".repeat(20_000))),
        json(200, r#"{"data":[{"embedding":[1"#),
        json(200, r#"{"error":{"code":429}}"#),
        Act::Reset,
    ];
    for fault in faults {
        let stub = Stub::start(vec![fault, vector("[2]", 1_000_000)]).await;
        let (embedder, stack) = embedder(config(&stub));
        let embedded = embedder.embed(&["four"]).await.unwrap();
        assert_eq!(embedded.vectors, [[1.0]]);
        assert!(embedded.usage.input < 1_000, "an absurd count is not believed");
        let totals = stack.meter.totals();
        assert_eq!((totals.attempts, totals.retries), (2, 1));
    }
}

#[tokio::test]
async fn a_refused_key_is_tried_once_and_never_shown() {
    let stub = Stub::start(vec![json(401, r#"{"error":{"message":"bad key canary-key"}}"#)]).await;
    let config = ChatConfig { api_key: Some(ApiKey::new("canary-key").unwrap()), ..config(&stub) };
    let error = embedder(config).0.embed(&["x"]).await.unwrap_err();
    assert_eq!((error.kind(), stub.seen().len()), (ErrorKind::Refused, 1));
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}
