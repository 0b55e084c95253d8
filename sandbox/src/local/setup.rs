//! What all zygotes of a sandbox have in common: the interpreter, the layers, and what is made ready for their start.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::cgroup::Delegated;
use super::identity;
use super::interpreter::Interpreter;
use super::landlock_rules::Landlock;
use super::plan::{DESCRIPTORS, Identity, Plan};
use super::root::{self, Root};
use super::sys::StringArray;
use super::{filter, host, unavailable};
use crate::error::SandboxError;
use crate::session::Open;

const ZYGOTE: &str = include_str!("zygote.py");
const LOADER: &str = include_str!("loader.py");
/// Imported before the first program comes: what programs import most, and the driver in passing. Each MiB that they
/// take costs every run a fifth of a millisecond, which `hashlib` and `dataclasses` (by way of `inspect`) are not worth.
const MODULES: &str = "abc array bisect cmath collections collections.abc contextlib copy datetime decimal enum fractions \
    functools heapq io itertools json keyword linecache math numbers operator os random re reprlib statistics string \
    struct sys textwrap time traceback types typing unicodedata warnings weakref";

/// Which layers a sandbox puts around its programs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layers {
    pub(super) namespaces: bool,
    pub(super) landlock: Option<Landlock>,
    pub(super) seccomp: bool,
}

/// The common part.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) interpreter: Interpreter,
    pub(super) layers: Layers,
    pub(super) identity: Identity,
    /// What limits physical memory and processes, where it was delegated to us.
    pub(super) cgroups: Option<&'static Delegated>,
    readable: Vec<PathBuf>,
    /// The start-up data of `zygote.py`.
    pub(super) data: Vec<u8>,
}

impl Setup {
    /// # Errors
    /// [`SandboxError::Unavailable`] where the filter cannot be compiled for this architecture.
    pub(super) fn new(interpreter: Interpreter, layers: Layers) -> Result<Self, SandboxError> {
        let (filter, offsets) = filter::program().map_err(|error| {
            unavailable(format!("seccomp filters: {error}"), "use the wasm sandbox on this machine")
        })?;
        let flags = u32::from(layers.namespaces)
            | u32::from(layers.landlock.is_some()) << 1
            | u32::from(layers.seccomp) << 2;
        let calls = [libc::SYS_clone, libc::SYS_close_range, libc::SYS_landlock_restrict_self];
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
        let mut data = Vec::new();
        data.extend(flags.to_le_bytes());
        data.extend(calls.into_iter().flat_map(|call| number(usize::try_from(call).unwrap_or(usize::MAX))));
        data.extend(number(offsets.len()));
        data.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes()));
        for block in [filter.as_slice(), crate::python::DRIVER.as_bytes(), MODULES.as_bytes()] {
            data.extend(number(block.len()));
            data.extend(block);
        }
        let identity = match layers.namespaces {
            false => Identity::Ours,
            true if identity::private().is_some() => Identity::Root,
            true => Identity::Mapped,
        };
        Ok(Self {
            readable: root::readable(&interpreter),
            interpreter,
            layers,
            identity,
            cgroups: Delegated::of_this_process().ok(),
            data,
        })
    }

    /// The landlock rule set for a program that works in `temp`, or in a private `/tmp`; `None` without landlock.
    ///
    /// # Errors
    /// [`SandboxError::Host`] if the kernel refuses it.
    pub(super) fn rules(&self, temp: Option<&Path>) -> Result<Option<OwnedFd>, SandboxError> {
        let Some(landlock) = self.layers.landlock else { return Ok(None) };
        landlock
            .rules(&self.readable, temp)
            .map_err(|error| host("making landlock rules")(std::io::Error::other(error)))
    }

    /// How a zygote starts whose end of everything is in `descriptors`.
    ///
    /// # Errors
    /// [`SandboxError::Host`] if a path holds a NUL byte.
    pub(super) fn plan(
        &self,
        descriptors: [Option<i32>; DESCRIPTORS],
        hash_seed: u32,
    ) -> Result<Plan, SandboxError> {
        let executable = c_string(self.interpreter.executable.as_os_str().as_bytes())?;
        let root = self.layers.namespaces.then(|| {
            let root = Root::new(&self.readable);
            let places = root.places();
            (root, places)
        });
        let temp_access = self.layers.landlock.filter(|_| root.is_some()).map(Landlock::temp_bits);
        let [user, group] = [rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()];
        Ok(Plan {
            descriptors,
            arguments: arguments(&executable)?,
            environment: self.environment(hash_seed)?,
            executable,
            identity: self.identity,
            maps: [user, group].map(|id| format!("0 {id} 1")),
            root,
            temp_access,
        })
    }

    /// Variables that the start needs; `zygote.py` takes them away from the programs.
    fn environment(&self, hash_seed: u32) -> Result<StringArray, SandboxError> {
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

/// The seed of the hash order that a session asks for.
pub(super) const fn hash_seed(open: &Open) -> u32 {
    let [_, _, _, _, a, b, c, d] = open.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn arguments(executable: &CString) -> Result<StringArray, SandboxError> {
    // Not -I: it would ignore the hash seed. Its other effects come from the empty environment and `zygote.py`.
    let mut list = vec![executable.clone()];
    for argument in ["-s", "-S", "-B", "-X", "utf8", "-c", LOADER, ZYGOTE] {
        list.push(c_string(argument.as_bytes())?);
    }
    Ok(StringArray::new(list))
}

fn c_string(bytes: &[u8]) -> Result<CString, SandboxError> {
    CString::new(bytes).map_err(|error| SandboxError::Host {
        action: "naming a file".to_owned(),
        source: std::io::Error::other(error),
    })
}
