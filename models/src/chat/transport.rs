//! Bytes to and from a server, under limits of time and size.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, Url, redirect};
use tokio::time::timeout;

use crate::chat::classify::{Failure, from_status, looks_like_html, quote, retry_after, transient};
use crate::chat::collect::Collector;
use crate::chat::config::{ChatConfig, ConfigError, Timeouts, is_loopback};
use crate::chat::sse::{Event, SseParser};
use crate::chat::wire::WireReply;
use crate::error::{ErrorKind, ModelError};

/// Most bytes read of a refusal.
const REFUSAL_BYTES_MAX: usize = 64 << 10;

/// How long to wait for the end of a stream after its last event, so that the connection can be used again.
const DRAIN: Duration = Duration::from_millis(20);

/// A connection pool to one address.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Client,
    endpoint: Url,
    site: String,
    timeouts: Timeouts,
    max_body: usize,
    max_line: usize,
    cut_repetition: bool,
}

impl Transport {
    /// Connections to one of a server's interfaces, such as `chat/completions`.
    pub(crate) fn new(config: &ChatConfig, interface: &str) -> Result<Self, ConfigError> {
        let endpoint = config.endpoint(interface)?;
        if endpoint.scheme() == "http" && !is_loopback(&endpoint) {
            tracing::warn!(
                host = endpoint.host_str(),
                "base_url is plain http beyond this machine: prompts and key travel unprotected"
            );
        }
        let client = client(&endpoint, config.timeouts.connect)
            .default_headers(config.header_map()?)
            .build()
            .map_err(ConfigError::Client)?;
        let site = endpoint.as_str().trim_end_matches(interface).trim_end_matches('/').to_owned();
        let ChatConfig { timeouts, max_body, max_line, cut_repetition, .. } = *config;
        Ok(Self { client, endpoint, site, timeouts, max_body, max_line, cut_repetition })
    }

    /// Where requests go.
    pub(crate) const fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// What errors call the server.
    pub(crate) fn site(&self) -> &str {
        &self.site
    }

    /// Sends a request and gathers the answer, whole or streamed.
    pub(crate) async fn answer(&self, body: Vec<u8>, n: u32) -> Result<Collector, Failure> {
        let response = self.accepted(body).await?;
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.trim_start().starts_with("text/event-stream") {
            return self.streamed(response, n).await;
        }
        let kind = kind.to_owned();
        let body = self.rest(response).await?;
        self.whole(&kind, &body)
    }

    /// Sends a request whose answer comes whole, and gives the answer's bytes.
    pub(crate) async fn bytes(&self, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let response = self.accepted(body).await?;
        let body = self.rest(response).await?;
        if looks_like_html(&body) { Err(self.web_page().into()) } else { Ok(body) }
    }

    /// What comes of `answer` within the longest time of a whole answer.
    pub(crate) async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(total) = self.timeouts.total else { return answer.await };
        let late = |_| transient(format!("{} took longer than {total:?}", self.site));
        timeout(total, answer).await.map_err(late)?
    }

    /// Sends a request; the head of its answer, unless that is a refusal or too long.
    async fn accepted(&self, body: Vec<u8>) -> Result<Response, Failure> {
        let mut response = self.send(body).await?;
        let status = response.status();
        if !status.is_success() {
            let wait = retry_after(response.headers(), SystemTime::now());
            let body = self.refusal(&mut response).await;
            return Err(from_status(&self.site, status.as_u16(), wait, &body));
        }
        let length = response.content_length().unwrap_or(0);
        if length > self.max_body as u64 { Err(self.too_large().into()) } else { Ok(response) }
    }

    async fn rest(&self, mut response: Response) -> Result<Vec<u8>, ModelError> {
        let mut body = Vec::new();
        while let Some(part) = self.part(&mut response).await? {
            self.keep(&mut body, &part)?;
        }
        Ok(body)
    }

    async fn send(&self, body: Vec<u8>) -> Result<Response, ModelError> {
        let request =
            self.client.post(self.endpoint.clone()).header(CONTENT_TYPE, "application/json").body(body);
        match timeout(self.timeouts.first_byte, request.send()).await {
            Ok(sent) => sent.map_err(|error| self.broken(error)),
            Err(_) => {
                let wait = self.timeouts.first_byte;
                Err(transient(format!("{} began no answer within {wait:?}", self.site)))
            }
        }
    }

    /// The next part of the answer; `None` at its end.
    async fn part(&self, response: &mut Response) -> Result<Option<Bytes>, ModelError> {
        match timeout(self.timeouts.silence, response.chunk()).await {
            Ok(part) => part.map_err(|error| self.broken(error)),
            Err(_) => {
                let wait = self.timeouts.silence;
                Err(transient(format!("{} fell silent for {wait:?} in its answer", self.site)))
            }
        }
    }

    /// As much of a refusal as there is: a broken one still has its status.
    async fn refusal(&self, response: &mut Response) -> Vec<u8> {
        let mut body = Vec::new();
        while let Ok(Some(part)) = self.part(response).await {
            body.extend_from_slice(&part);
            if body.len() > REFUSAL_BYTES_MAX {
                break;
            }
        }
        body.truncate(REFUSAL_BYTES_MAX);
        body
    }

    fn keep(&self, body: &mut Vec<u8>, part: &[u8]) -> Result<(), ModelError> {
        if body.len() + part.len() > self.max_body {
            return Err(self.too_large());
        }
        body.extend_from_slice(part);
        Ok(())
    }

    fn whole(&self, kind: &str, body: &[u8]) -> Result<Collector, Failure> {
        // Some servers stream without saying so.
        if body.trim_ascii_start().starts_with(b"data:") {
            let mut stream = Stream::new(self);
            stream.push(body)?;
            return stream.end();
        }
        if looks_like_html(body) {
            return Err(self.web_page().into());
        }
        let reply = serde_json::from_slice::<WireReply>(body).map_err(|error| {
            let (kind, place) = (quote(kind), format!("line {} column {}", error.line(), error.column()));
            let what = if error.is_eof() { "is cut off" } else { "is no chat completion" };
            transient(format!("the answer of {} (type {kind:?}) {what} at {place}", self.site))
        })?;
        let mut collector = Collector::new(self.cut_repetition);
        collector.whole(&self.site, reply)?;
        Ok(collector)
    }

    async fn streamed(&self, mut response: Response, n: u32) -> Result<Collector, Failure> {
        let mut stream = Stream::new(self);
        let mut bytes = 0;
        while !stream.done {
            match self.part(&mut response).await {
                Ok(Some(part)) => {
                    bytes += part.len();
                    if bytes > self.max_body {
                        return Err(self.too_large().into());
                    }
                    stream.push(&part)?;
                    if stream.collector.is_cut(n) {
                        // Dropping the response is what tells the server to stop.
                        return Ok(stream.collector);
                    }
                }
                Ok(None) => break,
                // Every answer has its finish reason: only the words of goodbye are missing.
                Err(_) if stream.collector.is_complete(n) => break,
                Err(error) => return Err(error.into()),
            }
        }
        if stream.done {
            let _ = timeout(DRAIN, response.chunk()).await;
        }
        stream.end()
    }

    fn web_page(&self) -> ModelError {
        let hint = "check base_url, which usually ends in /v1";
        transient(format!("{} answered with an HTML page; {hint}", self.site))
    }

    fn too_large(&self) -> ModelError {
        transient(format!("the answer of {} is larger than {} bytes", self.site, self.max_body))
    }

    /// A fault of the connection. Its cause, the innermost of a long chain, is what a person wants to know.
    fn broken(&self, error: reqwest::Error) -> ModelError {
        let error = error.without_url();
        if error.is_builder() {
            return ModelError::new(ErrorKind::BadRequest, "could not build the request").with_source(error);
        }
        let (mut cause, mut inner) = (error.to_string(), std::error::Error::source(&error));
        while let Some(error) = inner {
            (cause, inner) = (error.to_string(), error.source());
        }
        let (what, hint) = match error.is_connect() {
            true => ("could not connect to", "; is the server running, and base_url its address?"),
            false => ("lost the connection to", ""),
        };
        transient(format!("{what} {}: {}{hint}", self.site, quote(&cause))).with_source(error)
    }
}

/// A stream under way.
struct Stream<'a> {
    transport: &'a Transport,
    parser: SseParser,
    collector: Collector,
    done: bool,
}

impl<'a> Stream<'a> {
    fn new(transport: &'a Transport) -> Self {
        let parser = SseParser::new(transport.max_line);
        Self { transport, parser, collector: Collector::new(transport.cut_repetition), done: false }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let events = self.parser.push(bytes).map_err(|error| self.fault(&error))?;
        events.into_iter().try_for_each(|event| self.take(&event))
    }

    fn take(&mut self, event: &Event) -> Result<(), Failure> {
        let data = event.data.trim();
        self.done |= data == "[DONE]";
        if self.done || data.is_empty() {
            return Ok(());
        }
        let chunk = serde_json::from_str(data).map_err(|error| self.fault(&error))?;
        self.collector.chunk(&self.transport.site, chunk)
    }

    /// What came. An event that the stream's end cut off is none; a refusal that came whole is one.
    fn end(mut self) -> Result<Collector, Failure> {
        let parser = std::mem::replace(&mut self.parser, SseParser::new(0));
        let Ok(Some(last)) = parser.finish() else { return Ok(self.collector) };
        match self.take(&last) {
            Err(failure) if serde_json::from_str::<WireReply>(&last.data).is_ok() => Err(failure),
            _ => Ok(self.collector),
        }
    }

    fn fault(&self, error: &dyn std::error::Error) -> ModelError {
        transient(format!("the stream of {} is broken: {}", self.transport.site, quote(&error.to_string())))
    }
}

/// A client with ring for TLS, no redirects (they would carry the key elsewhere) and no retries of its own.
pub(crate) fn client(url: &Url, connect: Duration) -> reqwest::ClientBuilder {
    crate::install_tls();
    let builder = Client::builder()
        .connect_timeout(connect)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tcp_nodelay(true);
    // Proxies are for the world outside; and a machine without root certificates can still talk to itself.
    let builder = if is_loopback(url) { builder.no_proxy() } else { builder };
    if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder }
}
