//! Checks of configured numbers, as serde field functions: a value out of range is an error that names the range.

use serde::de::{Deserialize, Deserializer, Error};

#[cfg(test)]
mod tests;

/// A sampling temperature, in `[0, 2]`.
pub(crate) fn temperature<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    within(from, "a temperature", 0.0, 2.0)
}

/// A share, in `[0, 1]`.
pub(crate) fn share<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    within(from, "a share", 0.0, 1.0)
}

/// A constant of a formula that must be above 0.
pub(crate) fn positive<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(from)?;
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(D::Error::custom(format_args!("a constant must be above 0, got {value}")))
}

/// A constant of a formula that must not be negative.
pub(crate) fn not_negative<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(from)?;
    if value.is_finite() && value >= 0.0 {
        return Ok(value);
    }
    Err(D::Error::custom(format_args!("a constant must not be negative, got {value}")))
}

/// A count of at least 1 and at most 10 000.
pub(crate) fn count<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    whole(u64::deserialize(from)?)
}

/// A number of votes, from 0 to 100.
pub(crate) fn votes<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let votes = u32::deserialize(from)?;
    if votes <= 100 {
        return Ok(votes);
    }
    Err(D::Error::custom(format_args!("a number of votes must lie in [0, 100], got {votes}")))
}

/// A list of counts, not empty.
pub(crate) fn counts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<usize>, D::Error> {
    let counts = Vec::<u64>::deserialize(from)?;
    if counts.is_empty() {
        return Err(D::Error::custom("the list must hold at least one count"));
    }
    counts.into_iter().map(whole).collect()
}

/// A number of output tokens, at least 1.
pub(crate) fn tokens<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let tokens = u32::deserialize(from)?;
    if tokens > 0 { Ok(tokens) } else { Err(D::Error::custom("an answer needs at least 1 token, got 0")) }
}

fn within<'de, D: Deserializer<'de>>(from: D, what: &str, low: f64, high: f64) -> Result<f64, D::Error> {
    let value = f64::deserialize(from)?;
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    Err(D::Error::custom(format_args!("{what} must lie in [{low}, {high}], got {value}")))
}

fn whole<E: Error>(count: u64) -> Result<usize, E> {
    let fits = usize::try_from(count).ok().filter(|count| (1..=10_000).contains(count));
    fits.ok_or_else(|| E::custom(format_args!("a count must lie in [1, 10000], got {count}")))
}
