//! A sandbox without any containment, for this crate's own tests and their own snippets: one `python3` per session,
//! with a socket pair as its descriptor 3. It keeps the session contract (clock, output cap, statuses) and no more.

use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;

use crate::marshal;
use crate::python::DRIVER;
use crate::session::{Capabilities, Cause, Ending, Exchange, Level, Open, Sandbox, Session, Usage};
use crate::value::Value;
use crate::verdict::Clock;
use crate::{Judge, SandboxError};

/// Starts plain child processes.
pub(crate) struct Plain;

pub(crate) fn judge() -> Judge {
    Judge::new(sandbox())
}

pub(crate) fn sandbox() -> Arc<dyn Sandbox> {
    Arc::new(Plain)
}

/// Runs a future of this crate with the plain sandbox, which never waits for a runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

struct PlainSession {
    child: Child,
    channel: Option<UnixStream>,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    start: Instant,
    wall: Duration,
    timed_out: bool,
    output_bytes: usize,
}

fn host(action: &str) -> impl FnOnce(std::io::Error) -> SandboxError {
    move |source| SandboxError::Host { action: action.to_owned(), source }
}

impl Sandbox for Plain {
    fn open(&self, open: Open) -> BoxFuture<'_, Result<Box<dyn Session>, SandboxError>> {
        Box::pin(async move {
            let session = start(open)?;
            // Starting is not the program's time: on a busy machine it takes seconds.
            let fields = [("op", Value::str("put")), ("id", Value::None), ("files", Value::Dict(Vec::new()))];
            let ready = session.frame(&marshal::encode(&Value::fields(fields)), Duration::from_secs(60));
            ready.map_err(host("waiting for python3"))?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { threads: true, files: true, ..Capabilities::new("plain", Level::None, "CPython") }
    }
}

fn start(open: Open) -> Result<PlainSession, SandboxError> {
    let (ours, theirs) = UnixStream::pair().map_err(host("opening the channel"))?;
    let theirs: OwnedFd = theirs.into();
    // The shell moves the channel to descriptor 3, which takes no unsafe code here.
    let theirs = rustix::io::fcntl_dupfd_cloexec(theirs.as_fd(), 10).unwrap();
    rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty()).unwrap();
    let memory = u64::from(open.limits.memory_mib + 256) << 10;
    let shell = format!(
        "ulimit -v {memory}; exec python3 -s -S -X utf8 -c \"$DRIVER\" 3<&{0} {0}<&-",
        theirs.as_raw_fd()
    );
    let mut child = Command::new("bash")
        .args(["-c", &shell])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("DRIVER", format!("{DRIVER}\nmain()\n"))
        // Without `-I`, which would have the interpreter ignore this.
        .env("PYTHONHASHSEED", (open.seed % (1 << 32)).to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(host("starting python3"))?;
    drop(theirs);
    let mut stdin = child.stdin.take().unwrap();
    std::thread::spawn(move || stdin.write_all(&open.stdin));
    let cap = open.limits.output_bytes;
    Ok(PlainSession {
        stdout: Some(capture(child.stdout.take().unwrap(), cap)),
        stderr: Some(capture(child.stderr.take().unwrap(), cap)),
        channel: Some(ours),
        child,
        start: Instant::now(),
        wall: open.limits.wall,
        timed_out: false,
        output_bytes: cap,
    })
}

/// Reads up to one byte more than `cap`, then closes the pipe.
fn capture(pipe: impl Read + Send + 'static, cap: usize) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.take(cap as u64 + 1).read_to_end(&mut bytes);
        bytes
    })
}

impl PlainSession {
    fn frame(&self, request: &[u8], deadline: Duration) -> std::io::Result<Vec<u8>> {
        let mut channel = self.channel.as_ref().unwrap();
        channel.set_read_timeout(Some(deadline.max(Duration::from_millis(1))))?;
        channel.write_all(&u32::try_from(request.len()).unwrap().to_le_bytes())?;
        channel.write_all(request)?;
        let mut head = [0; 4];
        channel.read_exact(&mut head)?;
        let mut body = vec![0; u32::from_le_bytes(head) as usize];
        channel.read_exact(&mut body)?;
        Ok(body)
    }

    fn end(&mut self) -> Ending {
        self.channel = None;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if self.start.elapsed() > self.wall {
                self.timed_out = true;
                self.child.kill().unwrap();
            }
            std::thread::yield_now();
        };
        let read = |handle: Option<JoinHandle<Vec<u8>>>| handle.unwrap().join().unwrap();
        let (mut stdout, mut stderr) = (read(self.stdout.take()), read(self.stderr.take()));
        let over = stdout.len().max(stderr.len()) > self.output_bytes;
        stdout.truncate(self.output_bytes);
        stderr.truncate(self.output_bytes);
        let cause = match status.code() {
            _ if over => Cause::OutputLimit,
            _ if self.timed_out => Cause::Timeout { clock: Clock::Wall },
            Some(status) => Cause::Exited { status },
            None => Cause::Crashed { cause: format!("signal {}", status.signal().unwrap_or_default()) },
        };
        let usage = Usage { wall: self.start.elapsed(), ..Usage::default() };
        Ending { cause, stdout, stderr, usage, memory_refused: false, refusals: Vec::new() }
    }
}

impl Session for PlainSession {
    fn exchange<'a>(
        &'a mut self,
        request: &'a [u8],
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Exchange, SandboxError>> {
        Box::pin(async move {
            match self.frame(request, deadline) {
                Ok(answer) => Ok(Exchange::Answer(answer)),
                Err(error) => {
                    if error.kind() == std::io::ErrorKind::WouldBlock {
                        self.timed_out = true;
                        self.child.kill().map_err(host("killing python3"))?;
                    }
                    Ok(Exchange::Ended)
                }
            }
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<Ending, SandboxError>> {
        Box::pin(async move { Ok(self.end()) })
    }
}

impl Drop for PlainSession {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
