//! What all questions have in common whose answer is a numbered list of texts.

use super::prose;
use crate::parse::{AnswerError, list};

/// At most `count` different items.
pub(super) fn read(reply: &str, count: usize) -> Result<Vec<String>, AnswerError> {
    let mut kept: Vec<String> = Vec::new();
    for item in list::items(reply)? {
        if kept.len() < count && !kept.contains(&item) {
            kept.push(item);
        }
    }
    if kept.is_empty() { Err(AnswerError::NoItems) } else { Ok(kept) }
}

/// The whole reply as the one item.
pub(super) fn whole(reply: &str) -> Option<Vec<String>> {
    prose(reply, &[]).ok().map(|text| vec![text])
}

/// The form of the answer.
pub(super) fn form(what: &str, count: usize, open: bool) -> String {
    let number = if open { format!("at most {count}") } else { format!("exactly {count}") };
    format!(
        "Answer with a numbered list of {number} {what}: `1.`, `2.` and so on, each at the start of a line."
    )
}
