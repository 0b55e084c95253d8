//! Texts that were pickled, packed with zlib and written in base64.
//!
//! A pickle is a program, and running foreign ones runs foreign code. Here exactly one form is read: a text, as protocols 2
//! to 5 write it. Whatever else stands in it is an error.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;

/// Most bytes of a text, unpacked.
const TEXT_BYTES_MAX: u64 = 128 << 20;

/// A text that is not a packed, pickled text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PickleError {
    /// Not base64.
    #[error("no base64 ({0})")]
    Base64(String),
    /// Not zlib.
    #[error("no zlib data, or damaged ({0})")]
    Zlib(String),
    /// More than 128 MiB unpacked.
    #[error("more than 128 MiB unpacked")]
    TooLarge,
    /// Something else than a text was pickled.
    #[error("a pickle with the operation {code:#04x} at byte {at}, where only a text may stand")]
    Operation {
        /// The operation.
        code: u8,
        /// Where it is.
        at: usize,
    },
    /// The pickle ends early.
    #[error("a pickle that is cut short")]
    Cut,
    /// More follows the end of the pickle.
    #[error("bytes behind the end of a pickle")]
    Trailing,
    /// The text is not UTF-8.
    #[error("a pickled text that is not UTF-8")]
    NotUtf8,
}

/// The text that was pickled and packed.
///
/// # Errors
/// [`PickleError`] for whatever is not exactly that.
pub fn pickled_text(packed: &str) -> Result<String, PickleError> {
    let compressed = STANDARD.decode(packed).map_err(|error| PickleError::Base64(error.to_string()))?;
    let mut pickle = Vec::new();
    let mut decoder = ZlibDecoder::new(compressed.as_slice()).take(TEXT_BYTES_MAX + 1);
    decoder.read_to_end(&mut pickle).map_err(|error| PickleError::Zlib(error.to_string()))?;
    if pickle.len() as u64 > TEXT_BYTES_MAX {
        return Err(PickleError::TooLarge);
    }
    Pickle { bytes: &pickle, at: 0 }.text()
}

/// Operations of pickles: protocol, start of a frame, texts with their length in 1, 4 or 8 bytes, notes for later use, end.
mod operation {
    pub(super) const PROTOCOL: u8 = 0x80;
    pub(super) const FRAME: u8 = 0x95;
    pub(super) const TEXT_1: u8 = 0x8c;
    pub(super) const TEXT_4: u8 = b'X';
    pub(super) const TEXT_8: u8 = 0x8d;
    pub(super) const NOTE: u8 = 0x94;
    pub(super) const NOTE_1: u8 = b'q';
    pub(super) const NOTE_4: u8 = b'r';
    pub(super) const STOP: u8 = b'.';
}

struct Pickle<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Pickle<'a> {
    fn text(mut self) -> Result<String, PickleError> {
        let mut text = None;
        loop {
            let at = self.at;
            let code = self.take(1)?.first().copied().unwrap_or_default();
            match code {
                operation::PROTOCOL if at == 0 => drop(self.take(1)?),
                operation::FRAME => drop(self.take(8)?),
                operation::TEXT_1 if text.is_none() => text = Some(self.sized(1)?),
                operation::TEXT_4 if text.is_none() => text = Some(self.sized(4)?),
                operation::TEXT_8 if text.is_none() => text = Some(self.sized(8)?),
                operation::NOTE if text.is_some() => {}
                operation::NOTE_1 if text.is_some() => drop(self.take(1)?),
                operation::NOTE_4 if text.is_some() => drop(self.take(4)?),
                operation::STOP => break,
                _ => return Err(PickleError::Operation { code, at }),
            }
        }
        if self.at < self.bytes.len() {
            return Err(PickleError::Trailing);
        }
        let text = text.ok_or(PickleError::Cut)?;
        String::from_utf8(text.to_vec()).map_err(|_| PickleError::NotUtf8)
    }

    /// So many bytes as the next `width` bytes say, lowest first.
    fn sized(&mut self, width: usize) -> Result<&'a [u8], PickleError> {
        let length = self.take(width)?.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        self.take(usize::try_from(length).map_err(|_| PickleError::Cut)?)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], PickleError> {
        let end = self.at.checked_add(length).ok_or(PickleError::Cut)?;
        let taken = self.bytes.get(self.at..end).ok_or(PickleError::Cut)?;
        self.at = end;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn packed(pickle: &[u8]) -> String {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(pickle).unwrap();
        STANDARD.encode(encoder.finish().unwrap())
    }

    fn check(pickle: &[u8], expected: Result<&str, PickleError>) {
        assert_eq!(pickled_text(&packed(pickle)), expected.map(str::to_owned), "{pickle:?}");
    }

    /// As CPython 3.14 writes them.
    #[test]
    fn texts_of_every_protocol() {
        check(b"\x80\x02X\x02\x00\x00\x00hiq\x00.", Ok("hi"));
        check(b"\x80\x03X\x03\x00\x00\x00\xc3\xa9tq\x00.", Ok("ét"));
        check(b"\x80\x04\x95\x06\x00\x00\x00\x00\x00\x00\x00\x8c\x02hi\x94.", Ok("hi"));
        check(b"\x80\x05\x95\x04\x00\x00\x00\x00\x00\x00\x00\x8c\x00\x94.", Ok(""));
        let long = "x".repeat(70_000);
        let mut pickle = b"\x80\x04X".to_vec();
        pickle.extend(70_000_u32.to_le_bytes());
        pickle.extend(long.as_bytes());
        pickle.extend(b"\x94.");
        check(&pickle, Ok(&long));
    }

    #[test]
    fn nothing_but_a_text_is_read() {
        let operation = |code, at| Err(PickleError::Operation { code, at });
        // os.system('id')
        check(b"cos\nsystem\n(S'id'\ntR.", operation(b'c', 0));
        check(b"\x80\x04\x8c\x02os\x8c\x06system\x93.", operation(0x8c, 6));
        check(b"\x80\x04]\x94.", operation(b']', 2));
        check(b"\x80\x04K\x01.", operation(b'K', 2));
        check(b"\x80\x04C\x02hi\x94.", operation(b'C', 2));
        check(b"\x8c\x01a\x80\x04.", operation(0x80, 3));
        check(b"\x94.", operation(0x94, 0));
        check(b"\x80\x04.", Err(PickleError::Cut));
        check(b"", Err(PickleError::Cut));
        check(b"\x80\x04\x8c\x05hi", Err(PickleError::Cut));
        check(b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffhi.", Err(PickleError::Cut));
        check(b"\x80\x04\x8c\x02hi.x", Err(PickleError::Trailing));
        check(b"\x80\x04\x8c\x02\xff\xfe.", Err(PickleError::NotUtf8));
    }

    #[test]
    fn what_is_not_packed() {
        assert!(matches!(pickled_text("%%"), Err(PickleError::Base64(_))));
        assert!(matches!(pickled_text("aGVsbG8="), Err(PickleError::Zlib(_))));
        let bomb = packed(&vec![0; (128 << 20) + 1]);
        assert_eq!(pickled_text(&bomb), Err(PickleError::TooLarge));
    }

    proptest! {
        #[test]
        fn texts_come_back(text in ".{0,300}") {
            let mut pickle = b"\x80\x04\x8d".to_vec();
            pickle.extend((text.len() as u64).to_le_bytes());
            pickle.extend(text.as_bytes());
            pickle.extend(b"\x94.");
            prop_assert_eq!(pickled_text(&packed(&pickle)), Ok(text));
        }

        /// Bytes that begin like a pickled text, too.
        #[test]
        fn no_bytes_panic(start in 0_usize..5, bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut pickle = b"\x80\x04\x8c\x01a"[..start].to_vec();
            pickle.extend(bytes);
            let _ = pickled_text(&packed(&pickle));
            let _ = pickled_text(&String::from_utf8_lossy(&pickle));
        }
    }
}
