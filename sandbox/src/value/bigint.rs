//! Integers of any size: only what carrying, comparing and printing them takes, no arithmetic for users.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A decimal chunk: the largest power of ten in a limb.
const CHUNK: u32 = 1_000_000_000;
const CHUNK_DIGITS: usize = 9;

/// An integer of any size. Serialises as its decimal digits in a string.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BigInt(Form);

/// `Large` only for what `Small` can't hold, so that equality is structural.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Form {
    Small(i64),
    /// Little-endian limbs, the last one not zero.
    Large {
        negative: bool,
        limbs: Vec<u32>,
    },
}

/// The text is not a decimal integer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal integer")]
pub struct NotAnInteger;

impl BigInt {
    /// The integer with this sign and these little-endian magnitude bytes.
    #[must_use]
    pub fn from_le_bytes(negative: bool, magnitude: &[u8]) -> Self {
        let limbs = magnitude
            .chunks(4)
            .map(|chunk| chunk.iter().rev().fold(0, |limb, byte| limb << 8 | u32::from(*byte)))
            .collect();
        Self::from_limbs(negative, limbs)
    }

    /// The integer that `digits` spell in `radix` (2 to 36), without sign or underscores; `None` for anything else.
    /// Takes time quadratic in the number of digits.
    #[must_use]
    pub fn from_digits(digits: &str, radix: u32) -> Option<Self> {
        if digits.is_empty() {
            return None;
        }
        if let Ok(small) = i64::from_str_radix(digits, radix) {
            return digits.starts_with(|first: char| first.is_ascii_alphanumeric()).then(|| small.into());
        }
        let mut limbs = Vec::new();
        for digit in digits.chars() {
            multiply_add(&mut limbs, radix, digit.to_digit(radix)?);
        }
        Some(Self::from_limbs(false, limbs))
    }

    fn from_limbs(negative: bool, mut limbs: Vec<u32>) -> Self {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        if limbs.len() <= 2 {
            let magnitude = limbs.iter().rev().fold(0_i128, |value, limb| value << 32 | i128::from(*limb));
            let value = if negative { -magnitude } else { magnitude };
            if let Ok(small) = i64::try_from(value) {
                return Self(Form::Small(small));
            }
        }
        Self(Form::Large { negative, limbs })
    }

    /// The value, where an `i64` holds it.
    #[must_use]
    pub const fn to_i64(&self) -> Option<i64> {
        match self.0 {
            Form::Small(value) => Some(value),
            Form::Large { .. } => None,
        }
    }

    /// The same magnitude with the other sign.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self::from_limbs(!self.is_negative(), self.limbs())
    }

    /// Whether the value is below zero.
    #[must_use]
    pub const fn is_negative(&self) -> bool {
        match self.0 {
            Form::Small(value) => value < 0,
            Form::Large { negative, .. } => negative,
        }
    }

    /// Whether the value is zero.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        matches!(self.0, Form::Small(0))
    }

    /// The magnitude as little-endian bytes, a multiple of four of them.
    #[must_use]
    pub fn to_le_bytes(&self) -> Vec<u8> {
        self.limbs().iter().flat_map(|limb| limb.to_le_bytes()).collect()
    }

    /// Bits of the magnitude.
    #[must_use]
    pub fn bits(&self) -> usize {
        let limbs = self.limbs();
        limbs.last().map_or(0, |last| limbs.len() * 32 - last.leading_zeros() as usize)
    }

    /// The value as a float: exact below 2**53, otherwise near; infinite where out of range.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nearness is all that is promised")]
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Form::Small(value) => *value as f64,
            Form::Large { negative, limbs } => {
                let magnitude =
                    limbs.iter().rev().fold(0.0, |value, limb| value * 4_294_967_296.0 + f64::from(*limb));
                if *negative { -magnitude } else { magnitude }
            }
        }
    }

    /// The integer that is exactly `value`, if there is one.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() || value.fract() != 0.0 {
            return None;
        }
        let bits = value.abs().to_bits();
        let exponent = (bits >> 52) as i32 - 1075;
        let mantissa = if bits >> 52 == 0 { 0 } else { bits & ((1 << 52) - 1) | 1 << 52 };
        if exponent < 0 {
            // Integral, so only zeros are shifted out.
            return Some(Self::from_le_bytes(
                value < 0.0,
                &mantissa.checked_shr(-exponent as u32).unwrap_or_default().to_le_bytes(),
            ));
        }
        let (limbs, shift) = (exponent as usize / 32, exponent as u32 % 32);
        let mut bytes = vec![0; limbs * 4];
        bytes.extend((u128::from(mantissa) << shift).to_le_bytes());
        Some(Self::from_le_bytes(value < 0.0, &bytes))
    }

    fn limbs(&self) -> Vec<u32> {
        match &self.0 {
            Form::Small(value) => {
                let magnitude = value.unsigned_abs();
                let limbs = [magnitude as u32, (magnitude >> 32) as u32];
                limbs
                    .into_iter()
                    .take(if magnitude >> 32 == 0 { usize::from(magnitude > 0) } else { 2 })
                    .collect()
            }
            Form::Large { limbs, .. } => limbs.clone(),
        }
    }
}

/// `limbs = limbs * factor + add`.
fn multiply_add(limbs: &mut Vec<u32>, factor: u32, add: u32) {
    let mut carry = u64::from(add);
    for limb in limbs.iter_mut() {
        let sum = u64::from(*limb) * u64::from(factor) + carry;
        *limb = sum as u32;
        carry = sum >> 32;
    }
    if carry > 0 {
        limbs.push(carry as u32);
    }
}

/// Divides in place; the remainder.
fn divide(limbs: &mut Vec<u32>, divisor: u32) -> u32 {
    let mut rest = 0;
    for limb in limbs.iter_mut().rev() {
        let part = rest << 32 | u64::from(*limb);
        *limb = (part / u64::from(divisor)) as u32;
        rest = part % u64::from(divisor);
    }
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
    rest as u32
}

impl From<i64> for BigInt {
    fn from(value: i64) -> Self {
        Self(Form::Small(value))
    }
}

/// In decimal. Takes time quadratic in the number of digits.
impl fmt::Display for BigInt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (negative, mut limbs) = match &self.0 {
            Form::Small(value) => return value.fmt(formatter),
            Form::Large { negative, limbs } => (*negative, limbs.clone()),
        };
        let mut chunks = Vec::new();
        while !limbs.is_empty() {
            chunks.push(divide(&mut limbs, CHUNK));
        }
        let mut digits = String::new();
        for chunk in chunks.iter().rev() {
            digits.push_str(&format!("{chunk:0CHUNK_DIGITS$}"));
        }
        formatter.pad_integral(!negative, "", digits.trim_start_matches('0'))
    }
}

impl From<BigInt> for String {
    fn from(value: BigInt) -> Self {
        value.to_string()
    }
}

impl TryFrom<String> for BigInt {
    type Error = NotAnInteger;

    fn try_from(text: String) -> Result<Self, NotAnInteger> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
        let value = Self::from_digits(digits, 10).ok_or(NotAnInteger)?;
        Ok(if negative { value.negated() } else { value })
    }
}
