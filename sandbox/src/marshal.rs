//! Plain data in Python's `marshal` format: how requests are written.
//!
//! Only towards a contained program, whose interpreter reads it at the speed of C. What comes back is a claim
//! ([`crate::claim`]); nothing on this side reads `marshal`.
//!
//! Source: CPython, `Python/marshal.c`, format version 2: a tag byte, then the value; lengths are little-endian `u32`,
//! large integers are digits of 15 bits.

use crate::value::{BigInt, Value};

/// The bytes of a value.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
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
            out.push(b'g');
            out.extend(value.to_le_bytes());
        }
        Value::Complex(real, imaginary) => {
            out.push(b'y');
            out.extend(real.to_le_bytes());
            out.extend(imaginary.to_le_bytes());
        }
        Value::Str(text) => put_sized(out, b'u', text.as_bytes()),
        Value::Bytes(bytes) => put_sized(out, b's', bytes),
        Value::List(items) => put_items(out, b'[', items),
        Value::Tuple(items) => put_items(out, b'(', items),
        Value::Set(items) => put_items(out, b'<', items),
        Value::FrozenSet(items) => put_items(out, b'>', items),
        Value::Dict(pairs) => {
            out.push(b'{');
            for (key, value) in pairs {
                put(out, key);
                put(out, value);
            }
            out.push(b'0');
        }
    }
}

fn put_int(out: &mut Vec<u8>, value: &BigInt) {
    if let Some(small) = value.to_i64().and_then(|value| i32::try_from(value).ok()) {
        out.push(b'i');
        out.extend(small.to_le_bytes());
        return;
    }
    let digits = digits(&value.to_le_bytes());
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    out.push(b'l');
    out.extend((if value.is_negative() { -count } else { count }).to_le_bytes());
    out.extend(digits.iter().flat_map(|digit| digit.to_le_bytes()));
}

/// Digits of 15 bits, the lowest first and the highest not zero.
fn digits(magnitude: &[u8]) -> Vec<u16> {
    const BITS: u32 = 15;
    let mut digits = Vec::with_capacity(magnitude.len() * 8 / 15 + 1);
    let (mut window, mut held) = (0_u32, 0);
    for byte in magnitude {
        window |= u32::from(*byte) << held;
        held += 8;
        if held >= BITS {
            digits.push(low(window));
            (window, held) = (window >> BITS, held - BITS);
        }
    }
    digits.push(low(window));
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}

const fn low(window: u32) -> u16 {
    let [first, second, ..] = window.to_le_bytes();
    u16::from_le_bytes([first, second]) & 0x7fff
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literal::parse;

    /// `expected` is what `marshal.dumps(value, 2)` gives, but for interned strings.
    fn check(literal: &str, expected: &[u8]) {
        assert_eq!(encode(&parse(literal).unwrap()), expected, "{literal}");
    }

    #[test]
    fn values_are_written_as_python_reads_them() {
        check("[None, True, False]", b"[\x03\0\0\0NTF");
        check("-2", b"i\xfe\xff\xff\xff");
        check("2147483648", b"l\x03\0\0\0\0\0\0\0\x02\0");
        check("-32768", b"i\x00\x80\xff\xff");
        check("-1152921504606846976", b"l\xfb\xff\xff\xff\0\0\0\0\0\0\0\0\x01\0");
        check("(1.5, 'a\u{e9}')", b"(\x02\0\0\0g\0\0\0\0\0\0\xf8?u\x03\0\0\0a\xc3\xa9");
        check("{b'x': {7}}", b"{s\x01\0\0\0x<\x01\0\0\0i\x07\0\0\x000");
        check("'\\ud800'", b"u\x03\0\0\0\xed\xa0\x80");
        check("1j", b"y\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0?");
    }
}
