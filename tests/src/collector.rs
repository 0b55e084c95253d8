//! A collector of OpenTelemetry that keeps what it is sent, over http/protobuf.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Held;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Value, json};

/// A running collector. Stops when dropped.
pub struct Collector {
    address: SocketAddr,
    shared: Arc<Kept>,
    runtime: Option<tokio::runtime::Runtime>,
}

#[derive(Default)]
struct Kept {
    spans: Mutex<Vec<(Bytes, HeaderMap)>>,
    metrics: Mutex<Vec<Bytes>>,
}

/// A span with its attributes as JSON.
#[derive(Debug, Clone)]
pub struct Seen {
    /// As it was sent.
    pub span: Span,
    /// Its attributes.
    pub attributes: BTreeMap<String, Value>,
    /// Its events: names with attributes.
    pub events: Vec<(String, BTreeMap<String, Value>)>,
}

impl Collector {
    /// Starts one on a free port of the loopback interface.
    ///
    /// # Panics
    /// If the port can't be bound.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn start() -> Self {
        let shared = Arc::<Kept>::default();
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime for the collector");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("the port's address");
        let router = Router::new()
            .route("/v1/traces", post(spans))
            .route("/v1/metrics", post(metrics))
            .with_state(Arc::clone(&shared));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, shared, runtime: Some(runtime) }
    }

    /// Its address, for `telemetry.otlp_endpoint`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All bytes of spans so far, one request after the other, and the headers that came with them.
    #[must_use]
    pub fn requests(&self) -> Vec<(Bytes, HeaderMap)> {
        self.shared.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The spans so far, by the times of their starts, with the scopes that they came in.
    ///
    /// # Panics
    /// If a request is no OTLP.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn spans(&self) -> (Vec<Seen>, Vec<InstrumentationScope>) {
        let (mut spans, mut scopes) = (Vec::new(), Vec::new());
        for (body, _) in self.requests() {
            let request = ExportTraceServiceRequest::decode(body).expect("spans");
            for part in request.resource_spans.into_iter().flat_map(|part| part.scope_spans) {
                scopes.extend(part.scope);
                spans.extend(part.spans.into_iter().map(seen));
            }
        }
        spans.sort_by_key(|seen| seen.span.start_time_unix_nano);
        (spans, scopes)
    }

    /// The names of the metrics so far.
    ///
    /// # Panics
    /// If a request is no OTLP.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn metrics(&self) -> Vec<String> {
        let bodies = self.shared.metrics.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let requests =
            bodies.into_iter().map(|body| ExportMetricsServiceRequest::decode(body).expect("metrics"));
        let scopes = requests.flat_map(|it| it.resource_metrics).flat_map(|it| it.scope_metrics);
        scopes.flat_map(|it| it.metrics).map(|it| it.name).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn spans(State(kept): State<Arc<Kept>>, headers: HeaderMap, body: Bytes) {
    kept.spans.lock().unwrap_or_else(PoisonError::into_inner).push((body, headers));
}

async fn metrics(State(kept): State<Arc<Kept>>, body: Bytes) {
    kept.metrics.lock().unwrap_or_else(PoisonError::into_inner).push(body);
}

fn seen(span: Span) -> Seen {
    let attributes = as_json(&span.attributes);
    let events = span.events.iter().map(|event| (event.name.clone(), as_json(&event.attributes))).collect();
    Seen { span, attributes, events }
}

fn as_json(attributes: &[KeyValue]) -> BTreeMap<String, Value> {
    attributes.iter().map(|it| (it.key.clone(), it.value.as_ref().map_or(Value::Null, value))).collect()
}

fn value(any: &AnyValue) -> Value {
    match &any.value {
        Some(Held::StringValue(text)) => json!(text),
        Some(Held::BoolValue(truth)) => json!(truth),
        Some(Held::IntValue(number)) => json!(number),
        Some(Held::DoubleValue(number)) => json!(number),
        Some(Held::ArrayValue(items)) => items.values.iter().map(value).collect(),
        _ => Value::Null,
    }
}
