//! What the program can ask of the host: WASI preview 1, as little of it as CPython needs.
//!
//! Standard streams, the channel, a clock, seeded randomness, and nothing else. Whatever is refused is written down
//! ([`Host::refuse`]) and answered with an error number, so that Python raises its usual exception. The functions are
//! methods of [`Host`] over a [`Guest`], without an engine in sight; [`linker`] makes them known to one.

mod files;
mod streams;
mod time;
mod unknown;

use std::sync::Arc;
use std::time::Duration;

use wasmtime::{Caller, Engine, Extern, Linker, Module, ResourceLimiter};

use super::clock::thread_cpu;
use super::files::Files;
use super::guest::{Errno, Guest};
use super::line::Line;
use crate::limits::Limits;
use crate::session::Open;
use streams::{Channel, Closed, Sink};
use time::Time;

/// Most refusals that are written down; see [`crate::session::Ending::refusals`].
const REFUSALS_MAX: usize = 32;

/// Why the host ended a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stop {
    /// It asked to end.
    #[error("exit with status {0}")]
    Exit(i32),
    /// It wrote more than it may.
    #[error("output limit")]
    OutputLimit,
    /// Its wall-clock time is up.
    #[error("wall-clock limit")]
    WallTimeout,
    /// Its CPU time is up.
    #[error("CPU limit")]
    CpuTimeout,
    /// The session was dropped.
    #[error("killed")]
    Killed,
}

/// What a host function ends with when it does not succeed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The program is told.
    Errno(Errno),
    /// The program ends.
    Stop(Stop),
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// What a host function answers.
pub(super) type Answer = Result<(), Fault>;

/// The host's side of one program.
pub(super) struct Host {
    stdin: Vec<u8>,
    stdin_read: usize,
    stdout: Sink,
    stderr: Sink,
    channel: Channel,
    closed: Closed,
    line: Option<Arc<dyn Line>>,
    environment: Vec<&'static str>,
    files: Files,
    time: Time,
    random: blake3::OutputReader,
    memory: Memory,
    refusals: Vec<String>,
    cpu_limit: Duration,
    /// What the thread had used when this program began.
    cpu_before: Duration,
}

/// What a program starts with.
pub(super) struct Start {
    /// Bytes on standard input.
    pub(super) stdin: Vec<u8>,
    /// Limits; memory is counted from `memory_base`.
    pub(super) limits: Limits,
    /// Memory of the interpreter before the program does anything, in bytes.
    pub(super) memory_base: usize,
    /// Seeds randomness.
    pub(super) seed: u64,
    /// The channel; none while the interpreter is initialised.
    pub(super) line: Option<Arc<dyn Line>>,
    /// Files to be seen.
    pub(super) files: Files,
    /// Environment, as `NAME=value`.
    pub(super) environment: Vec<&'static str>,
}

/// What a program left.
pub(super) struct Left {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) refusals: Vec<String>,
    pub(super) memory_refused: bool,
    pub(super) memory_peak: usize,
    /// CPU time; `None` where the system does not tell.
    pub(super) cpu: Option<Duration>,
}

impl Host {
    pub(super) fn new(start: Start) -> Self {
        let limits = start.limits;
        Self {
            stdin: start.stdin,
            stdin_read: 0,
            stdout: Sink::new(limits.output_bytes),
            stderr: Sink::new(limits.output_bytes),
            channel: Channel::new(limits.answer_bytes),
            closed: Closed::default(),
            line: start.line,
            environment: start.environment,
            files: start.files,
            time: Time::default(),
            random: randomness(start.seed),
            memory: Memory::new(start.memory_base, &limits),
            refusals: Vec::new(),
            cpu_limit: limits.cpu,
            cpu_before: thread_cpu().unwrap_or_default(),
        }
    }

    /// Becomes the host of this session. Until then the interpreter has only come to the wait for its first request.
    fn begin(&mut self, open: Open) {
        let Open { stdin, limits, seed } = open;
        self.stdin = stdin;
        self.stdout = Sink::new(limits.output_bytes);
        self.stderr = Sink::new(limits.output_bytes);
        self.channel = Channel::new(limits.answer_bytes);
        self.time = Time::default();
        self.random = randomness(seed);
        self.memory = Memory::new(self.memory.base, &limits);
        self.cpu_limit = limits.cpu;
        self.cpu_before = thread_cpu().unwrap_or_default();
    }

    /// CPU time that the program has used; `None` where the system does not tell.
    fn cpu(&self) -> Option<Duration> {
        thread_cpu().map(|used| used.saturating_sub(self.cpu_before))
    }

    /// What is left when the program has ended.
    pub(super) fn leave(&mut self) -> Left {
        let cpu = self.cpu();
        Left {
            stdout: std::mem::take(&mut self.stdout.bytes),
            stderr: std::mem::take(&mut self.stderr.bytes),
            refusals: std::mem::take(&mut self.refusals),
            memory_refused: self.memory.refused,
            memory_peak: self.memory.peak,
            cpu,
        }
    }

    /// The limiter of the program's memory.
    pub(super) fn limiter(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.memory
    }

    /// Whether the program may go on; asked at every tick of the epoch.
    pub(super) fn check(&self) -> Result<(), Stop> {
        if let Some(line) = &self.line {
            line.check()?;
        }
        match self.cpu() {
            Some(used) if self.line.is_some() && used > self.cpu_limit => Err(Stop::CpuTimeout),
            _ => Ok(()),
        }
    }

    /// Writes a refusal down, once.
    fn refuse(&mut self, what: String) {
        if self.refusals.len() < REFUSALS_MAX && !self.refusals.contains(&what) {
            self.refusals.push(what);
        }
    }

    /// Fills a buffer with this run's randomness.
    pub(super) fn random_get(&mut self, guest: &mut Guest<'_>, at: u32, length: u32) -> Answer {
        self.random.fill(guest.bytes_mut(super::guest::Buffer { at, length })?);
        Ok(())
    }

    /// Number and total size of environment variables.
    pub(super) fn environ_sizes_get(&self, guest: &mut Guest<'_>, count: u32, size: u32) -> Answer {
        let bytes: usize = self.environment.iter().map(|variable| variable.len() + 1).sum();
        guest.set_u32(count, u32::try_from(self.environment.len()).unwrap_or(0))?;
        guest.set_u32(size, u32::try_from(bytes).unwrap_or(0))?;
        Ok(())
    }

    /// The environment variables: pointers, and the zero-terminated texts that they point to.
    pub(super) fn environ_get(&self, guest: &mut Guest<'_>, pointers: u32, texts: u32) -> Answer {
        let (mut pointer, mut text) = (pointers, texts);
        for variable in &self.environment {
            guest.set_u32(pointer, text)?;
            guest.write(text, variable.as_bytes())?;
            text = super::guest::offset(text, u32::try_from(variable.len()).unwrap_or(u32::MAX))?;
            guest.write(text, &[0])?;
            text = super::guest::offset(text, 1)?;
            pointer = super::guest::offset(pointer, 4)?;
        }
        Ok(())
    }

    /// No arguments: `sys.argv` is the driver's business.
    pub(super) fn args_sizes_get(guest: &mut Guest<'_>, count: u32, size: u32) -> Answer {
        guest.set_u32(count, 0)?;
        guest.set_u32(size, 0)?;
        Ok(())
    }
}

/// The limit of a program's memory, and whether it was met.
struct Memory {
    /// What the interpreter takes before the program does anything, in bytes.
    base: usize,
    limit: usize,
    peak: usize,
    refused: bool,
}

impl Memory {
    fn new(base: usize, limits: &Limits) -> Self {
        let allowance = (limits.memory_mib as usize).saturating_mul(1 << 20);
        Self { base, limit: base.saturating_add(allowance), peak: base, refused: false }
    }
}

/// The randomness of a seed.
fn randomness(seed: u64) -> blake3::OutputReader {
    let mut hasher = blake3::Hasher::new_derive_key("codeagent-sandbox wasm random_get 1");
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof()
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.limit {
            self.refused = true;
            return Ok(false);
        }
        self.peak = self.peak.max(desired);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // The linked module's table has a fixed size; whatever else asks is no part of it.
        Ok(true)
    }
}

/// Module name of WASI preview 1.
const WASI: &str = "wasi_snapshot_preview1";

/// Makes the host's functions known: those above, and an error for every other import of `module`.
///
/// # Errors
/// When two functions get one name, which is a mistake in this file.
pub(super) fn linker(engine: &Engine, module: &Module) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    register_streams(&mut linker)?;
    register_files(&mut linker)?;
    register_process(&mut linker)?;
    unknown::register(&mut linker, module)?;
    Ok(linker)
}

type C<'a> = Caller<'a, Host>;

fn register_streams(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker
        .func_wrap(WASI, "fd_read", |c: C<'_>, fd: u32, list: u32, count: u32, read: u32| {
            call(c, |host, guest| host.fd_read(guest, fd, list, count, read))
        })?
        .func_wrap(WASI, "fd_write", |c: C<'_>, fd: u32, list: u32, count: u32, written: u32| {
            call(c, |host, guest| host.fd_write(guest, fd, list, count, written))
        })?
        .func_wrap(WASI, "fd_seek", |c: C<'_>, fd: u32, by: i64, whence: u32, position: u32| {
            call(c, |host, guest| host.fd_seek(guest, fd, by, whence, position))
        })?
        .func_wrap(WASI, "fd_tell", |c: C<'_>, fd: u32, position: u32| {
            call(c, |host, guest| host.fd_seek(guest, fd, 0, 1, position))
        })?
        .func_wrap(WASI, "fd_close", |c: C<'_>, fd: u32| call(c, |host, _| host.fd_close(fd)))?
        .func_wrap(WASI, "fd_fdstat_get", |c: C<'_>, fd: u32, at: u32| {
            call(c, |host, guest| host.fd_fdstat_get(guest, fd, at))
        })?
        .func_wrap(WASI, "fd_fdstat_set_flags", |c: C<'_>, fd: u32, _: u32| {
            call(c, |host, _| host.fd_fdstat_set_flags(fd))
        })?
        .func_wrap(WASI, "fd_filestat_get", |c: C<'_>, fd: u32, at: u32| {
            call(c, |host, guest| host.fd_filestat_get(guest, fd, at))
        })?;
    Ok(())
}

fn register_files(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker
        .func_wrap(WASI, "fd_prestat_get", |c: C<'_>, fd: u32, at: u32| {
            call(c, |_, guest| Host::fd_prestat_get(guest, fd, at))
        })?
        .func_wrap(WASI, "fd_prestat_dir_name", |c: C<'_>, fd: u32, at: u32, length: u32| {
            call(c, |_, guest| Host::fd_prestat_dir_name(guest, fd, at, length))
        })?
        .func_wrap(WASI, "fd_readdir", |c: C<'_>, fd: u32, at: u32, length: u32, cookie: u64, used: u32| {
            call(c, |host, guest| {
                host.fd_readdir(guest, fd, super::guest::Buffer { at, length }, cookie, used)
            })
        })?
        .func_wrap(
            WASI,
            "path_filestat_get",
            |c: C<'_>, fd: u32, _: u32, at: u32, length: u32, status: u32| {
                call(c, |host, guest| {
                    host.path_filestat_get(guest, fd, super::guest::Buffer { at, length }, status)
                })
            },
        )?
        .func_wrap(
            WASI,
            "path_open",
            |c: C<'_>,
             fd: u32,
             _: u32,
             at: u32,
             length: u32,
             how: u32,
             rights: u64,
             _: u64,
             _: u32,
             opened: u32| {
                call(c, |host, guest| {
                    host.path_open(guest, fd, super::guest::Buffer { at, length }, (how, rights), opened)
                })
            },
        )?;
    Ok(())
}

fn register_process(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker
        .func_wrap(WASI, "args_sizes_get", |c: C<'_>, count: u32, size: u32| {
            call(c, |_, guest| Host::args_sizes_get(guest, count, size))
        })?
        .func_wrap(WASI, "args_get", |c: C<'_>, _: u32, _: u32| call(c, |_, _| Ok(())))?
        .func_wrap(WASI, "environ_sizes_get", |c: C<'_>, count: u32, size: u32| {
            call(c, |host, guest| host.environ_sizes_get(guest, count, size))
        })?
        .func_wrap(WASI, "environ_get", |c: C<'_>, pointers: u32, texts: u32| {
            call(c, |host, guest| host.environ_get(guest, pointers, texts))
        })?
        .func_wrap(WASI, "clock_res_get", |c: C<'_>, _: u32, at: u32| {
            call(c, |_, guest| Host::clock_res_get(guest, at))
        })?
        .func_wrap(WASI, "clock_time_get", |c: C<'_>, _: u32, _: u64, at: u32| {
            call(c, |host, guest| host.clock_time_get(guest, at))
        })?
        .func_wrap(WASI, "poll_oneoff", |c: C<'_>, wants: u32, events: u32, count: u32, happened: u32| {
            call(c, |host, guest| host.poll_oneoff(guest, wants, events, count, happened))
        })?
        .func_wrap(WASI, "random_get", |c: C<'_>, at: u32, length: u32| {
            call(c, |host, guest| host.random_get(guest, at, length))
        })?
        .func_wrap(WASI, "sched_yield", |c: C<'_>| call(c, |_, _| Ok(())))?
        .func_wrap(WASI, "proc_exit", |_: C<'_>, status: i32| -> wasmtime::Result<()> {
            Err(Stop::Exit(status).into())
        })?;
    Ok(())
}

/// Calls a host function with the host's data and the program's memory.
fn call(
    mut caller: C<'_>,
    function: impl FnOnce(&mut Host, &mut Guest<'_>) -> Answer,
) -> wasmtime::Result<u32> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Ok(Errno::Fault as u32);
    };
    let (bytes, host) = memory.data_and_store_mut(&mut caller);
    match function(host, &mut Guest::new(bytes)) {
        Ok(()) => Ok(0),
        Err(Fault::Errno(errno)) => Ok(errno as u32),
        Err(Fault::Stop(stop)) => Err(stop.into()),
    }
}

#[cfg(test)]
mod tests;
