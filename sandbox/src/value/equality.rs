//! Python's `==` on plain data, and the same with a tolerance.

use std::collections::HashMap;

use super::{BigInt, Value};

/// Whether Python would find `a == b` true. Numbers compare by value across their types (`1 == 1.0 == True`), exactly
/// (`2**53 + 1 != float(2**53)`); sets and dictionaries compare without order. NaN equals nothing, itself included:
/// Python's shortcut for the same object can't be seen from outside.
#[must_use]
pub fn python_eq(a: &Value, b: &Value) -> bool {
    same(a, b, None)
}

/// As [`python_eq`], but a number may differ from the expected one by `atol`, or by `atol` times its magnitude where
/// that is above 1. Two integers must be equal. Members of sets and keys of dictionaries get no tolerance.
#[must_use]
pub fn close(actual: &Value, expected: &Value, atol: f64) -> bool {
    same(actual, expected, Some(atol))
}

fn same(actual: &Value, expected: &Value, atol: Option<f64>) -> bool {
    match (actual, expected) {
        (Value::None, Value::None) => true,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, atol))
        }
        (Value::Set(a) | Value::FrozenSet(a), Value::Set(b) | Value::FrozenSet(b)) => same_members(a, b),
        (Value::Dict(a), Value::Dict(b)) => same_entries(a, b, atol),
        _ => match (Number::of(actual), Number::of(expected)) {
            (Some(a), Some(b)) => a == b || atol.is_some_and(|atol| a.is_near(&b, atol)),
            _ => false,
        },
    }
}

fn same_members(actual: &[Value], expected: &[Value]) -> bool {
    let mut left = Members::new(expected.iter());
    actual.len() == expected.len() && actual.iter().all(|member| left.take(member).is_some())
}

fn same_entries(actual: &[(Value, Value)], expected: &[(Value, Value)], atol: Option<f64>) -> bool {
    let mut left = Members::new(expected.iter().map(|(key, _)| key));
    let mut equal = |(key, value): &(Value, Value)| {
        let found = left.take(key).and_then(|index| expected.get(index));
        found.is_some_and(|(_, expected)| same(value, expected, atol))
    };
    actual.len() == expected.len() && actual.iter().all(&mut equal)
}

/// The first of equal items.
pub(super) fn distinct(items: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::with_capacity(items.len());
    let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
    for item in items {
        let same_digest = seen.entry(digest(&item)).or_default();
        if !same_digest.iter().any(|index| kept.get(*index).is_some_and(|other| python_eq(other, &item))) {
            same_digest.push(kept.len());
            kept.push(item);
        }
    }
    kept
}

/// The first of equal keys with the last of their values.
pub(super) fn distinct_keys(pairs: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(pairs.len());
    let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
    for (key, value) in pairs {
        let same_digest = seen.entry(digest(&key)).or_default();
        let found = same_digest
            .iter()
            .copied()
            .find(|index| kept.get(*index).is_some_and(|(other, _)| python_eq(other, &key)));
        match found.and_then(|index| kept.get_mut(index)) {
            Some(entry) => entry.1 = value,
            None => {
                same_digest.push(kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}

/// The members of the expected set that no actual one has taken yet. Built from the expected side only: an answer
/// made of colliding members finds each of them in a bucket that the test's author filled.
struct Members<'a> {
    buckets: HashMap<u64, Vec<(usize, &'a Value)>>,
}

impl<'a> Members<'a> {
    fn new(members: impl Iterator<Item = &'a Value>) -> Self {
        let mut buckets: HashMap<u64, Vec<(usize, &'a Value)>> = HashMap::new();
        for (index, member) in members.enumerate() {
            buckets.entry(digest(member)).or_default().push((index, member));
        }
        Self { buckets }
    }

    fn take(&mut self, member: &Value) -> Option<usize> {
        let bucket = self.buckets.get_mut(&digest(member))?;
        let at = bucket.iter().position(|(_, other)| python_eq(member, other))?;
        Some(bucket.swap_remove(at).0)
    }
}

/// A hash that agrees with [`python_eq`].
fn digest(value: &Value) -> u64 {
    if let Some(number) = Number::of(value) {
        return number.digest();
    }
    match value {
        Value::Str(text) => mix_bytes(1, text.as_bytes()),
        Value::Bytes(bytes) => mix_bytes(2, bytes),
        Value::List(items) => items.iter().fold(3, |sum, item| mix(sum, digest(item))),
        Value::Tuple(items) => items.iter().fold(4, |sum, item| mix(sum, digest(item))),
        Value::Set(items) | Value::FrozenSet(items) => {
            items.iter().fold(5, |sum: u64, item| sum.wrapping_add(mix(5, digest(item))))
        }
        Value::Dict(pairs) => {
            pairs.iter().fold(6, |sum: u64, (key, _)| sum.wrapping_add(mix(6, digest(key))))
        }
        _ => 0,
    }
}

const fn mix(sum: u64, part: u64) -> u64 {
    (sum.rotate_left(5) ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn mix_bytes(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |sum, byte| mix(sum, u64::from(*byte)))
}

/// A number of any of Python's types.
#[derive(Debug, Clone)]
enum Number<'a> {
    Int(std::borrow::Cow<'a, BigInt>),
    Complex(f64, f64),
}

impl<'a> Number<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Int(std::borrow::Cow::Owned(i64::from(*value).into())),
            Value::Int(value) => Self::Int(std::borrow::Cow::Borrowed(value)),
            Value::Float(value) => Self::Complex(*value, 0.0),
            Value::Complex(real, imaginary) => Self::Complex(*real, *imaginary),
            _ => return None,
        })
    }

    fn digest(&self) -> u64 {
        let (real, imaginary) = self.parts();
        mix((real + 0.0).to_bits(), (imaginary + 0.0).to_bits())
    }

    fn parts(&self) -> (f64, f64) {
        match self {
            Self::Int(value) => (value.to_f64(), 0.0),
            Self::Complex(real, imaginary) => (*real, *imaginary),
        }
    }

    /// Whether one of them is not an integer and they differ by at most `atol * max(1, |expected|)`.
    fn is_near(&self, expected: &Self, atol: f64) -> bool {
        if matches!((self, expected), (Self::Int(_), Self::Int(_))) {
            return false;
        }
        let ((real, imaginary), (wanted, wanted_imaginary)) = (self.parts(), expected.parts());
        let distance = (real - wanted).hypot(imaginary - wanted_imaginary);
        distance <= atol * wanted.hypot(wanted_imaginary).max(1.0) && distance.is_finite()
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Complex(a, i), Self::Complex(b, j)) => a == b && i == j,
            (Self::Int(int), Self::Complex(real, imaginary))
            | (Self::Complex(real, imaginary), Self::Int(int)) => {
                *imaginary == 0.0 && BigInt::from_f64(*real).as_ref() == Some(int.as_ref())
            }
        }
    }
}
