//! Who may ask: this machine's person, who has the token, from the viewer's own page.
//!
//! A page of some other site that is open in the same browser is kept out four times: it does not have the token; the
//! cookie that holds it is not sent from elsewhere (`SameSite=Strict`); a name of its own that it points at 127.0.0.1 is
//! no allowed host; and what the browser says of the request's origin is checked.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::failure::{Exit, Failure};
use crate::web;

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
        Err(refusal) => return web::sealed(refusal.into_response()),
        Ok(()) => next.run(request).await,
    };
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    web::sealed(response)
}

fn check(token: &Token, request: &Request<Body>) -> Result<(), web::Refusal> {
    web::check(request, web::is_loopback)?;
    let headers = request.headers();
    if token.is_in_cookies(headers) || token.is_in_authorization(headers) || token.is_in_query(request) {
        return Ok(());
    }
    Err((StatusCode::UNAUTHORIZED, "Open the address that `codeagent view` printed, with its token.\n"))
}
