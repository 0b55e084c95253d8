//! The contract of a question: messages out, a typed answer in.

use crate::message::Message;
use crate::parse::AnswerError;
use crate::template::PromptError;

/// Something that a model can be asked.
///
/// Asking goes: [`messages`](Self::messages), then [`parse`](Self::parse) on the reply; if that fails once,
/// [`Reask`](crate::questions::Reask); if it fails again, [`salvage`](Self::salvage) and nothing more.
pub trait Question {
    /// What a readable reply holds.
    type Answer;

    /// The conversation to send: system, then the task, then examples, then what varies.
    ///
    /// # Errors
    /// [`PromptError`] if a template is broken, which the crate's tests rule out for those it ships.
    fn messages(&self) -> Result<Vec<Message>, PromptError>;

    /// Reads a reply, forgiving in form and strict in content.
    ///
    /// # Errors
    /// [`AnswerError`] says, in words that a model can act on, why the reply could not be read.
    fn parse(&self, reply: &str) -> Result<Self::Answer, AnswerError>;

    /// The form that a reply must have, as an imperative sentence.
    fn answer_form(&self) -> String;

    /// What can still be made of a reply that [`parse`](Self::parse) refused, for use after a second failure.
    /// `None` where a guess would be worse than no answer.
    fn salvage(&self, _reply: &str) -> Option<Self::Answer> {
        None
    }
}
