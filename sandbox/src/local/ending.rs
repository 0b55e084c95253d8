//! From wait statuses to causes: how a program ended that ended by itself, and what it used.

use std::time::Duration;

use crate::session::{Cause, Usage};
use crate::verdict::Clock;

/// What was learned of a process when it was reaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reaped {
    /// The wait status, as the kernel encodes it.
    pub(super) status: i32,
    /// CPU time of the process and those that it waited for, in microseconds.
    pub(super) cpu_us: u64,
    /// Largest resident memory, in KiB.
    pub(super) peak_kib: u64,
}

impl Reaped {
    /// Reads a guard's record.
    pub(super) fn parse(record: &[u8]) -> Option<Self> {
        let (status, rest) = record.split_first_chunk()?;
        let (cpu, rest) = rest.split_first_chunk()?;
        let peak: &[u8; 8] = rest.try_into().ok()?;
        Some(Self {
            status: i32::from_le_bytes(*status),
            cpu_us: u64::from_le_bytes(*cpu),
            peak_kib: u64::from_le_bytes(*peak),
        })
    }

    /// Why it ended, if we did not kill it.
    pub(super) fn cause(self, cpu_limit: Duration) -> Cause {
        let is_over = Duration::from_micros(self.cpu_us) >= cpu_limit;
        let timeout = Cause::Timeout { clock: Clock::Cpu };
        match self.signal() {
            Some(libc::SIGXCPU) => timeout,
            _ if is_over => timeout,
            Some(signal) => Cause::Crashed { cause: signal_name(signal) },
            None => Cause::Exited { status: libc::WEXITSTATUS(self.status) },
        }
    }

    /// What it used, with the wall-clock time that we measured.
    pub(super) fn usage(self, wall: Duration) -> Usage {
        let peak_mib = u32::try_from(self.peak_kib.div_ceil(1024)).unwrap_or(u32::MAX);
        Usage { wall, cpu: Duration::from_micros(self.cpu_us), peak_mib }
    }

    /// Refusals that the wait status betrays.
    pub(super) fn refusals(self) -> Vec<String> {
        let foreign = self.signal() == Some(libc::SIGSYS);
        foreign.then(|| "a system call of another architecture".to_owned()).into_iter().collect()
    }

    fn signal(self) -> Option<i32> {
        libc::WIFSIGNALED(self.status).then(|| libc::WTERMSIG(self.status))
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGABRT => "SIGABRT",
        libc::SIGALRM => "SIGALRM",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGHUP => "SIGHUP",
        libc::SIGILL => "SIGILL",
        libc::SIGINT => "SIGINT",
        libc::SIGKILL => "SIGKILL",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGSYS => "SIGSYS",
        libc::SIGTERM => "SIGTERM",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGXFSZ => "SIGXFSZ",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: i32, cpu_ms: u64, expected: Cause) {
        let end = Reaped { status, cpu_us: cpu_ms * 1000, peak_kib: 1025 };
        assert_eq!(end.cause(Duration::from_secs(2)), expected);
        assert_eq!(end.usage(Duration::ZERO).peak_mib, 2);
    }

    #[test]
    fn statuses_become_causes() {
        check(0, 10, Cause::Exited { status: 0 });
        check(3 << 8, 10, Cause::Exited { status: 3 });
        check(libc::SIGSEGV, 10, Cause::Crashed { cause: "SIGSEGV".to_owned() });
        check(libc::SIGKILL, 10, Cause::Crashed { cause: "SIGKILL".to_owned() });
        check(40, 10, Cause::Crashed { cause: "signal 40".to_owned() });
        check(libc::SIGXCPU, 10, Cause::Timeout { clock: Clock::Cpu });
        check(libc::SIGKILL, 3000, Cause::Timeout { clock: Clock::Cpu });
        check(0, 2500, Cause::Timeout { clock: Clock::Cpu });
    }

    #[test]
    fn a_record_is_read_whole_or_not_at_all() {
        let mut record = vec![9, 0, 0, 0];
        record.extend(1500u64.to_le_bytes());
        record.extend(2048u64.to_le_bytes());
        let end = Reaped::parse(&record).unwrap();
        assert_eq!((end.status, end.cpu_us, end.peak_kib), (9, 1500, 2048));
        assert!(Reaped::parse(&record[..19]).is_none());
    }
}
