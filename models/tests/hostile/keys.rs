//! A key is in the `Authorization` header and nowhere else, whatever a server does with it.

use std::error::Error;
use std::sync::Arc;

use codeagent_models::{ApiKey, Chat, ChatConfig, MemoryStore, Provider, Recorder, Stack, StackConfig};

use crate::stub::{Act, Stub, delta, good, head, json, response, stream};
use crate::{config, question};

const CANARY: &str = "sk-canary-0123456789";

fn keyed(stub: &Stub) -> ChatConfig {
    ChatConfig { api_key: Some(ApiKey::new(CANARY).unwrap()), ..config(stub) }
}

/// Everything that an error shows, its causes included.
fn shown(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(|error| format!("{error} {error:?}\n")).collect()
}

#[tokio::test]
async fn the_key_is_sent() {
    let stub = Stub::start(vec![good("a")]).await;
    Chat::new(keyed(&stub)).unwrap().complete(&question("hi")).await.unwrap();
    assert!(stub.seen()[0].contains(&format!("authorization: Bearer {CANARY}\r\n")));
}

#[tokio::test]
async fn no_error_shows_the_key() {
    let echo =
        format!(r#"{{"error":{{"message":"Incorrect API key provided: {CANARY}","param":"{CANARY}"}}}}"#);
    let acts = [
        json(401, &echo),
        json(400, &echo),
        json(200, &echo),
        response(500, "text/plain", CANARY),
        response(200, CANARY, "no json"),
        response(200, "application/json", format!("{{\"choices\": \"{CANARY}\"}}")),
        stream(format!("data: {CANARY}\n\n")),
        stream([&delta("a"), &*format!("data: {echo}\n\n")].concat()),
        Act::Write(format!("HTTP/1.1 {CANARY}\r\n\r\n").into_bytes()),
        Act::Write(head(200, "application/json", &format!("{CANARY}\r\n"), None)),
        Act::Reset,
    ];
    for act in acts {
        let stub = Stub::start(vec![act]).await;
        let error = Chat::new(keyed(&stub)).unwrap().complete(&question("hi")).await.unwrap_err();
        assert!(!shown(&error).contains(CANARY), "{}", shown(&error));
    }
}

#[tokio::test]
async fn no_value_shows_the_key() {
    let stub = Stub::start(vec![good("a")]).await;
    let chat = Chat::new(keyed(&stub)).unwrap();
    chat.complete(&question("hi")).await.unwrap();
    for text in [format!("{chat:?}"), format!("{:#?}", keyed(&stub)), format!("{:?}", ApiKey::new(CANARY))] {
        assert!(!text.contains(CANARY), "{text}");
    }
    let bad = ChatConfig { base_url: format!("http://me:{CANARY}@h/v1"), ..keyed(&stub) };
    assert!(!shown(&Chat::new(bad).unwrap_err()).contains(CANARY));
}

#[tokio::test]
async fn no_recording_and_no_stored_reply_holds_the_key() {
    let body = format!(
        r#"{{"id":"{CANARY}","model":"{CANARY}","choices":[{{"message":{{"content":"your key is {CANARY}",
        "reasoning":"{CANARY}"}},"finish_reason":"{CANARY}"}}]}}"#
    );
    let stub = Stub::start(vec![json(200, &body)]).await;
    let store = Arc::<MemoryStore>::default();
    let stack = Stack::build(Chat::new(keyed(&stub)).unwrap(), Arc::clone(&store), StackConfig::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cassette.jsonl");
    let reply = Recorder::open(stack.provider, &path).unwrap().complete(&question("hi")).await.unwrap();
    assert_eq!(reply.choices[0].text, "your key is [key]");
    let recorded = std::fs::read_to_string(&path).unwrap();
    assert!(recorded.contains("your key is") && !recorded.contains(CANARY), "{recorded}");
    assert!(!format!("{reply:?} {store:?}").contains(CANARY));
}
