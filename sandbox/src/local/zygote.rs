//! One zygote: a warm interpreter that makes contained copies of itself ahead, each of them for one program.
//!
//! A thread keeps it: the kernel's parent-death signal, which ends the zygote when our process dies, is tied to the
//! thread that started it. The thread ends the zygote, and reaps it, when the [`Zygote`] is dropped.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg,
    socketpair,
};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitOptions, pidfd_send_signal, waitpid};

use super::ends::sealed;
use super::output::Output;
use super::plan::{self, Identity};
use super::report::{self, Report};
use super::setup::Setup;
use super::{host, identity, sys};
use crate::error::SandboxError;

/// Version of the messages to `zygote.py`.
pub(super) const PROTOCOL: u32 = 1;
/// Copies that wait for their programs: one is for the next program, one more hides the making of that after it.
const STOCK: usize = 2;
/// How much of what a failed zygote wrote is shown.
const SHOWN_BYTES: usize = 2000;
/// Everything that a namespace can hold apart.
const NAMESPACES: libc::c_int = libc::CLONE_NEWPID
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// A running zygote. Dropping it ends it, and with namespaces all that it made.
#[derive(Debug)]
pub(super) struct Zygote {
    host: OwnedFd,
    pidfd: Arc<OwnedFd>,
    identity: Identity,
    stock: Mutex<Stock>,
    last_words: Mutex<LastWords>,
    /// Dropped, it tells the keeper to end the zygote.
    _keeper: Sender<()>,
}

/// Copies made ahead, by their sockets, oldest first; they have a `/tmp` of this size.
#[derive(Debug, Default)]
struct Stock {
    copies: VecDeque<OwnedFd>,
    temp_mib: u32,
}

#[derive(Debug)]
struct LastWords {
    pipe: OwnedFd,
    output: Output,
    failure: Option<String>,
}

/// A copy that waits for its program at the other end of `control`. It may not be ready yet.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) control: OwnedFd,
    /// Lives as long as its copies do.
    pub(super) zygote: Arc<Zygote>,
}

impl Zygote {
    /// Starts one. It need not be ready to take orders.
    ///
    /// # Errors
    /// [`SandboxError::Host`] if a system call fails.
    pub(super) fn start(setup: &Arc<Setup>, hash_seed: u32) -> Result<Self, SandboxError> {
        let connect = || -> Result<_, Errno> {
            let seqpacket = SocketType::SEQPACKET;
            let ends = socketpair(AddressFamily::UNIX, seqpacket, SocketFlags::CLOEXEC, None)?;
            rustix::io::ioctl_fionbio(&ends.0, true)?;
            let (words, pen) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
            rustix::io::ioctl_fionbio(&pen, false)?;
            Ok((ends, words, pen))
        };
        let ((host_end, its_end), words, pen) = connect().map_err(host("connecting with a zygote"))?;
        let start = Start {
            setup: Arc::clone(setup),
            hash_seed,
            stdin: sealed("stdin", b"")?,
            pen,
            host: its_end,
            data: sealed("zygote", &setup.data)?,
            rules: if setup.layers.namespaces { setup.rules(None)? } else { None },
        };
        let (keeper, is_over) = mpsc::channel();
        let (born, birth) = mpsc::channel();
        std::thread::Builder::new()
            .name("sandbox-zygote".to_owned())
            .spawn(move || start.keep(&born, &is_over))
            .map_err(|source| SandboxError::Host { action: "starting a thread".to_owned(), source })?;
        let pidfd = birth.recv().map_err(|_| lost("the keeper of a zygote ended"))??;
        let last_words = LastWords { pipe: words, output: Output::new(SHOWN_BYTES), failure: None };
        Ok(Self {
            host: host_end,
            pidfd,
            identity: setup.identity,
            stock: Mutex::default(),
            last_words: Mutex::new(last_words),
            _keeper: keeper,
        })
    }

    /// One that seems to run and takes no orders, for a test that plays its copies.
    #[cfg(test)]
    pub(super) fn played() -> Self {
        let (words, _) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        let (host, _) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let itself = rustix::process::getpid();
        let pidfd = rustix::process::pidfd_open(itself, rustix::process::PidfdFlags::empty()).unwrap();
        let last_words = LastWords { pipe: words, output: Output::new(SHOWN_BYTES), failure: None };
        Self {
            host,
            pidfd: Arc::new(pidfd),
            identity: Identity::Ours,
            stock: Mutex::default(),
            last_words: Mutex::new(last_words),
            _keeper: mpsc::channel().0,
        }
    }

    /// Takes a copy that was made ahead, or orders one.
    ///
    /// # Errors
    /// [`SandboxError::Worker`] if the zygote takes no orders.
    pub(super) fn take(self: &Arc<Self>, temp_mib: u32) -> Result<Copy, SandboxError> {
        let mut stock = lock(&self.stock);
        if stock.temp_mib != temp_mib {
            *stock = Stock { copies: VecDeque::new(), temp_mib };
        }
        let control = match stock.copies.pop_front() {
            Some(control) => control,
            None => self.order(temp_mib)?,
        };
        Ok(Copy { control, zygote: Arc::clone(self) })
    }

    /// Has copies made ahead. For the end of a program, so that the making does not compete with one.
    pub(super) fn restock(&self) {
        let mut stock = lock(&self.stock);
        while stock.copies.len() < STOCK {
            match self.order(stock.temp_mib) {
                Ok(next) => stock.copies.push_back(next),
                // Whoever takes the next copy will be told.
                Err(_) => break,
            }
        }
    }

    fn order(&self, temp_mib: u32) -> Result<OwnedFd, SandboxError> {
        let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
        let (ours, theirs) = pair.map_err(host("connecting with a contained process"))?;
        let user = match self.identity {
            Identity::Root => identity::private().unwrap_or(0),
            Identity::Ours | Identity::Mapped => 0,
        };
        let packet = [PROTOCOL, temp_mib, user].map(u32::to_le_bytes).concat();
        send(&self.host, &packet, &[&theirs]).map_err(|_| lost(&self.reason()))?;
        Ok(ours)
    }

    /// Whether it still runs.
    pub(super) fn is_alive(&self) -> bool {
        let mut entries = [PollFd::new(&*self.pidfd, PollFlags::IN)];
        matches!(poll(&mut entries, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(0))
    }

    /// Why it ended, as far as it said so itself.
    pub(super) fn reason(&self) -> String {
        let mut last = lock(&self.last_words);
        while let Some(said) = report::receive(&self.host) {
            match said {
                Report::Failed(failure) => last.failure = Some(failure),
                Report::Silence => break,
                Report::Processes(_) | Report::Ready | Report::Ended(_) => {}
            }
        }
        let LastWords { pipe, output, failure } = &mut *last;
        output.drain(&*pipe);
        let said = String::from_utf8_lossy(output.bytes()).trim().to_owned();
        match failure {
            Some(failure) => failure.clone(),
            None if said.is_empty() => "the zygote ended".to_owned(),
            None => format!("the interpreter said: {said}"),
        }
    }
}

/// What a zygote starts with, and the thread that keeps it.
struct Start {
    setup: Arc<Setup>,
    hash_seed: u32,
    stdin: OwnedFd,
    pen: OwnedFd,
    host: OwnedFd,
    data: OwnedFd,
    rules: Option<OwnedFd>,
}

impl Start {
    /// Starts the zygote, says so, and ends it when it is over.
    fn keep(self, born: &Sender<Result<Arc<OwnedFd>, SandboxError>>, is_over: &Receiver<()>) {
        sys::block_signals();
        let (pid, pidfd) = match self.launch() {
            Ok((pid, pidfd)) => (pid, Arc::new(pidfd)),
            Err(error) => {
                let _ = born.send(Err(error));
                return;
            }
        };
        let is_wanted = born.send(Ok(Arc::clone(&pidfd))).is_ok();
        // Its ends are the zygote's alone from here on, so that its death closes them.
        drop(self);
        if is_wanted {
            let _ = is_over.recv();
        }
        let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        while matches!(waitpid(Some(pid), WaitOptions::empty()), Err(Errno::INTR)) {}
    }

    fn launch(&self) -> Result<(Pid, OwnedFd), SandboxError> {
        let of = |fd: &OwnedFd| Some(fd.as_raw_fd());
        let pen = of(&self.pen);
        let rules = self.rules.as_ref().map(AsRawFd::as_raw_fd);
        let descriptors = [of(&self.stdin), pen, pen, of(&self.host), of(&self.data), rules];
        let mut plan = self.setup.plan(descriptors, self.hash_seed)?;
        let flags = match self.setup.identity {
            Identity::Ours => 0,
            Identity::Root => NAMESPACES,
            Identity::Mapped => NAMESPACES | libc::CLONE_NEWUSER,
        };
        sys::clone_process(flags, || plan::enter(&mut plan)).map_err(host(match flags {
            0 => "making a process",
            _ => "making namespaces",
        }))
    }
}

/// Sends one packet with descriptors in it, without waiting.
pub(super) fn send(socket: impl AsFd, packet: &[u8], descriptors: &[&OwnedFd]) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut extra = SendAncillaryBuffer::new(&mut space);
    let borrowed: Vec<_> = descriptors.iter().map(|fd| fd.as_fd()).collect();
    if !extra.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(Errno::TOOBIG);
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    sendmsg(socket, &[IoSlice::new(packet)], &mut extra, flags).map(drop)
}

/// The error for a zygote that ended or takes no orders.
pub(super) fn lost(reason: &str) -> SandboxError {
    SandboxError::Worker { reason: reason.to_owned() }
}

/// A lock whose holder never leaves its content half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
