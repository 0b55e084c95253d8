//! Starts a contained interpreter: everything that must be made ready before its process exists, and the handle to it.

use std::ffi::CString;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Resource, Signal, kill_process_group, pidfd_send_signal};
use seccompiler::sock_filter;
use tempfile::TempDir;

use super::interpreter::Interpreter;
use super::landlock_rules::Landlock;
use super::plan::{self, Identity, OPEN_FILES_MAX, Place, Plan};
use super::root::{self, Root};
use super::sys::{self, Reaped, StringArray};
use super::{filter, host, unavailable};
use crate::error::SandboxError;
use crate::limits::Limits;
use crate::session::Open;

const BOOTSTRAP: &str = include_str!("bootstrap.py");
const DRIVER: &str = crate::python::DRIVER;
/// Address space that the interpreter itself takes, above the limit for the program.
const INTERPRETER_BYTES: u64 = 256 << 20;
const FILE_BYTES: u64 = 16 << 20;
const STACK_BYTES: u64 = 8 << 20;
/// Everything that a namespace can hold apart.
const NAMESPACES: libc::c_int = libc::CLONE_NEWPID
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// Which layers a sandbox puts around its programs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layers {
    pub(super) namespaces: bool,
    pub(super) landlock: Option<Landlock>,
    pub(super) seccomp: bool,
}

/// What all programs of a sandbox have in common.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) interpreter: Interpreter,
    pub(super) layers: Layers,
    readable: Vec<PathBuf>,
    outer: Arc<[sock_filter]>,
    /// The start-up data of `bootstrap.py`.
    data: Vec<u8>,
}

impl Setup {
    /// # Errors
    /// [`SandboxError::Unavailable`] where the filters cannot be compiled for this architecture.
    pub(super) fn new(interpreter: Interpreter, layers: Layers) -> Result<Self, SandboxError> {
        let refused =
            |error| unavailable(format!("seccomp filters: {error}"), "use the wasm sandbox on this machine");
        let outer = filter::outer().map_err(refused)?;
        let (inner, offsets) = filter::inner().map_err(refused)?;
        let flags = u32::from(layers.namespaces) | u32::from(layers.seccomp) << 1;
        let mut data = Vec::new();
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
        data.extend(flags.to_le_bytes());
        data.extend(number(offsets.len()));
        data.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes()));
        for block in [inner.as_slice(), DRIVER.as_bytes()] {
            data.extend(number(block.len()));
            data.extend(block);
        }
        Ok(Self { readable: root::readable(&interpreter), interpreter, layers, outer: outer.into(), data })
    }

    /// Starts one program. It is contained before its interpreter runs; [`Contained::report`] says when it is ready.
    ///
    /// # Errors
    /// [`SandboxError::Host`] if a system call fails.
    pub(super) fn launch(&self, open: &Open) -> Result<Contained, SandboxError> {
        let temp = if self.layers.namespaces { None } else { Some(private_folder()?) };
        let ends = Ends::new(open, &self.data)?;
        let mut plan = self.plan(open, &ends, temp.as_ref().map(TempDir::path))?;
        let flags = match (&plan.identity, self.layers.namespaces) {
            (_, false) => 0,
            (Identity::Mapped { .. }, true) => NAMESPACES | libc::CLONE_NEWUSER,
            (_, true) => NAMESPACES,
        };
        let born = sys::clone_process(flags, || plan::enter(&mut plan));
        let (pid, pidfd) = born.map_err(host(match flags {
            0 => "making a contained process",
            _ => "making namespaces for a contained process",
        }))?;
        let [stdout, stderr, channel, report] = ends.ours;
        Ok(Contained {
            stdout,
            stderr,
            channel,
            report,
            pidfd,
            pid,
            guarded: self.layers.namespaces,
            reaped: false,
            _temp: temp,
        })
    }

    fn plan(&self, open: &Open, ends: &Ends, temp: Option<&Path>) -> Result<Plan, SandboxError> {
        let executable = c_string(self.interpreter.executable.as_os_str().as_bytes())?;
        let rules = match self.layers.landlock {
            Some(landlock) => {
                let rules = landlock.rules(&self.readable, temp);
                let rules =
                    rules.map_err(|error| host("making landlock rules")(std::io::Error::other(error)))?;
                rules.map(|rules| (rules, landlock.temp_bits()))
            }
            None => None,
        };
        let place = match temp {
            Some(folder) => Place::Folder(c_string(folder.as_os_str().as_bytes())?),
            None => {
                let root = Root::new(&self.readable, open.limits.temp_mib, open.stdin.len());
                let places = root.places();
                Place::Root(root, places)
            }
        };
        Ok(Plan {
            descriptors: ends.theirs.each_ref().map(AsRawFd::as_raw_fd),
            arguments: arguments(&executable)?,
            environment: self.environment(open.seed)?,
            executable,
            identity: identity(self.layers.namespaces),
            place,
            rules,
            limits: limits(&open.limits, self.layers.namespaces),
            filter: self.layers.seccomp.then(|| Arc::clone(&self.outer)),
        })
    }

    /// Variables that the start needs; `bootstrap.py` takes them away from the program.
    fn environment(&self, seed: u64) -> Result<StringArray, SandboxError> {
        let hash_seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        // One arena: each further one would take 64 MiB of the address space that the limit counts.
        let mut variables =
            vec![format!("PYTHONHASHSEED={hash_seed}").into_bytes(), b"MALLOC_ARENA_MAX=1".to_vec()];
        if let Some(folder) = self.interpreter.executable.parent().and_then(Path::parent) {
            // For builds whose libraries lie relative to the executable, which takes /proc to find.
            variables.push([b"LD_LIBRARY_PATH=", folder.join("lib").as_os_str().as_bytes()].concat());
        }
        Ok(StringArray::new(variables.iter().map(|variable| c_string(variable)).collect::<Result<_, _>>()?))
    }
}

fn arguments(executable: &CString) -> Result<StringArray, SandboxError> {
    // Not -I: it would ignore the hash seed. Its other effects come from the empty environment and the bootstrap.
    let mut list = vec![executable.clone()];
    for argument in ["-s", "-S", "-B", "-X", "utf8", "-c", BOOTSTRAP] {
        list.push(c_string(argument.as_bytes())?);
    }
    Ok(StringArray::new(list))
}

fn limits(limits: &Limits, own_user: bool) -> Vec<(Resource, u64, u64)> {
    let same = |resource, value| (resource, value, value);
    let memory = (u64::from(limits.memory_mib) << 20) + INTERPRETER_BYTES;
    let cpu = limits.cpu.as_secs() + u64::from(limits.cpu.subsec_nanos() > 0);
    let mut list = vec![
        same(Resource::As, memory),
        // The first ends the program by a signal that it might catch, the second for certain.
        (Resource::Cpu, cpu, cpu + 1),
        same(Resource::Nofile, u64::from(limits.open_files.min(OPEN_FILES_MAX))),
        same(Resource::Fsize, FILE_BYTES),
        same(Resource::Core, 0),
        same(Resource::Stack, STACK_BYTES),
        same(Resource::Msgqueue, 0),
        same(Resource::Memlock, 0),
    ];
    if own_user {
        // Counted per user: the guard, the program, its threads. Without a user of its own it would count ours.
        list.push(same(Resource::Nproc, u64::from(limits.threads) + 2));
    }
    list
}

fn identity(namespaces: bool) -> Identity {
    let user = rustix::process::geteuid();
    let private = if user.is_root() { private_id() } else { None };
    match (namespaces, private) {
        (false, _) => Identity::Ours,
        (true, Some(id)) => Identity::Private(id),
        (true, None) => Identity::Mapped {
            users: format!("{0} {0} 1", user.as_raw()),
            groups: format!("{0} {0} 1", rustix::process::getegid().as_raw()),
        },
    }
}

/// A user id that no other live program has, far from those of people and services; `nobody` in a container that knows
/// few ids, `None` in one that does not know even that.
fn private_id() -> Option<u32> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    const NOBODY: u32 = 65534;
    let own = std::process::id() & 0xf_ffff;
    let unique = 0x4000_0000 | own << 10 | COUNT.fetch_add(1, Ordering::Relaxed) & 0x3ff;
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    [unique, NOBODY].into_iter().find(|id| is_mapped(&map, *id))
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

fn private_folder() -> Result<TempDir, SandboxError> {
    tempfile::Builder::new()
        .prefix("codeagent-")
        .tempdir()
        .map_err(|source| SandboxError::Host { action: "making a temporary folder".to_owned(), source })
}

/// Both ends of everything that connects us with the program.
struct Ends {
    /// stdin, stdout, stderr, channel, start-up data, report.
    theirs: [OwnedFd; plan::DESCRIPTORS],
    /// stdout, stderr, channel, report.
    ours: [OwnedFd; 4],
}

impl Ends {
    fn new(open: &Open, data: &[u8]) -> Result<Self, SandboxError> {
        let stdin = sealed("stdin", &open.stdin)?;
        let data = sealed("bootstrap", data)?;
        let make = || -> Result<Self, Errno> {
            let (stdout_ours, stdout) = pipe_with(PipeFlags::CLOEXEC)?;
            let (stderr_ours, stderr) = pipe_with(PipeFlags::CLOEXEC)?;
            let (report_ours, report) = pipe_with(PipeFlags::CLOEXEC)?;
            let (channel_ours, channel) =
                socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
            let ours = [stdout_ours, stderr_ours, channel_ours, report_ours];
            for end in &ours {
                rustix::io::ioctl_fionbio(end.as_fd(), true)?;
            }
            Ok(Self { theirs: [stdin, stdout, stderr, channel, data, report], ours })
        };
        make().map_err(host("connecting with a contained process"))
    }
}

/// A file in memory that nobody can change.
fn sealed(name: &str, bytes: &[u8]) -> Result<OwnedFd, SandboxError> {
    let make = || -> std::io::Result<OwnedFd> {
        let file = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut file = File::from(file);
        file.write_all(bytes)?;
        file.seek(SeekFrom::Start(0))?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(file.into())
    };
    make().map_err(|source| SandboxError::Host {
        action: "preparing the input of a contained process".to_owned(),
        source,
    })
}

fn c_string(bytes: &[u8]) -> Result<CString, SandboxError> {
    CString::new(bytes).map_err(|error| SandboxError::Host {
        action: "naming a file".to_owned(),
        source: std::io::Error::other(error),
    })
}

/// A running contained program, or what is left of it. Dropping it kills the program and reaps it.
#[derive(Debug)]
pub(super) struct Contained {
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    pub(super) channel: OwnedFd,
    pub(super) report: OwnedFd,
    /// Becomes readable when the process is dead.
    pub(super) pidfd: OwnedFd,
    pid: Pid,
    /// Whether the process is pid 1 of a namespace, which guards the program and reports its end.
    pub(super) guarded: bool,
    reaped: bool,
    _temp: Option<TempDir>,
}

impl Contained {
    /// Kills the program and everything that it started: with pid 1 the kernel ends the whole namespace.
    pub(super) fn kill(&self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        if !self.guarded && !self.reaped {
            // The leader is not reaped, so that its group id is still its own.
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }

    /// Takes the status of a dead or killed process.
    ///
    /// # Errors
    /// [`SandboxError::Host`] if somebody else has taken it.
    pub(super) fn reap(&mut self) -> Result<Reaped, SandboxError> {
        self.kill();
        self.reaped = true;
        sys::wait(self.pid).map_err(host("taking the status of a contained process"))
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = self.reap();
        }
    }
}

/// How long the interpreter may take to start, on a machine that is busy with other things.
pub(super) const START_PATIENCE: Duration = Duration::from_secs(20);

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
        let (first, second) = (private_id(), private_id());
        assert!(first.is_none() || first == Some(65534) || first != second);
    }

    #[test]
    fn fractions_of_a_second_of_cpu_are_rounded_up() {
        let asked = Limits { cpu: Duration::from_millis(1500), ..Limits::default() };
        assert!(limits(&asked, false).contains(&(Resource::Cpu, 2, 3)));
    }
}
