//! One form for all values that Python finds equal, to hash and to sort by.

use super::{BigInt, Value};

/// Bytes that are equal for values exactly where [`python_eq`](super::python_eq) holds, but for NaN, which is the same as
/// itself here: `1`, `1.0` and `True` have one form, and the order of sets and dictionaries does not matter.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value);
    out
}

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::None => out.push(b'n'),
        Value::Bool(value) => integer(out, &i64::from(*value).into()),
        Value::Int(value) => integer(out, value),
        Value::Float(value) => complex(out, *value, 0.0),
        Value::Complex(real, imaginary) => complex(out, *real, *imaginary),
        Value::Str(text) => bytes(out, b's', text.as_bytes()),
        Value::Bytes(value) => bytes(out, b'b', value),
        Value::List(items) => parts(out, b'l', items.iter().map(canonical).collect()),
        Value::Tuple(items) => parts(out, b't', items.iter().map(canonical).collect()),
        Value::Set(items) | Value::FrozenSet(items) => sorted(out, b'e', items.iter().map(canonical)),
        Value::Dict(pairs) => sorted(out, b'd', pairs.iter().map(|(key, value)| entry(key, value))),
    }
}

fn entry(key: &Value, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    parts(&mut out, b'p', vec![canonical(key), canonical(value)]);
    out
}

fn sorted(out: &mut Vec<u8>, tag: u8, items: impl Iterator<Item = Vec<u8>>) {
    let mut items: Vec<_> = items.collect();
    items.sort_unstable();
    parts(out, tag, items);
}

fn parts(out: &mut Vec<u8>, tag: u8, parts: Vec<Vec<u8>>) {
    out.push(tag);
    out.extend((parts.len() as u64).to_le_bytes());
    out.extend(parts.concat());
}

fn bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
}

fn integer(out: &mut Vec<u8>, value: &BigInt) {
    let sign = if value.is_negative() { b'-' } else { b'+' };
    bytes(out, sign, &value.to_le_bytes());
}

fn complex(out: &mut Vec<u8>, real: f64, imaginary: f64) {
    match BigInt::from_f64(real).filter(|_| imaginary == 0.0) {
        Some(whole) => integer(out, &whole),
        None => {
            out.push(b'c');
            for part in [real, imaginary] {
                // Zero has two signs and NaN many forms.
                let bits = if part.is_nan() { f64::NAN.to_bits() } else { (part + 0.0).to_bits() };
                out.extend(bits.to_le_bytes());
            }
        }
    }
}
