//! A sandbox that answers every request of the judge at once, in the claim codec, and runs nothing: every program loads,
//! gives an empty list for every call, and went through six blocks.

use std::time::Duration;

use codeagent::sandbox::claim::encode;
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
    let id = ("id", Value::int(i64::from(number(after(request, b"u\x02\0\0\0idi")?)?)));
    let answer = match after(request, b"u\x02\0\0\0opu")? {
        [4, 0, 0, 0, b'l', b'o', b'a', b'd', ..] => Value::fields([id, ("loaded", Value::Bool(true))]),
        [4, 0, 0, 0, b'c', b'a', b'l', b'l', ..] => {
            Value::fields([id, ("value", Value::List(Vec::new())), ("subclass", Value::Bool(false))])
        }
        [5, 0, 0, 0, b'p', b'r', b'o', b'b', b'e', ..] => {
            let claim = Value::fields([("value", Value::List(Vec::new())), ("subclass", Value::Bool(false))]);
            let count = number(after(request, b"u\x06\0\0\0inputs[")?)?;
            Value::fields([id, ("answers", Value::List((0..count).map(|_| claim.clone()).collect()))])
        }
        [5, 0, 0, 0, b't', b'r', b'a', b'c', b'e', ..] => {
            Value::fields([id, ("blocks", blocks()), ("total", Value::int(6))])
        }
        _ => return None,
    };
    Some(encode(&answer))
}

/// What follows a key of a request, which is in Python's `marshal` format.
fn after<'r>(request: &'r [u8], key: &[u8]) -> Option<&'r [u8]> {
    let at = request.windows(key.len()).position(|window| window == key)?;
    request.get(at + key.len()..)
}

fn number(bytes: &[u8]) -> Option<i32> {
    bytes.first_chunk().map(|bytes| i32::from_le_bytes(*bytes))
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
