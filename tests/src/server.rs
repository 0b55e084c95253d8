//! A model server in the dialect of OpenAI's chat completions, for tests: it answers through a function, keeps every
//! request, and misbehaves where told to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// Answers one request body with as many texts as it asks for.
pub type Answer = dyn Fn(&Value) -> Vec<String> + Send + Sync;
/// Decides what goes wrong with the request of this ordinal (from 0).
pub type Faults = dyn Fn(u64) -> Option<Fault> + Send + Sync;

/// Something that goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An error status with a JSON error body.
    Status(u16),
    /// A web page with status 200.
    Html,
    /// A reply without choices.
    NoChoices,
    /// A reply whose content is null.
    NullContent,
    /// A body that stops in the middle of its JSON.
    HalfBody,
    /// An event stream that stops before its finish reason.
    HalfStream,
    /// No answer, ever.
    Hang,
}

/// A running server. Stops when dropped.
pub struct ModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Shared {
    answer: Box<Answer>,
    faults: Box<Faults>,
    latency: Duration,
    requests: Mutex<Vec<Value>>,
    keys: Mutex<Vec<String>>,
    in_flight: AtomicUsize,
    busiest: AtomicUsize,
}

impl ModelServer {
    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Panics
    /// If the port can't be bound.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test helper")]
    pub fn start(answer: Box<Answer>, faults: Box<Faults>, latency: Duration) -> Self {
        let (requests, keys) = (Mutex::default(), Mutex::default());
        let (in_flight, busiest) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let shared = Arc::new(Shared { answer, faults, latency, requests, keys, in_flight, busiest });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime for the server");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("the port's address");
        let router = Router::new()
            .route(
                "/v1/models",
                get(|| async { Json(json!({"object": "list", "data": [{"id": "scripted"}]})) }),
            )
            .route("/v1/chat/completions", post(complete))
            .route("/v1/embeddings", post(embed))
            .with_state(Arc::clone(&shared));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, shared, runtime: Some(runtime) }
    }

    /// A server without faults or delay.
    #[must_use]
    pub fn answering(answer: impl Fn(&Value) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self::start(Box::new(answer), Box::new(|_| None), Duration::ZERO)
    }

    /// The base URL to give to the product.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The bodies of all requests so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests there were so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The most requests that were in flight at a time so far.
    #[must_use]
    pub fn busiest(&self) -> usize {
        self.shared.busiest.load(Ordering::SeqCst)
    }

    /// The credentials that came with the requests.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.shared.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn complete(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    let ordinal = shared.note(&headers, &request);
    let _in_flight = InFlight::begin(&shared);
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }
    match (shared.faults)(ordinal) {
        Some(fault) => misbehave(fault, &request, &shared).await,
        None => reply(&request, &(shared.answer)(&request)),
    }
}

/// A request that is worked on.
struct InFlight<'s>(&'s Shared);

impl<'s> InFlight<'s> {
    fn begin(shared: &'s Shared) -> Self {
        let count = shared.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        shared.busiest.fetch_max(count, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Answers a text with the vector that the answering function writes as JSON.
async fn embed(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    let ordinal = shared.note(&headers, &request);
    if let Some(fault) = (shared.faults)(ordinal) {
        return misbehave(fault, &request, &shared).await;
    }
    let numbers = (shared.answer)(&request).concat();
    let vector: Value = serde_json::from_str(&numbers).unwrap_or_default();
    let tokens = request.get("input").and_then(Value::as_str).map_or(0, |text| text.len() / 4 + 1);
    Json(json!({
        "object": "list", "model": "scripted",
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }))
    .into_response()
}

impl Shared {
    fn note(&self, headers: &HeaderMap, request: &Value) -> u64 {
        let key =
            headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).push(key.to_owned());
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(request.clone());
        requests.len() as u64 - 1
    }
}

fn reply(request: &Value, answers: &[String]) -> Response {
    if request["stream"] == true {
        return stream(request, answers, true);
    }
    let choices: Vec<Value> = answers
        .iter()
        .enumerate()
        .map(|(index, text)| {
            json!({"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"})
        })
        .collect();
    Json(json!({
        "id": "chatcmpl-scripted", "object": "chat.completion", "model": "scripted", "choices": choices,
        "usage": usage(request, answers),
    }))
    .into_response()
}

fn usage(request: &Value, answers: &[String]) -> Value {
    let prompt = request["messages"].to_string().len() / 4;
    let output: usize = answers.iter().map(|text| text.len() / 4 + 1).sum();
    json!({"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output})
}

fn stream(request: &Value, answers: &[String], complete: bool) -> Response {
    let mut body = String::new();
    for (index, text) in answers.iter().enumerate() {
        let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let (head, tail) = text.split_at(middle);
        for part in [head, tail].into_iter().take(if complete { 2 } else { 1 }) {
            let chunk =
                json!({"choices": [{"index": index, "delta": {"content": part}, "finish_reason": null}]});
            body.push_str(&format!("data: {chunk}\n\n"));
        }
        if complete {
            let end = json!({"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]});
            body.push_str(&format!("data: {end}\n\n"));
        }
    }
    if complete && request.pointer("/stream_options/include_usage") == Some(&Value::Bool(true)) {
        let used = json!({"choices": [], "usage": usage(request, answers)});
        body.push_str(&format!("data: {used}\n\n"));
    }
    if complete {
        body.push_str("data: [DONE]\n\n");
    }
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

async fn misbehave(fault: Fault, request: &Value, shared: &Shared) -> Response {
    match fault {
        Fault::Status(code) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let error = json!({"error": {"message": "a fault on purpose", "type": "scripted_fault"}});
            (status, Json(error)).into_response()
        }
        Fault::Html => {
            ([(header::CONTENT_TYPE, "text/html")], "<html><body>Welcome</body></html>").into_response()
        }
        Fault::NoChoices => Json(json!({"choices": []})).into_response(),
        Fault::NullContent => Json(json!({
            "choices": [{"index": 0, "message": {"role": "assistant", "content": null}, "finish_reason": "stop"}]
        }))
        .into_response(),
        Fault::HalfBody => {
            let body = Body::from(r#"{"choices": [{"index": 0, "message": {"role": "assi"#);
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Fault::HalfStream => stream(request, &(shared.answer)(request), false),
        Fault::Hang => std::future::pending().await,
    }
}
