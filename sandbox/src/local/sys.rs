//! The system calls that no safe wrapper offers. Each is a thin function; what they are for is said where they are used.
//!
//! All but [`clone_process`] may be called between `clone` and `exec`: they allocate nothing and take no lock.
#![expect(
    unsafe_code,
    reason = "system calls without a safe wrapper: clone, landlock, mount_setattr, execve"
)]

use std::convert::Infallible;
use std::ffi::{CStr, CString, c_char};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::fs::AtFlags;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::CapabilitySet;

/// `MOUNT_ATTR_RDONLY`: read-only.
pub(super) const MOUNT_RDONLY: u64 = 1;
/// `MOUNT_ATTR_NOSUID`: set-user-id bits mean nothing.
pub(super) const MOUNT_NOSUID: u64 = 2;
/// `MOUNT_ATTR_NODEV`: device files do not open.
pub(super) const MOUNT_NODEV: u64 = 4;
/// `AT_RECURSIVE`: the mounts beneath as well.
pub(super) const AT_RECURSIVE: AtFlags = AtFlags::from_bits_retain(0x8000);

/// `LANDLOCK_ACCESS_FS_READ_FILE`: open a file for reading.
pub(super) const LANDLOCK_READ_FILE: u64 = 4;

/// `struct mount_attr` of `linux/mount.h`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// `struct landlock_path_beneath_attr` of `linux/landlock.h`.
#[repr(C, packed)]
struct PathBeneath {
    access: u64,
    parent: RawFd,
}

/// An array of C strings that ends with a null pointer, as `exec` takes it.
pub(super) struct StringArray {
    pointers: Vec<*const c_char>,
    /// Owns what the pointers point at.
    _strings: Vec<CString>,
}

impl StringArray {
    pub(super) fn new(strings: Vec<CString>) -> Self {
        let ends = std::iter::once(std::ptr::null());
        let pointers = strings.iter().map(|string| string.as_ptr()).chain(ends).collect();
        Self { pointers, _strings: strings }
    }
}

fn check(result: libc::c_long) -> Result<libc::c_long, Errno> {
    if result < 0 { Err(last_error()) } else { Ok(result) }
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// Copies the calling process into new namespaces (`flags`, may be 0) and runs `enter` in the copy, with all signals
/// blocked. Unlike `fork` this runs no handlers of the C library; `enter` may only make system calls.
pub(super) fn clone_process(
    flags: libc::c_int,
    enter: impl FnOnce() -> Infallible,
) -> Result<(Pid, OwnedFd), Errno> {
    let mut pidfd: RawFd = -1;
    let flags = libc::c_long::from(flags | libc::CLONE_PIDFD | libc::SIGCHLD);
    let null = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: no CLONE_VM, so the child has its own copy of this stack and memory; `pidfd` outlives the call. The
    // order of the last two arguments differs between machines, and both are null.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone, flags, null, &raw mut pidfd, null, null) })?;
    if pid == 0 {
        enter();
    }
    // SAFETY: the kernel has put a new descriptor there, which nobody else owns.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    Ok((pid, pidfd))
}

/// Blocks every signal in the calling thread, so that handlers of the host never run in a copy of it.
pub(super) fn block_signals() {
    // SAFETY: a zeroed set is valid storage, filled before it is used.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
    }
}

/// Gives every signal its default action and unblocks all: ignored ones would stay ignored across `exec`.
pub(super) fn reset_signals() {
    // SAFETY: plain system calls on local storage; signals that cannot be set fail, which is fine.
    unsafe {
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
    }
}

/// Takes every capability but these out of the set that `exec` could give back. Without privileges there is none to take.
pub(super) fn bound_capabilities(kept: CapabilitySet) {
    const LAST_POSSIBLE: u32 = 63;
    for capability in (0..=LAST_POSSIBLE).filter(|number| kept.bits() >> number & 1 == 0) {
        // SAFETY: takes numbers only; unknown capabilities fail, which is fine.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(capability), 0, 0, 0) };
    }
}

/// Puts a copy of `from` at the number `to`, kept on `exec`.
pub(super) fn place_descriptor(from: RawFd, to: RawFd) -> Result<(), Errno> {
    // SAFETY: acts on numbers only; the caller is a fresh process whose descriptors nobody else uses.
    check(unsafe { libc::dup3(from, to, 0) }.into()).map(drop)
}

/// A copy of the descriptor with a number of at least `least`, closed on `exec`.
pub(super) fn lift_descriptor(from: RawFd, least: RawFd) -> Result<RawFd, Errno> {
    // SAFETY: acts on numbers only.
    let lifted = check(unsafe { libc::fcntl(from, libc::F_DUPFD_CLOEXEC, least) }.into())?;
    i32::try_from(lifted).map_err(|_| Errno::BADF)
}

/// Closes all descriptors from `first` on.
pub(super) fn close_from(first: libc::c_uint) -> Result<(), Errno> {
    // SAFETY: the caller is a fresh process that uses none of them any more.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) }).map(drop)
}

/// Writes to a descriptor by number; for the report of a failure, where nothing better is left to do than to try.
pub(super) fn write_number(to: RawFd, bytes: &[u8]) {
    // SAFETY: the pointer and length are those of a live slice.
    let _ = unsafe { libc::write(to, bytes.as_ptr().cast(), bytes.len()) };
}

/// Adds attributes to a mount.
pub(super) fn restrict_mount(mount: BorrowedFd<'_>, set: u64, flags: AtFlags) -> Result<(), Errno> {
    let attributes = MountAttributes { set, clear: 0, propagation: 0, user_namespace: 0 };
    let flags = (flags | AtFlags::EMPTY_PATH).bits();
    let (path, size) = (c"".as_ptr(), size_of::<MountAttributes>());
    // SAFETY: the structure is laid out as the kernel's first version of it, and its size is passed along.
    check(unsafe {
        libc::syscall(libc::SYS_mount_setattr, mount.as_raw_fd(), path, flags, &raw const attributes, size)
    })
    .map(drop)
}

/// Adds a rule to a landlock rule set: `access` beneath the folder.
pub(super) fn landlock_allow(rules: RawFd, folder: BorrowedFd<'_>, access: u64) -> Result<(), Errno> {
    const RULE_PATH_BENEATH: libc::c_int = 1;
    let rule = PathBeneath { access, parent: folder.as_raw_fd() };
    // SAFETY: the structure is laid out as the kernel's.
    check(unsafe { libc::syscall(libc::SYS_landlock_add_rule, rules, RULE_PATH_BENEATH, &raw const rule, 0) })
        .map(drop)
}

/// Replaces the program by this executable. Returns only on failure.
pub(super) fn execute(executable: &CStr, arguments: &StringArray, environment: &StringArray) -> Errno {
    let (argv, envp) = (arguments.pointers.as_ptr(), environment.pointers.as_ptr());
    // SAFETY: both arrays end with a null pointer and own their strings.
    unsafe { libc::execve(executable.as_ptr(), argv, envp) };
    last_error()
}

/// Ends the process at once, without running anything of the host's.
pub(super) fn exit_now(status: libc::c_int) -> Infallible {
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}
