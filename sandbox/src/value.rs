//! Plain data, as it crosses the border of the sandbox, with Python's equality.

use serde::{Deserialize, Serialize};

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
