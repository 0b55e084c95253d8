//! One function of a program, as questions describe it.

use serde::{Deserialize, Serialize};

/// A function to write or to call: what it is called with and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its header without the colon, such as `def f(a: int) -> int`.
    pub signature: String,
    /// What it does; may be empty.
    pub doc: String,
}
