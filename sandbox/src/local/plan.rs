//! What the first steps of a zygote's process do, from its birth as a copy of ours to the start of its interpreter.
//!
//! Everything is prepared before the process exists: between `clone` and `exec` it makes system calls and nothing else.
//! The order matters: namespaces and root while still privileged, then the privileges, of which only those are kept that
//! making contained copies takes.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::report::{self, Stage};
use super::root::Root;
use super::sys::{self, StringArray};

/// Descriptors of the zygote: stdin, stdout, stderr, the host, the start-up data, and the landlock rule set, if any.
pub(super) const DESCRIPTORS: usize = 6;
/// Where the host's end is, in the new process.
const HOST: RawFd = 3;
/// Where the landlock rule set is, in the new process.
const RULES: RawFd = 5;

/// Who the zygote is on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// As we are, without capabilities.
    Ours,
    /// As we are, root, so that its copies can have user ids of their own.
    Root,
    /// As we are, but root in a user namespace that maps nobody else.
    Mapped,
}

/// Everything that the process needs to start.
pub(super) struct Plan {
    pub(super) descriptors: [Option<RawFd>; DESCRIPTORS],
    pub(super) executable: CString,
    pub(super) arguments: StringArray,
    pub(super) environment: StringArray,
    pub(super) identity: Identity,
    /// Contents of `uid_map` and `gid_map`, for [`Identity::Mapped`].
    pub(super) maps: [String; 2],
    /// A root of its own, and places for the work of setting it up.
    pub(super) root: Option<(Root, Vec<Option<OwnedFd>>)>,
    /// The rights beneath a private `/tmp`, where there are a rule set and a root.
    pub(super) temp_access: Option<u64>,
}

/// Carries the plan out in the new process. Reports a failure and ends it, or else becomes the interpreter.
pub(super) fn enter(plan: &mut Plan) -> Infallible {
    let mut host = plan.descriptors.get(3).copied().flatten().unwrap_or(HOST);
    let (stage, error) = match prepare(plan, &mut host) {
        Ok(()) => (Stage::Execute, sys::execute(&plan.executable, &plan.arguments, &plan.environment)),
        Err(failed) => failed,
    };
    sys::write_number(host, &report::failure(stage, error));
    sys::exit_now(127)
}

fn prepare(plan: &mut Plan, host: &mut RawFd) -> Result<(), (Stage, Errno)> {
    let at = |stage| move |error| (stage, error);
    sys::reset_signals();
    rustix::process::umask(Mode::from_raw_mode(0o022));
    place_descriptors(plan, host).map_err(at(Stage::Descriptors))?;
    rustix::process::setsid().map_err(at(Stage::Privileges))?;
    if plan.identity == Identity::Mapped {
        map_user(&plan.maps).map_err(at(Stage::UserNamespace))?;
    }
    match &mut plan.root {
        Some((root, places)) => root.enter(places).map_err(at(Stage::Root))?,
        None => rustix::process::chdir(c"/").map_err(at(Stage::Root))?,
    }
    keep_privileges(plan.identity).map_err(at(Stage::Privileges))?;
    if let Some(access) = plan.temp_access {
        allow_temp(access).map_err(at(Stage::Landlock))?;
    }
    Ok(())
}

/// Moves the descriptors to 0, 1, 2 and so on, by way of high numbers, since any of them may be in another's place, and
/// closes all others.
fn place_descriptors(plan: &Plan, host: &mut RawFd) -> Result<(), Errno> {
    const HIGH: RawFd = 100;
    let files = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum })?;
    let mut lifted = [None; DESCRIPTORS];
    for (to, from) in lifted.iter_mut().zip(plan.descriptors) {
        *to = match from {
            Some(from) => Some(sys::lift_descriptor(from, HIGH)?),
            None => None,
        };
    }
    *host = lifted.get(3).copied().flatten().unwrap_or(HOST);
    for (from, to) in lifted.iter().zip(0..) {
        if let Some(from) = from {
            sys::place_descriptor(*from, to)?;
        }
    }
    *host = HOST;
    sys::close_from(if plan.descriptors.last().is_some_and(Option::is_some) { 6 } else { 5 })
}

fn map_user([users, groups]: &[String; 2]) -> Result<(), Errno> {
    write_file(c"/proc/self/setgroups", b"deny")?;
    write_file(c"/proc/self/uid_map", users.as_bytes())?;
    write_file(c"/proc/self/gid_map", groups.as_bytes())
}

fn write_file(path: &CStr, text: &[u8]) -> Result<(), Errno> {
    let file = open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, text).map(drop)
}

fn keep_privileges(identity: Identity) -> Result<(), Errno> {
    let kept = match identity {
        Identity::Ours => CapabilitySet::empty(),
        // For namespaces and mounts, and for the copies' identities.
        Identity::Root => CapabilitySet::SYS_ADMIN | CapabilitySet::SETUID | CapabilitySet::SETGID,
        Identity::Mapped => CapabilitySet::SYS_ADMIN,
    };
    sys::bound_capabilities(kept);
    let inheritable = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable })?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
}

/// The folders in which the copies mount their own.
fn allow_temp(access: u64) -> Result<(), Errno> {
    let folder = |path| open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    sys::landlock_allow(RULES, folder(c"/private")?.as_fd(), access)?;
    sys::landlock_allow(RULES, folder(c"/dev")?.as_fd(), sys::LANDLOCK_READ_FILE)
}
