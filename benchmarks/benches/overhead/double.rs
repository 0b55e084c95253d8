//! A sandbox that answers every request of the judge at once, in the claim codec, and runs nothing: every program loads,
//! gives an empty list for every call, and went through six blocks.

use std::time::Duration;

use codeagent::sandbox::claim::{DecodeLimits, decode, encode};
use codeagent::sandbox::session::{Capabilities, Level, Usage};
use codeagent::sandbox::{Cause, Ending, Exchange, Open, Sandbox, SandboxError, Session, Value};
use futures_core::future::BoxFuture;

/// The sandbox.
pub(crate) struct Double;

impl Sandbox for Double {
    fn open(&self, _: Open) -> BoxFuture<'_, Result<Box<dyn Session>, SandboxError>> {
        Box::pin(async { Ok(Box::new(Self) as Box<dyn Session>) })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new("double", Level::None, "none")
    }
}

impl Session for Double {
    fn exchange<'a>(
        &'a mut self,
        request: &'a [u8],
        _: Duration,
    ) -> BoxFuture<'a, Result<Exchange, SandboxError>> {
        Box::pin(async move { Ok(answer(request).map_or(Exchange::Ended, Exchange::Answer)) })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Ending, SandboxError>> {
        Box::pin(async {
            Ok(Ending {
                cause: Cause::Exited { status: 0 },
                stdout: Vec::new(),
                stderr: Vec::new(),
                usage: Usage::default(),
                memory_refused: false,
                refusals: Vec::new(),
            })
        })
    }
}

/// What the driver inside a real sandbox answers, in form.
fn answer(request: &[u8]) -> Option<Vec<u8>> {
    let request = decode(request, DecodeLimits::default()).ok()?;
    let Value::Str(operation) = request.field("op")? else { return None };
    let id = ("id", request.field("id")?.clone());
    let answer = match operation.as_str()? {
        "load" => Value::fields([id, ("loaded", Value::Bool(true))]),
        "call" => Value::fields([id, ("value", Value::List(Vec::new())), ("subclass", Value::Bool(false))]),
        "trace" => Value::fields([id, ("blocks", blocks()), ("total", Value::int(6))]),
        _ => return None,
    };
    Some(encode(&answer))
}

fn blocks() -> Value {
    let block = |line: i64| {
        Value::fields([
            ("line", Value::int(line)),
            ("source", Value::str("        merged.append(interval)\n        last = interval")),
            ("before", Value::str("intervals=[[1, 3], [2, 6], [8, 10]], merged=[[1, 3]], last=[1, 3]")),
            (
                "after",
                Value::str("intervals=[[1, 3], [2, 6], [8, 10]], merged=[[1, 3], [2, 6]], last=[2, 6]"),
            ),
        ])
    };
    Value::List((1..=6).map(block).collect())
}
