//! User ids for programs: one of its own for each, where we may give any.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A user id that no other live program has, far from those of people and services; `nobody` in a container that knows
/// few ids. `None` if we are not root, or in a container that does not know even that.
pub(super) fn private() -> Option<u32> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    static MAP: OnceLock<String> = OnceLock::new();
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let own = std::process::id() & 0xf_ffff;
    let unique = 0x4000_0000 | own << 10 | COUNT.fetch_add(1, Ordering::Relaxed) & 0x3ff;
    let map = MAP.get_or_init(|| std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default());
    [unique, NOBODY].into_iter().find(|id| is_mapped(map, *id))
}

fn is_mapped(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_ascii_whitespace().map(str::parse::<u64>);
        let (Some(Ok(first)), Some(Ok(_)), Some(Ok(count))) =
            (numbers.next(), numbers.next(), numbers.next())
        else {
            return false;
        };
        (first..first.saturating_add(count)).contains(&u64::from(id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_looked_up_in_the_map() {
        assert!(is_mapped("         0          0 4294967295\n", 0x4000_0000));
        assert!(!is_mapped("0 100000 65536\n", 0x4000_0000));
        assert!(is_mapped("0 100000 1000\n2000000000 5 10\n", 2_000_000_009));
        assert!(!is_mapped("nonsense", 0));
    }

    #[test]
    fn private_ids_differ() {
        let (first, second) = (private(), private());
        assert!(first.is_none() || first == Some(65534) || first != second);
    }
}
