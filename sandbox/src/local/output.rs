//! What a program writes to stdout or stderr, up to its limit.

use std::os::fd::AsFd;

use rustix::io::Errno;

/// Collects one stream.
#[derive(Debug)]
pub(super) struct Output {
    bytes: Vec<u8>,
    limit: usize,
    state: State,
}

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// More may come.
    Open,
    /// The last writer has closed it.
    Closed,
    /// More came than the limit allows; the rest is not read.
    Over,
}

impl Output {
    pub(super) const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, state: State::Open }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    /// Takes what the pipe holds now, without waiting. A pipe that breaks counts as closed.
    pub(super) fn drain(&mut self, pipe: impl AsFd) -> State {
        let mut chunk = [0; 1 << 14];
        while self.state == State::Open {
            match rustix::io::read(&pipe, &mut chunk) {
                Ok(0) => self.state = State::Closed,
                Ok(count) => self.keep(chunk.get(..count).unwrap_or_default()),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => self.state = State::Closed,
            }
        }
        self.state
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn keep(&mut self, chunk: &[u8]) {
        let room = self.limit - self.bytes.len();
        if chunk.len() > room {
            self.state = State::Over;
        }
        self.bytes.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8], limit: usize) -> (State, Vec<u8>) {
        let (read, write) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&write, bytes).unwrap();
        drop(write);
        let mut output = Output::new(limit);
        (output.drain(&read), output.into_bytes())
    }

    #[test]
    fn the_limit_itself_is_allowed_and_one_more_is_not() {
        assert_eq!(written(b"abc", 3), (State::Closed, b"abc".to_vec()));
        assert_eq!(written(b"abcd", 3), (State::Over, b"abc".to_vec()));
        assert_eq!(written(b"", 0), (State::Closed, Vec::new()));
    }
}
