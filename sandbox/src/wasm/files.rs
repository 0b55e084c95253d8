//! A read-only file tree in memory: Python's standard library while the interpreter is initialised.
//!
//! Once the snapshot is taken no program sees a file; see [`Files::none`].

use std::collections::BTreeMap;
use std::io::Read;

use super::guest::Errno;

/// First descriptor given to an opened file.
const FIRST: u32 = 16;
/// Most descriptors open at once.
const OPEN_MAX: usize = 64;

/// What a path names.
#[derive(Debug, Clone)]
enum Entry {
    File(Vec<u8>),
    /// Names in the folder, in order.
    Folder(Vec<String>),
}

/// The tree and the open descriptors in it.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Entries by path from the root, without a slash at either end; the root is the empty path.
    entries: BTreeMap<String, Entry>,
    open: BTreeMap<u32, Opened>,
}

#[derive(Debug)]
struct Opened {
    path: String,
    position: usize,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    /// Whether it is a folder.
    pub(super) is_folder: bool,
    /// Length in bytes.
    pub(super) length: u64,
    /// Distinguishes files.
    pub(super) number: u64,
}

/// From where a seek counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whence {
    /// The beginning.
    Start,
    /// The position.
    Current,
    /// The end.
    End,
}

impl Files {
    /// No files at all: every path is refused.
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// Unpacks a tar archive.
    ///
    /// # Errors
    /// When the archive is damaged.
    pub(super) fn from_tar(archive: impl Read) -> std::io::Result<Self> {
        let mut files = Self::default();
        for entry in tar::Archive::new(archive).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.to_string_lossy().trim_matches('/').to_owned();
            if entry.header().entry_type().is_file() {
                let mut contents = Vec::new();
                entry.read_to_end(&mut contents)?;
                files.insert(&path, contents);
            }
        }
        Ok(files)
    }

    /// Adds a file.
    pub(super) fn insert(&mut self, path: &str, contents: Vec<u8>) {
        self.add(path, Entry::File(contents));
    }

    /// Adds an entry and the folders above it.
    fn add(&mut self, path: &str, entry: Entry) {
        self.entries.insert(path.to_owned(), entry);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        match self.entries.get_mut(folder) {
            Some(Entry::Folder(names)) => {
                if let Err(place) = names.binary_search_by(|other| other.as_str().cmp(name)) {
                    names.insert(place, name.to_owned());
                }
            }
            Some(Entry::File(_)) => {}
            None if folder.is_empty() => {
                self.entries.insert(String::new(), Entry::Folder(vec![name.to_owned()]));
            }
            None => self.add(folder, Entry::Folder(vec![name.to_owned()])),
        }
    }

    /// Whether there is any file to be had.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Opens a path seen from an open folder (`None`: the root).
    pub(super) fn open(&mut self, folder: Option<u32>, path: &str) -> Result<u32, Errno> {
        let path = self.resolve(folder, path)?;
        if !self.entries.contains_key(&path) {
            return Err(Errno::NoEntry);
        }
        if self.open.len() >= OPEN_MAX {
            return Err(Errno::NotSupported);
        }
        let descriptor =
            (FIRST..).find(|number| !self.open.contains_key(number)).ok_or(Errno::NotSupported)?;
        self.open.insert(descriptor, Opened { path, position: 0 });
        Ok(descriptor)
    }

    /// Closes a descriptor.
    pub(super) fn close(&mut self, descriptor: u32) -> Result<(), Errno> {
        self.open.remove(&descriptor).map(|_| ()).ok_or(Errno::BadDescriptor)
    }

    /// Reads on from a descriptor's position into `buffer`; returns the number of bytes.
    pub(super) fn read(&mut self, descriptor: u32, buffer: &mut [u8]) -> Result<usize, Errno> {
        let opened = self.open.get_mut(&descriptor).ok_or(Errno::BadDescriptor)?;
        let Some(Entry::File(contents)) = self.entries.get(&opened.path) else {
            return Err(Errno::BadDescriptor);
        };
        let rest = contents.get(opened.position..).unwrap_or_default();
        let taken = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        opened.position += taken;
        Ok(taken)
    }

    /// Moves a descriptor's position and returns it.
    pub(super) fn seek(&mut self, descriptor: u32, by: i64, whence: Whence) -> Result<u64, Errno> {
        let length = self.status_of(descriptor)?.length;
        let opened = self.open.get_mut(&descriptor).ok_or(Errno::BadDescriptor)?;
        let from = match whence {
            Whence::Start => 0,
            Whence::Current => opened.position as u64,
            Whence::End => length,
        };
        let position = from.checked_add_signed(by).ok_or(Errno::Invalid)?;
        opened.position = usize::try_from(position).map_err(|_| Errno::Invalid)?;
        Ok(position)
    }

    /// What an open descriptor is.
    pub(super) fn status_of(&self, descriptor: u32) -> Result<Status, Errno> {
        let opened = self.open.get(&descriptor).ok_or(Errno::BadDescriptor)?;
        self.status_at(&opened.path)
    }

    /// What a path, seen from an open folder (`None`: the root), names.
    pub(super) fn status(&self, folder: Option<u32>, path: &str) -> Result<Status, Errno> {
        self.status_at(&self.resolve(folder, path)?)
    }

    fn status_at(&self, path: &str) -> Result<Status, Errno> {
        let entry = self.entries.get(path).ok_or(Errno::NoEntry)?;
        let number = self.entries.keys().take_while(|other| other.as_str() < path).count() as u64 + 1;
        Ok(match entry {
            Entry::File(contents) => Status { is_folder: false, length: contents.len() as u64, number },
            Entry::Folder(_) => Status { is_folder: true, length: 0, number },
        })
    }

    /// Names in an open folder, in order, each with whether it is a folder.
    pub(super) fn list(&self, descriptor: u32) -> Result<Vec<(&str, bool)>, Errno> {
        let opened = self.open.get(&descriptor).ok_or(Errno::BadDescriptor)?;
        let Some(Entry::Folder(names)) = self.entries.get(&opened.path) else {
            return Err(Errno::NotFolder);
        };
        let is_folder =
            |name: &str| matches!(self.entries.get(&join(&opened.path, name)), Some(Entry::Folder(_)));
        Ok(names.iter().map(|name| (name.as_str(), is_folder(name))).collect())
    }

    /// The path from the root, without dots. Nothing lies above the root.
    fn resolve(&self, folder: Option<u32>, path: &str) -> Result<String, Errno> {
        let start = match folder {
            None => "",
            Some(descriptor) => &self.open.get(&descriptor).ok_or(Errno::BadDescriptor)?.path,
        };
        let mut parts: Vec<&str> = start.split('/').filter(|part| !part.is_empty()).collect();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                name => parts.push(name),
            }
        }
        Ok(parts.join("/"))
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let mut files = Files::none();
        files.insert("lib/os.py", b"import abc".to_vec());
        files.insert("lib/re/core.py", b"x".to_vec());
        files
    }

    #[test]
    fn a_file_is_read_on_from_where_it_was() {
        let mut files = files();
        let file = files.open(None, "/lib/./re/../os.py").unwrap();
        let mut buffer = [0; 7];
        assert_eq!(files.read(file, &mut buffer), Ok(7));
        assert_eq!(files.read(file, &mut buffer), Ok(3));
        assert_eq!(&buffer[..3], b"abc");
        assert_eq!(files.seek(file, -3, Whence::End), Ok(7));
        assert_eq!(files.seek(file, -8, Whence::Current), Err(Errno::Invalid));
        assert_eq!(files.close(file), Ok(()));
        assert_eq!(files.read(file, &mut buffer), Err(Errno::BadDescriptor));
    }

    #[test]
    fn folders_list_what_is_in_them() {
        let mut files = files();
        let folder = files.open(None, "lib").unwrap();
        assert_eq!(files.list(folder), Ok(vec![("os.py", false), ("re", true)]));
        assert_eq!(files.status(Some(folder), "re/core.py").map(|status| status.length), Ok(1));
        assert_eq!(files.status(None, "nowhere"), Err(Errno::NoEntry));
    }

    #[test]
    fn nothing_lies_above_the_root() {
        let mut files = files();
        assert_eq!(files.status(None, "../../lib").map(|status| status.is_folder), Ok(true));
        assert_eq!(files.open(None, "../etc/passwd"), Err(Errno::NoEntry));
    }
}
