//! CPython's files, which the build script fetched, checked and laid beside the crate.

use std::io;

use super::files::Files;

/// Names the files' contents.
pub(super) const HASH: &str = env!("CODEAGENT_PYTHON_FILES");

/// The interpreter that the files are.
pub(super) const INTERPRETER: &str = "CPython 3.14.0";

/// Folder of the standard library in the tree of [`stdlib`].
pub(super) const STDLIB_FOLDER: &str = "python-stdlib";

macro_rules! embed {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name))
    };
}

/// Shared libraries in the order in which they are linked.
const LIBRARIES: [(&str, &[u8]); 6] = [
    ("libc", embed!("libc.so.zst")),
    ("libwasi-emulated-getpid", embed!("libwasi-emulated-getpid.so.zst")),
    ("libwasi-emulated-mman", embed!("libwasi-emulated-mman.so.zst")),
    ("libwasi-emulated-process-clocks", embed!("libwasi-emulated-process-clocks.so.zst")),
    ("libwasi-emulated-signal", embed!("libwasi-emulated-signal.so.zst")),
    ("libpython3.14", embed!("libpython3.14.so.zst")),
];

/// The standard library as a tar archive.
const STDLIB: &[u8] = embed!("python-stdlib.tar.zst");

/// Unpacks the shared libraries.
///
/// # Errors
/// When one of them is damaged.
pub(super) fn libraries() -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    LIBRARIES.iter().map(|(name, packed)| Ok((*name, zstd::decode_all(*packed)?))).collect()
}

/// Unpacks Python's standard library.
///
/// # Errors
/// When it is damaged.
pub(super) fn stdlib() -> io::Result<Files> {
    Files::from_tar(zstd::Decoder::new(STDLIB)?)
}
