//! Runs untrusted programs under limits and says what happened.

pub mod case;
pub mod error;
pub mod limits;
pub mod session;
pub mod value;
pub mod verdict;
#[cfg(feature = "wasm")]
pub mod wasm;
