//! Messages between this process and its workers.
//!
//! A message is a frame: its length as a little-endian `u32`, then a tag byte, the length of a head, the head as JSON,
//! and bytes. Neither end reads more than it is prepared for, and what does not follow this is an error, not a panic:
//! a worker that has been broken into can say whatever it likes, of its own program only.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::session::{Ending, Open};

/// What a worker is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ToWorker {
    /// Become the program of this session.
    Begin(Box<Open>),
    /// Answer this within the allowance.
    Request {
        /// Longest time for the answer.
        allowance: Duration,
        /// For the driver inside.
        request: Vec<u8>,
    },
    /// Nothing more will come: let the program end.
    Close,
    /// Nobody waits any more: end the program.
    Abandon,
}

/// What a worker says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FromWorker {
    /// The program's answer.
    Answer(Vec<u8>),
    /// The program has ended; the worker takes the next.
    Ended(Box<Ending>),
    /// The worker can't go on, for this reason.
    Failed(String),
}

/// The bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message of a sandbox worker")]
pub(super) struct Malformed;

#[derive(Serialize, Deserialize)]
struct BeginHead {
    limits: Limits,
    seed: u64,
}

impl ToWorker {
    /// The message as a frame.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Begin(open) => {
                frame(b'B', &BeginHead { limits: open.limits, seed: open.seed }, &open.stdin)
            }
            Self::Request { allowance, request } => frame(b'R', allowance, request),
            Self::Close => frame(b'C', &(), &[]),
            Self::Abandon => frame(b'X', &(), &[]),
        }
    }

    /// The message in a frame's payload.
    pub(super) fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        let (tag, head, bytes) = split(payload)?;
        match tag {
            b'B' => {
                let BeginHead { limits, seed } = json(head)?;
                Ok(Self::Begin(Box::new(Open { stdin: bytes.to_vec(), limits, seed })))
            }
            b'R' => Ok(Self::Request { allowance: json(head)?, request: bytes.to_vec() }),
            b'C' => Ok(Self::Close),
            b'X' => Ok(Self::Abandon),
            _ => Err(Malformed),
        }
    }
}

impl FromWorker {
    /// The message as a frame.
    pub(super) fn encode(self) -> Vec<u8> {
        match self {
            Self::Answer(answer) => frame(b'A', &(), &answer),
            Self::Ended(mut ending) => {
                // JSON would write them as lists of numbers.
                let (mut output, stderr) =
                    (std::mem::take(&mut ending.stdout), std::mem::take(&mut ending.stderr));
                let stdout_bytes = output.len();
                output.extend(stderr);
                frame(b'E', &(&*ending, stdout_bytes), &output)
            }
            Self::Failed(reason) => frame(b'F', &(), reason.as_bytes()),
        }
    }

    /// The message in a frame's payload.
    pub(super) fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        let (tag, head, bytes) = split(payload)?;
        match tag {
            b'A' => Ok(Self::Answer(bytes.to_vec())),
            b'E' => {
                let (mut ending, stdout_bytes): (Ending, usize) = json(head)?;
                let (stdout, stderr) = bytes.split_at_checked(stdout_bytes).ok_or(Malformed)?;
                (ending.stdout, ending.stderr) = (stdout.to_vec(), stderr.to_vec());
                Ok(Self::Ended(Box::new(ending)))
            }
            b'F' => Ok(Self::Failed(String::from_utf8_lossy(bytes).into_owned())),
            _ => Err(Malformed),
        }
    }
}

/// The length of the payload that a frame's first four bytes announce, if it is at most `max`.
pub(super) fn announced(header: [u8; 4], max: usize) -> Result<usize, Malformed> {
    let length = u32::from_le_bytes(header) as usize;
    if length <= max { Ok(length) } else { Err(Malformed) }
}

fn frame(tag: u8, head: &impl Serialize, bytes: &[u8]) -> Vec<u8> {
    // The heads are our own plain types, which JSON can always write.
    let head = serde_json::to_vec(head).unwrap_or_default();
    let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut frame = Vec::with_capacity(9 + head.len() + bytes.len());
    frame.extend(size(5 + head.len() + bytes.len()));
    frame.push(tag);
    frame.extend(size(head.len()));
    frame.extend(head);
    frame.extend(bytes);
    frame
}

fn split(payload: &[u8]) -> Result<(u8, &[u8], &[u8]), Malformed> {
    let (tag, rest) = payload.split_first().ok_or(Malformed)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
    let (head, bytes) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(Malformed)?;
    Ok((*tag, head, bytes))
}

fn json<T: DeserializeOwned>(head: &[u8]) -> Result<T, Malformed> {
    serde_json::from_slice(head).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::{Cause, Usage};

    fn payload(frame: &[u8]) -> &[u8] {
        let (header, payload) = frame.split_first_chunk::<4>().unwrap();
        assert_eq!(announced(*header, frame.len()), Ok(payload.len()));
        payload
    }

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let open = Open { stdin: vec![0, 255], limits: Limits::default().with_memory_mib(7), seed: u64::MAX };
        let request = ToWorker::Request { allowance: Duration::from_micros(5), request: b"ask".to_vec() };
        for message in [ToWorker::Begin(Box::new(open)), request, ToWorker::Close, ToWorker::Abandon] {
            assert_eq!(ToWorker::decode(payload(&message.encode())), Ok(message));
        }
        let ending = Ending {
            cause: Cause::Crashed { cause: "abort".into() },
            stdout: b"out".to_vec(),
            stderr: vec![1, 2],
            usage: Usage { wall: Duration::from_nanos(3), cpu: Duration::ZERO, peak_mib: 4 },
            memory_refused: true,
            refusals: vec!["open x".into()],
        };
        let messages = [
            FromWorker::Ended(Box::new(ending)),
            FromWorker::Answer(vec![9]),
            FromWorker::Failed("so".into()),
        ];
        for message in messages {
            assert_eq!(FromWorker::decode(payload(&message.clone().encode())), Ok(message));
        }
    }

    #[test]
    fn more_than_can_be_taken_is_refused() {
        assert_eq!(announced([5, 0, 0, 0], 5), Ok(5));
        assert_eq!(announced([6, 0, 0, 0], 5), Err(Malformed));
        assert_eq!(announced([0xff; 4], 1 << 20), Err(Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64), tag in "[ABCEFRX]") {
            let _ = (ToWorker::decode(&bytes), FromWorker::decode(&bytes));
            let tagged = [tag.as_bytes(), &[2, 0, 0, 0], b"{}", &bytes].concat();
            let _ = (ToWorker::decode(&tagged), FromWorker::decode(&tagged));
        }
    }
}
