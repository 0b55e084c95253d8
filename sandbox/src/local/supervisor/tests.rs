//! The order of answers, kills and reaping: every order in which these can happen, against a model of what must come of it.
//!
//! A test plays the program and its guard, with a real process to kill; the supervisor takes a step after each event.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdin, Command as Process, Stdio};

use rustix::event::{Timespec, poll};
use rustix::net::{AddressFamily, SendFlags, Shutdown, SocketFlags, SocketType, send, shutdown, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::*;

const OUTPUT_MAX: usize = 4;
const FRAME: &[u8] = b"\x02\0\0\0ok";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// The program says something over its channel, asked or not.
    Says,
    /// It writes more than it may.
    Floods,
    /// It ends by itself.
    Exits,
    /// Its guard tells of its end.
    GuardTells,
    /// Its guard dies.
    GuardDies,
    /// The caller asks something, and waits from then on.
    Asks,
    /// The time of what the caller waits for is up.
    TimeIsUp,
    /// The caller wants to hear the end, and waits from then on.
    Finishes,
    /// The caller goes away.
    Leaves,
}

use Event::{Asks, Exits, Finishes, Floods, GuardDies, GuardTells, Leaves, Says, TimeIsUp};

const EVENTS: [Event; 9] = [Says, Floods, Exits, GuardTells, GuardDies, Asks, TimeIsUp, Finishes, Leaves];

/// What the caller waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    Answer,
    End,
}

/// What must be true, in terms of what happened.
#[derive(Debug, Clone)]
struct Model {
    happened: Vec<Event>,
    awaited: Awaited,
    is_alive: bool,
    /// What the program said and nobody has taken.
    is_saying: bool,
    /// What it was killed for.
    killed_for: Option<Cause>,
    /// Whether the supervisor can know of its end.
    is_known_to_have_ended: bool,
    /// What the caller has heard.
    heard: Vec<Exchange>,
    is_over: bool,
}

impl Model {
    const fn new() -> Self {
        Self {
            happened: Vec::new(),
            awaited: Awaited::Nothing,
            is_alive: true,
            is_saying: false,
            killed_for: None,
            is_known_to_have_ended: false,
            heard: Vec::new(),
            is_over: false,
        }
    }

    fn has(&self, event: Event) -> bool {
        self.happened.contains(&event)
    }

    fn can(&self, event: Event) -> bool {
        let is_first = !self.has(event);
        match event {
            Says | Floods | Exits => is_first && self.is_alive,
            GuardTells => is_first && !self.is_alive && !self.has(GuardDies),
            GuardDies => is_first && !self.has(GuardTells),
            TimeIsUp => is_first && self.awaited != Awaited::Nothing,
            Asks | Finishes => is_first && self.awaited == Awaited::Nothing,
            Leaves => true,
        }
    }

    fn after(&self, event: Event) -> Self {
        let mut next = self.clone();
        next.happened.push(event);
        match event {
            Says => next.is_saying = true,
            Floods => next.kill(Cause::OutputLimit),
            Exits => next.is_alive = false,
            GuardTells | GuardDies => next.is_known_to_have_ended = true,
            Asks => {
                if next.is_saying {
                    next.kill(Cause::Crashed { cause: UNASKED.to_owned() });
                }
                next.awaited = Awaited::Answer;
            }
            TimeIsUp => {}
            Finishes => next.awaited = Awaited::End,
            Leaves => next.is_over = true,
        }
        next.settle(event == TimeIsUp);
        next
    }

    fn kill(&mut self, cause: Cause) {
        self.killed_for.get_or_insert(cause);
        self.is_alive = false;
    }

    /// Whether the caller has what it waits for.
    fn settle(&mut self, is_late: bool) {
        let has_ended = self.is_known_to_have_ended || self.killed_for.is_some();
        match self.awaited {
            Awaited::Answer if self.is_saying && self.killed_for.is_none() => {
                self.is_saying = false;
                self.heard.push(Exchange::Answer(b"ok".to_vec()));
                self.awaited = Awaited::Nothing;
            }
            Awaited::Nothing => {}
            _ if !has_ended && !is_late => {}
            waits => {
                if !has_ended {
                    self.kill(Cause::Timeout { clock: Clock::Wall });
                }
                if waits == Awaited::Answer {
                    self.heard.push(Exchange::Ended);
                }
                self.awaited = Awaited::Nothing;
                self.is_over |= waits == Awaited::End;
            }
        }
    }

    /// What is said of the end, if the session was finished. Without its guard's word nothing is known of a program.
    fn cause(&self) -> Option<Cause> {
        let itself = Cause::Exited { status: 0 };
        (!self.has(GuardDies)).then(|| self.killed_for.clone().unwrap_or(itself))
    }
}

/// A program and its guard, as the supervisor sees them.
struct Play {
    process: Child,
    pidfd: OwnedFd,
    /// Closed, it ends the process.
    life: Option<ChildStdin>,
    stdout: OwnedFd,
    channel: OwnedFd,
    guard: Option<OwnedFd>,
}

impl Play {
    fn start() -> (Self, Supervisor) {
        let mut process = Process::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let open = || {
            let pid = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
            pidfd_open(pid, PidfdFlags::empty()).unwrap()
        };
        let (pidfd, candidate, its_guard) = (open(), open(), open());
        let pipe = || pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let pair = |kind| socketpair(AddressFamily::UNIX, kind, flags, None).unwrap();
        let (stdout_ours, stdout) = pipe();
        let (channel_ours, channel) = pair(SocketType::STREAM);
        let (control, guard) = pair(SocketType::SEQPACKET);
        let life = process.stdin.take();
        let ends = [stdout_ours, pipe().0, channel_ours, control];
        let program = Contained::played(ends, candidate, its_guard);
        let limits = Limits { output_bytes: OUTPUT_MAX, ..Limits::default() };
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
        let supervisor = Supervisor::new(program, limits, mpsc::channel().1, Arc::new(wake));
        (Self { process, pidfd, life, stdout, channel, guard: Some(guard) }, supervisor)
    }

    fn act(&mut self, event: Event) {
        match event {
            Says => drop(send(&self.channel, FRAME, SendFlags::NOSIGNAL)),
            Floods => drop(rustix::io::write(&self.stdout, &[b'x'; OUTPUT_MAX + 1]).unwrap()),
            Exits => {
                self.life = None;
                self.await_death();
            }
            GuardTells => self.tell(),
            // A process that another thread is starting may hold the socket for a moment longer.
            GuardDies => {
                self.guard.take().into_iter().for_each(|guard| shutdown(&guard, Shutdown::Both).unwrap())
            }
            Asks | TimeIsUp | Finishes | Leaves => {}
        }
    }

    fn await_death(&self) {
        let patience = Timespec { tv_sec: 10, tv_nsec: 0 };
        let died = poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], Some(&patience)).unwrap();
        assert_eq!(died, 1, "the program still runs");
    }

    /// Reaps the process and says how it ended, unless the guard is dead or has said so.
    fn tell(&mut self) {
        self.await_death();
        let status = self.process.wait().unwrap().into_raw();
        let record = [&b"S"[..], &status.to_le_bytes(), &[0; 16]].concat();
        if let Some(guard) = self.guard.take() {
            send(&guard, &record, SendFlags::NOSIGNAL).unwrap();
        }
    }
}

/// What the caller heard, and what was said of the end, if it asked.
fn act_out(model: &Model) -> (Vec<Exchange>, Option<Result<Cause, SandboxError>>) {
    let (mut play, mut supervisor) = Play::start();
    let far = Instant::now() + Duration::from_secs(3600);
    let (mut heard, mut talk, mut is_awaiting_end) = (Vec::new(), None, false);
    for event in &model.happened {
        play.act(*event);
        match event {
            Asks => talk = Some(supervisor.begin(b"?").unwrap()),
            Finishes => is_awaiting_end = true,
            _ => {}
        }
        let interest = talk.as_ref().map_or(PollFlags::empty(), Conversation::interest);
        supervisor.pump(Some(Instant::now()), interest).unwrap();
        let until = if *event == TimeIsUp { Instant::now() } else { far };
        if let Some(exchange) = talk.as_mut().and_then(|talk| supervisor.advance(talk, until)) {
            heard.push(exchange);
            talk = None;
        }
        is_awaiting_end = is_awaiting_end && !supervisor.is_over(until);
    }
    assert!(!is_awaiting_end && talk.is_none() || model.has(Leaves), "{model:?}");
    // Whoever did not end by itself is killed at the latest when its supervisor goes.
    let killed = !model.has(Exits);
    let ending = std::thread::scope(|scope| {
        let end = scope
            .spawn(move || (!model.has(Leaves)).then(|| supervisor.into_ending().map(|ending| ending.cause)));
        if !model.has(GuardTells) {
            play.tell();
        }
        end.join().unwrap()
    });
    let status = play.process.wait().unwrap();
    assert_eq!(status.signal(), killed.then_some(libc::SIGKILL), "{model:?}");
    (heard, ending)
}

/// Calls `check` with every course that events can take to the end of a session.
fn courses(model: &Model, check: &mut impl FnMut(&Model)) {
    for event in EVENTS.into_iter().filter(|event| model.can(*event)) {
        let next = model.after(event);
        if next.is_over { check(&next) } else { courses(&next, check) }
    }
}

#[test]
fn answers_kills_and_reaping_may_come_in_any_order() {
    let mut count = 0;
    courses(&Model::new(), &mut |model| {
        count += 1;
        let (heard, ending) = act_out(model);
        assert_eq!(heard, model.heard, "{model:?}");
        match ending {
            None => assert!(model.has(Leaves)),
            Some(Ok(cause)) => assert_eq!(Some(cause), model.cause(), "{model:?}"),
            Some(Err(error)) => {
                assert_eq!(model.cause(), None, "{model:?}: {error}");
                assert!(matches!(error, SandboxError::Worker { .. }), "{error}");
            }
        }
    });
    assert!(count > 100, "{count}");
}
