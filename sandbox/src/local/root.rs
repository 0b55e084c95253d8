//! The file system that a contained program sees: a read-only root with the interpreter and the system's libraries and
//! four devices. No `/proc`, no `/etc` but the linker's cache, nothing of the user's.
//!
//! The zygote moves into it once. Each of its copies mounts a folder of its own over `/private/tmp`, to which `/tmp` leads,
//! and over `/dev/input` one for the copy of its input, to which `/dev/stdin` leads. Landlock looks at the parents of a
//! place to mount and not at the place itself: that is why each of them lies in a folder.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, open, openat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_change,
    move_mount, open_tree, unmount,
};
use rustix::process::{chdir, fchdir, pivot_root};

use super::interpreter::Interpreter;
use super::sys;

/// Where the system keeps its shared libraries, and what they need. What is not there is left out.
const SYSTEM: [&str; 6] =
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo"];
/// Devices that programs expect. Reading and writing them touches no other program.
pub(super) const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];
/// Any folder that every system has: the new root is put together there, seen by the new mount namespace only.
const WORKSHOP: &CStr = c"/tmp";
/// It holds folders, empty files to mount over and one link.
const ROOT_OPTIONS: &CStr = c"mode=755,size=1m,nr_inodes=1024";

/// The paths that the interpreter reads, those beneath another left out.
pub(super) fn readable(interpreter: &Interpreter) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::new();
    let system = SYSTEM.iter().map(PathBuf::from);
    let own = interpreter.folders.iter().cloned().chain([interpreter.executable.clone()]);
    for path in system.chain(own).filter(|path| path.exists()) {
        if !kept.iter().any(|folder| path.starts_with(folder)) {
            kept.push(path);
        }
    }
    kept
}

/// What to mount, prepared before the program's process exists, so that its first steps need no memory of their own.
#[derive(Debug)]
pub(super) struct Root {
    folders: Vec<CString>,
    binds: Vec<Bind>,
}

#[derive(Debug)]
struct Bind {
    source: CString,
    /// Without the leading slash.
    target: CString,
    is_file: bool,
    attributes: u64,
}

impl Root {
    /// Plans a root with these read-only paths. Paths that hold a NUL byte do not exist.
    pub(super) fn new(readable: &[PathBuf]) -> Self {
        let devices = DEVICES.map(PathBuf::from);
        let mut folders: Vec<PathBuf> = Vec::new();
        let mut binds = Vec::new();
        for path in readable.iter().chain(devices.iter().filter(|path| path.exists())) {
            let is_file = !path.is_dir();
            let relative = path.strip_prefix("/").unwrap_or(path);
            let deepest = if is_file { relative.parent().unwrap_or(Path::new("")) } else { relative };
            let mut chain: Vec<&Path> =
                deepest.ancestors().filter(|folder| !folder.as_os_str().is_empty()).collect();
            chain.reverse();
            folders.extend(chain.into_iter().map(Path::to_owned));
            let locked = sys::MOUNT_RDONLY | sys::MOUNT_NOSUID;
            let attributes = if path.starts_with("/dev") { locked } else { locked | sys::MOUNT_NODEV };
            if let (Some(source), Some(target)) = (c_path(path), c_path(relative)) {
                binds.push(Bind { source, target, is_file, attributes });
            }
        }
        folders.extend(["dev", "dev/input", "private", "private/tmp"].map(PathBuf::from));
        folders.sort();
        folders.dedup();
        Self { folders: folders.iter().filter_map(|path| c_path(path)).collect(), binds }
    }

    /// Puts the root together and moves into it. Called in the new process: allocates nothing of its own.
    pub(super) fn enter(&self, trees: &mut [Option<OwnedFd>]) -> Result<(), Errno> {
        mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        // All sources before the workshop covers one of them.
        for (bind, tree) in self.binds.iter().zip(trees.iter_mut()) {
            *tree = Some(bind.copy()?);
        }
        let plain = MountFlags::NOSUID | MountFlags::NODEV;
        mount(c"tmpfs", WORKSHOP, c"tmpfs", plain, Some(ROOT_OPTIONS))?;
        let root = open(WORKSHOP, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        for folder in &self.folders {
            mkdirat(&root, folder.as_c_str(), Mode::from_raw_mode(0o755))?;
        }
        for (bind, tree) in self.binds.iter().zip(trees.iter_mut()) {
            if let Some(tree) = tree.take() {
                bind.attach(tree.as_fd(), root.as_fd())?;
            }
        }
        symlinkat(c"private/tmp", &root, c"tmp")?;
        symlinkat(c"input/stdin", &root, c"dev/stdin")?;
        fchdir(&root)?;
        sys::restrict_mount(root.as_fd(), sys::MOUNT_RDONLY, AtFlags::empty())?;
        pivot_root(c".", c".")?;
        unmount(c".", UnmountFlags::DETACH)?;
        chdir(c"/")
    }

    /// Empty places for [`Self::enter`] to work with.
    pub(super) fn places(&self) -> Vec<Option<OwnedFd>> {
        self.binds.iter().map(|_| None).collect()
    }
}

impl Bind {
    fn copy(&self) -> Result<OwnedFd, Errno> {
        let recursive = OpenTreeFlags::AT_RECURSIVE;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | recursive;
        let tree = open_tree(rustix::fs::CWD, self.source.as_c_str(), flags)?;
        sys::restrict_mount(tree.as_fd(), self.attributes, sys::AT_RECURSIVE)?;
        Ok(tree)
    }

    fn attach(&self, tree: BorrowedFd<'_>, root: BorrowedFd<'_>) -> Result<(), Errno> {
        if self.is_file {
            let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
            drop(openat(root, self.target.as_c_str(), flags, Mode::from_raw_mode(0o444))?);
        }
        move_mount(tree, c"", root, self.target.as_c_str(), MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
    }
}

fn c_path(path: &Path) -> Option<CString> {
    CString::new(path.as_os_str().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_beneath_others_are_left_out() {
        let interpreter = Interpreter {
            executable: PathBuf::from("/bin/sh"),
            name: String::new(),
            folders: vec![PathBuf::from("/usr/lib/os-release"), PathBuf::from("/nonexistent")],
            modules: Vec::new(),
        };
        let paths = readable(&interpreter);
        assert!(paths.contains(&PathBuf::from("/usr/lib")) && paths.contains(&PathBuf::from("/bin/sh")));
        assert!(!paths.iter().any(|path| path.ends_with("os-release") || path.ends_with("nonexistent")));
    }

    #[test]
    fn parents_come_before_children() {
        let root = Root::new(&[PathBuf::from("/usr/lib"), PathBuf::from("/etc/hostname")]);
        let folders: Vec<_> = root.folders.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(folders, ["dev", "dev/input", "etc", "private", "private/tmp", "usr", "usr/lib"]);
    }
}
