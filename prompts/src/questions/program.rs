//! What all questions have in common whose answer is one program.

use crate::parse::{AnswerError, code};
use crate::task::{Entry, Task};

/// The form of the answer.
pub(super) fn form(task: &Task) -> String {
    let what = match &task.entry {
        Entry::Function { name, .. } => format!("defines `{name}`"),
        Entry::Stdio => "reads standard input and writes standard output".to_owned(),
    };
    format!("Answer with one complete ```{} code block that {what}, and nothing else.", task.language)
}

/// The program in a reply; where there is a starter to complete, its body alone will do.
pub(super) fn read(task: &Task, reply: &str) -> Result<String, AnswerError> {
    let program = code::program(reply, &task.entry);
    let completes = !task.starter.trim().is_empty();
    match program {
        Err(AnswerError::EntryMissing { .. }) if completes => code::body(reply).map_or(program, Ok),
        _ => program,
    }
}

/// `Question` for a struct with a `task`, rendered from a template, answered by a program's source.
macro_rules! answers_with_program {
    ($question:ident, $template:literal) => {
        impl $crate::question::Question for $question<'_> {
            type Answer = String;

            fn messages(&self) -> Result<Vec<$crate::message::Message>, $crate::template::PromptError> {
                $crate::template::render($template, self)
            }

            fn parse(&self, reply: &str) -> Result<String, $crate::parse::AnswerError> {
                $crate::questions::program::read(self.task, reply)
            }

            fn answer_form(&self) -> String {
                $crate::questions::program::form(self.task)
            }

            fn salvage(&self, reply: &str) -> Option<String> {
                $crate::parse::code::any_code(reply)
            }
        }
    };
}
pub(super) use answers_with_program;
