//! The seccomp filter: which system calls a contained program may make.
//!
//! It is put on as the last layer, just before the driver serves its first request; with it nothing but computing, the
//! program's own files, its own threads and time remains. A call that is not in the table fails with EPERM, `clone3`
//! with ENOSYS (the C library then falls back to `clone`, whose flags a filter can see), and a call by the rules of
//! another architecture kills the program.

use std::collections::{BTreeMap, BTreeSet};

use libc::{
    SYS_arch_prctl, SYS_capget, SYS_clock_getres, SYS_clock_gettime, SYS_clock_nanosleep, SYS_clone,
    SYS_clone3, SYS_close, SYS_close_range, SYS_copy_file_range, SYS_dup, SYS_dup3, SYS_epoll_create1,
    SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_eventfd2, SYS_exit, SYS_exit_group, SYS_faccessat,
    SYS_faccessat2, SYS_fadvise64, SYS_fallocate, SYS_fchdir, SYS_fchmod, SYS_fchmodat, SYS_fcntl,
    SYS_fdatasync, SYS_fgetxattr, SYS_flistxattr, SYS_flock, SYS_fstat, SYS_fstatfs, SYS_fsync,
    SYS_ftruncate, SYS_futex, SYS_getcpu, SYS_getcwd, SYS_getdents64, SYS_getegid, SYS_geteuid, SYS_getgid,
    SYS_getgroups, SYS_getitimer, SYS_getpeername, SYS_getpgid, SYS_getpid, SYS_getppid, SYS_getpriority,
    SYS_getrandom, SYS_getresgid, SYS_getresuid, SYS_getrlimit, SYS_getrusage, SYS_getsid, SYS_getsockname,
    SYS_getsockopt, SYS_gettid, SYS_gettimeofday, SYS_getuid, SYS_getxattr, SYS_ioctl, SYS_kill,
    SYS_lgetxattr, SYS_linkat, SYS_listxattr, SYS_llistxattr, SYS_lseek, SYS_madvise, SYS_membarrier,
    SYS_mkdirat, SYS_mmap, SYS_mprotect, SYS_mremap, SYS_msync, SYS_munmap, SYS_nanosleep, SYS_newfstatat,
    SYS_openat, SYS_pipe2, SYS_ppoll, SYS_prctl, SYS_pread64, SYS_preadv, SYS_prlimit64, SYS_pselect6,
    SYS_pwrite64, SYS_pwritev, SYS_read, SYS_readlinkat, SYS_readv, SYS_recvfrom, SYS_recvmsg, SYS_renameat,
    SYS_renameat2, SYS_restart_syscall, SYS_rseq, SYS_rt_sigaction, SYS_rt_sigpending, SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_sched_get_priority_max,
    SYS_sched_get_priority_min, SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler,
    SYS_sched_rr_get_interval, SYS_sched_yield, SYS_sendfile, SYS_sendmsg, SYS_sendto, SYS_set_robust_list,
    SYS_set_tid_address, SYS_setitimer, SYS_shutdown, SYS_sigaltstack, SYS_socketpair, SYS_statfs, SYS_statx,
    SYS_symlinkat, SYS_sysinfo, SYS_tgkill, SYS_timerfd_create, SYS_timerfd_gettime, SYS_timerfd_settime,
    SYS_times, SYS_tkill, SYS_truncate, SYS_umask, SYS_uname, SYS_unlinkat, SYS_utimensat, SYS_wait4,
    SYS_waitid, SYS_write, SYS_writev, c_long,
};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};

/// Stands for the program's own process id until `zygote.py` knows it. No process has this id.
const OWN_PID: u32 = 0x7fff_fff1;

/// Flags of `clone` that make namespaces.
const NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// Calls allowed whatever their arguments, with the reason.
const ALLOWED: &[(&str, &[c_long])] = &[
    (
        "memory of its own",
        &[SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_msync, libc::SYS_brk],
    ),
    (
        "threads of its own",
        &[
            SYS_futex,
            SYS_set_robust_list,
            SYS_set_tid_address,
            SYS_rseq,
            SYS_sched_yield,
            SYS_sched_getaffinity,
            SYS_getcpu,
            SYS_membarrier,
            SYS_gettid,
            SYS_exit,
            SYS_exit_group,
        ],
    ),
    (
        "scheduling, read only",
        &[
            SYS_getpriority,
            SYS_sched_getparam,
            SYS_sched_getscheduler,
            SYS_sched_get_priority_max,
            SYS_sched_get_priority_min,
            SYS_sched_rr_get_interval,
        ],
    ),
    (
        "clocks and sleep",
        &[
            SYS_clock_gettime,
            SYS_clock_getres,
            SYS_clock_nanosleep,
            SYS_nanosleep,
            SYS_gettimeofday,
            SYS_getitimer,
            SYS_setitimer,
            SYS_timerfd_create,
            SYS_timerfd_settime,
            SYS_timerfd_gettime,
            SYS_times,
        ],
    ),
    (
        "handlers of its own signals",
        &[
            SYS_rt_sigaction,
            SYS_rt_sigprocmask,
            SYS_rt_sigreturn,
            SYS_rt_sigpending,
            SYS_rt_sigtimedwait,
            SYS_rt_sigsuspend,
            SYS_sigaltstack,
            SYS_restart_syscall,
        ],
    ),
    (
        "open descriptors",
        &[
            SYS_read,
            SYS_write,
            SYS_readv,
            SYS_writev,
            SYS_pread64,
            SYS_pwrite64,
            SYS_preadv,
            SYS_pwritev,
            SYS_lseek,
            SYS_close,
            SYS_close_range,
            SYS_dup,
            SYS_dup3,
            SYS_pipe2,
            SYS_sendfile,
            SYS_copy_file_range,
            SYS_eventfd2,
        ],
    ),
    (
        "waiting for descriptors",
        &[SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2],
    ),
    (
        "files, which landlock and the mount namespace confine",
        &[
            SYS_openat,
            SYS_newfstatat,
            SYS_fstat,
            SYS_statx,
            SYS_statfs,
            SYS_fstatfs,
            SYS_faccessat,
            SYS_faccessat2,
            SYS_readlinkat,
            SYS_getdents64,
            SYS_getcwd,
            libc::SYS_chdir,
            SYS_fchdir,
            SYS_mkdirat,
            SYS_unlinkat,
            SYS_renameat,
            SYS_renameat2,
            SYS_linkat,
            SYS_symlinkat,
            SYS_truncate,
            SYS_ftruncate,
            SYS_fallocate,
            SYS_fadvise64,
            SYS_fsync,
            SYS_fdatasync,
            SYS_flock,
            SYS_fchmod,
            SYS_fchmodat,
            SYS_utimensat,
            SYS_umask,
        ],
    ),
    (
        "extended attributes, read only (shutil copies them)",
        &[SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_llistxattr, SYS_flistxattr],
    ),
    (
        "an open socket pair (asyncio); sockets that reach further cannot be made",
        &[
            SYS_sendto,
            SYS_recvfrom,
            SYS_sendmsg,
            SYS_recvmsg,
            SYS_shutdown,
            SYS_getsockopt,
            SYS_getsockname,
            SYS_getpeername,
        ],
    ),
    (
        "who and where it is",
        &[
            SYS_getpid,
            SYS_getppid,
            SYS_getpgid,
            SYS_getsid,
            SYS_getuid,
            SYS_geteuid,
            SYS_getgid,
            SYS_getegid,
            SYS_getgroups,
            SYS_getresuid,
            SYS_getresgid,
            SYS_capget,
            SYS_uname,
            SYS_sysinfo,
            SYS_getrusage,
            SYS_getrlimit,
        ],
    ),
    ("randomness", &[SYS_getrandom]),
    ("children, of which it has none: the honest answer is ECHILD", &[SYS_wait4, SYS_waitid]),
    ("answered ENOSYS by the prefix of the filter", &[SYS_clone3]),
];

/// Older forms of the above, which only this architecture has.
#[cfg(target_arch = "x86_64")]
const LEGACY: &[c_long] = &[
    SYS_arch_prctl,
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_create,
    libc::SYS_epoll_wait,
    libc::SYS_pipe,
    libc::SYS_dup2,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_readlink,
    libc::SYS_chmod,
    libc::SYS_getdents,
    libc::SYS_time,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_alarm,
    libc::SYS_pause,
    libc::SYS_getpgrp,
];
#[cfg(not(target_arch = "x86_64"))]
const LEGACY: &[c_long] = &[];

/// One condition on an argument: its index, how many of its bits count, how they are compared, and the value.
type Condition = (u8, SeccompCmpArgLen, SeccompCmpOp, u64);

/// The filter: its bytes as the kernel takes them, and the offsets of the 32-bit words that
/// must become the program's own process id.
///
/// # Errors
/// If the table cannot be compiled for this architecture.
pub(super) fn program() -> Result<(Vec<u8>, Vec<u32>), BackendError> {
    let program = compile()?;
    let own =
        |(index, step): (usize, &sock_filter)| (step.k == OWN_PID).then(|| u32::try_from(index * 8 + 4).ok());
    let offsets = program.iter().enumerate().filter_map(own).flatten().collect();
    let bytes = program.iter().flat_map(|step| {
        let [low, high] = step.code.to_ne_bytes();
        [low, high, step.jt, step.jf].into_iter().chain(step.k.to_ne_bytes())
    });
    Ok((bytes.collect(), offsets))
}

/// The calls that are allowed whatever their arguments come first, as ranges of numbers in a tree of comparisons: the
/// kernel tries every number out when a filter is put on, and a table of this length would take it half a millisecond.
/// The rest is left to the compiled rules.
fn compile() -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = BTreeMap::new();
    for (call, conditions) in conditional().into_iter().chain(own_process()) {
        rules.entry(call).or_default().push(rule(conditions)?);
    }
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter =
        BpfProgram::try_from(SeccompFilter::new(rules, refuse, SeccompAction::Allow, architecture)?)?;
    // The compiled rules begin with the same question for the architecture, which must come before any answer.
    let mut program: BpfProgram = filter.iter().take(ARCHITECTURE_STEPS).cloned().collect();
    program.extend(prefix());
    program.extend(tree(&ranges(), 0));
    program.extend(filter);
    Ok(program)
}

/// The numbers of [`ALLOWED`] and [`LEGACY`] as ranges from the first to the last, in order.
fn ranges() -> Vec<(u32, u32)> {
    let every = ALLOWED.iter().flat_map(|(_, calls)| calls.iter()).chain(LEGACY);
    let numbers: BTreeSet<u32> = every.filter_map(|call| u32::try_from(*call).ok()).collect();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

/// Allows the numbers in these ranges, and goes on with all others beyond the `after` steps that follow.
fn tree(ranges: &[(u32, u32)], after: usize) -> BpfProgram {
    let jump = |over: usize| step(JUMP, 0, 0, u32::try_from(over).unwrap_or(u32::MAX));
    match ranges.split_at(ranges.len() / 2) {
        (_, []) => Vec::new(),
        ([], [(first, last), ..]) => vec![
            step(JUMP_AT_LEAST, 0, 1, *first),
            step(JUMP_ABOVE, 0, 1, *last),
            jump(1 + after),
            step(RETURN, 0, 0, SeccompAction::Allow.into()),
        ],
        (lower, upper @ [(middle, _), ..]) => {
            let upper = tree(upper, after);
            let lower = tree(lower, after + upper.len());
            // A jump by itself, since those of comparisons reach 255 steps only.
            let choice = [step(JUMP_AT_LEAST, 0, 1, *middle), jump(lower.len())];
            choice.into_iter().chain(lower).chain(upper).collect()
        }
    }
}

fn rule(conditions: Vec<Condition>) -> Result<SeccompRule, BackendError> {
    let conditions = conditions
        .into_iter()
        .map(|(index, length, operator, value)| SeccompCondition::new(index, length, operator, value));
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

fn equal(index: u8, value: impl Into<i64>) -> Condition {
    (index, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value.into().cast_unsigned() & 0xffff_ffff)
}

fn masked(index: u8, mask: i32, value: i32) -> Condition {
    let (mask, value) = (u64::from(mask.cast_unsigned()), u64::from(value.cast_unsigned()));
    (index, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
}

const fn null(index: u8) -> Condition {
    (index, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}

/// Calls allowed with certain arguments only.
fn conditional() -> Vec<(c_long, Vec<Condition>)> {
    // Only streams: a datagram socket could be sent to the address of any other.
    let mut table = vec![(SYS_socketpair, vec![equal(0, libc::AF_UNIX), masked(1, 0xf, libc::SOCK_STREAM)])];
    // Reading only: the third argument, a pointer, is null.
    table.push((SYS_prlimit64, vec![equal(0, 0), null(2)]));
    // Terminal questions, and how descriptors behave; nothing that sends signals (FIOASYNC, FIOSETOWN).
    const TCGETS2: i64 = 0x802c_542a;
    let plain =
        [libc::TCGETS, libc::TIOCGWINSZ, libc::FIOCLEX, libc::FIONCLEX, libc::FIONBIO, libc::FIONREAD];
    let requests = plain.map(|request| i64::try_from(request).unwrap_or(0));
    table.extend(requests.into_iter().chain([TCGETS2]).map(|request| (SYS_ioctl, vec![equal(1, request)])));
    // As above; F_SETOWN and F_SETSIG would send signals to processes of the host.
    let commands = [
        libc::F_DUPFD,
        libc::F_DUPFD_CLOEXEC,
        libc::F_GETFD,
        libc::F_SETFD,
        libc::F_GETFL,
        libc::F_SETFL,
        libc::F_GETLK,
        libc::F_SETLK,
        libc::F_SETLKW,
        libc::F_OFD_GETLK,
        libc::F_OFD_SETLK,
        libc::F_OFD_SETLKW,
        libc::F_GETPIPE_SZ,
        libc::F_GET_SEALS,
    ];
    table.extend(commands.map(|command| (SYS_fcntl, vec![equal(1, command)])));
    table
}

/// What the program may do to itself and to nobody else.
fn own_process() -> Vec<(c_long, Vec<Condition>)> {
    let own = || vec![equal(0, i64::from(OWN_PID))];
    let mut table: Vec<_> = [SYS_kill, SYS_tkill, SYS_tgkill].map(|call| (call, own())).into();
    table.push((SYS_clone, vec![masked(0, NAMESPACES | libc::CLONE_THREAD, libc::CLONE_THREAD)]));
    const PR_SET_VMA: i64 = 0x5356_4d41;
    let names = [libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_GET_DUMPABLE].map(i64::from);
    table.extend(names.into_iter().chain([PR_SET_VMA]).map(|option| (SYS_prctl, vec![equal(0, option)])));
    table
}

const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_ABOVE: u16 = 0x25;
const JUMP_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
/// Steps with which compiled rules ask for the architecture.
const ARCHITECTURE_STEPS: usize = 3;

const fn step(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// What neither the tree nor the compiled table can say: calls of the x32 ABI kill the program, and `clone3`, whose
/// flags lie in memory where no filter sees them, is not implemented.
fn prefix() -> BpfProgram {
    const NUMBER: u32 = 0;
    const X32: u32 = 0x4000_0000;
    let no_clone3 = u32::try_from(SYS_clone3).unwrap_or(u32::MAX);
    vec![
        step(LOAD, 0, 0, NUMBER),
        step(JUMP_AT_LEAST, 0, 1, X32),
        step(RETURN, 0, 0, SeccompAction::KillProcess.into()),
        step(JUMP_EQUAL, 0, 1, no_clone3),
        step(RETURN, 0, 0, SeccompAction::Errno(libc::ENOSYS.unsigned_abs()).into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_fits_the_kernel() {
        let (bytes, offsets) = program().unwrap();
        assert!(bytes.len() / 8 <= 4096);
        assert_eq!(offsets.len(), 3, "kill, tkill and tgkill compare with the own process id");
        for offset in offsets {
            let at = usize::try_from(offset).unwrap();
            assert_eq!(bytes[at..at + 4], OWN_PID.to_ne_bytes());
        }
    }

    #[test]
    fn what_must_never_be_allowed_is_not_in_the_table() {
        let never = [
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_pidfd_getfd,
            libc::SYS_pidfd_open,
            libc::SYS_pidfd_send_signal,
            libc::SYS_io_uring_setup,
            libc::SYS_bpf,
            libc::SYS_perf_event_open,
            libc::SYS_userfaultfd,
            libc::SYS_keyctl,
            libc::SYS_add_key,
            libc::SYS_unshare,
            libc::SYS_setns,
            libc::SYS_mount,
            libc::SYS_memfd_create,
            libc::SYS_open_by_handle_at,
            libc::SYS_personality,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_setsid,
            libc::SYS_setpgid,
            libc::SYS_shmget,
            libc::SYS_mq_open,
            libc::SYS_setsockopt,
            libc::SYS_chroot,
            libc::SYS_setuid,
            libc::SYS_prctl,
            libc::SYS_clone,
        ];
        let free: Vec<c_long> =
            ALLOWED.iter().flat_map(|(_, calls)| calls.iter()).chain(LEGACY).copied().collect();
        assert!(never.iter().all(|call| !free.contains(call)));
    }

    #[test]
    fn no_call_is_listed_twice() {
        let mut free: Vec<c_long> =
            ALLOWED.iter().flat_map(|(_, calls)| calls.iter()).chain(LEGACY).copied().collect();
        let count = free.len();
        free.sort_unstable();
        free.dedup();
        assert_eq!(free.len(), count);
    }

    /// Carries out the tree's steps for a call.
    fn allows(steps: &[sock_filter], number: u32) -> bool {
        let mut at = 0;
        while let Some(now) = steps.get(at) {
            let skipped = match now.code {
                JUMP => usize::try_from(now.k).unwrap(),
                JUMP_AT_LEAST => usize::from(if number >= now.k { now.jt } else { now.jf }),
                JUMP_ABOVE => usize::from(if number > now.k { now.jt } else { now.jf }),
                RETURN => return true,
                other => panic!("{other}"),
            };
            at += 1 + skipped;
        }
        assert_eq!(at, steps.len(), "it goes on right behind the tree");
        false
    }

    #[test]
    fn the_tree_allows_what_the_table_does_and_nothing_else() {
        let listed: BTreeSet<u32> = ALLOWED
            .iter()
            .flat_map(|(_, calls)| calls.iter())
            .chain(LEGACY)
            .map(|call| u32::try_from(*call).unwrap())
            .collect();
        let steps = tree(&ranges(), 0);
        for number in (0..1000).chain([u32::MAX]) {
            assert_eq!(allows(&steps, number), listed.contains(&number), "{number}");
        }
    }
}
