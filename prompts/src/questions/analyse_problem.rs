//! What a problem asks for, point by point.
//!
//! Source: Ridnik et al. 2024, *AlphaCodium*, section 3 ("problem reflection" and "public tests reasoning", here in one
//! question as in the published code); the wording is ours.

use serde::Serialize;

use super::prose;
use crate::feedback::FeedbackLimits;
use crate::fence::cut_middle;
use crate::message::Message;
use crate::parse::{AnswerError, list};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Longest analysis that is kept, in characters. It stands in every later question.
const ANALYSIS_CHARS_MAX: usize = 6_000;

/// Asks for the points of a problem and for an explanation of its visible tests. The answer is one text.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AnalyseProblem<'a> {
    /// The problem.
    pub task: &'a Task,
    /// The visible tests; may be empty. The first six are shown.
    pub tests: &'a [ShownTest],
}

/// A test as a user would write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownTest {
    /// The call, the assertion, or the input.
    pub test: String,
    /// What is expected; empty where the test itself says it.
    pub expected: String,
}

impl Question for AnalyseProblem<'_> {
    type Answer = String;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        #[derive(Serialize)]
        struct Values<'a> {
            task: &'a Task,
            tests: Vec<ShownTest>,
        }
        let limits = FeedbackLimits::default();
        let cut = |text: &str| cut_middle(text, limits.max_value_chars);
        let shown = |test: &ShownTest| ShownTest { test: cut(&test.test), expected: cut(&test.expected) };
        let tests = self.tests.iter().take(limits.max_failed_tests).map(shown).collect();
        render("analyse_problem", &Values { task: self.task, tests })
    }

    fn parse(&self, reply: &str) -> Result<String, AnswerError> {
        let points = list::items(reply).map(|points| points.join("\n"));
        let text = points.or_else(|_| prose(reply, &["analysis", "reflection"]))?;
        Ok(cut_middle(&text, ANALYSIS_CHARS_MAX))
    }

    fn answer_form(&self) -> String {
        "Answer with a list of bullet points in plain English and no code.".to_owned()
    }
}
