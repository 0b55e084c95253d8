//! Descriptors: the three standard streams, the channel, the empty device, and open files.

use super::{Answer, Fault, Host, Stop};
use crate::wasm::files::Whence;
use crate::wasm::guest::{Buffer, Errno, Guest};
use crate::wasm::line::Next;

pub(super) const STDIN: u32 = 0;
pub(super) const STDOUT: u32 = 1;
pub(super) const STDERR: u32 = 2;
/// The framed channel to the host.
pub(super) const CHANNEL: u32 = 3;
/// The root folder.
pub(super) const ROOT: u32 = 4;
/// `/dev/null`.
pub(super) const NULL: u32 = 5;

/// File types of WASI.
const CHARACTER_DEVICE: u8 = 2;
const FOLDER: u8 = 3;
const REGULAR_FILE: u8 = 4;

/// Which of the descriptors that every program may have are closed.
pub(super) struct Closed([bool; NULL as usize + 1]);

impl Default for Closed {
    /// All are open, but for the empty device.
    fn default() -> Self {
        let mut closed = Self([false; NULL as usize + 1]);
        closed.set(NULL, true);
        closed
    }
}

impl Closed {
    pub(super) fn set(&mut self, descriptor: u32, closed: bool) {
        if let Some(is_closed) = self.0.get_mut(descriptor as usize) {
            *is_closed = closed;
        }
    }

    fn check(&self, descriptor: u32) -> Result<(), Errno> {
        let is_closed = self.0.get(descriptor as usize).copied().unwrap_or(false);
        if is_closed { Err(Errno::BadDescriptor) } else { Ok(()) }
    }
}

/// Output of the program, up to a limit.
pub(super) struct Sink {
    pub(super) bytes: Vec<u8>,
    limit: usize,
}

impl Sink {
    pub(super) const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let room = self.limit.saturating_sub(self.bytes.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.bytes.extend_from_slice(taken);
        if taken.len() < bytes.len() { Err(Stop::OutputLimit) } else { Ok(()) }
    }
}

/// Frames of the channel, half read or half written by the program.
pub(super) struct Channel {
    request: Vec<u8>,
    request_read: usize,
    answer: Vec<u8>,
    answer_max: usize,
}

impl Channel {
    pub(super) const fn new(answer_max: usize) -> Self {
        Self { request: Vec::new(), request_read: 0, answer: Vec::new(), answer_max }
    }

    /// Takes bytes of an answer; returns the answer once it is whole.
    fn write(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.answer.extend_from_slice(bytes);
        let Some((length, payload)) = self.answer.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        if length > self.answer_max {
            return Err(Stop::OutputLimit.into());
        }
        if payload.len() < length {
            return Ok(None);
        }
        // Bytes behind the frame are a second answer that nobody asked for.
        let answer = payload.get(..length).unwrap_or_default().to_vec();
        self.answer.clear();
        Ok(Some(answer))
    }
}

impl Host {
    /// Reads into a list of buffers.
    pub(in crate::wasm) fn fd_read(
        &mut self,
        guest: &mut Guest<'_>,
        descriptor: u32,
        list: u32,
        count: u32,
        read: u32,
    ) -> Answer {
        self.closed.check(descriptor)?;
        let mut total = 0;
        for buffer in guest.buffers(list, count)? {
            let taken = self.read_one(guest, descriptor, buffer)?;
            total += taken;
            if taken < buffer.length {
                break;
            }
        }
        guest.set_u32(read, total)?;
        Ok(())
    }

    fn read_one(&mut self, guest: &mut Guest<'_>, descriptor: u32, buffer: Buffer) -> Result<u32, Fault> {
        let to = guest.bytes_mut(buffer)?;
        let taken = match descriptor {
            STDIN => copy(&self.stdin, &mut self.stdin_read, to),
            CHANNEL if !to.is_empty() => self.read_channel(to)?,
            CHANNEL | NULL => 0,
            STDOUT | STDERR | ROOT => return Err(Errno::BadDescriptor.into()),
            file => self.files.read(file, to)?,
        };
        Ok(u32::try_from(taken).unwrap_or(0))
    }

    /// Reads on in the request; waits for the next one when this one is read.
    fn read_channel(&mut self, to: &mut [u8]) -> Result<usize, Fault> {
        let line = self.line.as_ref().ok_or(Errno::BadDescriptor)?;
        if self.channel.request_read == self.channel.request.len() {
            let request = match line.next()? {
                Next::Request(request) => request,
                Next::Close => return Ok(0),
                Next::Begin(open) => {
                    self.begin(*open);
                    return self.read_channel(to);
                }
            };
            let length = u32::try_from(request.len()).map_err(|_| Errno::Invalid)?;
            self.channel.request = [&length.to_le_bytes(), request.as_slice()].concat();
            self.channel.request_read = 0;
            // Half an answer to the request before belongs to no answer of this one.
            self.channel.answer.clear();
        }
        Ok(copy(&self.channel.request, &mut self.channel.request_read, to))
    }

    /// Writes a list of buffers.
    pub(in crate::wasm) fn fd_write(
        &mut self,
        guest: &mut Guest<'_>,
        descriptor: u32,
        list: u32,
        count: u32,
        written: u32,
    ) -> Answer {
        self.closed.check(descriptor)?;
        let mut total: u32 = 0;
        for buffer in guest.buffers(list, count)? {
            let bytes = guest.bytes(buffer)?;
            match descriptor {
                STDOUT => self.stdout.write(bytes)?,
                STDERR => self.stderr.write(bytes)?,
                CHANNEL => self.write_channel(bytes)?,
                NULL => {}
                _ => return Err(Errno::BadDescriptor.into()),
            }
            total = total.wrapping_add(buffer.length);
        }
        guest.set_u32(written, total)?;
        Ok(())
    }

    fn write_channel(&mut self, bytes: &[u8]) -> Answer {
        let line = self.line.as_ref().ok_or(Errno::BadDescriptor)?;
        if !line.is_awaited() {
            return Err(Errno::Pipe.into());
        }
        if let Some(answer) = self.channel.write(bytes)? {
            line.answer(answer)?;
        }
        Ok(())
    }

    /// Moves the position in a file. Streams have none.
    pub(in crate::wasm) fn fd_seek(
        &mut self,
        guest: &mut Guest<'_>,
        descriptor: u32,
        by: i64,
        whence: u32,
        position: u32,
    ) -> Answer {
        let whence = match whence {
            0 => Whence::Start,
            1 => Whence::Current,
            2 => Whence::End,
            _ => return Err(Errno::Invalid.into()),
        };
        self.file_type(descriptor)?;
        if descriptor <= NULL {
            return Err(Errno::NotSeekable.into());
        }
        guest.set_u64(position, self.files.seek(descriptor, by, whence)?)?;
        Ok(())
    }

    /// Closes a descriptor.
    pub(in crate::wasm) fn fd_close(&mut self, descriptor: u32) -> Answer {
        self.file_type(descriptor)?;
        if descriptor > NULL {
            self.files.close(descriptor)?;
        }
        self.closed.set(descriptor, true);
        Ok(())
    }

    /// No descriptor has flags that could be set; asking is harmless.
    pub(in crate::wasm) fn fd_fdstat_set_flags(&self, descriptor: u32) -> Answer {
        self.file_type(descriptor)?;
        Ok(())
    }

    /// Type and rights of a descriptor.
    pub(in crate::wasm) fn fd_fdstat_get(&self, guest: &mut Guest<'_>, descriptor: u32, at: u32) -> Answer {
        let mut status = [0; 24];
        status[0] = self.file_type(descriptor)?.0;
        // All rights, seeking among them, so that no stream is taken for a terminal.
        status[8..].fill(0xff);
        guest.write(at, &status)?;
        Ok(())
    }

    /// Status of a descriptor.
    pub(in crate::wasm) fn fd_filestat_get(&self, guest: &mut Guest<'_>, descriptor: u32, at: u32) -> Answer {
        let (file_type, length, number) = self.file_type(descriptor)?;
        if descriptor == ROOT && self.files.is_empty() {
            // The C library asks for its type before it opens a path, and nobody else needs it.
            return Err(Errno::BadDescriptor.into());
        }
        guest.write(at, &file_status(file_type, length, number))?;
        Ok(())
    }

    /// Type, length in bytes and number of what a descriptor stands for.
    fn file_type(&self, descriptor: u32) -> Result<(u8, u64, u64), Errno> {
        self.closed.check(descriptor)?;
        match descriptor {
            CHANNEL if self.line.is_none() => Err(Errno::BadDescriptor),
            STDIN | STDOUT | STDERR | CHANNEL | NULL => Ok((CHARACTER_DEVICE, 0, 0)),
            ROOT => Ok((FOLDER, 0, 0)),
            file => {
                let status = self.files.status_of(file)?;
                Ok((type_of(status.is_folder), status.length, status.number))
            }
        }
    }
}

/// File type of an entry in the tree.
pub(super) const fn type_of(is_folder: bool) -> u8 {
    if is_folder { FOLDER } else { REGULAR_FILE }
}

/// The structure `filestat`. All times are zero.
pub(super) fn file_status(file_type: u8, length: u64, number: u64) -> [u8; 64] {
    let mut status = [0; 64];
    status[8..16].copy_from_slice(&number.to_le_bytes());
    status[16] = file_type;
    status[24] = 1;
    status[32..40].copy_from_slice(&length.to_le_bytes());
    status
}

/// Copies on from a position; returns the number of bytes.
fn copy(from: &[u8], position: &mut usize, to: &mut [u8]) -> usize {
    let rest = from.get(*position..).unwrap_or_default();
    let taken = rest.len().min(to.len());
    for (to, from) in to.iter_mut().zip(rest) {
        *to = *from;
    }
    *position += taken;
    taken
}
