//! Asks: one template file per question, one typed struct per template, one tolerant parser per answer.
//!
//! A [`Question`] renders to chat messages and reads what comes back. It holds plain text only: no task handle,
//! no provider, no policy. The wording lives in `templates/*.jinja`; a file there is one conversation, split into
//! messages by lines such as `--- user ---`, and what never changes comes first, so that servers can cache it.
//!
//! ```
//! use codeagent_prompts::{Entry, Question, Task, questions::DirectProgram};
//!
//! let task = Task {
//!     statement: "Return the sum of two integers.".into(),
//!     entry: Entry::Function { name: "add".into(), signature: Some("def add(a: int, b: int) -> int".into()) },
//!     starter: String::new(),
//!     buggy: None,
//!     language: "python".into(),
//! };
//! let question = DirectProgram { task: &task };
//! assert_eq!(question.messages()?.len(), 2);
//! let program = question.parse("Sure!\n```python\ndef add(a, b):\n    return a + b\n```\n")?;
//! assert_eq!(program, "def add(a, b):\n    return a + b\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod feedback;
mod fence;
pub mod function;
pub mod message;
pub mod parse;
pub mod question;
pub mod questions;
mod scrub;
pub mod task;
mod template;
pub mod trace;

pub use feedback::{FailedTest, FailureKind, Feedback, FeedbackLimits, FeedbackText, Note};
pub use fence::fenced;
pub use function::Function;
pub use message::{Message, Role};
pub use parse::AnswerError;
pub use question::Question;
pub use task::{Entry, Task};
pub use template::PromptError;
pub use trace::{BlockVerdict, ExecutedBlock};
