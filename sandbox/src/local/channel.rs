//! One request and its answer over the framed channel, a step at a time and without waiting.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

const HEADER: usize = 4;

/// An exchange under way.
#[derive(Debug)]
pub(super) struct Conversation {
    outgoing: Vec<u8>,
    sent: usize,
    incoming: Vec<u8>,
    answer_bytes_max: usize,
    is_closed: bool,
}

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing more can be done until the channel is ready, or ever, where it is closed.
    Waiting,
    /// The whole answer.
    Answer(Vec<u8>),
    /// The program announced an answer that is longer than allowed.
    TooLong,
}

impl Conversation {
    /// A request to send. `None` if it is too long for a frame.
    pub(super) fn new(request: &[u8], answer_bytes_max: usize) -> Option<Self> {
        let length = u32::try_from(request.len()).ok()?;
        let outgoing = [&length.to_le_bytes(), request].concat();
        Some(Self { outgoing, sent: 0, incoming: Vec::new(), answer_bytes_max, is_closed: false })
    }

    /// What to wait for; empty when the channel is closed.
    pub(super) fn interest(&self) -> PollFlags {
        match (self.is_closed, self.sent < self.outgoing.len()) {
            (true, _) => PollFlags::empty(),
            (false, true) => PollFlags::IN | PollFlags::OUT,
            (false, false) => PollFlags::IN,
        }
    }

    /// Sends and receives what goes without waiting. A channel that the program has closed is no error: the
    /// program's end says what became of it.
    pub(super) fn advance(&mut self, channel: BorrowedFd<'_>) -> Progress {
        self.send(channel);
        while !self.is_closed {
            let needed = match self.announced() {
                Some(length) if length > self.answer_bytes_max => return Progress::TooLong,
                Some(length) if self.incoming.len() == HEADER + length => {
                    return Progress::Answer(self.incoming.split_off(HEADER));
                }
                Some(length) => HEADER + length,
                None => HEADER,
            };
            // Room grows with what really came, never with what was announced.
            let mut chunk = [0; 1 << 14];
            let room = (needed - self.incoming.len()).min(chunk.len());
            let Some(chunk) = chunk.get_mut(..room) else { return Progress::Waiting };
            match rustix::io::read(channel, &mut *chunk) {
                Ok(0) => self.is_closed = true,
                Ok(count) => self.incoming.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Progress::Waiting,
                Err(_) => self.is_closed = true,
            }
        }
        Progress::Waiting
    }

    fn send(&mut self, channel: BorrowedFd<'_>) {
        while let Some(rest) = self.outgoing.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match send(channel, rest, SendFlags::NOSIGNAL) {
                Ok(count) => self.sent += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // Nobody will read the rest; an answer may still be on its way.
                Err(_) => self.sent = self.outgoing.len(),
            }
        }
    }

    fn announced(&self) -> Option<usize> {
        let header = self.incoming.first_chunk::<HEADER>()?;
        usize::try_from(u32::from_le_bytes(*header)).ok()
    }
}

/// Whether the program has said something that nobody asked for.
pub(super) fn has_unasked(channel: impl AsFd) -> bool {
    let mut byte = [0; 1];
    matches!(recv(channel, &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT), Ok((1.., _)))
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::*;

    fn pair() -> (std::os::fd::OwnedFd, std::os::fd::OwnedFd) {
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::NONBLOCK, None).unwrap()
    }

    #[test]
    fn an_answer_in_pieces_is_put_together() {
        let (ours, theirs) = pair();
        let mut talk = Conversation::new(b"hello", 10).unwrap();
        assert_eq!(talk.advance(ours.as_fd()), Progress::Waiting);
        let mut request = [0; 16];
        assert_eq!(rustix::io::read(&theirs, &mut request).unwrap(), 9);
        assert_eq!(&request[..9], b"\x05\0\0\0hello");
        for piece in [&b"\x03\0"[..], b"\0\0a", b"bcX"] {
            assert!(!has_unasked(&ours) || !piece.is_empty());
            rustix::io::write(&theirs, piece).unwrap();
            let progress = talk.advance(ours.as_fd());
            let expected =
                if piece.ends_with(b"X") { Progress::Answer(b"abc".to_vec()) } else { Progress::Waiting };
            assert_eq!(progress, expected);
        }
        assert!(has_unasked(&ours), "the byte after the frame is left in the channel");
    }

    #[test]
    fn an_announcement_beyond_the_limit_is_refused_before_its_bytes_come() {
        let (ours, theirs) = pair();
        rustix::io::write(&theirs, &u32::MAX.to_le_bytes()).unwrap();
        assert_eq!(Conversation::new(b"", 10).unwrap().advance(ours.as_fd()), Progress::TooLong);
    }

    #[test]
    fn a_closed_channel_is_not_an_answer() {
        let (ours, theirs) = pair();
        rustix::io::write(&theirs, b"\x03\0\0\0ab").unwrap();
        drop(theirs);
        let mut talk = Conversation::new(b"", 10).unwrap();
        assert_eq!(talk.advance(ours.as_fd()), Progress::Waiting);
        assert_eq!(talk.interest(), PollFlags::empty());
    }
}
