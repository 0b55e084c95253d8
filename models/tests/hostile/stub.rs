//! A server on loopback that answers each request with the next of its acts, byte for byte.
//!
//! It writes to the socket itself: no HTTP library would send what is wanted here.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does with one request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Writes these bytes and closes.
    Write(Vec<u8>),
    /// Writes these bytes and keeps the connection open in silence.
    WriteAndHang(Vec<u8>),
    /// Writes the first, then the second again and again with pauses of so many milliseconds.
    Drip(Vec<u8>, Vec<u8>, u64),
    /// Closes with a reset.
    Reset,
}

/// The server; it stops when dropped.
pub(crate) struct Stub {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Stub {
    /// Answers with these acts in turn, the last of them again and again.
    pub(crate) async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let task = tokio::spawn(serve(listener, acts, Arc::clone(&seen)));
        Self { port, seen, task }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The requests so far, heads and bodies.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, acts: Vec<Act>, seen: Arc<Mutex<Vec<String>>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((mut socket, _)) = listener.accept().await {
        let (acts, seen) = (acts.clone(), Arc::clone(&seen));
        connections.spawn(async move {
            let request = read_request(&mut socket).await;
            let act = {
                let mut seen = seen.lock().unwrap();
                seen.push(request);
                acts.get(seen.len() - 1).or(acts.last()).cloned().unwrap()
            };
            perform(socket, act).await;
        });
    }
}

async fn read_request(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        if socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return text;
        }
    }
}

async fn perform(mut socket: TcpStream, act: Act) {
    // The other side may hang up at any time, and that is its right.
    match act {
        Act::Write(bytes) => {
            let _ = socket.write_all(&bytes).await;
            let _ = socket.shutdown().await;
        }
        Act::WriteAndHang(bytes) => {
            let _ = socket.write_all(&bytes).await;
            std::future::pending::<()>().await;
        }
        Act::Drip(head, again, pause_ms) => {
            let _ = socket.write_all(&head).await;
            while socket.write_all(&again).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
        }
        // Closing without lingering resets the connection.
        Act::Reset => socket.set_zero_linger().unwrap(),
    }
}

/// A whole response with a body of a type.
pub(crate) fn response(status: u16, kind: &str, body: impl AsRef<[u8]>) -> Act {
    response_with(status, kind, "", body)
}

/// The same with more header lines, each with its end.
pub(crate) fn response_with(status: u16, kind: &str, headers: &str, body: impl AsRef<[u8]>) -> Act {
    let body = body.as_ref();
    Act::Write([head(status, kind, headers, Some(body.len())), body.to_vec()].concat())
}

/// A JSON response.
pub(crate) fn json(status: u16, body: &str) -> Act {
    response(status, "application/json", body)
}

/// A stream of these texts, closed by the end of the connection.
pub(crate) fn stream(body: impl AsRef<[u8]>) -> Act {
    Act::Write([stream_head(), body.as_ref().to_vec()].concat())
}

/// The head of a stream.
pub(crate) fn stream_head() -> Vec<u8> {
    head(200, "text/event-stream", "", None)
}

/// A response's head; without a length the end of the connection ends the body.
pub(crate) fn head(status: u16, kind: &str, headers: &str, length: Option<usize>) -> Vec<u8> {
    let length = length.map_or_else(String::new, |length| format!("content-length: {length}\r\n"));
    format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nconnection: close\r\n{length}{headers}\r\n")
        .into_bytes()
}

/// A good reply with this text.
pub(crate) fn good(text: &str) -> Act {
    let text = text.escape_default();
    json(200, &format!(r#"{{"choices":[{{"message":{{"content":"{text}"}},"finish_reason":"stop"}}]}}"#))
}

/// A chunk of a stream with this text.
pub(crate) fn delta(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

/// The last chunk of an answer.
pub(crate) const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

/// The end of a stream.
pub(crate) const DONE: &str = "data: [DONE]\n\n";
