//! Who may ask: this machine's person, who has the token, from the viewer's own page.
//!
//! A page of some other site that is open in the same browser is kept out four times: it does not have the token; the
//! cookie that holds it is not sent from elsewhere (`SameSite=Strict`); a name of its own that it points at 127.0.0.1 is
//! no allowed host; and what the browser says of the request's origin is checked.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::failure::{Exit, Failure};

/// Names of this machine for itself. Ports are free, since they may be forwarded.
const HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];

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

/// The secret of one viewer.
#[derive(Clone)]
pub struct Token {
    text: String,
    cookie: String,
}

impl Token {
    /// A new token of 128 random bits, for the viewer at `port`: cookies are shared between ports.
    ///
    /// # Errors
    /// Exit 70 if the system has no randomness.
    pub fn draw(port: u16) -> Result<Self, Failure> {
        let mut bits = [0_u8; 16];
        getrandom::fill(&mut bits).map_err(|error| {
            Failure::new(Exit::Internal, "the system gave no random numbers").caused_by(&error)
        })?;
        let text = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { text, cookie: format!("codeagent_{port}") })
    }

    /// The token as text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Compares hashes, which takes the same time whatever is guessed.
    fn is(&self, guess: &str) -> bool {
        blake3::hash(guess.as_bytes()) == blake3::hash(self.text.as_bytes())
    }

    fn is_in_cookies(&self, headers: &HeaderMap) -> bool {
        let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies =
            texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        cookies.any(|(name, value)| name == self.cookie && self.is(value))
    }

    fn is_in_authorization(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        value.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|guess| self.is(guess.trim()))
    }

    fn is_in_query(&self, request: &Request) -> bool {
        let query = request.uri().query().unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "token" && self.is(&value))
    }

    fn set_cookie(&self) -> Option<HeaderValue> {
        let (name, text) = (&self.cookie, &self.text);
        HeaderValue::from_str(&format!("{name}={text}; Path=/; HttpOnly; SameSite=Strict")).ok()
    }
}

/// Lets a request through or refuses it, and puts the headers on whatever is answered.
pub async fn guard(State(token): State<Token>, request: Request, next: Next) -> Response {
    let cookie = token.is_in_query(&request).then(|| token.set_cookie()).flatten();
    let mut response = match check(&token, &request) {
        Err(refusal) => return sealed(refusal.into_response()),
        Ok(()) => next.run(request).await,
    };
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    sealed(response)
}

/// The response with the headers that all have.
fn sealed(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn check(token: &Token, request: &Request<Body>) -> Result<(), (StatusCode, &'static str)> {
    let refuse = |status, why| Err((status, why));
    let headers = request.headers();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "There is nothing here but GET.\n");
    }
    let Some(host) = sole(headers, &header::HOST).filter(|host| is_allowed(host)) else {
        return refuse(StatusCode::FORBIDDEN, "This host name is not one of the viewer's.\n");
    };
    if request.uri().authority().is_some_and(|authority| authority.as_str() != host) {
        return refuse(StatusCode::FORBIDDEN, "This host name is not one of the viewer's.\n");
    }
    if headers.contains_key(header::ORIGIN)
        && sole(headers, &header::ORIGIN).and_then(|origin| origin.strip_prefix("http://")) != Some(host)
    {
        return refuse(StatusCode::FORBIDDEN, "This request comes from another site.\n");
    }
    // A link to the page may be followed from anywhere; nothing else is anybody's business.
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) && request.uri().path() != "/" {
        return refuse(StatusCode::FORBIDDEN, "This request comes from another site.\n");
    }
    if token.is_in_cookies(headers) || token.is_in_authorization(headers) || token.is_in_query(request) {
        return Ok(());
    }
    refuse(StatusCode::UNAUTHORIZED, "Open the address that `codeagent view` printed, with its token.\n")
}

/// The value of a header that is there once.
fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn is_allowed(host: &str) -> bool {
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    HOSTS.contains(&name) && port.parse::<u16>().is_ok()
}
