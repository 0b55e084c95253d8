//! Requests written by hand, for servers that must cope with any.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, with the line of the status.
    pub head: String,
    /// What follows.
    pub body: String,
}

/// Sends a request to `HOST:PORT`, as it stands but for its end, and waits for the answer.
///
/// # Panics
/// If nobody answers, or what comes is no answer.
#[must_use]
#[expect(clippy::expect_used, reason = "a test helper")]
pub fn send(place: &str, request: &str) -> Answer {
    let mut stream = TcpStream::connect(place).expect("somebody listens");
    stream.write_all(format!("{request}\r\nConnection: close\r\n\r\n").as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer with a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
