//! The span of a model call, for whoever traces it.
//!
//! Spans and events of the target `telemetry` have stable names and fields; `codeagent`'s `tool.rs` has the others. What was
//! asked and answered is in events of the target `telemetry::content` alone, at level `trace`.

use codeagent_prompts::Message;
use reqwest::Url;
use serde_json::{Value, json};
use tracing::field::{Empty, display};
use tracing::{Span, debug, debug_span, trace};

use crate::error::ModelError;
use crate::provider::{Choice, Finish, Reply, Request};

/// The span of one try to have a model answer. Lists are JSON.
pub(crate) fn begun(model: &str, request: &Request) -> Span {
    let span = debug_span!(
        target: "telemetry",
        "model_call",
        model,
        provider = Empty,
        address = Empty,
        port = Empty,
        temperature = request.temperature,
        top_p = request.top_p,
        max_tokens = request.max_output_tokens,
        seed = request.seed,
        choices = request.n,
        stop = Empty,
        reply = Empty,
        reply_model = Empty,
        finish = Empty,
        tokens_in = Empty,
        tokens_cached = Empty,
        tokens_out = Empty,
        tokens_reasoning = Empty,
        failed = Empty,
    );
    if !span.is_disabled() && !request.stop.is_empty() {
        span.record("stop", display(json!(request.stop)));
    }
    trace!(target: "telemetry::content", parent: &span, input = %json!(request.messages.iter().map(asked_text).collect::<Vec<_>>()), "content");
    span
}

/// Notes on the current span of a call who is asked, and where that is a server, its address.
pub(crate) fn asked(provider: &str, server: Option<&Url>) {
    let span = Span::current();
    span.record("provider", provider);
    if let Some(host) = server.and_then(Url::host_str) {
        span.record("address", host);
    }
    if let Some(port) = server.and_then(Url::port_or_known_default) {
        span.record("port", port);
    }
}

/// Notes on the current span of a call what came of it.
pub(crate) fn ended(result: &Result<Reply, ModelError>) {
    let span = Span::current();
    let reply = match result {
        Ok(reply) => reply,
        Err(error) => {
            span.record("failed", error.kind().name());
            return;
        }
    };
    if span.is_disabled() {
        return;
    }
    if let Some(id) = &reply.id {
        span.record("reply", id.as_str());
    }
    let finish: Vec<&str> = reply.choices.iter().map(|choice| word(&choice.finish)).collect();
    span.record("reply_model", reply.model.as_str()).record("finish", display(json!(finish)));
    span.record("tokens_in", reply.usage.input).record("tokens_cached", reply.usage.cached);
    span.record("tokens_out", reply.usage.output).record("tokens_reasoning", reply.usage.reasoning);
    trace!(target: "telemetry::content", output = %json!(reply.choices.iter().map(answered_text).collect::<Vec<_>>()), "content");
}

/// Tells that the reply cache answered: nothing is paid, so there is no span of a call.
pub(crate) fn recalled(model: &str) {
    debug!(target: "telemetry", model, "cached_reply");
}

fn word(finish: &Finish) -> &str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
        Finish::Repetition => "repetition",
        Finish::Other(other) => other,
    }
}

fn asked_text(message: &Message) -> Value {
    json!({ "role": message.role, "parts": [{ "type": "text", "content": message.content }] })
}

fn answered_text(choice: &Choice) -> Value {
    json!({
        "role": "assistant", "parts": [{ "type": "text", "content": choice.text }],
        "finish_reason": word(&choice.finish),
    })
}
