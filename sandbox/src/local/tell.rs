//! What holds on this machine, in words for people.

use super::landlock_rules::Landlock;
use super::setup::Layers;

/// Layers in force, outermost first.
pub(super) fn in_force(layers: Layers) -> Vec<String> {
    let mut told = Vec::new();
    if layers.namespaces {
        told.push("namespaces: pid, mount and ipc per program; net, uts and cgroup per zygote".to_owned());
        told.extend(["read-only root", "private tmpfs /tmp"].map(str::to_owned));
    }
    told.extend(layers.landlock.map(|landlock| format!("landlock {}", landlock.version)));
    told.extend(["no privileges, empty environment", "rlimits"].map(str::to_owned));
    told.extend(layers.seccomp.then(|| "seccomp".to_owned()));
    told
}

/// Layers that are not.
pub(super) fn missing(layers: Layers) -> Vec<String> {
    let mut told = Vec::new();
    if !layers.namespaces {
        told.push("namespaces: no private /tmp with a limit of its own, no hidden processes".to_owned());
    }
    match layers.landlock {
        Some(landlock) => told.extend(Landlock::lacks(landlock).map(str::to_owned)),
        None => told.push("landlock".to_owned()),
    }
    told.extend((!layers.seccomp).then(|| "seccomp".to_owned()));
    told
}

/// Limits, each with its means.
pub(super) fn limits(layers: Layers) -> Vec<String> {
    let mut told = vec![
        "wall: clock of the supervisor, which kills",
        "cpu: RLIMIT_CPU and the usage at the end",
        "memory: size of the address space (RLIMIT_AS), 256 MiB of it for the interpreter",
        "output, answer: counted by the supervisor, which kills",
        "open files: RLIMIT_NOFILE",
        "size of a file: RLIMIT_FSIZE, 16 MiB",
    ];
    if layers.seccomp {
        told.push("processes: none but its own, by seccomp");
    }
    if layers.namespaces {
        told.extend([
            "threads: RLIMIT_NPROC of a user of its own",
            "temporary space: size of the private /tmp",
        ]);
    }
    told.into_iter().map(str::to_owned).collect()
}
