//! The zygotes of a sandbox. The order of hashes is fixed when an interpreter starts, so that each seed needs its own.

use std::sync::{Arc, Mutex};

use super::setup::{Setup, hash_seed};
use super::zygote::{Copy, Zygote, lock};
use crate::error::SandboxError;
use crate::session::Open;

/// After so many programs a zygote is replaced, in case anything in it grows.
const PROGRAMS_MAX: u32 = 10_000;

/// Keeps zygotes of the seeds used last, at most `kept_max` of them idle.
#[derive(Debug)]
pub(super) struct Pool {
    setup: Arc<Setup>,
    kept_max: usize,
    /// Last used comes last.
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    hash_seed: u32,
    programs: u32,
    zygote: Arc<Zygote>,
}

impl Kept {
    /// Whether it has no programs.
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.zygote) == 1
    }
}

impl Pool {
    pub(super) fn new(setup: Arc<Setup>, kept_max: usize) -> Self {
        Self { setup, kept_max, kept: Mutex::default() }
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.setup
    }

    /// A copy for a session.
    ///
    /// # Errors
    /// [`SandboxError`] if there is no zygote to be had.
    pub(super) fn take(&self, open: &Open) -> Result<Copy, SandboxError> {
        self.zygote(hash_seed(open))?.take(open.limits.temp_mib)
    }

    fn zygote(&self, hash_seed: u32) -> Result<Arc<Zygote>, SandboxError> {
        let mut kept = lock(&self.kept);
        let found = kept.iter().position(|entry| entry.hash_seed == hash_seed).map(|at| kept.remove(at));
        let mut entry = match found {
            // Else it is replaced, and ends with the last of its programs.
            Some(entry) if entry.programs < PROGRAMS_MAX && entry.zygote.is_alive() => entry,
            _ => {
                self.make_room(&mut kept);
                Kept { hash_seed, programs: 0, zygote: Arc::new(Zygote::start(&self.setup, hash_seed)?) }
            }
        };
        entry.programs += 1;
        let zygote = Arc::clone(&entry.zygote);
        kept.push(entry);
        Ok(zygote)
    }

    fn make_room(&self, kept: &mut Vec<Kept>) {
        while kept.len() >= self.kept_max {
            let Some(oldest) = kept.iter().position(Kept::is_idle) else { break };
            kept.remove(oldest);
        }
    }
}
