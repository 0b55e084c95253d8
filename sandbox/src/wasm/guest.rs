//! The program's memory as the host sees it. Every pointer and length comes from the program, so every access is
//! checked and a bad one is an error number, never a panic.

/// Error numbers of WASI preview 1 that this host uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Errno {
    /// Not permitted.
    Access = 2,
    /// No such descriptor.
    BadDescriptor = 8,
    /// A pointer outside of memory.
    Fault = 21,
    /// An argument that makes no sense.
    Invalid = 28,
    /// No such file.
    NoEntry = 44,
    /// Not a folder.
    NotFolder = 54,
    /// Not supported for this descriptor.
    NotSupported = 58,
    /// Nobody reads.
    Pipe = 64,
    /// Not seekable.
    NotSeekable = 70,
}

/// Most buffers in one vectored read or write; the program may repeat the call for more.
const BUFFERS_MAX: u32 = 1024;

/// The program's memory.
pub(super) struct Guest<'m>(&'m mut [u8]);

/// A buffer of the program, not yet checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buffer {
    /// Address of the first byte.
    pub(super) at: u32,
    /// Length in bytes.
    pub(super) length: u32,
}

impl<'m> Guest<'m> {
    pub(super) const fn new(memory: &'m mut [u8]) -> Self {
        Self(memory)
    }

    /// The bytes of a buffer.
    pub(super) fn bytes(&self, buffer: Buffer) -> Result<&[u8], Errno> {
        let start = buffer.at as usize;
        let end = start.checked_add(buffer.length as usize).ok_or(Errno::Fault)?;
        self.0.get(start..end).ok_or(Errno::Fault)
    }

    /// The bytes of a buffer, to be written.
    pub(super) fn bytes_mut(&mut self, buffer: Buffer) -> Result<&mut [u8], Errno> {
        let start = buffer.at as usize;
        let end = start.checked_add(buffer.length as usize).ok_or(Errno::Fault)?;
        self.0.get_mut(start..end).ok_or(Errno::Fault)
    }

    /// Writes bytes at an address.
    pub(super) fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.bytes_mut(Buffer { at, length })?.copy_from_slice(bytes);
        Ok(())
    }

    /// Reads exactly `N` bytes at an address.
    pub(super) fn read<const N: usize>(&self, at: u32) -> Result<[u8; N], Errno> {
        let length = u32::try_from(N).map_err(|_| Errno::Fault)?;
        self.bytes(Buffer { at, length })?.try_into().map_err(|_| Errno::Fault)
    }

    /// Reads a number.
    pub(super) fn u32(&self, at: u32) -> Result<u32, Errno> {
        self.read(at).map(u32::from_le_bytes)
    }

    /// Writes a number.
    pub(super) fn set_u32(&mut self, at: u32, value: u32) -> Result<(), Errno> {
        self.write(at, &value.to_le_bytes())
    }

    /// Writes a number.
    pub(super) fn set_u64(&mut self, at: u32, value: u64) -> Result<(), Errno> {
        self.write(at, &value.to_le_bytes())
    }

    /// A list of buffers (`iovec`), at most [`BUFFERS_MAX`] of them.
    pub(super) fn buffers(&self, list: u32, count: u32) -> Result<Vec<Buffer>, Errno> {
        let buffer = |index: u32| {
            let at = offset(list, index * 8)?;
            Ok(Buffer { at: self.u32(at)?, length: self.u32(offset(at, 4)?)? })
        };
        (0..count.min(BUFFERS_MAX)).map(buffer).collect()
    }

    /// Text of the program, for messages: not more than 200 bytes, whatever is no text replaced.
    pub(super) fn text(&self, buffer: Buffer) -> Result<String, Errno> {
        let length = buffer.length.min(200);
        Ok(String::from_utf8_lossy(self.bytes(Buffer { length, ..buffer })?).into_owned())
    }
}

/// `at + by`, unless it leaves the address space.
pub(super) fn offset(at: u32, by: u32) -> Result<u32, Errno> {
    at.checked_add(by).ok_or(Errno::Fault)
}
