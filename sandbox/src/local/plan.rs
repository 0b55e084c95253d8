//! What the first steps of a contained process do, from its birth as a copy of ours to the start of its interpreter.
//!
//! Everything is prepared before the process exists: between `clone` and `exec` it makes system calls and nothing else.
//! The order matters: namespaces and root while still privileged, then the identity, then the layers that cannot be
//! taken off (`no_new_privs`, landlock, limits), the seccomp filter last.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets, Gid, Uid};
use seccompiler::sock_filter;

use super::filter::EXECUTABLE;
use super::root::Root;
use super::sys::{self, OnExec, StringArray};

/// Most open files that a program may be given: below [`EXECUTABLE`].
pub(super) const OPEN_FILES_MAX: u32 = 512;
/// Descriptors of the program: stdin, stdout, stderr, the channel, the start-up data, and the report of the start.
pub(super) const DESCRIPTORS: usize = 6;
/// The last of them, in the new process.
const REPORT: RawFd = 5;
/// Where the landlock rule set is, in the new process.
const RULES: RawFd = 6;
/// Length of the record that a failed start writes: [`FAILED`], the stage, the error number.
pub(super) const FAILURE_BYTES: usize = 6;
/// First byte of that record.
pub(super) const FAILED: u8 = b'E';

/// A step of the start, for the report of its failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    Descriptors,
    UserNamespace,
    Root,
    Identity,
    Privileges,
    Landlock,
    Limits,
    Seccomp,
    Execute,
}

impl Stage {
    /// All, in the order of their numbers, with what they are called in messages.
    const NAMES: [(Self, &'static str); 9] = [
        (Self::Descriptors, "passing on the open files"),
        (Self::UserNamespace, "the user namespace"),
        (Self::Root, "the private root"),
        (Self::Identity, "the private user id"),
        (Self::Privileges, "dropping privileges"),
        (Self::Landlock, "landlock"),
        (Self::Limits, "the resource limits"),
        (Self::Seccomp, "seccomp"),
        (Self::Execute, "starting the interpreter"),
    ];

    /// What the step with this number is called.
    pub(super) fn name(number: u8) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(stage, _)| *stage as u8 == number)
            .map_or("an unknown step", |(_, name)| *name)
    }
}

/// Who the program is on the host.
#[derive(Debug)]
pub(super) enum Identity {
    /// As we are, without capabilities.
    Ours,
    /// A user id of its own, which only root can give.
    Private(u32),
    /// As we are, in a user namespace that maps nobody else. Holds the contents of `uid_map` and `gid_map`.
    Mapped { users: String, groups: String },
}

/// Everything that the process needs to start.
pub(super) struct Plan {
    pub(super) descriptors: [RawFd; DESCRIPTORS],
    pub(super) executable: CString,
    pub(super) arguments: StringArray,
    pub(super) environment: StringArray,
    pub(super) identity: Identity,
    /// A root of its own, or else the folder to work in.
    pub(super) place: Place,
    /// The landlock rule set, and the rights beneath a private `/tmp` where there is one.
    pub(super) rules: Option<(OwnedFd, u64)>,
    pub(super) limits: Vec<(Resource, u64, u64)>,
    pub(super) filter: Option<Arc<[sock_filter]>>,
}

/// Where the program works.
pub(super) enum Place {
    /// In the `/tmp` of a root of its own; the descriptors are places for the work of setting it up.
    Root(Root, Vec<Option<OwnedFd>>),
    /// In a folder of the host.
    Folder(CString),
}

/// Carries the plan out in the new process. Reports a failure and ends it, or else becomes the interpreter.
pub(super) fn enter(plan: &mut Plan) -> Infallible {
    let [.., mut report] = plan.descriptors;
    let (stage, error) = start(plan, &mut report);
    let [a, b, c, d] = error.raw_os_error().to_ne_bytes();
    sys::write_number(report, &[FAILED, stage as u8, a, b, c, d]);
    sys::exit_now(127)
}

/// Returns only on failure, with the step that failed.
fn start(plan: &mut Plan, report: &mut RawFd) -> (Stage, Errno) {
    match prepare(plan, report) {
        Ok(()) => (Stage::Execute, sys::execute(EXECUTABLE, &plan.arguments, &plan.environment)),
        Err(failed) => failed,
    }
}

fn prepare(plan: &mut Plan, report: &mut RawFd) -> Result<(), (Stage, Errno)> {
    let at = |stage| move |error| (stage, error);
    sys::reset_signals();
    rustix::process::umask(Mode::from_raw_mode(0o022));
    place_descriptors(plan, report).map_err(at(Stage::Descriptors))?;
    rustix::process::setsid().map_err(at(Stage::Privileges))?;
    if let Identity::Mapped { users, groups } = &plan.identity {
        map_user(users, groups).map_err(at(Stage::UserNamespace))?;
    }
    match &mut plan.place {
        Place::Root(root, places) => root.enter(places).map_err(at(Stage::Root))?,
        Place::Folder(folder) => rustix::process::chdir(folder.as_c_str()).map_err(at(Stage::Root))?,
    }
    open_executable(&plan.executable).map_err(at(Stage::Execute))?;
    if let Identity::Private(id) = plan.identity {
        become_user(id).map_err(at(Stage::Identity))?;
    }
    drop_privileges().map_err(at(Stage::Privileges))?;
    if let Some((_, temp)) = &plan.rules {
        let own_temp = matches!(plan.place, Place::Root(..)).then_some(*temp);
        restrict_files(own_temp).map_err(at(Stage::Landlock))?;
    }
    set_limits(&plan.limits).map_err(at(Stage::Limits))?;
    if let Some(filter) = &plan.filter {
        sys::install_filter(filter).map_err(at(Stage::Seccomp))?;
    }
    Ok(())
}

/// Moves the descriptors to 0, 1, 2 and so on, by way of high numbers, since any of them may be in another's place, and
/// closes all others.
fn place_descriptors(plan: &Plan, report: &mut RawFd) -> Result<(), Errno> {
    const HIGH: RawFd = 100;
    let files = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum })?;
    let mut lifted = [-1; DESCRIPTORS];
    for (to, from) in lifted.iter_mut().zip(plan.descriptors) {
        *to = sys::lift_descriptor(from, HIGH)?;
    }
    let rules = match &plan.rules {
        Some((rules, _)) => Some(sys::lift_descriptor(rules.as_raw_fd(), HIGH)?),
        None => None,
    };
    [.., *report] = lifted;
    for (from, to) in lifted.iter().zip(0..) {
        sys::place_descriptor(*from, to, OnExec::Keep)?;
    }
    *report = REPORT;
    if let Some(rules) = rules {
        sys::place_descriptor(rules, RULES, OnExec::Close)?;
    }
    sys::close_from(if rules.is_some() { 7 } else { 6 })
}

fn map_user(users: &str, groups: &str) -> Result<(), Errno> {
    write_file(c"/proc/self/setgroups", b"deny")?;
    write_file(c"/proc/self/uid_map", users.as_bytes())?;
    write_file(c"/proc/self/gid_map", groups.as_bytes())
}

fn write_file(path: &CStr, text: &[u8]) -> Result<(), Errno> {
    let file = open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, text).map(drop)
}

fn open_executable(path: &CStr) -> Result<(), Errno> {
    let file = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    sys::place_descriptor(file.as_raw_fd(), EXECUTABLE, OnExec::Close)
}

fn become_user(id: u32) -> Result<(), Errno> {
    let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
    sys::drop_bounding_capabilities();
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(group, group, group)?;
    rustix::thread::set_thread_res_uid(user, user, user)
}

fn drop_privileges() -> Result<(), Errno> {
    let none = CapabilitySet::empty();
    sys::drop_bounding_capabilities();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )?;
    rustix::thread::set_no_new_privs(true)?;
    // After the identity, whose change would clear it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
}

fn restrict_files(own_temp: Option<u64>) -> Result<(), Errno> {
    if let Some(access) = own_temp {
        let path = OFlags::PATH | OFlags::CLOEXEC;
        sys::landlock_allow(RULES, open(c"/tmp", path, Mode::empty())?.as_fd(), access)?;
        sys::landlock_allow(
            RULES,
            open(c"/dev/stdin", path, Mode::empty())?.as_fd(),
            sys::LANDLOCK_READ_FILE,
        )?;
    }
    sys::landlock_restrict(RULES)
}

fn set_limits(limits: &[(Resource, u64, u64)]) -> Result<(), Errno> {
    for (resource, soft, hard) in limits {
        let ceiling = rustix::process::getrlimit(*resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit { current: Some((*soft).min(ceiling)), maximum: Some((*hard).min(ceiling)) };
        rustix::process::setrlimit(*resource, limit)?;
    }
    Ok(())
}
