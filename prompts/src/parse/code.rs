//! The program in an answer.
//!
//! Fenced blocks first: the one that defines the entry point, complete ones before cut ones, later ones before earlier ones.
//! Without a fence, lines that look like code. Prose is never taken for a program.

use super::AnswerError;
use crate::task::Entry;

mod bare;
mod blocks;
mod python;

pub use blocks::{Block, blocks};

/// The program in `reply`, with a line feed at its end.
///
/// # Errors
/// [`AnswerError::Empty`], [`AnswerError::NoCode`], or and where there is code, but not what was asked for,
/// [`AnswerError::EntryMissing`] or [`AnswerError::NoProgram`].
pub fn program(reply: &str, entry: &Entry) -> Result<String, AnswerError> {
    if reply.trim().is_empty() {
        return Err(AnswerError::Empty);
    }
    let found = blocks(reply);
    if let Some(block) = best(&found, entry) {
        return Ok(finished(&block.text));
    }
    // An inline or missing fence: the code may stand in the open.
    if let Some(code) = bare::code(reply).filter(|code| offers(code, entry)) {
        return Ok(finished(&code));
    }
    let any_code = found.iter().any(|block| !block.text.trim().is_empty()) || bare::code(reply).is_some();
    Err(match entry.function() {
        _ if !any_code => AnswerError::NoCode,
        Some(name) => AnswerError::EntryMissing { entry: name.to_owned() },
        None => AnswerError::NoProgram,
    })
}

/// The body of a function without its header, as some models complete a starter: the last complete block whose first line is
/// indented.
#[must_use]
pub fn body(reply: &str) -> Option<String> {
    let indented = |block: &&Block| {
        let first = block.text.lines().find(|line| !line.trim().is_empty());
        first.is_some_and(|line| line.starts_with([' ', '\t']))
    };
    let found = blocks(reply);
    let block = found.iter().filter(|block| block.closed && block.may_be_program()).rfind(indented)?;
    Some(finished(&block.text))
}

/// Any code at all, for an answer that [`program`] refused twice: the last fenced block, or what looks like code.
#[must_use]
pub fn any_code(reply: &str) -> Option<String> {
    let found = blocks(reply);
    let block = found.iter().rfind(|block| block.may_be_program() && !block.text.trim().is_empty());
    block.map(|block| block.text.clone()).or_else(|| bare::code(reply)).map(|code| finished(&code))
}

fn best<'a>(found: &'a [Block], entry: &Entry) -> Option<&'a Block> {
    found
        .iter()
        .filter(|block| block.may_be_program() && offers(&block.text, entry))
        // The last of the greatest.
        .max_by_key(|block| block.closed)
}

/// Whether `code` could be the whole answer for `entry`.
fn offers(code: &str, entry: &Entry) -> bool {
    match entry.function() {
        Some(name) => python::defines(code, name),
        None => python::talks(code),
    }
}

fn finished(code: &str) -> String {
    let body = code.trim_start_matches(['\n', '\r']).trim_end();
    format!("{body}\n")
}

#[cfg(test)]
mod tests;
