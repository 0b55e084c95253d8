//! The chat provider against a server that does everything a server should not.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod embeddings;
mod faults;
mod keys;
mod recovery;
mod stub;

use std::time::Duration;

use codeagent_models::scripted::question;
use codeagent_models::{Chat, ChatConfig, ErrorKind, ModelError, Provider, Reply, Timeouts};
use stub::{Act, Stub};

/// Small limits of size; those of time are for a busy machine.
fn config(stub: &Stub) -> ChatConfig {
    let patient = Duration::from_secs(30);
    ChatConfig {
        timeouts: Timeouts { connect: patient, first_byte: patient, silence: patient, total: None },
        max_body: 20_000,
        max_line: 4_000,
        ..ChatConfig::new(stub.base_url(), "m")
    }
}

async fn ask(stub: &Stub) -> Result<Reply, ModelError> {
    Chat::new(config(stub)).unwrap().complete(&question("hi")).await
}

/// What the provider makes of one act; the kind of error, and its text.
async fn fault(act: Act) -> (ErrorKind, String) {
    let stub = Stub::start(vec![act]).await;
    let error = ask(&stub).await.unwrap_err();
    (error.kind(), error.to_string())
}

/// The text of the answer that one act gives.
async fn answer(act: Act) -> String {
    let stub = Stub::start(vec![act]).await;
    ask(&stub).await.unwrap().choices.remove(0).text
}
