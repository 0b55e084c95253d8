//! The one more turn that an unreadable answer gets.

use serde::Serialize;

use crate::fence::cut_middle;
use crate::message::{Message, Role};
use crate::parse::AnswerError;
use crate::question::Question;
use crate::template::{PromptError, render};

/// Longest part of the unreadable answer that is sent back, in characters.
const REPLY_CHARS_MAX: usize = 8_000;

/// Asks the same question again, showing the answer that could not be read and why. Its reply is read by the question
/// that was asked first.
#[derive(Debug, Clone, Serialize)]
pub struct Reask {
    #[serde(skip)]
    asked: Vec<Message>,
    reply: String,
    problem: String,
    form: String,
}

impl Reask {
    /// The second turn after `reply` to `question` gave `error`.
    ///
    /// # Errors
    /// As [`Question::messages`].
    pub fn new<Q: Question>(question: &Q, reply: &str, error: &AnswerError) -> Result<Self, PromptError> {
        Ok(Self {
            asked: question.messages()?,
            reply: cut_middle(reply.trim(), REPLY_CHARS_MAX),
            problem: error.to_string(),
            form: question.answer_form(),
        })
    }

    /// The first conversation, the unreadable answer, and what to do about it.
    ///
    /// # Errors
    /// As [`Question::messages`].
    pub fn messages(&self) -> Result<Vec<Message>, PromptError> {
        let mut messages = self.asked.clone();
        // Servers refuse empty messages.
        let said = if self.reply.is_empty() { "(empty answer)" } else { &self.reply };
        messages.push(Message { role: Role::Assistant, content: said.to_owned() });
        messages.extend(render("reask", self)?);
        Ok(messages)
    }
}
