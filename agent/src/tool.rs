//! Spans of what a search does beside asking its model, for whoever traces it.
//!
//! Spans of the target `telemetry` have stable names and fields: `search` (one run, `run.rs`), `tool_call` (here) and
//! `model_call` (of `codeagent-models`). They hold ids, numbers and words of ours, never a prompt, a program or a test.

use std::future::Future;

use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug_span};

/// Does the work of a tool in a span of its own. `call` names the work, as the store does, or is empty; `kind` says in a
/// word what an error is.
pub(crate) async fn traced<T, E>(
    tool: &'static str,
    call: &str,
    kind: impl FnOnce(&E) -> &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let span = debug_span!(target: "telemetry", "tool_call", tool, call, failed = Empty);
    let done = async {
        let done = work.await;
        if let Err(error) = &done {
            Span::current().record("failed", kind(error));
        }
        done
    };
    done.instrument(span).await
}
