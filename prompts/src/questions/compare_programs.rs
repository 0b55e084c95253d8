//! Which of two programs is right where they differ.
//!
//! Source: Li et al. 2025, *S\**, "adaptive input synthesis", where the judge sees both programs with their outputs and
//! answers 0, 1 or 2.

use serde::Serialize;

use crate::message::Message;
use crate::parse::AnswerError;
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for a judgement between two programs.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ComparePrograms<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The program shown first.
    pub first: &'a str,
    /// The program shown second.
    pub second: &'a str,
    /// Inputs on which they differ; may be empty, then the code alone is judged.
    pub runs: &'a [ComparedRun],
}

/// What both programs do on one input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedRun {
    /// The input, as a person would write it.
    pub input: String,
    /// What the first program answers.
    pub first: String,
    /// What the second one answers.
    pub second: String,
}

impl ComparedRun {
    /// The same run with the programs in the other order.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self { input: self.input, first: self.second, second: self.first }
    }
}

/// The judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preferred {
    /// The program shown first.
    First,
    /// The program shown second.
    Second,
    /// Neither is better.
    Neither,
}

impl Question for ComparePrograms<'_> {
    type Answer = Preferred;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        let shown: Vec<ComparedRun> = self.runs.iter().map(cut).collect();
        render("compare_programs", &ComparePrograms { runs: &shown, ..*self })
    }

    fn parse(&self, reply: &str) -> Result<Preferred, AnswerError> {
        let line = reply.lines().map(bare).rfind(|line| !line.is_empty()).ok_or(AnswerError::Empty)?;
        let word = line.rsplit_once([':', '=']).map_or(line, |(_, word)| bare(word)).to_ascii_lowercase();
        match word.strip_prefix("program").map_or(word.as_str(), str::trim) {
            "1" | "first" => Ok(Preferred::First),
            "2" | "second" => Ok(Preferred::Second),
            "0" | "tie" | "neither" | "none" | "both" => Ok(Preferred::Neither),
            _ => Err(AnswerError::NoVerdict),
        }
    }

    fn answer_form(&self) -> String {
        "Answer with 1, 2 or 0 alone on the last line.".to_owned()
    }
}

/// Values are cut so that a judgement stays short.
fn cut(run: &ComparedRun) -> ComparedRun {
    const CHARS_MAX: usize = 600;
    let cut = |text: &str| crate::fence::cut_middle(text, CHARS_MAX);
    ComparedRun { input: cut(&run.input), first: cut(&run.first), second: cut(&run.second) }
}

fn bare(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || "*_`\"'.!#>-()".contains(character))
}
