//! What a server is and how long to wait for it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::chat::dialect::{Dialect, MaxTokensField};
use crate::provider::Capabilities;
use crate::secret::ApiKey;

/// Headers that a configuration may add. None of them carries a credential: those come as [`ApiKey`] only.
const HEADERS_ALLOWED: &[&str] =
    &["http-referer", "openai-organization", "openai-project", "user-agent", "x-client-name", "x-title"];

/// A server, a model on it, and the limits on its answers.
#[derive(Debug, Clone)]
pub struct ChatConfig {
    /// Address up to `/chat/completions`; usually ends in `/v1`.
    pub base_url: String,
    /// The model's name on that server.
    pub model: String,
    /// The key, for servers that want one.
    pub api_key: Option<ApiKey>,
    /// The dialect, which sets what the server is taken to understand.
    pub dialect: Dialect,
    /// Whether to have answers streamed. Broken connections and silence show earlier so.
    pub stream: bool,
    /// Headers to add, from a short list of names.
    pub headers: BTreeMap<String, String>,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Most bytes of one answer.
    pub max_body: usize,
    /// Most bytes of one line of a stream.
    pub max_line: usize,
    /// What the server can do; `None` for what its dialect usually can.
    pub capabilities: Option<Capabilities>,
    /// Whether an answer that repeats itself over and over is cut behind the first copy, and its stream given up.
    pub cut_repetition: bool,
    /// Name of the field with the token limit; `None` for the usual one of the dialect.
    pub max_tokens_field: Option<MaxTokensField>,
}

impl ChatConfig {
    /// A model on a server: no key, streamed, 16 MiB per answer, 1 MiB per line.
    #[must_use]
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            api_key: None,
            dialect: Dialect::default(),
            stream: true,
            headers: BTreeMap::new(),
            timeouts: Timeouts::default(),
            max_body: 16 << 20,
            max_line: 1 << 20,
            capabilities: None,
            cut_repetition: true,
            max_tokens_field: None,
        }
    }

    /// The address of one of the server's interfaces.
    pub(crate) fn endpoint(&self, interface: &str) -> Result<Url, ConfigError> {
        let fault = |reason| ConfigError::BaseUrl { reason };
        let mut url = Url::parse(self.base_url.trim()).map_err(|_| fault("is no address"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(fault("must begin with http:// or https:// and a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(fault("must not contain credentials: use api_key_env"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(fault("must not contain a query or fragment"));
        }
        let path = format!("{}/{interface}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(url)
    }

    /// The headers of every request, the key among them.
    pub(crate) fn header_map(&self) -> Result<HeaderMap, ConfigError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let fault = |reason| ConfigError::Header { name: name.clone(), reason };
            let lower = name.to_ascii_lowercase();
            if !HEADERS_ALLOWED.contains(&lower.as_str()) {
                return Err(fault("is not on the list of headers that may be added"));
            }
            let known = HeaderName::from_bytes(lower.as_bytes()).map_err(|_| fault("is no header name"))?;
            let value =
                HeaderValue::from_str(value).map_err(|_| fault("has a value that no header can carry"))?;
            headers.insert(known, value);
        }
        if let Some(bearer) = self.api_key.as_ref().and_then(ApiKey::bearer) {
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(headers)
    }
}

/// How long to wait for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From sending to the answer's head.
    pub first_byte: Duration,
    /// From one part of the answer to the next.
    pub silence: Duration,
    /// For everything together; `None` for no limit.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    /// 5 s, 120 s, 60 s, and no total.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(120),
            silence: Duration::from_secs(60),
            total: None,
        }
    }
}

/// A configuration that can't be used. Never contains a key or a header's value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The address. It isn't repeated, for it may hold a password.
    #[error("base_url {reason}")]
    BaseUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A header to add.
    #[error("header {name:?} {reason}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The HTTP client could not be set up, for lack of the system's root certificates for example.
    #[error(
        "could not set up the HTTP client: install the system's root certificates, or use http on loopback"
    )]
    Client(#[source] reqwest::Error),
}

/// Whether an address never leaves this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base_url: &str) -> Result<String, String> {
        let url = ChatConfig::new(base_url, "m").endpoint("chat/completions");
        url.map(|url| url.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses() {
        for base in ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/", " http://127.0.0.1:8000/v1 "] {
            assert_eq!(endpoint(base).unwrap(), "http://127.0.0.1:8000/v1/chat/completions");
        }
        assert_eq!(endpoint("https://h").unwrap(), "https://h/chat/completions");
        for base in ["", "no address", "localhost:80/v1", "file:///x", "http://h/v1?key=x", "http://h/#x"] {
            assert!(endpoint(base).unwrap_err().starts_with("base_url "), "{base}");
        }
        let error = endpoint("http://user:hunter22@h/v1").unwrap_err();
        assert!(error.contains("api_key_env") && !error.contains("hunter22"), "{error}");
    }

    #[test]
    fn loopback() {
        let check = |url: &str| is_loopback(&Url::parse(url).unwrap());
        assert!(["http://localhost/", "http://127.8.0.1/", "http://[::1]:80/"].into_iter().all(check));
        assert!(
            !["http://127.example.org/", "http://10.0.0.1/", "http://localhost.org/"].into_iter().any(check)
        );
    }

    #[test]
    fn headers_that_could_carry_a_key_are_refused() {
        let check = |name: &str, value: &str| {
            let mut config = ChatConfig::new("http://h", "m");
            config.headers.insert(name.into(), value.into());
            config.header_map().map_err(|error| error.to_string())
        };
        assert_eq!(check("X-Title", "codeagent").unwrap()["x-title"], "codeagent");
        for name in ["Authorization", "api-key", "cookie", "x-secret"] {
            let error = check(name, "canary").unwrap_err();
            assert!(error.contains(name) && !error.contains("canary"), "{error}");
        }
        assert!(!check("X-Title", "can\nary").unwrap_err().contains("ary"));
    }
}
