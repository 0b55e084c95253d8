//! Python's strings: UTF-8 in which surrogates may stand alone.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A Python string as bytes of generalised UTF-8: every code point up to U+10FFFF, surrogates included, so that each
/// Python string has exactly one form. Serialises as a string where it is valid Unicode, else as its bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(Vec<u8>);

/// One code point of a [`Text`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePoint {
    /// A Unicode scalar value.
    Char(char),
    /// A surrogate, U+D800 to U+DFFF.
    Surrogate(u16),
}

impl Text {
    /// The text of these bytes, if they are generalised UTF-8.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            at += match std::str::from_utf8(rest) {
                Ok(valid) => valid.len(),
                Err(error) => error.valid_up_to() + surrogate(rest.get(error.valid_up_to()..)?).map(|_| 3)?,
            };
        }
        Some(Self(bytes))
    }

    /// Appends a code point; `false` (and nothing appended) above U+10FFFF.
    pub fn push(&mut self, code: u32) -> bool {
        match (char::from_u32(code), u16::try_from(code)) {
            (Some(char), _) => self.0.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
            (None, Ok(unit)) => self.0.extend(surrogate_bytes(unit)),
            _ => return false,
        }
        true
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, where it is valid Unicode.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text with U+FFFD for what is not valid Unicode.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The code points in order.
    pub fn code_points(&self) -> impl Iterator<Item = CodePoint> {
        let mut rest = self.as_bytes();
        std::iter::from_fn(move || {
            if let Some(unit) = surrogate(rest) {
                rest = rest.get(3..)?;
                return Some(CodePoint::Surrogate(unit));
            }
            let length = match rest.first()? {
                0..=0x7F => 1,
                0x80..=0xDF => 2,
                0xE0..=0xEF => 3,
                _ => 4,
            };
            let (head, tail) = rest.split_at_checked(length)?;
            rest = tail;
            std::str::from_utf8(head).ok()?.chars().next().map(CodePoint::Char)
        })
    }
}

/// The surrogate at the start of `bytes`.
fn surrogate(bytes: &[u8]) -> Option<u16> {
    match bytes {
        [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ..] => {
            Some(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F))
        }
        _ => None,
    }
}

fn surrogate_bytes(unit: u16) -> [u8; 3] {
    [0xED, 0x80 | (unit >> 6 & 0x3F) as u8, 0x80 | (unit & 0x3F) as u8]
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string_lossy(), formatter)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored<'a> {
    Unicode(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => Stored::Unicode(text.into()),
            None => Stored::Bytes(self.as_bytes().into()),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Stored::deserialize(deserializer)? {
            Stored::Unicode(text) => Ok(text.into_owned().into()),
            Stored::Bytes(bytes) => Self::from_bytes(bytes.into_owned())
                .ok_or_else(|| serde::de::Error::custom("the bytes are not UTF-8 with surrogates")),
        }
    }
}
