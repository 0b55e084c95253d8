//! The metrics that are sent: what spans say when they end, and the depth of the queue.

use codeagent_benchmarks::batch::Activity;
use opentelemetry::metrics::{Counter, Histogram, Meter};
use opentelemetry::{InstrumentationScope, KeyValue, Value, global};
use opentelemetry_sdk::trace::SpanData;

use super::names;
use super::translate::find;

/// What is said of a call beside its numbers.
const OF_CALLS: [&str; 6] = [
    names::OPERATION,
    names::PROVIDER,
    names::REQUEST_MODEL,
    names::RESPONSE_MODEL,
    names::SERVER_ADDRESS,
    names::SERVER_PORT,
];

/// Where numbers go.
#[derive(Debug)]
pub(super) struct Instruments {
    tokens: Histogram<u64>,
    calls: Histogram<f64>,
    sandbox: Histogram<f64>,
    tasks: Counter<u64>,
}

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let seconds = |name: &'static str| {
            meter.f64_histogram(name).with_unit("s").with_boundaries(names::SECOND_BOUNDS.to_vec()).build()
        };
        let tokens = meter.u64_histogram(names::TOKEN_USAGE).with_unit("{token}");
        Self {
            tokens: tokens.with_boundaries(names::TOKEN_BOUNDS.to_vec()).build(),
            calls: seconds(names::OPERATION_DURATION),
            sandbox: seconds(names::SANDBOX_DURATION),
            tasks: meter.u64_counter(names::TASKS).with_unit("{task}").build(),
        }
    }

    /// Measures a span that is finished and translated.
    pub(super) fn measure(&self, span: &SpanData) {
        let text = |name| find(&span.attributes, name).map(Value::as_str);
        match text(names::OPERATION).as_deref() {
            Some(names::OPERATION_CHAT) => self.call(span),
            Some(names::OPERATION_TOOL) if text(names::TOOL).as_deref() == Some("sandbox") => {
                self.sandbox.record(seconds(span), &of(span, &[names::ERROR]));
            }
            Some(names::OPERATION_AGENT) => {
                self.tasks.add(1, &of(span, &[names::STATUS, names::STRATEGY, names::ERROR]));
            }
            _ => {}
        }
    }

    fn call(&self, span: &SpanData) {
        let mut attributes = of(span, &OF_CALLS);
        for (name, kind) in [(names::INPUT_TOKENS, "input"), (names::OUTPUT_TOKENS, "output")] {
            let Some(Value::I64(tokens)) = find(&span.attributes, name) else { continue };
            attributes.push(KeyValue::new(names::TOKEN_TYPE, kind));
            self.tokens.record(u64::try_from(*tokens).unwrap_or(0), &attributes);
            attributes.pop();
        }
        attributes.extend(of(span, &[names::ERROR]));
        self.calls.record(seconds(span), &attributes);
    }
}

fn seconds(span: &SpanData) -> f64 {
    span.end_time.duration_since(span.start_time).unwrap_or_default().as_secs_f64()
}

fn of(span: &SpanData, names: &[&str]) -> Vec<KeyValue> {
    span.attributes.iter().filter(|it| names.contains(&it.key.as_str())).cloned().collect()
}

/// The scope of all that is sent.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(names::SCOPE)
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_attributes([KeyValue::new(names::SCOPE_RELEASE, names::RELEASE)])
        .build()
}

/// Sends the depth of a batch's queue from now on, where anything is sent.
pub fn watch_queue(activity: &Activity) {
    let activity = activity.clone();
    // The gauge is the provider's, and lives as long as it does.
    let _gauge = global::meter_with_scope(scope())
        .u64_observable_gauge(names::QUEUE_DEPTH)
        .with_unit("{task}")
        .with_callback(move |observer| {
            observer.observe(u64::try_from(activity.now().queued).unwrap_or(u64::MAX), &[]);
        })
        .build();
}
