//! What the web servers of this program hold every request to: reading alone, this machine's own names, no other site.
//!
//! A page of another site that is open in the same browser can send requests here. It can't read what comes of them, as no
//! answer permits it; a name of its own that it points at this machine is no allowed host; and what the browser says of
//! the request's origin is checked.

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;

/// What every response says.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Names of this machine for itself. Ports are free, since they may be forwarded.
const HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];

/// Why a request is not answered.
pub type Refusal = (StatusCode, &'static str);

/// Whether a `Host` header names this machine as it names itself.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    name_of(host).is_some_and(|name| HOSTS.contains(&name))
}

/// The name in a `Host` header, without its port; `None` where the port is none.
#[must_use]
pub fn name_of(host: &str) -> Option<&str> {
    // The colons of an address of IPv6 stand in brackets.
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (host, "80"),
    };
    port.parse::<u16>().is_ok().then_some(name)
}

/// Checks a request but for who asks. `is_allowed` decides on the text of the `Host` header.
///
/// # Errors
/// The status and what to say.
pub fn check<B>(request: &Request<B>, is_allowed: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    let headers = request.headers();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "There is nothing here but GET.\n"));
    }
    let Some(host) = sole(headers, &header::HOST).filter(|host| is_allowed(host)) else {
        return Err((StatusCode::FORBIDDEN, "This host name is not one of this server's.\n"));
    };
    if request.uri().authority().is_some_and(|authority| authority.as_str() != host) {
        return Err((StatusCode::FORBIDDEN, "This host name is not one of this server's.\n"));
    }
    if headers.contains_key(header::ORIGIN)
        && sole(headers, &header::ORIGIN).and_then(|origin| origin.strip_prefix("http://")) != Some(host)
    {
        return Err((StatusCode::FORBIDDEN, "This request comes from another site.\n"));
    }
    // A link to the page may be followed from anywhere; nothing else is anybody's business.
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) && request.uri().path() != "/" {
        return Err((StatusCode::FORBIDDEN, "This request comes from another site.\n"));
    }
    Ok(())
}

/// The response with the headers that all have.
#[must_use]
pub fn sealed(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The value of a header that is there once.
fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
