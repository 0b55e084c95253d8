//! Test code that has been run once without a candidate: the calls that it makes and what it asserts of their answers,
//! which is the same for every candidate. So a loop of assertions costs one exchange, and no interpreter for the test.
//!
//! The test role answers calls with a stand-in that knows nothing but equality, notes what it is compared with, and takes
//! it as so (`python/rehearsal.py`). A candidate for which all notes are true makes the test take that very path. For all
//! others, and for tests that look at answers in any other way, the test is run.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::JudgeOptions;
use super::relay::TEST_TIME_MIN;
use crate::error::SandboxError;
use crate::literal::{CallAssertion, CheckedCall, Expectation};
use crate::peer::{Arguments, Peer, Reply, text};
use crate::session::Sandbox;
use crate::value::Value;

/// Tests remembered; beyond that all are forgotten, and rehearsed again when they come.
const KEPT_MAX: usize = 4_096;

/// What tests came to that were rehearsed.
#[derive(Default)]
pub(super) struct Rehearsals {
    known: Mutex<HashMap<Key, Option<Arc<[CheckedCall]>>>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    setup: String,
    code: String,
    entry: String,
    seed: u64,
}

impl Rehearsals {
    /// The calls of a test; `None` where it must be run.
    pub(super) async fn calls(
        &self,
        sandbox: &Arc<dyn Sandbox>,
        setup: &str,
        code: &str,
        entry: &str,
        options: &JudgeOptions,
    ) -> Result<Option<Arc<[CheckedCall]>>, SandboxError> {
        let key = Key {
            setup: setup.to_owned(),
            code: code.to_owned(),
            entry: entry.to_owned(),
            seed: options.seed,
        };
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let calls = rehearse(sandbox, &key, options).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT_MAX {
            known.clear();
        }
        known.insert(key, calls.clone());
        Ok(calls)
    }
}

async fn rehearse(
    sandbox: &Arc<dyn Sandbox>,
    key: &Key,
    options: &JudgeOptions,
) -> Result<Option<Arc<[CheckedCall]>>, SandboxError> {
    let limits = options.limits.with_wall(TEST_TIME_MIN);
    let mut peer = Peer::open(sandbox, b"", limits, key.seed).await?;
    let names = ["candidate", key.entry.as_str()].map(Value::str).to_vec();
    let fields = vec![
        ("setup", Value::str(key.setup.as_str())),
        ("code", Value::str(key.code.as_str())),
        ("names", Value::List(names)),
    ];
    let reply = peer.ask("test_rehearse", fields, TEST_TIME_MIN).await?;
    Ok(match reply {
        Reply::Answer(answer) => read(&answer, &key.entry),
        Reply::Garbled | Reply::Ended => None,
    })
}

fn read(answer: &Value, entry: &str) -> Option<Arc<[CheckedCall]>> {
    let Value::List(calls) = answer.field("calls")? else { return None };
    let call = |call: &Value| {
        let Arguments { args, kwargs } = Arguments::read(call)?;
        let expected = Expectation::Equal(call.field("equal")?.clone());
        let assertion = CallAssertion { entry: entry.to_owned(), args, kwargs, expected };
        Some(CheckedCall { assertion, statement: text(call, "statement")? })
    };
    calls.iter().map(call).collect()
}
