//! Worker processes: started when they are needed, used by one session at a time, kept for the next.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::message::{FromWorker, Malformed, ToWorker, announced};
use crate::error::SandboxError;

/// Most workers alive at a time. Each holds one session, running or waiting for a request.
const WORKERS_MAX: usize = 256;
/// Bytes read at a time.
const CHUNK_BYTES: usize = 1 << 13;

/// How a worker process is started: an executable that calls [`super::worker::main`] when it is given these arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workers {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments, to which the interpreter's path is added.
    pub arguments: Vec<OsString>,
    /// Workers that run programs at the same time; as many wait in reserve.
    pub count: usize,
}

impl Workers {
    /// This executable with these arguments, and a worker per core.
    ///
    /// # Errors
    /// When the system does not tell which executable this is.
    pub fn of_this_program<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> io::Result<Self> {
        let arguments = arguments.into_iter().map(Into::into).collect();
        // Whatever lies at our path by now, a worker is to be what we are.
        let linux = PathBuf::from("/proc/self/exe");
        let program = if linux.exists() { linux } else { std::env::current_exe()? };
        Ok(Self { program, arguments, count: super::cores() })
    }
}

/// Workers that are not in use.
pub(super) struct Pool {
    workers: Workers,
    idle: Mutex<VecDeque<Worker>>,
    alive: Arc<AtomicUsize>,
}

impl Pool {
    pub(super) fn new(workers: Workers) -> Self {
        Self { workers, idle: Mutex::default(), alive: Arc::default() }
    }

    /// A worker that waits for its next session: one that has been idle, or a new one.
    ///
    /// # Errors
    /// [`SandboxError`] when none can be started.
    pub(super) fn take(&self, interpreter: &std::path::Path) -> Result<Worker, SandboxError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain_mut(Worker::is_alive);
        // The one that has been idle for the longest is the most likely to have its next instance ready.
        let ready = (0..idle.len()).find(|index| idle.get_mut(*index).is_some_and(Worker::is_free));
        if let Some(worker) = ready.and_then(|index| idle.remove(index)) {
            return Ok(worker);
        }
        drop(idle);
        Worker::start(&self.workers, interpreter, &self.alive)
    }

    /// Takes a worker back whose session is over.
    pub(super) fn put(&self, mut worker: Worker) {
        worker.leave_runtime();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // What is more than this was needed at a peak, or is still busy with a program that nobody waits for.
        if idle.len() < 2 * self.workers.count.max(1) {
            idle.push_back(worker);
        }
    }

    /// Ids of the worker processes that are idle.
    pub(super) fn ids(&self) -> Vec<u32> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|worker| worker.child.id())
            .collect()
    }
}

/// A worker process. Dropping it kills it.
pub(super) struct Worker {
    child: Child,
    socket: UnixStream,
    stream: Option<tokio::net::UnixStream>,
    received: Vec<u8>,
    /// Whether its last program is still to be heard of.
    is_ending: bool,
    alive: Arc<AtomicUsize>,
}

impl Worker {
    fn start(
        workers: &Workers,
        interpreter: &std::path::Path,
        alive: &Arc<AtomicUsize>,
    ) -> Result<Self, SandboxError> {
        let failed = |source| SandboxError::Host { action: "starting a sandbox worker".into(), source };
        if alive.fetch_add(1, Ordering::Relaxed) >= WORKERS_MAX {
            alive.fetch_sub(1, Ordering::Relaxed);
            let source = io::Error::other(format!("{WORKERS_MAX} sessions are open already"));
            return Err(failed(source));
        }
        let start = || -> io::Result<Self> {
            let (ours, theirs) = UnixStream::pair()?;
            ours.set_nonblocking(true)?;
            let child = Command::new(&workers.program)
                .args(&workers.arguments)
                .arg(interpreter)
                .env_clear()
                .current_dir("/")
                // What the terminal's keys signal is for us: workers end with their socket.
                .process_group(0)
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .stdout(Stdio::null())
                .spawn()?;
            Ok(Self {
                child,
                socket: ours,
                stream: None,
                received: Vec::new(),
                is_ending: false,
                alive: Arc::clone(alive),
            })
        };
        start().map_err(|source| {
            alive.fetch_sub(1, Ordering::Relaxed);
            failed(source)
        })
    }

    /// Sends messages, together, and receives the next message, of at most `max` bytes.
    pub(super) async fn talk(&mut self, messages: &[ToWorker], max: usize) -> io::Result<FromWorker> {
        let bytes: Vec<u8> = messages.iter().flat_map(ToWorker::encode).collect();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match (&self.socket).write(rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // The runtime's word may be old: only a write that it has seen fail makes it look again.
                    let stream = self.registered()?;
                    stream.writable().await?;
                    rest = rest.get(stream.try_write(rest).or_else(would_block)?..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        loop {
            if let Some(message) = self.message(max)? {
                return Ok(message);
            }
            let stream = self.registered()?;
            stream.readable().await?;
            let mut chunk = [0; CHUNK_BYTES];
            match stream.try_read(&mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.received.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(error) => drop(would_block(error)?),
            }
        }
    }

    /// The socket as the runtime of this session knows it.
    fn registered(&mut self) -> io::Result<&tokio::net::UnixStream> {
        match &mut self.stream {
            Some(stream) => Ok(stream),
            none => Ok(none.insert(tokio::net::UnixStream::from_std(self.socket.try_clone()?)?)),
        }
    }

    /// Leaves the runtime: the next session's may be another.
    fn leave_runtime(&mut self) {
        self.stream = None;
    }

    /// Tells the worker that nobody waits for its program any more.
    pub(super) fn abandon(&mut self) -> io::Result<()> {
        self.is_ending = true;
        (&self.socket).write_all(&ToWorker::Abandon.encode())
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Whether the worker has done with its last program; notes its end if it is heard of now.
    fn is_free(&mut self) -> bool {
        const ENDING_BYTES_MAX: usize = 1 << 30;
        while self.is_ending {
            match self.message(ENDING_BYTES_MAX) {
                Ok(Some(FromWorker::Ended(_))) => self.is_ending = false,
                Ok(Some(_)) => {}
                Ok(None) if self.read().unwrap_or(false) => {}
                _ => return false,
            }
        }
        true
    }

    /// The message that has arrived whole, if one has.
    fn message(&mut self, max: usize) -> io::Result<Option<FromWorker>> {
        let malformed = |error: Malformed| io::Error::new(io::ErrorKind::InvalidData, error);
        let Some((header, rest)) = self.received.split_first_chunk::<4>() else { return Ok(None) };
        let length = announced(*header, max).map_err(malformed)?;
        let Some(payload) = rest.get(..length) else { return Ok(None) };
        let message = FromWorker::decode(payload).map_err(malformed)?;
        self.received.drain(..4 + length);
        Ok(Some(message))
    }

    /// Reads what has come; `false` where nothing has.
    fn read(&mut self) -> io::Result<bool> {
        let before = self.received.len();
        self.received.resize(before + CHUNK_BYTES, 0);
        let result = (&self.socket).read(self.received.get_mut(before..).unwrap_or_default());
        self.received.truncate(before + result.as_ref().map_or(0, |count| *count));
        match result {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// No bytes, where that is all that the error says.
fn would_block(error: io::Error) -> io::Result<usize> {
    if error.kind() == io::ErrorKind::WouldBlock { Ok(0) } else { Err(error) }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Fails only where it is dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}
