//! A worker process: runs one program after the other, each in a fresh instance, for the process that started it.
//!
//! The worker is this same executable, started anew. It loads the interpreter, locks itself down (`lockdown`), and then
//! always has an instance ready that waits for its program: what starting it takes is done while nobody waits.
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
use super::machine::Machine;
use super::message::FromWorker;
use super::{engine, lockdown, session};
use crate::error::SandboxError;
use crate::limits::Limits;
use crate::session::Open;

/// Programs that a worker runs at a time: one. Its successor is instantiated after it is gone.
const PROGRAMS: u32 = 1;

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
    match std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) {
        Ok(socket) => serve(&socket, path).map_err(|error| (socket, error)),
        Err(_) => Ok(()),
    }
}

fn serve(socket: &UnixStream, path: &Path) -> Result<(), SandboxError> {
    let failed = |action: &str, source| SandboxError::Host { action: action.to_owned(), source };
    let machine = Machine::load(engine::for_runs(PROGRAMS)?, path)?;
    end_with(socket).map_err(|source| failed("watching the socket", source))?;
    // The first instance makes what all later ones share, for which files are needed.
    let first = machine.interpreter.instantiate(&mut session::store(&machine, unopened(), None));
    first.map_err(|error| SandboxError::Worker {
        reason: format!("could not start the interpreter: {error:#}"),
    })?;
    lockdown::lock_down()?;
    loop {
        let line = SocketLine::new(socket, Arc::clone(&machine.ticker));
        let line = Arc::new(line.map_err(|source| failed("copying the socket", source))?);
        let ending = session::run(&machine, unopened(), Arc::clone(&line) as Arc<dyn Line>)?;
        line.say(FromWorker::Ended(Box::new(ending)));
    }
}

/// What an instance starts with that does not know its session yet.
fn unopened() -> Open {
    Open { stdin: Vec::new(), limits: Limits::default(), seed: 0 }
}

/// Ends this process as soon as the other end of the socket is closed, even while a program runs.
fn end_with(socket: &UnixStream) -> std::io::Result<()> {
    let socket = socket.try_clone()?;
    let watch = move || {
        loop {
            let closed = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
            let mut entries = [PollFd::new(&socket, PollFlags::RDHUP)];
            let polled = poll(&mut entries, None);
            let [entry] = &entries;
            if matches!(polled, Ok(1..)) && entry.revents().intersects(closed) {
                std::process::exit(0);
            }
        }
    };
    std::thread::Builder::new().name("codeagent-watch".into()).spawn(watch).map(drop)
}
