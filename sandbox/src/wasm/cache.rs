//! The compiled interpreter in the user's cache folder.
//!
//! Compiled code is loaded without checks by the engine, so it must be our own: the folder belongs to this user and
//! nobody else may write to it, and the code's hash stands beside it. Whatever does not agree is made anew. Files
//! appear whole, by renaming, and a lock file lets one process make them while others wait.
//!
//! Taking the hash is a good part of a start. It is taken anew when the file was touched since, and once after each start of
//! the machine; elsewhere than on Linux always.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::snapshot::Report;
use crate::error::SandboxError;

/// Compiled interpreters that are kept, the newest; those of older versions go when a new one comes.
const KEPT: usize = 4;

/// How long a file must have been left alone to be told from one that is touched later: times of files are coarse.
const SETTLED: Duration = Duration::from_secs(2);

/// Where compiled interpreters lie.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// What stands beside the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// BLAKE3 of the code.
    pub(super) hash: String,
    /// Length of the code in bytes.
    pub(super) bytes: u64,
    /// What the code is.
    pub(super) report: Report,
}

/// A file that had a hash, as long as nobody touches it and the machine runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// The machine's start.
    boot: String,
    /// Device, file number, length and the times in nanoseconds of the last change of its bytes and of anything about it.
    file: [i128; 5],
    hash: String,
}

/// The right to make what is missing; held by one process at a time.
pub(super) struct Lock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

impl Cache {
    /// The folder of this user: `$CODEAGENT_CACHE_DIR`, else `$XDG_CACHE_HOME/codeagent`, else `~/.cache/codeagent`.
    ///
    /// # Errors
    /// When none of them is known.
    pub(super) fn of_user() -> Result<Self, SandboxError> {
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let found = folder("CODEAGENT_CACHE_DIR")
            .or_else(|| folder("XDG_CACHE_HOME").map(|path| path.join("codeagent")))
            .or_else(|| folder("LOCALAPPDATA").map(|path| path.join("codeagent").join("cache")))
            .or_else(|| folder("HOME").map(|path| path.join(".cache").join("codeagent")));
        found.map(|folder| Self { folder }).ok_or_else(|| SandboxError::Unavailable {
            backend: super::NAME,
            what: "a cache folder".into(),
            remedy: "set CODEAGENT_CACHE_DIR to an absolute path".into(),
        })
    }

    /// A folder of the caller's choice.
    pub(super) const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The file that holds the code with this key.
    pub(super) fn code(&self, key: &str) -> PathBuf {
        self.folder.join(format!("python-{key}.cwasm"))
    }

    fn manifest(&self, key: &str) -> PathBuf {
        self.folder.join(format!("python-{key}.json"))
    }

    /// Waits for the right to make what is missing. Makes the folder.
    ///
    /// # Errors
    /// When the folder cannot be made or is not safe.
    pub(super) fn lock(&self) -> Result<Lock, SandboxError> {
        let failed = |source| self.error(&format!("could not be used: {source}"));
        make_folder(&self.folder).map_err(failed)?;
        self.check_folder()?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.folder.join("python.lock"))
            .map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(Lock(file))
    }

    fn seen(&self, key: &str) -> PathBuf {
        self.folder.join(format!("python-{key}.seen"))
    }

    /// The manifest of the code with this key, if both are there, whole and ours.
    pub(super) fn find(&self, key: &str) -> Option<Manifest> {
        self.find_at(key, SystemTime::now())
    }

    fn find_at(&self, key: &str, now: SystemTime) -> Option<Manifest> {
        self.check_folder().ok()?;
        let manifest: Manifest = serde_json::from_slice(&fs::read(self.manifest(key)).ok()?).ok()?;
        let code = self.code(key);
        let is_ours = check_owner(&code).is_ok() && self.has_hash(key, &manifest.hash, now);
        if !is_ours {
            tracing::warn!(path = %code.display(), "the compiled interpreter is damaged and will be made anew");
        }
        is_ours.then_some(manifest)
    }

    /// Whether the code with this key has a hash.
    fn has_hash(&self, key: &str, expected: &str, now: SystemTime) -> bool {
        // What is there before the hash is taken: whoever touches the file meanwhile makes it another.
        let there = Seen::of(&self.code(key), expected);
        let before = fs::read(self.seen(key)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        if there.is_some() && before == there {
            return true;
        }
        let is_whole = hash(&self.code(key)).is_ok_and(|hash| hash == expected);
        let settled = there.filter(|there| is_whole && there.is_settled(now));
        if let Some(text) = settled.and_then(|there| serde_json::to_vec(&there).ok()) {
            // Where it cannot be written, the hash is taken again next time.
            let _ = self.write(&self.seen(key), &text);
        }
        is_whole
    }

    /// Stores code and then its manifest.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn store(
        &self,
        key: &str,
        code: &[u8],
        report: Report,
        _: &Lock,
    ) -> Result<Manifest, SandboxError> {
        let hash = blake3::hash(code).to_hex().to_string();
        let manifest = Manifest { hash, bytes: code.len() as u64, report };
        let text = serde_json::to_vec(&manifest).map_err(|error| self.error(&error.to_string()))?;
        let write = |path: &Path, bytes: &[u8]| self.write(path, bytes);
        write(&self.code(key), code)
            .and_then(|()| write(&self.manifest(key), &text))
            .map_err(|source| self.error(&format!("could not be written: {source}")))?;
        self.prune();
        Ok(manifest)
    }

    /// Removes the oldest interpreters. A process that has one loaded keeps it; what cannot be removed stays.
    fn prune(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let is_code = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("python-") && name.ends_with(".cwasm")
        };
        let age = |path: &PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let mut codes: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_code).collect();
        codes.sort_by_key(|path| std::cmp::Reverse(age(path)));
        for code in codes.iter().skip(KEPT) {
            let _ = fs::remove_file(code.with_extension("json"));
            let _ = fs::remove_file(code.with_extension("seen"));
            let _ = fs::remove_file(code);
        }
    }

    /// Writes a file so that it appears whole or not at all.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }

    fn check_folder(&self) -> Result<(), SandboxError> {
        check_owner(&self.folder).map_err(|reason| self.error(&reason.to_string()))
    }

    fn error(&self, reason: &str) -> SandboxError {
        SandboxError::Prepare {
            path: self.folder.clone(),
            reason: format!("{reason} (CODEAGENT_CACHE_DIR chooses another folder)"),
        }
    }
}

impl Seen {
    /// A file as it is there, said to have a hash; `None` where the system does not tell what it takes.
    #[cfg(target_os = "linux")]
    fn of(path: &Path, hash: &str) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = fs::symlink_metadata(path).ok()?;
        let time = |s: i64, ns: i64| i128::from(s) * 1_000_000_000 + i128::from(ns);
        let file = [
            metadata.dev().into(),
            metadata.ino().into(),
            metadata.len().into(),
            time(metadata.mtime(), metadata.mtime_nsec()),
            time(metadata.ctime(), metadata.ctime_nsec()),
        ];
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(Self { boot, file, hash: hash.to_owned() })
    }

    #[cfg(not(target_os = "linux"))]
    fn of(_: &Path, _: &str) -> Option<Self> {
        None
    }

    /// Whether nobody has touched it for some time.
    fn is_settled(&self, now: SystemTime) -> bool {
        let [.., changed] = self.file;
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let settled = now.saturating_sub(SETTLED).as_nanos();
        i128::try_from(settled).is_ok_and(|settled| changed < settled)
    }
}

/// BLAKE3 of a file, on all cores.
fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_mmap_rayon(path)?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Checks that a file or folder is this user's, and that nobody else may write to it.
#[cfg(unix)]
pub(super) fn check_owner(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::symlink_metadata(path)?;
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if !is_ours || metadata.mode() & 0o022 != 0 || metadata.is_symlink() {
        return Err(io::Error::other("belongs to somebody else or may be written by others"));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn check_owner(path: &Path) -> io::Result<()> {
    fs::symlink_metadata(path).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            interpreter: "CPython".into(),
            modules: vec!["abc".into()],
            absent: Vec::new(),
            main: 2,
            memory_bytes: 1,
        }
    }

    fn stored() -> (tempfile::TempDir, Cache, Manifest) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("new"));
        let lock = cache.lock().unwrap();
        let manifest = cache.store("key", b"code", report(), &lock).unwrap();
        (folder, cache, manifest)
    }

    #[test]
    fn what_was_stored_is_found() {
        let (_folder, cache, manifest) = stored();
        assert_eq!(cache.find("key"), Some(manifest));
        assert_eq!(cache.find("other"), None);
    }

    #[test]
    fn damaged_code_is_not_found() {
        let (_folder, cache, _) = stored();
        fs::write(cache.code("key"), b"cods").unwrap();
        assert_eq!(cache.find("key"), None);
    }

    fn later() -> SystemTime {
        SystemTime::now() + 2 * SETTLED
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_hash_is_not_taken_again_until_somebody_touches_the_file() {
        let (_folder, cache, manifest) = stored();
        assert!(cache.find("key").is_some() && !cache.seen("key").exists(), "the file is too young");
        assert_eq!(cache.find_at("key", later()), Some(manifest.clone()));
        let seen: Seen = serde_json::from_slice(&fs::read(cache.seen("key")).unwrap()).unwrap();
        fs::write(cache.code("key"), b"cods").unwrap();
        assert_eq!(cache.find_at("key", later()), None, "written to, and as long as before");

        // That no hash is taken shows in damaged code that is said to have been seen.
        let say = |seen: &Seen| fs::write(cache.seen("key"), serde_json::to_vec(seen).unwrap()).unwrap();
        let damaged = Seen::of(&cache.code("key"), &manifest.hash).unwrap();
        say(&damaged);
        assert_eq!(cache.find("key"), Some(manifest));
        say(&Seen { boot: "another".into(), ..damaged.clone() });
        assert_eq!(cache.find("key"), None, "after the next start");
        say(&Seen { hash: "another".into(), ..damaged });
        assert_eq!(cache.find("key"), None, "compared with another hash");
        say(&seen);
        assert_eq!(cache.find("key"), None);
        fs::write(cache.seen("key"), "{").unwrap();
        assert_eq!(cache.find("key"), None);
    }

    #[test]
    fn code_without_its_manifest_is_not_found() {
        let (_folder, cache, _) = stored();
        fs::write(cache.manifest("key"), b"{").unwrap();
        assert_eq!(cache.find("key"), None);
    }

    #[test]
    fn old_interpreters_make_room() {
        let (_folder, cache, _) = stored();
        let lock = cache.lock().unwrap();
        for key in ["b", "c", "d", "e", "f"] {
            cache.store(key, b"code", report(), &lock).unwrap();
            assert!(cache.find_at(key, later()).is_some());
        }
        let each = 2 + usize::from(cfg!(target_os = "linux"));
        let files = fs::read_dir(&cache.folder).unwrap().count();
        // The newest was seen by then, too.
        assert_eq!(files, each * KEPT + 1, "code, manifests, what was seen of them and the lock file");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_may_write_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, cache, _) = stored();
        fs::set_permissions(&cache.folder, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(cache.find("key"), None);
        let error = cache.lock().err().unwrap().to_string();
        assert!(error.contains("may be written by others"), "{error}");
    }
}
