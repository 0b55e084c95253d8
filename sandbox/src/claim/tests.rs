//! The codec: what is encoded is decoded, and nothing else makes trouble.

use proptest::prelude::*;

use super::*;
use crate::value::tests::any_value;

fn check_error(bytes: &[u8], expected: ClaimError) {
    assert_eq!(decode(bytes, DecodeLimits::default()), Err(expected));
}

#[test]
fn damage_is_named_with_its_place() {
    check_error(b"", ClaimError::Truncated { at: 0 });
    check_error(b"NN", ClaimError::Trailing { at: 1 });
    check_error(b"x", ClaimError::Tag { at: 0, tag: b'x' });
    check_error(b"l\x02\0\0\0Nx", ClaimError::Tag { at: 6, tag: b'x' });
    check_error(b"s\xff\xff\xff\xff", ClaimError::Truncated { at: 5 });
    check_error(b"s\x01\0\0\0\xff", ClaimError::Text { at: 6 });
    check_error(b"l\xff\xff\xff\xff", ClaimError::Truncated { at: 5 });
}

#[test]
fn depth_and_nodes_are_limited() {
    let nested = b"l\x01\0\0\0".repeat(200_000);
    check_error(&nested, ClaimError::Limit { what: "depth", at: 500 });
    let limits = DecodeLimits { depth: 2, nodes: 3 };
    assert!(decode(b"l\x02\0\0\0NN", limits).is_ok());
    assert_eq!(decode(b"l\x03\0\0\0NNN", limits), Err(ClaimError::Limit { what: "nodes", at: 7 }));
}

proptest! {
    #[test]
    fn values_survive(value in any_value()) {
        prop_assert_eq!(decode(&encode(&value), DecodeLimits::default()), Ok(value));
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = decode(&bytes, DecodeLimits::default());
    }

    #[test]
    fn a_damaged_claim_is_a_value_or_an_error(
        value in any_value(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = encode(&value);
        *at.get_mut(&mut bytes) = byte;
        if let Ok(read) = decode(&bytes, DecodeLimits::default()) {
            prop_assert!(encode(&read).len() <= bytes.len() + 4);
        }
    }
}

/// The bytes of a value.
fn encode(value: &Value) -> Vec<u8> {
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

