//! Paths. While the interpreter is initialised they lead into the standard library; afterwards there is no file, and
//! whoever opens one is refused.

use super::streams::{NULL, ROOT, STDERR, STDIN, STDOUT, file_status, type_of};
use super::{Answer, Fault, Host};
use crate::wasm::carriers::STDLIB_FOLDER;
use crate::wasm::guest::{Buffer, Errno, Guest, offset};

/// Right to write, as a bit of the rights given to `path_open`.
const RIGHT_WRITE: u64 = 1 << 6;
/// Flags of `path_open` that make or empty a file.
const CREATE_OR_TRUNCATE: u32 = 0b1001;
/// Flag of `path_open` for a folder, to list it.
const FOLDER: u32 = 0b10;
/// Path of the root folder.
const ROOT_NAME: &[u8] = b"/";

impl Host {
    /// What is open from the start: descriptor 3 is something, but no folder; 4 is the root.
    pub(in crate::wasm) fn fd_prestat_get(guest: &mut Guest<'_>, descriptor: u32, at: u32) -> Answer {
        match descriptor {
            // The C library passes over an unknown kind and goes on to the next descriptor.
            super::streams::CHANNEL => guest.write(at, &[1, 0, 0, 0, 0, 0, 0, 0])?,
            ROOT => {
                guest.set_u32(at, 0)?;
                guest.set_u32(offset(at, 4)?, 1)?;
            }
            _ => return Err(Errno::BadDescriptor.into()),
        }
        Ok(())
    }

    /// Path of the root folder.
    pub(in crate::wasm) fn fd_prestat_dir_name(
        guest: &mut Guest<'_>,
        descriptor: u32,
        at: u32,
        length: u32,
    ) -> Answer {
        if descriptor != ROOT {
            return Err(Errno::BadDescriptor.into());
        }
        guest.write(at, ROOT_NAME.get(..length as usize).unwrap_or(ROOT_NAME))?;
        Ok(())
    }

    /// Opens a path. Standard streams and the empty device have their usual names.
    pub(in crate::wasm) fn path_open(
        &mut self,
        guest: &mut Guest<'_>,
        folder: u32,
        path: Buffer,
        (how, rights): (u32, u64),
        opened: u32,
    ) -> Answer {
        let path = guest.text(path)?;
        let descriptor = match path.trim_start_matches('/') {
            "dev/stdin" => STDIN,
            "dev/stdout" => STDOUT,
            "dev/stderr" => STDERR,
            "dev/null" => NULL,
            // The standard library is opened with every right that the C library knows; only making files is writing.
            _ if !self.files.is_empty() && how & CREATE_OR_TRUNCATE == 0 => {
                self.files.open(from(folder), &path)?
            }
            name => return Err(self.refuse_path(name, how, rights)),
        };
        self.closed.set(descriptor, false);
        guest.set_u32(opened, descriptor)?;
        Ok(())
    }

    /// Nothing is there to be read, and nothing may be written.
    fn refuse_path(&mut self, name: &str, how: u32, rights: u64) -> Fault {
        let (action, errno) = if how & FOLDER != 0 {
            ("list", Errno::Access)
        } else if rights & RIGHT_WRITE != 0 || how & CREATE_OR_TRUNCATE != 0 {
            ("write", Errno::Access)
        } else {
            ("open", Errno::NoEntry)
        };
        // Printing a traceback looks for source files by itself; that is no doing of the program.
        if !(action == "open" && is_source(name)) {
            self.refuse(format!("{action} {name}"));
        }
        errno.into()
    }

    /// Status of a path. Asking what there is does no harm and is not written down.
    pub(in crate::wasm) fn path_filestat_get(
        &self,
        guest: &mut Guest<'_>,
        folder: u32,
        path: Buffer,
        at: u32,
    ) -> Answer {
        let path = guest.text(path)?;
        let status = self.files.status(from(folder), &path)?;
        guest.write(at, &file_status(type_of(status.is_folder), status.length, status.number))?;
        Ok(())
    }

    /// Entries of a folder from number `cookie` on, as many bytes as fit.
    pub(in crate::wasm) fn fd_readdir(
        &mut self,
        guest: &mut Guest<'_>,
        folder: u32,
        buffer: Buffer,
        cookie: u64,
        used: u32,
    ) -> Answer {
        if self.files.is_empty() {
            return Err(Errno::BadDescriptor.into());
        }
        let mut entries = Vec::new();
        let from = usize::try_from(cookie).map_err(|_| Errno::Invalid)?;
        for (number, (name, is_folder)) in self.files.list(folder)?.into_iter().enumerate().skip(from) {
            entries.extend_from_slice(&(number as u64 + 1).to_le_bytes());
            entries.extend_from_slice(&[0; 8]);
            entries.extend_from_slice(&u32::try_from(name.len()).unwrap_or(0).to_le_bytes());
            entries.extend_from_slice(&[type_of(is_folder), 0, 0, 0]);
            entries.extend_from_slice(name.as_bytes());
            if entries.len() >= buffer.length as usize {
                break;
            }
        }
        entries.truncate(buffer.length as usize);
        guest.write(buffer.at, &entries)?;
        guest.set_u32(used, u32::try_from(entries.len()).unwrap_or(0))?;
        Ok(())
    }
}

/// Whether a name is one that tracebacks show: the program's, a module's of the standard library, or a made-up one.
fn is_source(name: &str) -> bool {
    let is_library = name.strip_prefix(STDLIB_FOLDER).is_some_and(|rest| rest.starts_with('/'));
    is_library || name == "candidate.py" || name.starts_with('<')
}

/// The folder that a path is seen from.
const fn from(folder: u32) -> Option<u32> {
    if folder == ROOT { None } else { Some(folder) }
}
