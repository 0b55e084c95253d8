//! Sends spans and metrics to the collector, over OTLP with http/protobuf.

use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Duration;

use opentelemetry::global;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use tracing::Metadata;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::{Layer as _, Registry};

use super::Sink;
use super::measure::{Instruments, scope};
use super::translate::Translated;
use crate::args::{Cli, Verb};
use crate::config;
use crate::config::types;
use crate::environment::Environment;
use crate::failure::Failure;

/// The target of our spans.
const TARGET: &str = "telemetry";

/// The target of what was asked and answered.
const CONTENT: &str = "telemetry::content";

/// Spans that wait to be sent; more are dropped.
const QUEUE_MAX: usize = 8_192;

/// Spans that are sent together.
const BATCH: usize = 512;

/// How often spans are sent.
const SPANS_EVERY: Duration = Duration::from_secs(2);

/// How often metrics are sent.
const METRICS_EVERY: Duration = Duration::from_secs(10);

/// How long is waited for an answer of the collector.
const ANSWER: Duration = Duration::from_secs(3);

/// How long is waited at the end until the rest is sent.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What sends.
pub struct Telemetry {
    spans: SdkTracerProvider,
    metrics: SdkMeterProvider,
    content: bool,
}

impl Telemetry {
    /// What the configuration asks for, for verbs that search. `None` where it asks for nothing, or can't be read: then the
    /// verb says so.
    ///
    /// # Errors
    /// Exit 2 for a header whose variable is not set, or a collector that can't be one.
    pub fn asked(cli: &Cli, environment: &Environment) -> Result<Option<Self>, Failure> {
        if !searches(&cli.verb) {
            return Ok(None);
        }
        let Ok(loaded) = config::load(environment, &cli.globals.config_flags(Vec::new())) else {
            return Ok(None);
        };
        let config = loaded.config.telemetry;
        if !config.is_on() {
            return Ok(None);
        }
        let headers = headers(&config, environment)?;
        let unusable = |error: ExporterBuildError| {
            Failure::usage("the collector can't be used").at("telemetry.otlp_endpoint").caused_by(&error)
        };
        Self::new(&config, headers).map(Some).map_err(unusable)
    }

    fn new(config: &types::Telemetry, headers: HashMap<String, String>) -> Result<Self, ExporterBuildError> {
        let resource = Resource::builder().with_service_name(config.service_name.clone()).build();
        let base = config.otlp_endpoint.0.trim_end_matches('/');
        let exporter = MetricExporter::builder()
            .with_http()
            .with_endpoint(format!("{base}/v1/metrics"))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(ANSWER)
            .with_headers(headers.clone())
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        let reader = PeriodicReader::builder(exporter).with_interval(METRICS_EVERY).build();
        let metrics = SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(reader).build();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{base}/v1/traces"))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(ANSWER)
            .with_headers(headers)
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE_MAX)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(SPANS_EVERY);
        let queue = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
        let instruments = Instruments::new(&metrics.meter_with_scope(scope()));
        let spans = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_span_processor(Translated::new(queue, instruments))
            .build();
        global::set_meter_provider(metrics.clone());
        Ok(Self { spans, metrics, content: config.content })
    }

    /// Takes in our spans and nothing else.
    #[must_use]
    pub fn sink(&self) -> Option<Sink> {
        let content = self.content;
        let is_ours = move |it: &Metadata<'_>| it.target() == TARGET || (content && it.target() == CONTENT);
        let layer = tracing_opentelemetry::layer::<Registry>()
            .with_tracer(self.spans.tracer_with_scope(scope()))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        Some(layer.with_filter(filter_fn(is_ours)).boxed())
    }

    /// Sends what is left, and waits for it a few seconds at most.
    pub fn close(self) {
        let (done, ended) = mpsc::channel();
        // A thread of its own, as the ends of a provider keep to no time: what is not done then dies with the process.
        std::thread::spawn(move || {
            let spans = self.spans.shutdown_with_timeout(LAST_WORDS);
            let metrics = self.metrics.shutdown_with_timeout(LAST_WORDS);
            drop(done.send(spans.and(metrics)));
        });
        match ended.recv_timeout(LAST_WORDS) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "not all telemetry could be sent"),
            Err(_) => tracing::warn!("the collector takes too long: not all telemetry could be sent"),
        }
    }
}

/// Whether a verb runs searches, or a tool of them.
fn searches(verb: &Verb) -> bool {
    #[cfg(feature = "nats")]
    if matches!(verb, Verb::Worker(_)) {
        return true;
    }
    matches!(verb, Verb::Solve(_) | Verb::Eval(_) | Verb::Falsify(_))
}

/// The headers with their values, which are in no message.
fn headers(config: &types::Telemetry, environment: &Environment) -> Result<HashMap<String, String>, Failure> {
    let header = |(name, variable): (&String, &crate::config::units::VariableName)| {
        let value = environment.variable(&variable.0).ok_or_else(|| {
            Failure::usage(format!("the variable {} is not set", variable.0))
                .at(format!("telemetry.headers_env.{name}"))
                .hint("set it to the value of the header, or remove the header")
        })?;
        Ok((name.clone(), value.to_owned()))
    };
    config.headers_env.iter().map(header).collect()
}
