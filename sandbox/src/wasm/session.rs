//! One program: an instance of the interpreter on a thread of its own.

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use wasmtime::{Store, Trap, UpdateDeadline};

use super::files::Files;
use super::host::{Host, Left, Start, Stop};
use super::line::Line;
use super::line::thread::{Offer, ThreadLine, Work};
use super::machine::Machine;
use super::{engine, snapshot};
use crate::error::SandboxError;
use crate::session::{Cause, Ending, Exchange, Open, Session, Usage};
use crate::verdict::Clock;

/// Whole sessions' end, as their threads report it.
pub(super) type End = Result<Ending, SandboxError>;

/// A session in this process. Dropping it ends its program at once.
pub(super) struct WasmSession {
    control: Control,
    permits: Arc<Semaphore>,
    ending: oneshot::Receiver<End>,
}

/// The host's hold on a program.
struct Control {
    line: Arc<ThreadLine>,
    machine: Arc<Machine>,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.line.kill();
        // Programs look up when the epoch moves.
        self.machine.engine.increment_epoch();
    }
}

impl WasmSession {
    /// Starts a program. It runs at once, until it asks for its first request.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(
        machine: Arc<Machine>,
        permits: Arc<Semaphore>,
        permit: OwnedSemaphorePermit,
        open: Open,
    ) -> Result<Self, SandboxError> {
        let line = Arc::new(ThreadLine::new(open.limits.wall, permit));
        let control = Control { line: Arc::clone(&line), machine: Arc::clone(&machine) };
        let (sender, ending) = oneshot::channel();
        let thread = move || {
            let ended = EndOnDrop(Arc::clone(&line));
            let _ticking = machine.ticker.ticking();
            let host = host(&machine, open, Some(Arc::clone(&line) as Arc<dyn Line>));
            let end = instantiate(&machine, host)
                .map(|(mut store, instance)| run(&mut store, &instance, machine.main, &*line));
            drop(machine);
            // The session may be gone; then nobody asks how its program ended.
            let _ = sender.send(end);
            drop(ended);
        };
        std::thread::Builder::new()
            .name("codeagent-wasm".into())
            .stack_size(engine::STACK_BYTES + engine::HOST_STACK_BYTES)
            .spawn(thread)
            .map_err(|source| SandboxError::Host { action: "starting a thread".into(), source })?;
        Ok(Self { control, permits, ending })
    }
}

/// Says that the program has ended, whatever ended it.
struct EndOnDrop(Arc<ThreadLine>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Hands work to the program, with a permit where it has none.
async fn hand_over(
    line: &ThreadLine,
    permits: &Arc<Semaphore>,
    mut work: Work,
    allowance: Duration,
) -> Result<Option<oneshot::Receiver<Vec<u8>>>, SandboxError> {
    let mut permit = None;
    loop {
        match line.offer(work, allowance, permit) {
            Offer::Taken(answer) => return Ok(Some(answer)),
            Offer::Ended => return Ok(None),
            Offer::NeedsPermit(again) => work = again,
        }
        permit = Some(super::acquire(permits).await?);
    }
}

impl Session for WasmSession {
    fn exchange<'a>(
        &'a mut self,
        request: &'a [u8],
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Exchange, SandboxError>> {
        Box::pin(async move {
            let line = &self.control.line;
            let unfinished = KillUnlessDone { line, done: false };
            let work = Work::Request(request.to_vec());
            let answer = match hand_over(line, &self.permits, work, deadline).await? {
                Some(answer) => answer.await.ok(),
                None => None,
            };
            unfinished.done();
            Ok(answer.map_or(Exchange::Ended, Exchange::Answer))
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Ending, SandboxError>> {
        Box::pin(async move {
            let Self { control, permits, ending } = *self;
            hand_over(&control.line, &permits, Work::Close, Duration::MAX).await?;
            ending
                .await
                .unwrap_or_else(|_| Err(SandboxError::Worker { reason: "its thread panicked".into() }))
        })
    }
}

/// Ends the program when an exchange is given up: its answer would be taken for that to the next request.
struct KillUnlessDone<'l> {
    line: &'l ThreadLine,
    done: bool,
}

impl KillUnlessDone<'_> {
    fn done(mut self) {
        self.done = true;
    }
}

impl Drop for KillUnlessDone<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.line.kill();
        }
    }
}

/// The host of a program that starts like this.
pub(super) fn host(machine: &Machine, open: Open, line: Option<Arc<dyn Line>>) -> Host {
    Host::new(Start {
        stdin: open.stdin,
        limits: open.limits,
        memory_base: machine.memory_base,
        seed: open.seed,
        line,
        files: Files::none(),
        environment: Vec::new(),
    })
}

/// An instance of the interpreter, for the program of this host.
pub(super) fn instantiate(
    machine: &Machine,
    host: Host,
) -> Result<(Store<Host>, wasmtime::Instance), SandboxError> {
    let mut store = Store::new(&machine.engine, host);
    store.limiter(Host::limiter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|context| {
        context.data().check()?;
        Ok(UpdateDeadline::Continue(1))
    });
    let instance = machine.interpreter.instantiate(&mut store).map_err(|error| SandboxError::Worker {
        reason: format!("could not start the interpreter: {error:#}"),
    })?;
    Ok((store, instance))
}

/// Runs a program to its end, on the calling thread. While it runs somebody must keep the epoch moving.
pub(super) fn run(
    store: &mut Store<Host>,
    instance: &wasmtime::Instance,
    main: u32,
    line: &dyn Line,
) -> Ending {
    let result = instance
        .get_typed_func::<u32, u32>(&mut *store, snapshot::CALL)
        .and_then(|call| call.call(&mut *store, main));
    let wall = line.used();
    ending(result, store.data_mut().leave(), wall)
}

fn ending(result: wasmtime::Result<u32>, left: Left, wall: Duration) -> Ending {
    let usage = Usage {
        wall,
        cpu: left.cpu.unwrap_or(wall),
        peak_mib: u32::try_from(left.memory_peak.div_ceil(1 << 20)).unwrap_or(u32::MAX),
    };
    Ending {
        cause: cause(result, left.memory_refused),
        stdout: left.stdout,
        stderr: left.stderr,
        usage,
        memory_refused: left.memory_refused,
        refusals: left.refusals,
    }
}

/// Why a program ended, from what ended it.
fn cause(result: wasmtime::Result<u32>, memory_refused: bool) -> Cause {
    let error = match result {
        // The driver returned or raised, which it never does by itself.
        Ok(_) => return Cause::Exited { status: 1 },
        Err(error) => error,
    };
    match (error.downcast_ref::<Stop>(), error.downcast_ref::<Trap>()) {
        (Some(Stop::Exit(status)), _) => Cause::Exited { status: *status },
        (Some(Stop::OutputLimit), _) => Cause::OutputLimit,
        (Some(Stop::WallTimeout), _) => Cause::Timeout { clock: Clock::Wall },
        (Some(Stop::CpuTimeout), _) => Cause::Timeout { clock: Clock::Cpu },
        (Some(Stop::Killed), _) => Cause::Crashed { cause: "killed".into() },
        (None, Some(Trap::StackOverflow)) => Cause::Crashed { cause: "stack overflow".into() },
        // An interpreter that gets no memory where it cannot do without aborts.
        (None, Some(Trap::UnreachableCodeReached)) if memory_refused => Cause::Memory,
        (None, Some(Trap::UnreachableCodeReached)) => Cause::Crashed { cause: "abort".into() },
        (None, Some(trap)) => Cause::Crashed { cause: trap.to_string() },
        (None, None) => Cause::Crashed { cause: format!("{error:#}") },
    }
}
