//! Limits of one run and their defaults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one untrusted program may use. Every limit is per session; reported back in [`crate::Ending`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Wall-clock time of the whole session.
    pub wall: Duration,
    /// CPU time of the whole session.
    pub cpu: Duration,
    /// Memory of the program, in MiB, above what the interpreter itself needs.
    pub memory_mib: u32,
    /// Bytes on stdout, and the same again on stderr.
    pub output_bytes: usize,
    /// Bytes of one encoded answer.
    pub answer_bytes: usize,
    /// Open files.
    pub open_files: u32,
    /// Threads (`local` only; `wasm` has none).
    pub threads: u32,
    /// Temporary space in MiB (`local` only; `wasm` has no files).
    pub temp_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(30),
            cpu: Duration::from_secs(30),
            memory_mib: 256,
            output_bytes: 1 << 20,
            answer_bytes: 1 << 20,
            open_files: 64,
            threads: 64,
            temp_mib: 64,
        }
    }
}

impl Limits {
    /// The same limits with another wall-clock (and CPU) limit.
    #[must_use]
    pub const fn with_wall(mut self, wall: Duration) -> Self {
        self.wall = wall;
        self.cpu = wall;
        self
    }

    /// The same limits with another CPU limit.
    #[must_use]
    pub const fn with_cpu(mut self, cpu: Duration) -> Self {
        self.cpu = cpu;
        self
    }

    /// The same limits with another memory limit in MiB.
    #[must_use]
    pub const fn with_memory_mib(mut self, memory_mib: u32) -> Self {
        self.memory_mib = memory_mib;
        self
    }
}
