//! What a worker process takes from itself before it runs its first program: files, network, other processes, and all
//! system calls but those that its engine needs. A program that broke out of its instance, by a fault of the compiler,
//! would meet this second wall.

use crate::error::SandboxError;

/// The layers that [`lock_down`] puts on, as this machine offers them, and those that it lacks.
pub(super) fn layers() -> (Vec<String>, Vec<String>) {
    imp::layers()
}

/// Locks this process down for good.
///
/// # Errors
/// [`SandboxError::Unavailable`] when a layer that this machine offers can't be put on.
pub(super) fn lock_down() -> Result<(), SandboxError> {
    imp::lock_down()
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod imp {
    use std::collections::BTreeMap;

    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, Scope,
    };
    use libc::c_long;
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

    use super::SandboxError;

    /// Calls that a locked worker may make, with the reason.
    const ALLOWED: &[(&str, &[c_long])] = &[
        ("the socket", &[libc::SYS_read, libc::SYS_recvfrom, libc::SYS_write, libc::SYS_sendto]),
        ("waiting for its end", &[libc::SYS_ppoll]),
        ("a copy of the socket for each program", &[libc::SYS_fcntl, libc::SYS_close]),
        (
            "memories of instances and its own",
            &[
                libc::SYS_mmap,
                libc::SYS_munmap,
                libc::SYS_mremap,
                libc::SYS_mprotect,
                libc::SYS_madvise,
                libc::SYS_brk,
            ],
        ),
        ("asking which pages were written", &[libc::SYS_pread64, libc::SYS_ioctl, libc::SYS_getrusage]),
        ("clocks", &[libc::SYS_clock_gettime, libc::SYS_clock_nanosleep, libc::SYS_gettimeofday]),
        ("its own threads", &[libc::SYS_futex, libc::SYS_sched_yield, libc::SYS_rseq, libc::SYS_gettid]),
        (
            "traps, which are signals",
            &[
                libc::SYS_rt_sigreturn,
                libc::SYS_rt_sigprocmask,
                libc::SYS_rt_sigaction,
                libc::SYS_sigaltstack,
                libc::SYS_restart_syscall,
            ],
        ),
        ("randomness of hash tables", &[libc::SYS_getrandom]),
        ("its end", &[libc::SYS_exit, libc::SYS_exit_group, libc::SYS_getpid, libc::SYS_tgkill]),
    ];

    #[cfg(target_arch = "x86_64")]
    const LEGACY: &[c_long] = &[libc::SYS_poll];
    #[cfg(not(target_arch = "x86_64"))]
    const LEGACY: &[c_long] = &[];

    /// Versions of landlock whose rights are known, newest first.
    const VERSIONS: [ABI; 6] = [ABI::V6, ABI::V5, ABI::V4, ABI::V3, ABI::V2, ABI::V1];

    pub(super) fn layers() -> (Vec<String>, Vec<String>) {
        let seccomp = "seccomp: no system calls but for memory, time and its socket".to_owned();
        match landlock_version() {
            Some(version) => {
                (vec![format!("landlock {}: no files, no network", version as i32), seccomp], Vec::new())
            }
            None => (vec![seccomp], vec!["landlock around workers (Linux 5.13, enabled at boot)".to_owned()]),
        }
    }

    pub(super) fn lock_down() -> Result<(), SandboxError> {
        let unavailable = |what: String| SandboxError::Unavailable {
            backend: crate::wasm::NAME,
            what,
            remedy: "allow landlock and seccomp for this process".into(),
        };
        if let Some(version) = landlock_version() {
            let restricted = rules(version).and_then(|rules| rules.create()?.restrict_self());
            restricted.map_err(|error| unavailable(format!("landlock around its workers: {error}")))?;
        }
        let filter = filter().map_err(|error| unavailable(format!("a seccomp filter: {error}")))?;
        // All threads: the ticker and the watch of the socket are running by now.
        seccompiler::apply_filter_all_threads(&filter)
            .map_err(|error| unavailable(format!("seccomp around its workers: {error}")))
    }

    fn landlock_version() -> Option<ABI> {
        VERSIONS.into_iter().find(|version| rules(*version).is_ok())
    }

    /// Rules that handle every right and so, as none is given, deny them all.
    fn rules(version: ABI) -> Result<Ruleset, landlock::RulesetError> {
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(version))?;
        if !AccessNet::from_all(version).is_empty() {
            rules = rules.handle_access(AccessNet::from_all(version))?;
        }
        if !Scope::from_all(version).is_empty() {
            rules = rules.scope(Scope::from_all(version))?;
        }
        Ok(rules)
    }

    fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
        let calls = ALLOWED.iter().flat_map(|(_, calls)| calls.iter()).chain(LEGACY);
        let rules: BTreeMap<c_long, Vec<seccompiler::SeccompRule>> =
            calls.map(|call| (*call, Vec::new())).collect();
        let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
        SeccompFilter::new(rules, refuse, SeccompAction::Allow, architecture)?.try_into()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn no_call_reaches_beyond_the_process() {
            let never = [
                libc::SYS_openat,
                libc::SYS_socket,
                libc::SYS_connect,
                libc::SYS_clone,
                libc::SYS_clone3,
                libc::SYS_execve,
                libc::SYS_execveat,
                libc::SYS_ptrace,
                libc::SYS_kill,
                libc::SYS_prctl,
                libc::SYS_memfd_create,
                libc::SYS_process_vm_writev,
                libc::SYS_io_uring_setup,
            ];
            let allowed: Vec<c_long> = ALLOWED.iter().flat_map(|(_, calls)| calls.iter()).copied().collect();
            assert!(never.iter().all(|call| !allowed.contains(call)));
            assert!(filter().unwrap().len() <= 4096);
        }
    }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod imp {
    pub(super) fn layers() -> (Vec<String>, Vec<String>) {
        (Vec::new(), vec!["landlock and seccomp around workers (Linux)".to_owned()])
    }

    pub(super) const fn lock_down() -> Result<(), super::SandboxError> {
        Ok(())
    }
}
