//! A worker process: runs one program after the other, each in an instance like new, for the process that started it.
//!
//! The worker is this same executable, started anew. It loads the interpreter, locks itself down (`lockdown`), and then
//! always has an instance ready that waits for its program: what renewing it takes (`renewal`) is done while nobody waits.
//!
//! A worker speaks with the process that it works for through the socket that is its standard input, and ends with it.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};

use super::line::Line;
use super::line::socket::SocketLine;
use super::machine::{Machine, Made};
use super::message::FromWorker;
use super::renewal::Renewal;
use super::{engine, lockdown};
use crate::error::SandboxError;

/// Instances of a worker: one that runs programs, and one that never does.
const PROGRAMS: u32 = 2;

/// The main function of a worker process: an executable that is named in [`super::Workers`] calls it, and nothing else,
/// when it is started with that name's arguments, to which the path of the interpreter is added as the last.
#[must_use]
pub fn main() -> ExitCode {
    let path = std::env::args_os().next_back().unwrap_or_default();
    match work(Path::new(&path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err((socket, error)) => {
            use std::io::Write as _;
            // Where nobody listens any more, nobody needs to know.
            let _ = (&socket).write_all(&FromWorker::Failed(error.to_string()).encode());
            ExitCode::FAILURE
        }
    }
}

/// Works until there is nothing left to work for. On failure also the socket, to say so.
fn work(path: &Path) -> Result<(), (UnixStream, SandboxError)> {
    let Ok(socket) = std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else {
        return Ok(());
    };
    // Not on the main thread, whose stack is as large as the user's limits say.
    let served = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(engine::STACK_BYTES + engine::HOST_STACK_BYTES);
        let thread = thread.name("codeagent-worker".into()).spawn_scoped(scope, || serve(&socket, path));
        let joined = thread.map_err(|source| failed("starting a thread", source))?.join();
        joined.unwrap_or_else(|_| Err(SandboxError::Worker { reason: "it panicked".into() }))
    });
    served.map_err(|error| (socket, error))
}

fn serve(socket: &UnixStream, path: &Path) -> Result<(), SandboxError> {
    end_with(socket).map_err(|source| failed("watching the socket", source))?;
    let mut renewal = Renewal::new(Machine::load(engine::for_runs(PROGRAMS)?, &Made::at(path)?)?)?;
    lockdown::lock_down()?;
    loop {
        let line = SocketLine::new(socket, Arc::clone(renewal.ticker()));
        let line = Arc::new(line.map_err(|source| failed("copying the socket", source))?);
        let ending = renewal.run(&(Arc::clone(&line) as Arc<dyn Line>))?;
        line.say(FromWorker::Ended(Box::new(ending)));
        renewal.renew();
    }
}

fn failed(action: &str, source: std::io::Error) -> SandboxError {
    SandboxError::Host { action: action.to_owned(), source }
}

/// Ends this process as soon as the other end of the socket is closed, even while a program runs.
fn end_with(socket: &UnixStream) -> std::io::Result<()> {
    let socket = socket.try_clone()?;
    let watch = move || {
        loop {
            let closed = PollFlags::HUP | PollFlags::ERR;
            // Nothing to wait for but the end, which is told in any case.
            let mut entries = [PollFd::new(&socket, PollFlags::empty())];
            let polled = poll(&mut entries, None);
            let [entry] = &entries;
            if matches!(polled, Ok(1..)) && entry.revents().intersects(closed) {
                std::process::exit(0);
            }
        }
    };
    std::thread::Builder::new().name("codeagent-watch".into()).spawn(watch).map(drop)
}
