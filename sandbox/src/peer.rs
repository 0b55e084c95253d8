//! One session with the Python driver inside: requests and answers as values, claims as claims.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::claim::{DecodeLimits, decode};
use crate::error::SandboxError;
use crate::limits::Limits;
use crate::marshal;
use crate::session::{Ending, Exchange, Open, Sandbox, Session};
use crate::value::{BigInt, Value};

/// Of an answer's bytes, those kept for what is around its values: names of fields, classes, messages.
const ENVELOPE_BYTES: usize = 16 << 10;

/// Arguments of one call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Arguments {
    /// Positional.
    pub args: Vec<Value>,
    /// Named.
    pub kwargs: Vec<(String, Value)>,
}

/// What a candidate says one call came to. Untrusted; compared with what was expected on this side only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "claim", rename_all = "kebab-case")]
pub enum Claim {
    /// It returned this.
    Value {
        /// The value.
        value: Value,
        /// Whether a subclass of a built-in type was somewhere in it, read as its base.
        subclass: bool,
    },
    /// It raised.
    Exception(Problem),
    /// It returned something that is not plain data.
    NotPlain {
        /// Class name of the offending value, or which encoding limit it broke.
        what: String,
    },
}

/// An exception that a candidate raised, as it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Class name.
    pub class: String,
    /// Text, cut to 2,000 characters.
    pub message: String,
    /// Line of the program, from 1, where known.
    pub line: Option<u32>,
}

/// What came back for a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// A dictionary with the request's id.
    Answer(Value),
    /// Something else: a claim that is none.
    Garbled,
    /// The program ended.
    Ended,
}

/// The host's end of one session.
pub(crate) struct Peer {
    session: Box<dyn Session>,
    id: i64,
    seed: u64,
    answer_bytes: usize,
}

impl Peer {
    pub(crate) async fn open(
        sandbox: &Arc<dyn Sandbox>,
        stdin: &[u8],
        limits: Limits,
        seed: u64,
    ) -> Result<Self, SandboxError> {
        let session = sandbox.open(Open { stdin: stdin.to_vec(), limits, seed }).await?;
        Ok(Self { session, id: 0, seed, answer_bytes: limits.answer_bytes.saturating_sub(ENVELOPE_BYTES) })
    }

    /// Sends `op` with `fields` and waits for the answer.
    pub(crate) async fn ask(
        &mut self,
        op: &str,
        fields: Vec<(&str, Value)>,
        deadline: Duration,
    ) -> Result<Reply, SandboxError> {
        self.id += 1;
        let common = [
            ("op", Value::str(op)),
            ("id", Value::int(self.id)),
            ("seed", Value::Int(BigInt::from_le_bytes(false, &self.seed.to_le_bytes()))),
            ("answer_bytes", Value::int(i64::try_from(self.answer_bytes).unwrap_or(i64::MAX))),
        ];
        let pairs = common.into_iter().chain(fields).map(|(name, value)| (Value::str(name), value)).collect();
        let exchange = self.session.exchange(&marshal::encode(&Value::Dict(pairs)), deadline).await?;
        let Exchange::Answer(bytes) = exchange else { return Ok(Reply::Ended) };
        let answer = decode(&bytes, DecodeLimits::default()).ok();
        let ours = answer.filter(|answer| answer.field("id") == Some(&Value::int(self.id)));
        Ok(ours.map_or(Reply::Garbled, Reply::Answer))
    }

    pub(crate) async fn finish(self) -> Result<Ending, SandboxError> {
        self.session.finish().await
    }
}

impl Arguments {
    /// The request fields of a call.
    pub(crate) fn fields(&self) -> [(&'static str, Value); 2] {
        [("args", Value::List(self.args.clone())), ("kwargs", self.named())]
    }

    /// `(args, kwargs)`, as `probe` takes them.
    pub(crate) fn pair(&self) -> Value {
        Value::Tuple(vec![Value::List(self.args.clone()), self.named()])
    }

    /// Whether a call could change them.
    pub(crate) fn are_mutable(&self) -> bool {
        fn is_mutable(value: &Value) -> bool {
            match value {
                Value::List(_) | Value::Dict(_) | Value::Set(_) => true,
                Value::Tuple(items) => items.iter().any(is_mutable),
                _ => false,
            }
        }
        self.args.iter().chain(self.kwargs.iter().map(|(_, value)| value)).any(is_mutable)
    }

    pub(crate) fn named(&self) -> Value {
        Value::Dict(
            self.kwargs.iter().map(|(name, value)| (Value::str(name.as_str()), value.clone())).collect(),
        )
    }

    /// The arguments in the fields `args` and `kwargs` of an answer.
    pub(crate) fn read(answer: &Value) -> Option<Self> {
        let (Value::List(args), Value::Dict(kwargs)) = (answer.field("args")?, answer.field("kwargs")?)
        else {
            return None;
        };
        let named = |(name, value): &(Value, Value)| Some((plain_text(name)?, value.clone()));
        Some(Self { args: args.clone(), kwargs: kwargs.iter().map(named).collect::<Option<_>>()? })
    }
}

impl Claim {
    /// The claim that an answer makes, if it makes one.
    pub(crate) fn read(answer: &Value) -> Option<Self> {
        if let Some(value) = answer.field("value") {
            let subclass = answer.field("subclass") == Some(&Value::Bool(true));
            return Some(Self::Value { value: value.clone(), subclass });
        }
        if let Some(problem) = answer.field("exception") {
            return Problem::read(problem).map(Self::Exception);
        }
        Some(Self::NotPlain { what: text(answer, "not_plain")? })
    }

    /// The claim as the test role is told it.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Value { value, .. } => Value::fields([("value", value.clone())]),
            Self::Exception(problem) => Value::fields([("exception", problem.to_value())]),
            Self::NotPlain { what } => Value::fields([("not_plain", Value::str(what.as_str()))]),
        }
    }
}

impl Problem {
    pub(crate) fn read(problem: &Value) -> Option<Self> {
        Some(Self { class: text(problem, "class")?, message: text(problem, "message")?, line: line(problem) })
    }

    fn to_value(&self) -> Value {
        let line = self.line.map_or(Value::None, |line| Value::int(i64::from(line)));
        Value::fields([
            ("class", Value::str(self.class.as_str())),
            ("message", Value::str(self.message.as_str())),
            ("line", line),
        ])
    }
}

/// A text field, cut to a length that is fit to show.
pub(crate) fn text(answer: &Value, name: &str) -> Option<String> {
    const CHARS_MAX: usize = 4_000;
    Some(plain_text(answer.field(name)?)?.chars().take(CHARS_MAX).collect())
}

pub(crate) fn line(answer: &Value) -> Option<u32> {
    match answer.field("line")? {
        Value::Int(line) => u32::try_from(line.to_i64()?).ok(),
        _ => None,
    }
}

fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.to_string_lossy().into_owned()),
        _ => None,
    }
}
