//! What a zygote and its copies say to us: that they are ready, how a program ended, or at which step they failed.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::{Errno, IoSliceMut};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::ending::Reaped;

const PROCESSES: u8 = b'P';
const READY: u8 = b'R';
const ENDED: u8 = b'S';
const FAILED: u8 = b'E';
/// Longest packet: [`ENDED`], the wait status, CPU time in microseconds, peak memory in KiB.
const PACKET_BYTES: usize = 21;
const FAILURE_BYTES: usize = 6;

/// One packet.
#[derive(Debug)]
pub(super) enum Report {
    /// The pidfds of a candidate and of its guard.
    Processes(Vec<OwnedFd>),
    /// Every layer is on.
    Ready,
    /// The program has ended.
    Ended(Reaped),
    /// A step of the start failed.
    Failed(String),
    /// Whoever could speak has ended.
    Silence,
}

/// A step of the start of a zygote, for the report of its failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    Descriptors,
    UserNamespace,
    Root,
    Privileges,
    Landlock,
    Execute,
}

/// What the steps are called in messages, by number: those of [`Stage`], and those of `zygote.py`.
const STAGES: [(u8, &str); 15] = [
    (Stage::Descriptors as u8, "passing on the open files"),
    (Stage::UserNamespace as u8, "the user namespace"),
    (Stage::Root as u8, "the private root"),
    (Stage::Privileges as u8, "dropping privileges"),
    (Stage::Landlock as u8, "landlock"),
    (Stage::Execute as u8, "starting the interpreter"),
    (32, "the private mounts"),
    (33, "the private user id"),
    (34, "dropping privileges"),
    (35, "landlock"),
    (36, "passing on the open files"),
    (37, "the resource limits"),
    (38, "seccomp"),
    (39, "making the namespaces or the process"),
    (40, "preparing the program's place"),
];

/// The packet that tells of a failure.
pub(super) fn failure(stage: Stage, error: Errno) -> [u8; FAILURE_BYTES] {
    let [a, b, c, d] = error.raw_os_error().to_ne_bytes();
    [FAILED, stage as u8, a, b, c, d]
}

/// The next packet, without waiting for it; `None` if there is none yet.
pub(super) fn receive(socket: impl AsFd) -> Option<Report> {
    let mut packet = [0; PACKET_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut extra = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = loop {
        match recvmsg(&socket, &mut [IoSliceMut::new(&mut packet)], &mut extra, flags) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return None,
            Err(_) => return Some(Report::Silence),
            Ok(received) => break received.bytes,
        }
    };
    let mut descriptors = Vec::new();
    for message in extra.drain() {
        if let RecvAncillaryMessage::ScmRights(files) = message {
            descriptors.extend(files);
        }
    }
    Some(parse(packet.get(..received).unwrap_or_default(), descriptors))
}

fn parse(packet: &[u8], descriptors: Vec<OwnedFd>) -> Report {
    let nonsense = || Report::Failed("an unknown report".to_owned());
    match packet.split_first() {
        None => Report::Silence,
        Some((&PROCESSES, [])) => Report::Processes(descriptors),
        Some((&READY, [])) => Report::Ready,
        Some((&ENDED, record)) => Reaped::parse(record).map_or_else(nonsense, Report::Ended),
        Some((&FAILED, [stage, a, b, c, d])) => {
            let name = STAGES.iter().find(|(number, _)| number == stage).map_or("an unknown step", |it| it.1);
            let error = std::io::Error::from_raw_os_error(i32::from_ne_bytes([*a, *b, *c, *d]));
            Report::Failed(format!("{name} failed: {error}"))
        }
        Some(_) => nonsense(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(packet: &[u8], expected: &str) {
        let told = format!("{:?}", parse(packet, Vec::new()));
        assert!(told.starts_with(expected), "{packet:?}: {told}");
    }

    #[test]
    fn packets_are_read_whole_or_not_at_all() {
        check(b"", "Silence");
        check(b"P", "Processes([])");
        check(b"R", "Ready");
        check(b"Rx", "Failed(\"an unknown report");
        check(b"S1234", "Failed(\"an unknown report");
        check(&[b'S'; 21], "Ended(");
        check(
            &failure(Stage::Root, Errno::PERM),
            "Failed(\"the private root failed: Operation not permitted",
        );
        check(b"E\x26\x01\0\0\0", "Failed(\"seccomp failed");
        check(b"E\xff\x01\0\0\0", "Failed(\"an unknown step failed");
    }
}
