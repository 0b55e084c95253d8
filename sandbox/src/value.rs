//! Plain data, as it crosses the border of the sandbox, with Python's equality.

pub mod bigint;
mod canonical;
mod equality;
mod json;
mod repr;
pub mod text;

#[cfg(test)]
pub(crate) mod tests;

use serde::{Deserialize, Serialize};

pub use bigint::BigInt;
pub use canonical::canonical;
pub use equality::{close, python_eq};
pub use json::from_json;
pub use repr::repr;
pub use text::Text;

/// A value of Python's exact built-in types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "v", rename_all = "lowercase")]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of any size, in decimal.
    Int(BigInt),
    /// A float; its bits survive, so NaN and -0.0 do.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// Text. WTF-8, so that lone surrogates survive.
    Str(Text),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A tuple.
    Tuple(Vec<Self>),
    /// A set.
    Set(Vec<Self>),
    /// A frozen set.
    FrozenSet(Vec<Self>),
    /// A dictionary, in insertion order.
    Dict(Vec<(Self, Self)>),
}

impl Value {
    /// A string.
    #[must_use]
    pub fn str(text: impl Into<Text>) -> Self {
        Self::Str(text.into())
    }

    /// An integer.
    #[must_use]
    pub fn int(value: impl Into<BigInt>) -> Self {
        Self::Int(value.into())
    }

    /// A dictionary with text keys.
    #[must_use]
    pub fn fields<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Dict(fields.into_iter().map(|(name, value)| (Self::str(name), value)).collect())
    }

    /// A set of `items` without repetitions, as Python would make it: the first of equal items stays.
    #[must_use]
    pub fn set(items: Vec<Self>) -> Self {
        Self::Set(equality::distinct(items))
    }

    /// A dictionary of `pairs` as Python would make it: of equal keys the first key and the last value stay.
    #[must_use]
    pub fn dict(pairs: Vec<(Self, Self)>) -> Self {
        Self::Dict(equality::distinct_keys(pairs))
    }

    /// The value of a text key, where this is a dictionary that has it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        let Self::Dict(pairs) = self else { return None };
        pairs
            .iter()
            .find(|(key, _)| matches!(key, Self::Str(text) if text.as_bytes() == name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Python's truth of the value.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(value) => !value.is_zero(),
            Self::Float(value) => *value != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::Str(text) => !text.as_bytes().is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) | Self::FrozenSet(items) => {
                !items.is_empty()
            }
            Self::Dict(pairs) => !pairs.is_empty(),
        }
    }

    /// Whether Python could use the value as a key.
    #[must_use]
    pub fn is_hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Set(_) | Self::Dict(_) => false,
            Self::Tuple(items) => items.iter().all(Self::is_hashable),
            _ => true,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::str(value)
    }
}
