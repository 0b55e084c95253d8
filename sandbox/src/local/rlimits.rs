//! From limits to what the kernel counts for one process.

use rustix::process::{Resource, getrlimit};

use crate::limits::Limits;

/// Address space that the interpreter itself takes, above the limit for the program.
const INTERPRETER_BYTES: u64 = 256 << 20;
const FILE_BYTES: u64 = 16 << 20;
/// Enough for 10,000 calls through C, as of a cached function. What repeats a search per level of a nest, as `repr`
/// does, takes time by the square of this before it overflows.
const STACK_BYTES: u64 = 5 << 20;

/// Bytes of one limit in the message to a candidate: resource, soft and hard limit.
const LIMIT_BYTES: usize = 24;

/// A resource with its soft and its hard limit.
type Rlimit = (Resource, u64, u64);

/// The limits as `zygote.py` reads them, none above what we may ourselves.
pub(super) fn encode(limits: &Limits, own_user: bool) -> Vec<u8> {
    let list = list(limits, own_user);
    let mut bytes = Vec::with_capacity(list.len() * LIMIT_BYTES);
    for (resource, soft, hard) in list {
        let ceiling = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        bytes.extend(u64::from(resource as u32).to_le_bytes());
        // As the kernel takes them, in its own order of bytes.
        bytes.extend(soft.min(ceiling).to_ne_bytes());
        bytes.extend(hard.min(ceiling).to_ne_bytes());
    }
    bytes
}

fn list(limits: &Limits, own_user: bool) -> Vec<Rlimit> {
    let same = |resource, value| (resource, value, value);
    let memory = (u64::from(limits.memory_mib) << 20) + INTERPRETER_BYTES;
    let cpu = limits.cpu.as_secs() + u64::from(limits.cpu.subsec_nanos() > 0);
    let mut list = vec![
        same(Resource::As, memory),
        // The first ends the program by a signal that it might catch, the second for certain.
        (Resource::Cpu, cpu, cpu + 1),
        same(Resource::Nofile, u64::from(limits.open_files)),
        same(Resource::Fsize, FILE_BYTES),
        same(Resource::Core, 0),
        same(Resource::Stack, STACK_BYTES),
        same(Resource::Msgqueue, 0),
        same(Resource::Memlock, 0),
    ];
    if own_user {
        // Counted per user: the program and its threads. Without a user of its own it would count ours.
        list.push(same(Resource::Nproc, u64::from(limits.threads) + 1));
    }
    list
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn fractions_of_a_second_of_cpu_are_rounded_up() {
        let asked = Limits { cpu: Duration::from_millis(1500), ..Limits::default() };
        assert!(list(&asked, false).contains(&(Resource::Cpu, 2, 3)));
    }

    #[test]
    fn the_message_holds_every_limit() {
        let encoded = encode(&Limits::default(), true);
        assert_eq!(encoded.len(), list(&Limits::default(), true).len() * LIMIT_BYTES);
        assert_eq!(encoded.first_chunk(), Some(&u64::from(libc::RLIMIT_AS).to_le_bytes()));
    }
}
