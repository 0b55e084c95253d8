//! Asks: one template file per question, one typed struct per template, one tolerant parser per answer.

pub mod message;

pub use message::{Message, Role};
