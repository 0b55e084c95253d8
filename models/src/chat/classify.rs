//! What a server's refusal means: from status and body to a kind of error.
//!
//! Dialects differ in where they say what; the kinds and what follows from them are in [`ErrorKind`].

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

use crate::error::{ErrorKind, ModelError};

/// The longest wait that a server may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(120);

/// Characters of a server's own words that an error repeats.
const QUOTE_CHARS_MAX: usize = 300;

/// A failed attempt: the error, and the request's field that the server named.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: ModelError,
    pub(crate) field: Option<String>,
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self { error, field: None }
    }
}

/// A passing fault.
pub(crate) fn transient(message: impl Into<String>) -> ModelError {
    ModelError::new(ErrorKind::Transient, message)
}

/// A status other than 200 with its body.
pub(crate) fn from_status(site: &str, status: u16, wait: Option<Duration>, body: &[u8]) -> Failure {
    Said::parse(body).failure(site, Some(status), wait)
}

/// An error that came with status 200, in a body or in a stream.
pub(crate) fn from_error_value(site: &str, error: &Value) -> Failure {
    let mut said = Said::default();
    said.take(error);
    let status = said.status;
    said.failure(site, status, None)
}

/// The wait that the headers ask for, in seconds or as a date, at most two minutes. A date is the server's: what it says of
/// the time goes before our own clock.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse::<f64>().ok().filter(|s| *s >= 0.0).map(|s| Duration::from_secs_f64(s.min(1e6)));
    let date = |text: &str| httpdate::parse_http_date(text.trim()).ok();
    let told = || headers.get(DATE).and_then(|text| date(text.to_str().ok()?));
    let date = || Some(date(text)?.duration_since(told().unwrap_or(now)).unwrap_or_default());
    Some(seconds.or_else(date)?.min(RETRY_AFTER_MAX))
}

/// Foreign text fit for one line of an error: cut, without control characters.
pub(crate) fn quote(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().flat_map(shown));
        if line.chars().count() > QUOTE_CHARS_MAX {
            return line.chars().take(QUOTE_CHARS_MAX).chain(['…']).collect();
        }
    }
    line
}

/// Control characters, and those that turn the direction of text, as escapes.
fn shown(c: char) -> Vec<char> {
    let hidden = c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if hidden { c.escape_unicode().collect() } else { vec![c] }
}

/// What an error body says, whatever its form.
#[derive(Debug, Default)]
struct Said {
    message: String,
    codes: Vec<String>,
    /// An HTTP status among the codes.
    status: Option<u16>,
    field: Option<String>,
}

impl Said {
    fn parse(body: &[u8]) -> Self {
        let mut said = Self::default();
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => said.take(&value),
            Err(_) => said.message = plain_text(body),
        }
        said
    }

    /// Takes `{"error":{…}}`, `{"error":"…"}`, `{"message":…}`, `{"detail":…}`, and any of them in an array.
    fn take(&mut self, value: &Value) {
        if let Some(text) = value.as_str() {
            text.clone_into(&mut self.message);
        }
        let first = value.get(0);
        for inner in
            first.into_iter().chain(["error", "detail", "errors"].iter().filter_map(|k| value.get(k)))
        {
            self.take(inner);
        }
        for name in ["message", "msg"] {
            if let Some(text) = value.get(name).and_then(Value::as_str) {
                text.clone_into(&mut self.message);
            }
        }
        for name in ["code", "type", "status"] {
            self.take_code(value.get(name));
        }
        let location = value.get("loc").and_then(|path| path.as_array()?.last());
        if let Some(field) = value.get("param").or(location).and_then(Value::as_str) {
            self.field = Some(quote(field));
        }
    }

    fn take_code(&mut self, code: Option<&Value>) {
        let text = match code {
            Some(Value::String(text)) => text.to_lowercase(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return,
        };
        self.status = self.status.or_else(|| text.parse().ok().filter(|code| (400..600).contains(code)));
        self.codes.push(text);
    }

    fn failure(self, site: &str, status: Option<u16>, wait: Option<Duration>) -> Failure {
        let kind = self.kind(status);
        let remedy = remedy(kind, status).map_or_else(String::new, |remedy| format!("; {remedy}"));
        let status = status.map_or_else(|| "an error with status 200".into(), |s| format!("status {s}"));
        let field = self.field.as_ref().map_or_else(String::new, |field| format!(", field {field}"));
        let message = quote(&self.message);
        let said = if message.is_empty() { "no reason given" } else { &message };
        let error = ModelError::new(kind, format!("{site} answered {status}{field}: {said}{remedy}"));
        Failure { error: error.with_retry_after(wait), field: self.field }
    }

    fn kind(&self, status: Option<u16>) -> ErrorKind {
        let text = format!("{} {}", self.codes.join(" "), self.message.to_lowercase());
        let has = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
        match status {
            Some(401 | 402) => ErrorKind::Refused,
            _ if has(QUOTA) => ErrorKind::Refused,
            Some(429 | 503) => ErrorKind::RateLimited,
            _ if has(FILTER) => ErrorKind::Filtered,
            Some(403) => ErrorKind::Refused,
            _ if has(CONTEXT) => ErrorKind::ContextTooLong,
            Some(413) => ErrorKind::ContextTooLong,
            Some(408 | 409 | 425) => ErrorKind::Transient,
            Some(501 | 505) => ErrorKind::BadRequest,
            Some(500..) => ErrorKind::Transient,
            Some(_) => ErrorKind::BadRequest,
            None if has(KEY) => ErrorKind::Refused,
            None if has(RATE) => ErrorKind::RateLimited,
            None if has(&["invalid_request", "not_found"]) => ErrorKind::BadRequest,
            None => ErrorKind::Transient,
        }
    }
}

/// How servers say that the account is used up.
const QUOTA: &[&str] = &[
    "insufficient_quota",
    "exceeded your current quota",
    "billing_hard_limit",
    "billing_not_active",
    "credit balance is too low",
    "insufficient balance",
    "insufficient credits",
    "insufficient funds",
];

/// How servers say that a filter took prompt or answer.
const FILTER: &[&str] = &[
    "content_filter",
    "content_policy",
    "contentpolicy",
    "content management policy",
    "responsibleaipolicyviolation",
    "flagged",
    "moderation",
];

/// How servers say that the prompt is too long: `OpenAI`, vLLM, llama.cpp, `SGLang`, TGI, Mistral, Gemini, Ollama,
/// LM Studio, Anthropic, in this order.
const CONTEXT: &[&str] = &[
    "context_length_exceeded",
    "maximum context length",
    "exceed_context_size",
    "exceeds the available context size",
    "longer than the model's context length",
    "`inputs` tokens + `max_new_tokens` must be <=",
    "too large for model with",
    "exceeds the maximum number of tokens",
    "exceeds the context length",
    "exceeds context length",
    "greater than the context length",
    "prompt is too long",
    "context window",
    "string_above_max_length",
];

/// How servers say that the key is not good, where no status says so.
const KEY: &[&str] = &["invalid_api_key", "authentication", "permission_denied", "unauthorized"];

/// How servers say that they have too much to do, where no status says so.
const RATE: &[&str] = &["rate_limit", "rate limit", "too many requests", "overloaded"];

fn remedy(kind: ErrorKind, status: Option<u16>) -> Option<&'static str> {
    match (kind, status) {
        (ErrorKind::Refused, _) => {
            Some("set the variable that api_key_env names to a key with access and quota")
        }
        (ErrorKind::ContextTooLong, _) => Some("shorten the prompt or choose a model with a longer context"),
        (_, Some(300..400)) => Some("base_url redirects: give the address that it redirects to"),
        (_, Some(404)) => Some("check model, and base_url, which usually ends in /v1"),
        _ => None,
    }
}

fn plain_text(body: &[u8]) -> String {
    if looks_like_html(body) { "an HTML page".into() } else { String::from_utf8_lossy(body).into_owned() }
}

/// Whether a body is a page for people.
pub(crate) fn looks_like_html(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}
