//! The claim codec: plain data as length-prefixed bytes, from a contained program to us.
//!
//! What comes out of a contained program is a claim and may be any bytes, so [`decode`] checks everything, recurses no
//! deeper than its limit and allocates no more than a small multiple of the input. Its twin is `Encoder` in
//! `python/codec.py`: a tag byte, then the value; counts and lengths are little-endian `u32`.

#[cfg(test)]
mod tests;

use crate::value::{BigInt, Text, Value};

/// What a decoded answer may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Containers inside each other.
    pub depth: usize,
    /// Values, those in containers included.
    pub nodes: usize,
}

impl Default for DecodeLimits {
    /// Depth 100 (arguments of tests may be deeper than answers), 2**20 nodes: an answer of 1 MiB has no more.
    fn default() -> Self {
        Self { depth: 100, nodes: 1 << 20 }
    }
}

/// The bytes are not a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// The bytes end inside a value.
    #[error("the claim ends at byte {at}, inside a value")]
    Truncated {
        /// Offset of the end.
        at: usize,
    },
    /// Bytes follow the value.
    #[error("the claim's value ends at byte {at}, but the claim does not")]
    Trailing {
        /// Offset of the first byte too many.
        at: usize,
    },
    /// No value starts with this byte.
    #[error("byte {at} of the claim is the unknown tag {tag:#04x}")]
    Tag {
        /// Its offset.
        at: usize,
        /// The byte.
        tag: u8,
    },
    /// A string is not UTF-8 with surrogates.
    #[error("the string before byte {at} of the claim is not UTF-8")]
    Text {
        /// Offset of the string's end.
        at: usize,
    },
    /// A limit is exceeded.
    #[error("the claim exceeds the limit of {what} at byte {at}")]
    Limit {
        /// `depth` or `nodes`.
        what: &'static str,
        /// Offset of the value that is too much.
        at: usize,
    },
}

/// The bytes of a value, as the driver inside writes them: for doubles of a sandbox, and for tests.
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, value);
    out
}

fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::None => out.push(b'N'),
        Value::Bool(value) => out.push(if *value { b'T' } else { b'F' }),
        Value::Int(value) => put_int(out, value),
        Value::Float(value) => {
            out.push(b'f');
            out.extend(value.to_le_bytes());
        }
        Value::Complex(real, imaginary) => {
            out.push(b'c');
            out.extend(real.to_le_bytes());
            out.extend(imaginary.to_le_bytes());
        }
        Value::Str(text) => put_sized(out, b's', text.as_bytes()),
        Value::Bytes(bytes) => put_sized(out, b'b', bytes),
        Value::List(items) => put_items(out, b'l', items),
        Value::Tuple(items) => put_items(out, b't', items),
        Value::Set(items) => put_items(out, b'S', items),
        Value::FrozenSet(items) => put_items(out, b'Z', items),
        Value::Dict(pairs) => {
            put_count(out, b'd', pairs.len());
            for (key, value) in pairs {
                put(out, key);
                put(out, value);
            }
        }
    }
}

fn put_int(out: &mut Vec<u8>, value: &BigInt) {
    if let Some(small) = value.to_i64() {
        out.push(b'i');
        out.extend(small.to_le_bytes());
    } else {
        out.push(b'I');
        put_sized(out, u8::from(value.is_negative()), &value.to_le_bytes());
    }
}

fn put_items(out: &mut Vec<u8>, tag: u8, items: &[Value]) {
    put_count(out, tag, items.len());
    for item in items {
        put(out, item);
    }
}

fn put_sized(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put_count(out, tag, bytes.len());
    out.extend(bytes);
}

/// Counts above `u32` can't come up: they would take more memory than a request may have.
fn put_count(out: &mut Vec<u8>, tag: u8, count: usize) {
    out.push(tag);
    out.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

/// The value that `bytes` hold.
///
/// # Errors
/// [`ClaimError`] with the offset of what is wrong.
pub fn decode(bytes: &[u8], limits: DecodeLimits) -> Result<Value, ClaimError> {
    let mut decoder = Decoder { bytes, at: 0, nodes: limits.nodes };
    let value = decoder.value(limits.depth)?;
    if decoder.at < bytes.len() {
        return Err(ClaimError::Trailing { at: decoder.at });
    }
    Ok(value)
}

struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: usize,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, ClaimError> {
        let at = self.at;
        self.nodes = self.nodes.checked_sub(1).ok_or(ClaimError::Limit { what: "nodes", at })?;
        let [tag] = self.array()?;
        Ok(match tag {
            b'N' => Value::None,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'i' => Value::int(i64::from_le_bytes(self.array()?)),
            b'I' => self.large_int()?,
            b'f' => Value::Float(f64::from_le_bytes(self.array()?)),
            b'c' => Value::Complex(f64::from_le_bytes(self.array()?), f64::from_le_bytes(self.array()?)),
            b's' => self.text()?,
            b'b' => Value::Bytes(self.sized()?.to_vec()),
            b'l' => Value::List(self.items(depth)?),
            b't' => Value::Tuple(self.items(depth)?),
            b'S' => Value::Set(self.items(depth)?),
            b'Z' => Value::FrozenSet(self.items(depth)?),
            b'd' => self.dictionary(depth)?,
            _ => return Err(ClaimError::Tag { at, tag }),
        })
    }

    fn large_int(&mut self) -> Result<Value, ClaimError> {
        let [sign] = self.array()?;
        Ok(Value::Int(BigInt::from_le_bytes(sign != 0, self.sized()?)))
    }

    fn text(&mut self) -> Result<Value, ClaimError> {
        let bytes = self.sized()?.to_vec();
        Text::from_bytes(bytes).map(Value::Str).ok_or(ClaimError::Text { at: self.at })
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Value>, ClaimError> {
        let (count, depth) = self.container(depth)?;
        let mut items = Vec::with_capacity(count.min(self.bytes.len() - self.at));
        for _ in 0..count {
            items.push(self.value(depth)?);
        }
        Ok(items)
    }

    fn dictionary(&mut self, depth: usize) -> Result<Value, ClaimError> {
        let (count, depth) = self.container(depth)?;
        let mut pairs = Vec::with_capacity(count.min((self.bytes.len() - self.at) / 2));
        for _ in 0..count {
            pairs.push((self.value(depth)?, self.value(depth)?));
        }
        Ok(Value::Dict(pairs))
    }

    fn container(&mut self, depth: usize) -> Result<(usize, usize), ClaimError> {
        let at = self.at - 1;
        let depth = depth.checked_sub(1).ok_or(ClaimError::Limit { what: "depth", at })?;
        Ok((self.count()?, depth))
    }

    fn sized(&mut self) -> Result<&'a [u8], ClaimError> {
        let count = self.count()?;
        self.take(count)
    }

    fn count(&mut self) -> Result<usize, ClaimError> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ClaimError> {
        let truncated = ClaimError::Truncated { at: self.bytes.len() };
        self.take(N)?.try_into().map_err(|_| truncated)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ClaimError> {
        let end = self.at.checked_add(count);
        let piece = end.and_then(|end| self.bytes.get(self.at..end));
        let piece = piece.ok_or(ClaimError::Truncated { at: self.bytes.len() })?;
        self.at += count;
        Ok(piece)
    }
}
