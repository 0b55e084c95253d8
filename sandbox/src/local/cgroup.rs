//! Cgroup v2: limits of physical memory and of processes that hold for a whole run, where a subtree was delegated to us.
//!
//! Delegated means: the cgroup that this process is in belongs to this user, offers the controllers, and holds nobody
//! else, as under `systemd-run --user --scope -p Delegate=yes codeagent …`. Controllers reach only below a cgroup without
//! processes of its own, so this process moves into a leaf beside those of its programs.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// Controllers that we use, where they are to be had.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];
/// The leaf that this process moves into.
const OURS: &str = "codeagent-host";
/// How the cgroups of programs are called, before our process id and a number.
const PROGRAM: &str = "codeagent-program-";
/// Memory that a run needs beside its program: the guard, page tables, what the kernel keeps for it.
const OVERHEAD_MIB: u64 = 64;
/// How long the kernel may take to forget the dead.
const PATIENCE: Duration = Duration::from_secs(2);

static DELEGATED: OnceLock<Result<Delegated, String>> = OnceLock::new();

/// A subtree that we may divide among programs.
#[derive(Debug)]
pub(super) struct Delegated {
    folder: PathBuf,
    controllers: Vec<&'static str>,
    programs: AtomicU64,
}

/// The cgroup of one program. Dropping it kills whoever is left in it.
#[derive(Debug)]
pub(super) struct Cgroup {
    folder: PathBuf,
}

impl Delegated {
    /// The subtree of this process, divided when first asked for; else why there is none.
    pub(super) fn of_this_process() -> Result<&'static Self, &'static str> {
        let found = DELEGATED.get_or_init(|| {
            let read = |path| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
            let folder = folder(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?)
                .ok_or("no cgroup v2 is mounted")?;
            Self::divide(folder, std::process::id())
        });
        found.as_ref().map_err(String::as_str)
    }

    /// Moves `process`, which must be alone in `folder`, into a leaf and hands the controllers down.
    fn divide(folder: PathBuf, process: u32) -> Result<Self, String> {
        let offered = read(&folder, "cgroup.controllers")?;
        let controllers: Vec<&str> =
            CONTROLLERS.into_iter().filter(|name| offered.split_whitespace().any(|it| it == *name)).collect();
        if controllers.is_empty() {
            return Err("neither the controller `memory` nor `pids` is delegated to this process".to_owned());
        }
        if read(&folder, "cgroup.procs")?.split_whitespace().any(|pid| pid != process.to_string()) {
            return Err("other processes share the cgroup of this one".to_owned());
        }
        let leaf = folder.join(OURS);
        let made = fs::create_dir(&leaf)
            .or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) });
        made.map_err(|error| format!("{}: {error}", leaf.display()))?;
        write(&leaf, "cgroup.procs", &process.to_string())?;
        // What a process that was killed left here; removing fails where somebody is in it.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(PROGRAM) {
                drop(fs::remove_dir(entry.path()));
            }
        }
        let list: Vec<String> = controllers.iter().map(|name| format!("+{name}")).collect();
        if let Err(reason) = write(&folder, "cgroup.subtree_control", &list.join(" ")) {
            // As it was, so that whoever looks next finds what we found.
            drop(write(&folder, "cgroup.procs", &process.to_string()));
            drop(fs::remove_dir(&leaf));
            return Err(reason);
        }
        Ok(Self { folder, controllers, programs: AtomicU64::new(0) })
    }

    /// What is limited, for the report.
    pub(super) fn controllers(&self) -> &[&'static str] {
        &self.controllers
    }

    /// A cgroup for one program.
    ///
    /// # Errors
    /// What the kernel refuses, in words.
    pub(super) fn program(&self, limits: &Limits) -> Result<Cgroup, String> {
        let number = self.programs.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("{PROGRAM}{}-{number}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let cgroup = Cgroup { folder };
        for controller in &self.controllers {
            match *controller {
                // The private `/tmp` lies in memory too.
                "memory" => {
                    let mib = u64::from(limits.memory_mib) + u64::from(limits.temp_mib) + OVERHEAD_MIB;
                    write(&cgroup.folder, "memory.max", &(mib << 20).to_string())?;
                    // Not there without swap.
                    drop(write(&cgroup.folder, "memory.swap.max", "0"));
                }
                // With the guard.
                _ => write(&cgroup.folder, "pids.max", &(u64::from(limits.threads) + 2).to_string())?,
            }
        }
        Ok(cgroup)
    }
}

impl Cgroup {
    /// Takes processes in, before they run anything of the program's.
    ///
    /// # Errors
    /// What the kernel refuses, in words.
    pub(super) fn take_in(&self, pidfds: &[&OwnedFd]) -> Result<(), String> {
        for pidfd in pidfds {
            let path = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
            let information = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
            let pid = information.lines().find_map(|line| line.strip_prefix("Pid:")).map(str::trim);
            write(&self.folder, "cgroup.procs", pid.unwrap_or_default())?;
        }
        Ok(())
    }

    /// Whether the kernel killed one of its processes for want of memory.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        let events = read(&self.folder, "memory.events").unwrap_or_default();
        events.lines().filter_map(|line| line.strip_prefix("oom_kill ")).any(|count| count.trim() != "0")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Fails before Linux 5.14, where the guard's death has ended them all.
        drop(write(&self.folder, "cgroup.kill", "1"));
        let until = Instant::now() + PATIENCE;
        while fs::remove_dir(&self.folder).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
            && Instant::now() < until
        {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The folder of the cgroup that `memberships` (`/proc/self/cgroup`) names, under its mount in `mounts`
/// (`/proc/self/mountinfo`).
fn folder(mounts: &str, memberships: &str) -> Option<PathBuf> {
    let own = memberships.lines().find_map(|line| line.strip_prefix("0::"))?;
    let (root, point) = mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut fields = place.split_whitespace().skip(3);
        kind.starts_with("cgroup2 ").then(|| Some((fields.next()?, fields.next()?)))?
    })?;
    let below = Path::new(own).strip_prefix(root).ok()?;
    Some(Path::new(point).join(below))
}

fn read(folder: &Path, file: &str) -> Result<String, String> {
    let path = folder.join(file);
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(folder: &Path, file: &str, text: &str) -> Result<(), String> {
    let path = folder.join(file);
    fs::write(&path, text).map_err(|error| format!("writing `{text}` to {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    use super::*;

    #[test]
    fn the_folder_is_found_below_its_mount() {
        let mounts = "24 1 0:22 / /proc rw - proc proc rw\n30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
        let check = |mounts: &str, memberships: &str, expected: Option<&str>| {
            assert_eq!(folder(mounts, memberships).as_deref(), expected.map(Path::new), "{memberships}");
        };
        check(mounts, "0::/user.slice/run-1.scope\n", Some("/sys/fs/cgroup/user.slice/run-1.scope"));
        check(mounts, "4:memory:/a\n0::/\n", Some("/sys/fs/cgroup/"));
        check(mounts, "4:memory:/a\n", None);
        check("24 1 0:22 / /proc rw - proc proc rw\n", "0::/a\n", None);
        let inside = "30 24 0:26 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        check(inside, "0::/docker/1/b\n", Some("/sys/fs/cgroup/b"));
        check(inside, "0::/../elsewhere\n", None);
    }

    /// A child in a cgroup of its own, and that cgroup; `None`, with a notice, where this machine offers none.
    #[expect(clippy::print_stderr, reason = "says what was left out")]
    fn alone(name: &str) -> Option<(PathBuf, Child)> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let top = folder(&mounts, "0::/").filter(|top| {
            let offered = read(top, "cgroup.controllers").unwrap_or_default();
            // The top itself hands down what it offers to whoever may write there.
            offered
                .split_whitespace()
                .filter(|it| CONTROLLERS.contains(it))
                .all(|it| write(top, "cgroup.subtree_control", &format!("+{it}")).is_ok())
                && CONTROLLERS.iter().any(|it| offered.contains(it))
        });
        let Some(top) = top else {
            eprintln!("SKIPPED: cgroup v2 offers no controller to this process");
            return None;
        };
        let own = top.join(format!("codeagent-test-{name}-{}", std::process::id()));
        fs::create_dir(&own).unwrap();
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        write(&own, "cgroup.procs", &child.id().to_string()).unwrap();
        Some((own, child))
    }

    fn end(own: &Path, mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
        for folder in [own.join(OURS), own.to_owned()] {
            let _ = fs::remove_dir(folder);
        }
        assert!(!own.exists(), "{} is still there", own.display());
    }

    #[test]
    fn a_program_has_limits_and_leaves_nothing() {
        let Some((own, child)) = alone("program") else { return };
        let delegated = Delegated::divide(own.clone(), child.id()).unwrap();
        let cgroup = delegated.program(&Limits::default()).unwrap();
        if delegated.controllers().contains(&"pids") {
            let most: u32 = read(&cgroup.folder, "pids.max").unwrap().trim().parse().unwrap();
            assert_eq!(most, Limits::default().threads + 2);
        }
        let mut program = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_child(&program);
        cgroup.take_in(&[&pidfd_open(pid, PidfdFlags::empty()).unwrap()]).unwrap();
        assert_eq!(read(&cgroup.folder, "cgroup.procs").unwrap().trim(), program.id().to_string());
        assert!(!cgroup.ran_out_of_memory());
        let folder = cgroup.folder.clone();
        drop(cgroup);
        assert!(!folder.exists());
        assert!(!program.wait().unwrap().success(), "it was killed with its cgroup");
        end(&own, child);
    }

    #[test]
    fn a_shared_cgroup_is_left_alone() {
        let Some((own, child)) = alone("shared") else { return };
        let reason = Delegated::divide(own.clone(), child.id() + 1).unwrap_err();
        assert!(reason.contains("other processes"), "{reason}");
        assert_eq!(read(&own, "cgroup.procs").unwrap().trim(), child.id().to_string());
        end(&own, child);
    }

    /// Against plain files: what is written and read, not what a kernel makes of it.
    #[test]
    fn memory_is_limited_and_its_want_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, controllers) = (folder.path().to_owned(), vec!["memory"]);
        let delegated = Delegated { folder, controllers, programs: AtomicU64::new(0) };
        let limits = Limits::default().with_memory_mib(100);
        let cgroup = delegated.program(&limits).unwrap();
        let most: u64 = read(&cgroup.folder, "memory.max").unwrap().parse().unwrap();
        assert_eq!(most, (100 + u64::from(limits.temp_mib) + OVERHEAD_MIB) << 20);
        write(&cgroup.folder, "memory.events", "oom 1\noom_kill 0\n").unwrap();
        assert!(!cgroup.ran_out_of_memory());
        write(&cgroup.folder, "memory.events", "oom 1\noom_kill 2\n").unwrap();
        assert!(cgroup.ran_out_of_memory());
    }

    #[test]
    fn without_controllers_there_is_no_subtree() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "cgroup.controllers", "cpu io\n").unwrap();
        let reason = Delegated::divide(folder.path().to_owned(), 1).unwrap_err();
        assert!(reason.contains("neither"), "{reason}");
        assert!(Delegated::divide(PathBuf::from("/nowhere"), 1).unwrap_err().contains("/nowhere"));
    }
}
