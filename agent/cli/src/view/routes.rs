//! What can be asked for. Everything is read from the store under its id; nothing is a path.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use codeagent::store::{Event, Run, StoreError};
use codeagent_benchmarks::batch::BatchError;
use serde_json::{Map, Value, json};

use super::bounded::{bounded, cut};
use super::folder::Folder;
use super::guard::{self, Token};
use super::totals;
use crate::metrics::page;

/// Version of the answers' form.
const VERSION: u8 = 1;

/// Events in one answer.
const EVENTS_MAX: usize = 250;

/// Longest text, in bytes, in an answer that holds many.
const SHORT: usize = 2_000;

/// Longest text, in bytes, in an answer that holds a few; what is longer is fetched by itself.
const LONG: usize = 64 << 10;

/// Texts of events that are left out where many events are asked for.
const HEAVY: [&str; 6] = ["prompt", "answer", "text", "program", "feedback", "failed"];

const HTML: (&str, &str) = ("text/html; charset=utf-8", include_str!("page/index.html"));
const STYLE: (&str, &str) = ("text/css; charset=utf-8", include_str!("page/style.css"));
const SCRIPT: (&str, &str) = ("text/javascript; charset=utf-8", include_str!("page/app.js"));

/// The viewer of a folder for whoever has the token.
pub fn router(folder: Arc<Folder>, token: Token) -> Router {
    Router::new()
        .route("/", get(|| asset(HTML)))
        .route("/style.css", get(|| asset(STYLE)))
        .route("/app.js", get(|| asset(SCRIPT)))
        .route("/metrics", get(metrics))
        .route("/api/runs", get(runs))
        .route("/api/runs/{run}", get(run))
        .route("/api/runs/{run}/statement", get(statement))
        .route("/api/runs/{run}/events", get(events))
        .route("/api/runs/{run}/events/{seq}", get(event))
        .route("/api/runs/{run}/events/{seq}/{field}", get(field))
        .with_state(folder)
        .layer(middleware::from_fn_with_state(token, guard::guard))
}

type Shared = State<Arc<Folder>>;

/// Why there is no answer.
enum Refusal {
    Absent(&'static str),
    Broken(String),
}

impl From<BatchError> for Refusal {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Store(StoreError::NoRun { .. }) => Self::Absent("there is no such run"),
            BatchError::Store(error) => Self::Broken(error.to_string()),
            other => Self::Broken(other.to_string()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::Absent(what) => (StatusCode::NOT_FOUND, what.to_owned()),
            Self::Broken(message) => (StatusCode::INTERNAL_SERVER_ERROR, message),
        };
        (status, Json(json!({ "error": message }))).into_response()
    }
}

async fn asset((media_type, text): (&'static str, &'static str)) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, media_type)], text)
}

fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// The totals, after all runs were read.
async fn metrics(State(folder): Shared) -> Result<Response, Refusal> {
    loop {
        let index = folder.index().await?;
        if index.unread == 0 {
            let text = totals::text(&index.rows);
            return Ok(([(header::CONTENT_TYPE, page::MEDIA_TYPE)], text).into_response());
        }
    }
}

/// The runs that changed since a version of the list (`?since=N`), and how many are still to be read.
async fn runs(State(folder): Shared, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let since = number(query.as_deref(), "since").unwrap_or(0);
    let index = folder.index().await?;
    let changed: Vec<_> = index.rows.iter().filter(|row| row.changed > since).collect();
    let name = folder.path().file_name().unwrap_or(folder.path().as_os_str()).to_string_lossy();
    let list = json!({
        "v": VERSION, "folder": name, "live": folder.is_live(), "version": index.version,
        "total": index.rows.len(), "unread": index.unread, "runs": changed,
    });
    Ok(Json(list).into_response())
}

/// What one run was asked for and came to.
async fn run(State(folder): Shared, Path(id): Path<String>) -> Result<Response, Refusal> {
    let run = folder.run(&id).await?;
    let spec: Value = serde_json::from_str(&run.spec).unwrap_or_default();
    let result: Option<Value> = run.result.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let part = |path: &str| bounded(spec.pointer(path).cloned().unwrap_or_default(), SHORT);
    let statement = spec.pointer("/problem/statement").and_then(Value::as_str).unwrap_or_default();
    Ok(Json(json!({
        "v": VERSION, "id": run.id, "status": run.status, "live": folder.is_live(),
        "created_us": run.created_us, "finished_us": run.finished_us,
        "problem": {
            "id": part("/problem/id"), "entry": part("/problem/entry"), "tests": tests(&spec),
            "statement": cut(statement.to_owned(), LONG),
        },
        "sample": part("/sample"), "strategy": part("/strategy"), "settings": part("/settings"),
        "model": part("/model"), "sampling": part("/sampling"), "seed": part("/seed"),
        "sandbox": part("/sandbox"), "protocol": part("/protocol"), "version": part("/version"),
        "result": result.map(|result| bounded(result, SHORT)),
    }))
    .into_response())
}

/// The visible tests as people read them.
fn tests(spec: &Value) -> Value {
    let cases = spec.pointer("/problem/visible").and_then(Value::as_array);
    let test = |case: &Value| {
        let text = |path: &str| case.pointer(path).filter(|value| value.is_string()).cloned();
        json!({ "name": case.get("name"), "input": text("/test/input"), "expected": text("/test/expected") })
    };
    bounded(cases.into_iter().flatten().map(test).collect(), SHORT)
}

async fn statement(State(folder): Shared, Path(id): Path<String>) -> Result<Response, Refusal> {
    let Run { spec, .. } = folder.run(&id).await?;
    let spec: Value = serde_json::from_str(&spec).unwrap_or_default();
    let statement = spec.pointer("/problem/statement").and_then(Value::as_str);
    statement.map(|text| plain(text.to_owned())).ok_or(Refusal::Absent("the run has no statement"))
}

/// The events of a run from a number on (`?from=N`), without their texts: `holds` names those that each has.
async fn events(
    State(folder): Shared,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let from = number(query.as_deref(), "from").unwrap_or(0);
    let events = folder.events(&id, from, EVENTS_MAX).await?;
    if events.is_empty() {
        // Tells a run without further events from one that is not there.
        folder.run(&id).await?;
    }
    let more = events.len() == EVENTS_MAX;
    let events: Vec<Value> = events.iter().map(light).collect();
    Ok(Json(json!({ "v": VERSION, "more": more, "live": folder.is_live(), "events": events }))
        .into_response())
}

fn light(event: &Event) -> Value {
    let Value::Object(mut fields) = parsed(event) else { return Value::Null };
    let texts: Map<String, Value> =
        HEAVY.iter().filter_map(|name| Some(((*name).to_owned(), fields.shift_remove(*name)?))).collect();
    let holds: Vec<&String> =
        texts.iter().filter(|(_, text)| !text.is_null()).map(|(name, _)| name).collect();
    if !holds.is_empty() {
        fields.insert("holds".to_owned(), json!(holds));
    }
    // The same in every event of the run.
    for name in ["v", "run", "task"] {
        fields.shift_remove(name);
    }
    bounded(Value::Object(fields), SHORT)
}

/// One event with its texts, long ones cut.
async fn event(State(folder): Shared, Path((id, seq)): Path<(String, String)>) -> Result<Response, Refusal> {
    Ok(Json(bounded(find(&folder, &id, &seq).await?, LONG)).into_response())
}

/// One text of an event, whole: `answer`, `program`, …, or `prompt.N` for a message.
async fn field(
    State(folder): Shared,
    Path((id, seq, field)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let event = find(&folder, &id, &seq).await?;
    let text = match field.strip_prefix("prompt.") {
        Some(message) => event.pointer(&format!("/prompt/{message}/content")),
        None if HEAVY.contains(&field.as_str()) => event.get(&field),
        None => None,
    };
    let text = text.and_then(Value::as_str).ok_or(Refusal::Absent("the event has no such text"))?;
    Ok(plain(text.to_owned()))
}

async fn find(folder: &Folder, id: &str, seq: &str) -> Result<Value, Refusal> {
    let absent = Refusal::Absent("there is no such event");
    let Ok(seq) = seq.parse::<u64>() else { return Err(absent) };
    let event = folder.events(id, seq, 1).await?.pop().filter(|event| event.seq == seq);
    event.map(|event| parsed(&event)).ok_or(absent)
}

/// An event that is not one is one of no type, so that the rest of the run is still shown.
fn parsed(event: &Event) -> Value {
    let value = serde_json::from_str(&event.body).ok().filter(Value::is_object);
    value.unwrap_or_else(|| json!({ "seq": event.seq, "type": "unreadable" }))
}

fn number(query: Option<&str>, name: &str) -> Option<u64> {
    let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
    pairs.find(|(key, _)| key == name)?.1.parse().ok()
}
