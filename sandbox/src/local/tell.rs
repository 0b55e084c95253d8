//! What holds on this machine, in words for people.

use super::cgroup::Delegated;
use super::landlock_rules::Landlock;
use super::setup::Setup;

/// Layers in force, outermost first.
pub(super) fn in_force(setup: &Setup) -> Vec<String> {
    let layers = setup.layers;
    let mut told = Vec::new();
    if layers.namespaces {
        told.push("namespaces: pid, mount and ipc per program; net, uts and cgroup per zygote".to_owned());
        told.extend(["read-only root", "private tmpfs /tmp"].map(str::to_owned));
    }
    told.extend(setup.cgroups.map(|cgroups| format!("cgroup: {}", cgroups.controllers().join(" and "))));
    told.extend(layers.landlock.map(|landlock| format!("landlock {}", landlock.version)));
    told.extend(["no privileges, empty environment", "rlimits"].map(str::to_owned));
    told.extend(layers.seccomp.then(|| "seccomp".to_owned()));
    told
}

/// Layers that are not.
pub(super) fn missing(setup: &Setup) -> Vec<String> {
    let layers = setup.layers;
    let mut told = Vec::new();
    if !layers.namespaces {
        told.push("namespaces: no private /tmp with a limit of its own, no hidden processes".to_owned());
    }
    if let Err(reason) = Delegated::of_this_process() {
        told.push(format!("cgroup: memory is limited by address space only ({reason})"));
    }
    match layers.landlock {
        Some(landlock) => told.extend(Landlock::lacks(landlock).map(str::to_owned)),
        None => told.push("landlock".to_owned()),
    }
    told.extend((!layers.seccomp).then(|| "seccomp".to_owned()));
    told
}

/// Limits, each with its means.
pub(super) fn limits(setup: &Setup) -> Vec<String> {
    let layers = setup.layers;
    let mut told = vec![
        "wall: clock of the supervisor, which kills",
        "cpu: RLIMIT_CPU and the usage at the end",
        "memory: size of the address space (RLIMIT_AS), 256 MiB of it for the interpreter",
        "output, answer: counted by the supervisor, which kills",
        "open files: RLIMIT_NOFILE",
        "size of a file: RLIMIT_FSIZE, 16 MiB",
    ];
    for controller in setup.cgroups.iter().flat_map(|cgroups| cgroups.controllers()) {
        told.push(match *controller {
            "memory" => "physical memory: memory.max of a cgroup, with room for /tmp and 64 MiB of our own",
            _ => "processes and threads: pids.max of a cgroup",
        });
    }
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
