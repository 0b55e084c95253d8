//! Puts the names of the conventions in place of ours, on spans that are finished. What it does not know is left out, so
//! that nothing is sent by accident.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::trace::{Event, SpanId, SpanKind, Status, TraceId};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanProcessor};

use super::measure::Instruments;
use super::names;

/// Our field for the id of the search.
const RUN: &str = "run";

/// What form a field has: `tracing` hands some numbers on as texts, and has no lists.
#[derive(Clone, Copy)]
enum Form {
    Same,
    Number,
    List,
}

type Fields = &'static [(&'static str, &'static str, Form)];

const SEARCH: Fields = &[
    (RUN, names::CONVERSATION, Form::Same),
    ("problem", names::PROBLEM, Form::Same),
    ("sample", names::SAMPLE, Form::Number),
    ("strategy", names::STRATEGY, Form::Same),
    ("model", names::REQUEST_MODEL, Form::Same),
    ("seed", names::SEED, Form::Number),
    ("status", names::STATUS, Form::Same),
    ("passed", names::TESTS_PASSED, Form::Number),
    ("total", names::TESTS_TOTAL, Form::Number),
    ("nodes", names::NODES, Form::Number),
    ("calls", names::BUDGET_CALLS, Form::Number),
    ("tokens_in", names::BUDGET_INPUT, Form::Number),
    ("tokens_cached", names::BUDGET_CACHED, Form::Number),
    ("tokens_out", names::BUDGET_OUTPUT, Form::Number),
    ("micro_usd", names::BUDGET_COST, Form::Number),
    ("failed", names::ERROR, Form::Same),
];

const CALL: Fields = &[
    (RUN, names::CONVERSATION, Form::Same),
    ("model", names::REQUEST_MODEL, Form::Same),
    ("provider", names::PROVIDER, Form::Same),
    ("address", names::SERVER_ADDRESS, Form::Same),
    ("port", names::SERVER_PORT, Form::Number),
    ("temperature", names::REQUEST_TEMPERATURE, Form::Same),
    ("top_p", names::REQUEST_TOP_P, Form::Same),
    ("max_tokens", names::REQUEST_MAX_TOKENS, Form::Number),
    ("seed", names::REQUEST_SEED, Form::Number),
    ("choices", names::REQUEST_CHOICES, Form::Number),
    ("stop", names::REQUEST_STOP, Form::List),
    ("reply", names::RESPONSE_ID, Form::Same),
    ("reply_model", names::RESPONSE_MODEL, Form::Same),
    ("finish", names::RESPONSE_FINISH, Form::List),
    ("tokens_in", names::INPUT_TOKENS, Form::Number),
    ("tokens_cached", names::CACHED_TOKENS, Form::Number),
    ("tokens_out", names::OUTPUT_TOKENS, Form::Number),
    ("tokens_reasoning", names::REASONING_TOKENS, Form::Number),
    ("failed", names::ERROR, Form::Same),
];

const TOOL: Fields = &[
    (RUN, names::CONVERSATION, Form::Same),
    ("tool", names::TOOL, Form::Same),
    ("call", names::TOOL_CALL, Form::Same),
    ("failed", names::ERROR, Form::Same),
];

const EVENTS: [(&str, &str, Fields); 2] = [
    ("cached_reply", names::CACHED_REPLY, &[("model", names::REQUEST_MODEL, Form::Same)]),
    (
        "content",
        names::CONTENT_EVENT,
        &[("input", names::INPUT_MESSAGES, Form::Same), ("output", names::OUTPUT_MESSAGES, Form::Same)],
    ),
];

/// Translates spans, measures them, and hands them on.
#[derive(Debug)]
pub(super) struct Translated {
    next: BatchSpanProcessor,
    instruments: Instruments,
    /// The search of each trace that is under way, which all spans of the trace name.
    searches: Mutex<HashMap<TraceId, Value>>,
}

impl Translated {
    pub(super) fn new(next: BatchSpanProcessor, instruments: Instruments) -> Self {
        Self { next, instruments, searches: Mutex::default() }
    }

    fn searches(&self) -> MutexGuard<'_, HashMap<TraceId, Value>> {
        self.searches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for Translated {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
        let Some(data) = span.exported_data() else { return };
        let trace = data.span_context.trace_id();
        if data.parent_span_id == SpanId::INVALID {
            if let Some(run) = find(&data.attributes, RUN) {
                self.searches().insert(trace, run.clone());
            }
        } else if let Some(run) = self.searches().get(&trace).cloned() {
            opentelemetry::trace::Span::set_attribute(span, KeyValue::new(RUN, run));
        }
    }

    fn on_end(&self, span: SpanData) {
        if span.parent_span_id == SpanId::INVALID {
            self.searches().remove(&span.span_context.trace_id());
        }
        let Some(span) = translated(span) else { return };
        self.instruments.measure(&span);
        self.next.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

/// The attribute of a name.
pub(super) fn find<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a Value> {
    attributes.iter().find(|it| it.key.as_str() == name).map(|it| &it.value)
}

/// The span in the words of the conventions; `None` if it is none of those that they have words for.
fn translated(mut span: SpanData) -> Option<SpanData> {
    let text = |name| find(&span.attributes, name).map(|it| it.as_str().into_owned()).unwrap_or_default();
    let (operation, subject, kind, fields) = match span.name.as_ref() {
        "search" => (names::OPERATION_AGENT, names::SCOPE.to_owned(), SpanKind::Internal, SEARCH),
        "model_call" => (names::OPERATION_CHAT, text("model"), SpanKind::Client, CALL),
        "tool_call" => (names::OPERATION_TOOL, text("tool"), SpanKind::Internal, TOOL),
        _ => return None,
    };
    span.name = format!("{operation} {subject}").into();
    span.span_kind = kind;
    span.attributes = renamed(span.attributes, fields);
    span.attributes.push(KeyValue::new(names::OPERATION, operation));
    if operation == names::OPERATION_AGENT {
        span.attributes.push(KeyValue::new(names::AGENT, names::SCOPE));
    }
    if let Some(error) = find(&span.attributes, names::ERROR) {
        span.status = Status::error(error.as_str().into_owned());
    }
    span.events.events = span.events.events.into_iter().filter_map(event).collect();
    Some(span)
}

fn event(mut event: Event) -> Option<Event> {
    let &(_, name, fields) = EVENTS.iter().find(|(ours, ..)| *ours == event.name)?;
    event.name = name.into();
    event.attributes = renamed(event.attributes, fields);
    Some(event)
}

fn renamed(attributes: Vec<KeyValue>, fields: Fields) -> Vec<KeyValue> {
    let attribute = |it: KeyValue| {
        let (_, name, form) = fields.iter().find(|(ours, ..)| *ours == it.key.as_str())?;
        let is_empty = matches!(&it.value, Value::String(text) if text.as_str().is_empty());
        (!is_empty).then(|| KeyValue::new(*name, formed(it.value, *form)))
    };
    attributes.into_iter().filter_map(attribute).collect()
}

/// A value in the form that it should have; as it is where it has another one.
fn formed(value: Value, form: Form) -> Value {
    let Value::String(text) = &value else { return value };
    match form {
        Form::Same => value,
        Form::Number => text.as_str().parse::<i64>().map_or(value, Value::I64),
        Form::List => match serde_json::from_str::<Vec<String>>(text.as_str()) {
            Ok(items) => Value::Array(Array::String(items.into_iter().map(StringValue::from).collect())),
            Err(_) => value,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_name_is_left_out() {
        let given = vec![
            KeyValue::new("tokens_in", "12"),
            KeyValue::new("finish", "[\"stop\",\"length\"]"),
            KeyValue::new("temperature", 0.5),
            KeyValue::new("seed", u64::MAX.to_string()),
            KeyValue::new("address", ""),
            KeyValue::new("prompt", "secret"),
            KeyValue::new("thread.id", 1_i64),
        ];
        let finish = Array::String(vec!["stop".into(), "length".into()]);
        let expected = vec![
            KeyValue::new(names::INPUT_TOKENS, 12_i64),
            KeyValue::new(names::RESPONSE_FINISH, Value::Array(finish)),
            KeyValue::new(names::REQUEST_TEMPERATURE, 0.5),
            KeyValue::new(names::REQUEST_SEED, u64::MAX.to_string()),
        ];
        assert_eq!(renamed(given, CALL), expected);
    }
}
