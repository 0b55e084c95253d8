//! Traces and metrics for an OpenTelemetry collector, where `[telemetry]` asks for them (docs/telemetry.md).
//!
//! The libraries make spans of the target `telemetry`, with names and fields of our own. Here they are sent: [`names`] holds
//! the names of OpenTelemetry's conventions, `translate` puts them in place of ours and leaves out whatever it does not
//! know, `export` sends. A collector that is away costs a run nothing: what does not fit a queue is dropped, and at the end
//! is waited for a bounded time. Without the feature `otel` nothing of this is there.

#[cfg(feature = "otel")]
mod export;
#[cfg(feature = "otel")]
mod measure;
#[cfg(feature = "otel")]
mod names;
#[cfg(any(test, not(feature = "otel")))]
#[cfg_attr(
    feature = "otel",
    allow(dead_code, unreachable_pub, reason = "compiled by tests, used without the feature")
)]
mod nothing;
#[cfg(feature = "otel")]
mod translate;

#[cfg(feature = "otel")]
pub use export::Telemetry;
#[cfg(feature = "otel")]
pub use measure::watch_queue;
#[cfg(not(feature = "otel"))]
pub use nothing::{Telemetry, watch_queue};

use tracing_subscriber::{Layer, Registry};

/// What takes in the spans of the process.
pub type Sink = Box<dyn Layer<Registry> + Send + Sync>;
