//! The model that comes with the program: 8.9 million parameters, trained on tasks of our own (`models/embedded`).
//!
//! It writes short Python functions and whole programs from a statement and examples, plans them in one line, and repairs
//! them by what their tests say. It was never shown anything else, so [`EmbeddedStyle`] says each of our questions in the
//! turns it knows, and answers other questions with a refusal of its own, at no cost.

mod names;
mod range;
mod stub;
mod transcript;
mod turn;

use bytes::Bytes;
use codeagent_prompts::Message;

use super::chat::{Asked, ChatError, ChatStyle};
use super::checkpoint::ModelBytes;
use super::error::LoadError;
use super::load::{LoadOptions, LocalModel};

pub use range::is_within;

/// The model's name, in reports and keys.
pub const NAME: &str = "embedded";

/// What it says to a question that is not about writing, planning or repairing a program.
const REFUSAL: &str = "The embedded model only writes, plans and repairs programs.";

/// Loads it.
///
/// # Errors
/// [`LoadError`] where the machine lacks the memory or the device.
pub fn load(options: &LoadOptions) -> Result<LocalModel, LoadError> {
    let bytes = ModelBytes {
        name: NAME.to_owned(),
        weights: Bytes::from_static(include_bytes!("../../embedded/model.gguf")),
        tokenizer: Some(Bytes::from_static(include_bytes!("../../embedded/tokenizer.json"))),
        ..ModelBytes::default()
    };
    LocalModel::from_bytes(bytes, options)
}

/// Our questions in the turns of the embedded model.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmbeddedStyle;

impl ChatStyle for EmbeddedStyle {
    fn ask(&self, messages: &[Message]) -> Result<Asked, ChatError> {
        Ok(turn::read(messages).map_or_else(|| Asked::Known(REFUSAL.to_owned()), Asked::Prompt))
    }
}

#[cfg(test)]
mod tests;
